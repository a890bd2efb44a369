/**
 * What can be wrong with a definition or its use, before any protocol is involved.
 */
import * as Schema from "effect/Schema"

/** One fault in a value: where, and what was wanted. @category models @since 0.1.0 */
export const Issue = Schema.Struct({
  path: Schema.Array(Schema.Union([Schema.String, Schema.Finite])),
  message: Schema.String
})

/** @category models @since 0.1.0 */
export type Issue = typeof Issue.Type

/** No definition has this name. @category reasons @since 0.1.0 */
export class NotFound extends Schema.TaggedClass<NotFound>()("NotFound", {
  kind: Schema.Literals(["tool", "resource", "resource template", "prompt"]),
  name: Schema.String
}) {}

/** The arguments do not fit the definition's parameters. @category reasons @since 0.1.0 */
export class InvalidInput extends Schema.TaggedClass<InvalidInput>()("InvalidInput", {
  name: Schema.String,
  issues: Schema.Array(Issue)
}) {}

/** A result does not fit the definition's success or failure schema. @category reasons @since 0.1.0 */
export class InvalidOutput extends Schema.TaggedClass<InvalidOutput>()("InvalidOutput", {
  name: Schema.String,
  issues: Schema.Array(Issue)
}) {}

/** A tool of a server that declares no such failure ended with `isError`. @category reasons @since 0.1.0 */
export class ExecutionFailed extends Schema.TaggedClass<ExecutionFailed>()("ExecutionFailed", {
  name: Schema.String,
  message: Schema.String
}) {}

/** Two definitions of one kind claim a name. @category reasons @since 0.1.0 */
export class Duplicate extends Schema.TaggedClass<Duplicate>()("Duplicate", {
  kind: Schema.Literals([
    "tool",
    "resource",
    "resource template",
    "prompt",
    "extension",
    "extension method",
    "extension notification",
    "listen filter"
  ]),
  name: Schema.String,
  /** What each of the two says of itself, its title or description, and the way it came if it has come one. */
  definitions: Schema.optionalKey(Schema.Tuple([Schema.String, Schema.String]))
}) {}

/** The definition itself cannot be served. @category reasons @since 0.1.0 */
export class InvalidDefinition extends Schema.TaggedClass<InvalidDefinition>()("InvalidDefinition", {
  name: Schema.String,
  message: Schema.String
}) {}

/** A server would be mounted in itself, by way of others perhaps. @category reasons @since 0.1.0 */
export class MountCycle extends Schema.TaggedClass<MountCycle>()("MountCycle", {
  /** Each server is mounted in the one before it; the first and the last are the same. */
  path: Schema.Array(Schema.String)
}) {}

/** Servers are mounted in each other too many deep. @category reasons @since 0.1.0 */
export class MountTooDeep extends Schema.TaggedClass<MountTooDeep>()("MountTooDeep", {
  path: Schema.Array(Schema.String),
  /** How many mounts may stand one in the other. */
  maximum: Schema.Finite
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([
  NotFound,
  InvalidInput,
  InvalidOutput,
  ExecutionFailed,
  Duplicate,
  InvalidDefinition,
  MountCycle,
  MountTooDeep
])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class DefinitionError extends Schema.TaggedError<DefinitionError>(
  "fastmcp-effect/definition/DefinitionError"
)(
  "DefinitionError",
  { reason: Reason }
) {
  override get message(): string {
    const { reason } = this
    switch (reason._tag) {
      case "NotFound":
        return `No ${reason.kind} is called ${JSON.stringify(reason.name)}`
      case "InvalidInput":
        return `Invalid arguments for ${reason.name}: ${listIssues(reason.issues)}`
      case "InvalidOutput":
        return `${reason.name} returned what its schema does not allow: ${listIssues(reason.issues)}`
      case "ExecutionFailed":
        return `${reason.name} failed: ${reason.message}`
      case "Duplicate":
        return `Two definitions claim the ${reason.kind} ${JSON.stringify(reason.name)}${
          reason.definitions === undefined
            ? ""
            : ` (${reason.definitions.map((text) => JSON.stringify(text)).join(", ")})`
        }; rename one of them`
      case "InvalidDefinition":
        return `${reason.name} cannot be served: ${reason.message}`
      case "MountCycle":
        return `A server cannot be mounted in itself: ${reason.path.join(" > ")}; take one of these mounts away, or ` +
          "make it one that does not follow its server"
      case "MountTooDeep":
        return `Servers may be mounted in each other ${reason.maximum} deep at most: ${reason.path.join(" > ")}`
    }
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): DefinitionError => new DefinitionError({ reason })

const listIssues = (issues: ReadonlyArray<Issue>): string =>
  issues.map(({ message, path }) => path.length === 0 ? message : `${path.join(".")}: ${message}`).join("; ")
