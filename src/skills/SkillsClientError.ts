/**
 * Why a host does not use a skill, or a file of one: what came is not what the skill's entry promised. Except for what
 * the entry itself has wrong, the skill may only have changed since its entry was fetched (`isStale`).
 */
import * as Schema from "effect/Schema"

/** The entry breaks a rule of SEP-2640, so that nothing can be verified by it. @category reasons @since 0.1.0 */
export class InvalidEntry extends Schema.TaggedClass<InvalidEntry>()("InvalidEntry", {
  /** Of the skill's `SKILL.md`. */
  uri: Schema.String,
  problem: Schema.String
}) {
  get message(): string {
    return `The entry of ${this.uri} is wrong: ${this.problem}`
  }
}

/** Its contents differ from one read to the next, so it has no digests. @category reasons @since 0.1.0 */
export class Unverifiable extends Schema.TaggedClass<Unverifiable>()("Unverifiable", { uri: Schema.String }) {
  get message(): string {
    return `The skill ${this.uri} has no digests, so nothing of it can be verified; the option \`dynamic\` loads it nonetheless`
  }
}

/** The file is none of the skill's. @category reasons @since 0.1.0 */
export class NotListed extends Schema.TaggedClass<NotListed>()("NotListed", {
  /** Of the skill's `SKILL.md`. */
  skill: Schema.String,
  /** As it was asked for. */
  file: Schema.String
}) {
  get message(): string {
    return `${JSON.stringify(this.file)} is no file of ${this.skill}`
  }
}

/** @category reasons @since 0.1.0 */
export class SizeMismatch extends Schema.TaggedClass<SizeMismatch>()("SizeMismatch", {
  uri: Schema.String,
  /** Bytes, as listed. */
  listed: Schema.Int,
  /** Bytes that came. */
  read: Schema.Int
}) {
  get message(): string {
    return `${this.uri} has ${this.read} bytes, and was listed with ${this.listed}`
  }
}

/** @category reasons @since 0.1.0 */
export class DigestMismatch extends Schema.TaggedClass<DigestMismatch>()("DigestMismatch", {
  uri: Schema.String,
  listed: Schema.String,
  read: Schema.String
}) {
  get message(): string {
    return `${this.uri} is not what was listed: its digest is ${this.read}, not ${this.listed}`
  }
}

/** The `SKILL.md` says of the skill what its entry does not, or the other way round. @category reasons @since 0.1.0 */
export class FrontmatterMismatch extends Schema.TaggedClass<FrontmatterMismatch>()("FrontmatterMismatch", {
  uri: Schema.String,
  fields: Schema.Array(Schema.String)
}) {
  get message(): string {
    return `The frontmatter of ${this.uri} is not what was listed: ${this.fields.join(", ")}`
  }
}

/** The `SKILL.md` has no frontmatter that can be read. @category reasons @since 0.1.0 */
export class InvalidFrontmatter extends Schema.TaggedClass<InvalidFrontmatter>()("InvalidFrontmatter", {
  uri: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  get message(): string {
    return `The frontmatter of ${this.uri} cannot be read: ${this.problems.join("; ")}`
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  InvalidEntry,
  Unverifiable,
  NotListed,
  SizeMismatch,
  DigestMismatch,
  FrontmatterMismatch,
  InvalidFrontmatter
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class SkillsClientError extends Schema.TaggedError<SkillsClientError>(
  "fastmcp-effect/skills/SkillsClientError"
)("SkillsClientError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
  /** Whether the entry may only be old: fetch it again (`get`), ask the user anew if they had agreed, and load that. */
  get isStale(): boolean {
    return this.reason._tag !== "InvalidEntry" && this.reason._tag !== "Unverifiable"
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): SkillsClientError => new SkillsClientError({ reason })
