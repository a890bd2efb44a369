/**
 * A skill as a value: instructions for a model in a `SKILL.md`, and the files they speak of. The format is that of
 * [Agent Skills](https://agentskills.io/specification); `Skills` serves such values, and `SkillDirectory` reads them from
 * folders.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type * as Definition from "../definition/Definition.ts"
import * as FileContents from "../definition/FileContents.ts"
import type * as McpError from "../protocol/McpError.ts"
import * as contents from "./internal/contents.ts"
import * as frontmatters from "./internal/frontmatter.ts"
import * as place from "./internal/place.ts"
import * as SkillError from "./SkillError.ts"
import type * as SkillSchema from "./SkillSchema.ts"

const TypeId = "~fastmcp-effect/skills/Skill"

/** What is in a file: as it is, or an effect that reads it whenever it is asked for. @category models @since 0.1.0 */
export type Contents<R> = string | Uint8Array | Effect.Effect<string | Uint8Array, McpError.McpError, R>

/** What was read, and whether it is served as text. @category models @since 0.1.0 */
export interface Body {
  readonly bytes: Uint8Array
  readonly isText: boolean
}

/** One file. @category models @since 0.1.0 */
export interface File<out R> {
  /** Below the skill, with `/`. */
  readonly path: string
  /** Undefined where the name tells none; it then depends on what is in it. */
  readonly mimeType: string | undefined
  readonly body: Body | Effect.Effect<Body, McpError.McpError, R>
}

/** `R` is what reading its files needs. @category models @since 0.1.0 */
export interface Skill<out R> {
  readonly [TypeId]: typeof TypeId
  readonly name: string
  readonly description: string
  /** Its place among the skills of a server, which ends in its name: `acme/billing/refunds`. */
  readonly path: string
  readonly frontmatter: SkillSchema.Frontmatter
  /** `SKILL.md` first. */
  readonly files: ReadonlyArray<File<R>>
  readonly dynamic: boolean
  readonly visible: Options["visible"]
}

/** @category models @since 0.1.0 */
export interface Any extends Skill<any> {}

/** What reading its files needs. @category utility types @since 0.1.0 */
export type Services<S> = S extends Skill<infer R> ? R : never

/** Files by their path below the skill, `references/FORMS.md`. @category models @since 0.1.0 */
export interface Files {
  readonly [path: string]: Contents<any> | FileWithType<Contents<any>>
}

/** In place of the media type that a file's name tells. @category models @since 0.1.0 */
export interface FileWithType<C extends Contents<any>> {
  readonly contents: C
  readonly mimeType: string
}

/** @category models @since 0.1.0 */
export interface Options<F extends Files = Files> {
  /** What a server sorts its skills by, `acme/billing`: segments out of letters, digits and `._~-`. None when left out. */
  readonly prefix?: string | undefined
  /** What `SKILL.md` speaks of. */
  readonly files?: F | undefined
  /**
   * Whether one reading gives other contents than the next. Such a skill has no digests, and many hosts refuse it. Leave
   * it out for files whose effects read what stays the same: digests are then made anew with each entry.
   */
  readonly dynamic?: boolean | undefined
  /** Who may see it and read it; to others it does not exist. Everybody when left out. */
  readonly visible?: ((viewer: Definition.Viewer) => boolean) | undefined
}

/** @category models @since 0.1.0 */
export interface MakeOptions<F extends Files, I> extends Options<F> {
  /** What it does and when to use it: all that a model sees of it until it is loaded. At most 1024 characters. */
  readonly description: string
  /** What follows the frontmatter in `SKILL.md`. */
  readonly instructions: I
  /** Further fields, as they are spelled in YAML; those of the specification are checked. */
  readonly frontmatter?: {
    readonly license?: string
    readonly compatibility?: string
    readonly metadata?: Schema.JsonObject
    readonly "allowed-tools"?: string | ReadonlyArray<string>
    readonly [key: string]: Schema.Json
  } | undefined
}

type ServicesOf<C> = C extends Effect.Effect<infer _A, infer _E, infer R> ? R
  : C extends FileWithType<infer I> ? ServicesOf<I>
  : never

