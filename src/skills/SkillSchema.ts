/**
 * What the extension `io.modelcontextprotocol/skills` (SEP-2640) says on the wire: a skill's entry, and the parameters
 * and results of its three methods.
 */
import * as Schema from "effect/Schema"
import * as McpSchema from "../protocol/McpSchema.ts"

/** @category constants @since 0.1.0 */
export const extensionId = "io.modelcontextprotocol/skills"

/** What every host accepts of one skill, and more of it a host may refuse. @category constants @since 0.1.0 */
export const limits = { files: 512, bytes: 16 * 1024 * 1024 } as const

/** The media type by which a directory is told from a file. @category constants @since 0.1.0 */
export const directoryType = "inode/directory"

/** All that the YAML at the head of a `SKILL.md` says, as JSON. @category models @since 0.1.0 */
export const Frontmatter = Schema.StructWithRest(
  Schema.Struct({ name: Schema.String, description: Schema.String }),
  [Schema.Record(Schema.String, Schema.Json)]
)

/** @category models @since 0.1.0 */
export type Frontmatter = typeof Frontmatter.Type

/**
 * One file of a skill as its host verifies it. Digest and size are of the file's raw bytes, before base64. A digest
 * shows that two answers of one server agree, and nothing about whether to trust them.
 *
 * @category models
 * @since 0.1.0
 */
export const SkillResource = Schema.Struct({
  uri: Schema.String,
  /** `sha256:` and 64 hexadecimal digits in lower case. */
  digest: Schema.String.check(Schema.isPattern(/^sha256:[0-9a-f]{64}$/u)),
  size: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
})

/** @category models @since 0.1.0 */
export type SkillResource = typeof SkillResource.Type

/** A skill without its contents. @category models @since 0.1.0 */
export const SkillEntry = Schema.Struct({
  /** Of its `SKILL.md`. */
  uri: Schema.String,
  frontmatter: Frontmatter,
  /** Every file once, `SKILL.md` among them; or `dynamic`, where contents differ from one read to the next. */
  resources: Schema.Union([Schema.Array(SkillResource), Schema.Literal("dynamic")])
})

/** @category models @since 0.1.0 */
export type SkillEntry = typeof SkillEntry.Type

/** @category methods @since 0.1.0 */
export const ListSkillsResult = Schema.Struct({
  skills: Schema.Array(SkillEntry),
  nextCursor: Schema.optionalKey(Schema.String)
})

/** @category methods @since 0.1.0 */
export type ListSkillsResult = typeof ListSkillsResult.Type

/** @category methods @since 0.1.0 */
export const GetSkillParams = Schema.Struct({ uri: Schema.String })

/** @category methods @since 0.1.0 */
export type GetSkillParams = typeof GetSkillParams.Type

/** @category methods @since 0.1.0 */
export const GetSkillResult = Schema.Struct({ skill: SkillEntry })

/** @category methods @since 0.1.0 */
export type GetSkillResult = typeof GetSkillResult.Type

/** @category methods @since 0.1.0 */
export const ReadDirectoryParams = Schema.Struct({
  uri: Schema.String,
  cursor: Schema.optionalKey(Schema.String)
})

/** @category methods @since 0.1.0 */
export type ReadDirectoryParams = typeof ReadDirectoryParams.Type

/** What is in a directory, not in those below it. @category methods @since 0.1.0 */
export const ReadDirectoryResult = Schema.Struct({
  resources: Schema.Array(McpSchema.Resource),
  nextCursor: Schema.optionalKey(Schema.String)
})

/** @category methods @since 0.1.0 */
export type ReadDirectoryResult = typeof ReadDirectoryResult.Type
