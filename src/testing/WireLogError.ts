/**
 * What is wrong between a log and the file it is kept in.
 */
import * as Schema from "effect/Schema"

/** There is no such file yet. @category reasons @since 0.1.0 */
export class NoFile extends Schema.TaggedClass<NoFile>()("NoFile", { path: Schema.String }) {}

/** Other messages went over the wire than the file says. @category reasons @since 0.1.0 */
export class Differs extends Schema.TaggedClass<Differs>()("Differs", {
  path: Schema.String,
  difference: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([NoFile, Differs])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class WireLogError
  extends Schema.TaggedError<WireLogError>("fastmcp-effect/testing/WireLogError")("WireLogError", { reason: Reason })
{
  override get message(): string {
    return describe(this.reason)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): WireLogError => new WireLogError({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "NoFile":
      return `There is no ${reason.path} to compare with: run once with \`update: true\`, and read what it has written`
    case "Differs":
      return `What went over the wire is not what ${reason.path} says; ` +
        `where it is meant to be so, run once with \`update: true\`:\n${reason.difference}`
  }
}