/**
 * Makes a skill, and its `SKILL.md` out of the options. What is wrong with it, such as a name that is none, is reported
 * when it is served; `check` does so at once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  const F extends Files = {},
  I extends string | Effect.Effect<string, McpError.McpError, any> = string
>(
  name: string,
  options: MakeOptions<F, I>
): Skill<ServicesOf<F[keyof F]> | ServicesOf<I>> => {
  const { description, instructions } = options
  const frontmatter = { ...{ name, description }, ...options.frontmatter, name, description }
  const manifest = (body: string) => `${frontmatters.render(frontmatter)}\n${body}`
  return assemble(
    frontmatter,
    file("SKILL.md", typeof instructions === "string" ? manifest(instructions) : Effect.map(instructions, manifest)),
    options
  )
}

/**
 * Makes a skill of a `SKILL.md` as it stands, frontmatter and all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromMarkdown = <const F extends Files = {}>(
  markdown: string,
  options: Options<F> = {}
): Effect.Effect<Skill<ServicesOf<F[keyof F]>>, SkillError.SkillError> =>
  Effect.suspend(() => {
    const parsed = frontmatters.parse(markdown)
    const problems = Result.isFailure(parsed) ? parsed.failure : frontmatters.check(parsed.success)
    if (Result.isFailure(parsed) || problems.length > 0) return Effect.fail(invalid("SKILL.md", problems))
    const skill = assemble(parsed.success as SkillSchema.Frontmatter, file("SKILL.md", markdown), options)
    const error = check(skill)
    return error === undefined ? Effect.succeed(skill) : Effect.fail(error)
  })

/** @category guards @since 0.1.0 */
export const isSkill = (value: unknown): value is Any => Predicate.hasProperty(value, TypeId)

/** Why it cannot be served; undefined when it can. @category checks @since 0.1.0 */
export const check = (skill: Any): SkillError.SkillError | undefined => {
  const problems = frontmatters.check(skill.frontmatter)
  if (problems.length > 0) return invalid(`${skill.path}/SKILL.md`, problems)
  const prefix = skill.path.split("/").slice(0, -1).find((segment) => !place.isPrefixSegment(segment))
  if (prefix !== undefined) {
    return misplaced(skill, skill.path, `${JSON.stringify(prefix)} is not made of letters, digits and ._~- alone`)
  }
  const paths = new Set<string>()
  for (const { path } of skill.files) {
    const fault = place.fault(path)
    if (fault !== undefined) return misplaced(skill, path, fault)
    if (paths.has(path)) return misplaced(skill, path, "it is there twice")
    paths.add(path)
  }
  for (const path of paths) {
    const file = place.folders(path).find((folder) => paths.has(folder))
    if (file !== undefined) return misplaced(skill, path, `${file} is a file`)
  }
  return undefined
}

const assemble = (frontmatter: SkillSchema.Frontmatter, manifest: File<any>, options: Options): Any => {
  const { dynamic = false, files = {}, prefix = "", visible } = options
  return {
    [TypeId]: TypeId,
    name: frontmatter.name,
    description: frontmatter.description,
    path: prefix === "" ? frontmatter.name : `${prefix}/${frontmatter.name}`,
    frontmatter,
    files: [
      manifest,
      ...Object.entries(files).map(([path, source]) => {
        return typeof source === "object" && "mimeType" in source
          ? file(path, source.contents, source.mimeType)
          : file(path, source)
      })
    ],
    dynamic,
    visible
  }
}

const file = (path: string, source: Contents<any>, mimeType = FileContents.typeOf(path)): File<any> => ({
  path,
  mimeType,
  body: Effect.isEffect(source)
    ? Effect.map(source, (value) => contents.make(value, mimeType))
    : contents.make(source, mimeType)
})

const invalid = (file: string, problems: ReadonlyArray<string>) =>
  SkillError.make(new SkillError.InvalidFrontmatter({ file, problems }))

const misplaced = (skill: Any, path: string, problem: string) =>
  SkillError.make(new SkillError.InvalidPath({ skill: skill.path, path, problem }))
