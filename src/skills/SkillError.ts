/**
 * Why a skill cannot be served: found when a server is built, or when a folder is read.
 */
import * as Schema from "effect/Schema"

/** The frontmatter of its `SKILL.md` is not what the Agent Skills specification asks for. @category reasons @since 0.1.0 */
export class InvalidFrontmatter extends Schema.TaggedClass<InvalidFrontmatter>()("InvalidFrontmatter", {
  /** The `SKILL.md`. */
  file: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  get message(): string {
    return `The frontmatter of ${this.file} is wrong: ${this.problems.join("; ")}`
  }
}

/** A skill's name is its folder's, because hosts tell the name from the URI. @category reasons @since 0.1.0 */
export class NameMismatch extends Schema.TaggedClass<NameMismatch>()("NameMismatch", {
  folder: Schema.String,
  name: Schema.String
}) {
  get message(): string {
    return `The folder ${this.folder} holds a skill called ${JSON.stringify(this.name)}; give both one name`
  }
}

/** There is no `SKILL.md`, spelled like that. @category reasons @since 0.1.0 */
export class MissingManifest extends Schema.TaggedClass<MissingManifest>()("MissingManifest", {
  folder: Schema.String,
  /** A file whose name differs in case only. */
  found: Schema.optionalKey(Schema.String)
}) {
  get message(): string {
    return this.found === undefined
      ? `The folder ${this.folder} has no SKILL.md`
      : `The folder ${this.folder} has no SKILL.md; rename ${this.found}`
  }
}

/** A path that has no place below `skill://`. @category reasons @since 0.1.0 */
export class InvalidPath extends Schema.TaggedClass<InvalidPath>()("InvalidPath", {
  skill: Schema.String,
  path: Schema.String,
  problem: Schema.String
}) {
  get message(): string {
    return `${JSON.stringify(this.path)} of the skill ${this.skill} cannot be served: ${this.problem}`
  }
}

/** More than every host has to accept. @category reasons @since 0.1.0 */
export class LimitExceeded extends Schema.TaggedClass<LimitExceeded>()("LimitExceeded", {
  skill: Schema.String,
  limit: Schema.Literals(["files", "bytes"]),
  maximum: Schema.Int
}) {
  get message(): string {
    return `The skill ${this.skill} has more than ${this.maximum} ${this.limit}; hosts may refuse it`
  }
}

/** Two skills are at one path. @category reasons @since 0.1.0 */
export class Duplicate extends Schema.TaggedClass<Duplicate>()("Duplicate", { uri: Schema.String }) {
  get message(): string {
    return `Two skills are at ${this.uri}; give one of them another prefix`
  }
}

/** A skill inside another one has a file that the other one has with different contents. @category reasons @since 0.1.0 */
export class Conflict extends Schema.TaggedClass<Conflict>()("Conflict", {
  uri: Schema.String,
  skills: Schema.Tuple([Schema.String, Schema.String])
}) {
  get message(): string {
    return `The skills ${this.skills.join(" and ")} both have ${this.uri}, and not the same in it`
  }
}

/** A link that leads out of the folder, or to another folder. @category reasons @since 0.1.0 */
export class ForbiddenLink extends Schema.TaggedClass<ForbiddenLink>()("ForbiddenLink", {
  path: Schema.String,
  target: Schema.String
}) {
  get message(): string {
    return `${this.path} is a link to ${this.target}; only links to files of the same folder are followed`
  }
}

/** The file system says no, or what is there is neither a file nor a folder. @category reasons @since 0.1.0 */
export class Unreadable extends Schema.TaggedClass<Unreadable>()("Unreadable", {
  path: Schema.String,
  text: Schema.String
}) {
  get message(): string {
    return `${this.path} could not be read: ${this.text}`
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  InvalidFrontmatter,
  NameMismatch,
  MissingManifest,
  InvalidPath,
  LimitExceeded,
  Duplicate,
  Conflict,
  ForbiddenLink,
  Unreadable
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class SkillError extends Schema.TaggedError<SkillError>("fastmcp-effect/skills/SkillError")("SkillError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): SkillError => new SkillError({ reason })
