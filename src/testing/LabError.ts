/**
 * Why a run of a `Lab` came to nothing, beside what the system itself fails with.
 */
import * as Schema from "effect/Schema"

const fibers = {
  /** Node, number, spans, and what it says it waits for (`Lab.waiting`). */
  fibers: Schema.Array(Schema.String)
}

const requests = {
  /** On which link, and what was asked; of links in memory. */
  requests: Schema.Array(Schema.String)
}

/** Nothing is ready, no timer runs, and the system has not ended. @category reasons @since 0.1.0 */
export class Deadlock extends Schema.TaggedClass<Deadlock>()("Deadlock", { ...fibers, ...requests }) {}

/** It works and works, and no time passes. @category reasons @since 0.1.0 */
export class Livelock extends Schema.TaggedClass<Livelock>()("Livelock", { steps: Schema.Int, ...fibers }) {}

/** It has not ended within the time, or the steps, that it may take. @category reasons @since 0.1.0 */
export class TooLong extends Schema.TaggedClass<TooLong>()("TooLong", {
  limit: Schema.String,
  ...fibers,
  ...requests
}) {}

/**
 * Something from outside woke these fibers: a promise, a socket, a timer of the machine. What they do then cannot be
 * repeated from a seed.
 *
 * @category reasons
 * @since 0.1.0
 */
export class Outside extends Schema.TaggedClass<Outside>()("Outside", fibers) {}

/** The system has ended, and these fibers have not. @category reasons @since 0.1.0 */
export class Leaked extends Schema.TaggedClass<Leaked>()("Leaked", fibers) {}

/** Two nodes have one name, or a fault names a node that is not there. @category reasons @since 0.1.0 */
export class Misnamed extends Schema.TaggedClass<Misnamed>()("Misnamed", { message: Schema.String }) {}

/** The node went down while this ran on it. @category reasons @since 0.1.0 */
export class Crashed extends Schema.TaggedClass<Crashed>()("Crashed", { node: Schema.String }) {}

/** What was given as the token of a run is none. @category reasons @since 0.1.0 */
export class InvalidToken extends Schema.TaggedClass<InvalidToken>()("InvalidToken", { token: Schema.String }) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Deadlock, Livelock, TooLong, Outside, Leaked, Misnamed, Crashed, InvalidToken])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class LabError extends Schema.TaggedError<LabError>("fastmcp-effect/testing/LabError")("LabError", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): LabError => new LabError({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Deadlock":
      return list("Nothing can go on: no fiber is ready and no timer runs. These wait", reason.fibers) +
        pending(reason.requests)
    case "Livelock":
      return list(
        `After ${reason.steps} steps no time has passed: something works without waiting. These ran`,
        reason.fibers
      )
    case "TooLong":
      return list(`The system has not ended within ${reason.limit}. These wait or run`, reason.fibers) +
        pending(reason.requests)
    case "Outside":
      return list(
        "These fibers waited for something outside the lab (a promise, a socket, a timer of the machine), " +
          "so the run cannot be repeated from its seed. Give the system something in memory in its place, " +
          "or allow it with `outside: \"wait\"`",
        reason.fibers
      )
    case "Leaked":
      return list("The system has ended, and these fibers have not", reason.fibers)
    case "Misnamed":
      return reason.message
    case "Crashed":
      return `${reason.node} crashed while this ran on it, or was down`
    case "InvalidToken":
      return `${JSON.stringify(reason.token)} is not the token of a run: take the one that a failure or a report names`
  }
}

const list = (what: string, lines: ReadonlyArray<string>): string => [`${what}:`, ...lines].join("\n  ")

const pending = (requests: ReadonlyArray<string>): string =>
  requests.length === 0 ? "" : `\n${list("These requests have no answer", requests)}`
