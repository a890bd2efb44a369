/**
 * Why a contract cannot be served by a mock.
 */
import * as Schema from "effect/Schema"

/** The contract has no lists of that revision. @category reasons @since 0.1.0 */
export class NoListing extends Schema.TaggedClass<NoListing>()("NoListing", { revision: Schema.String }) {}

/** No value of the tool's output schema can be made. @category reasons @since 0.1.0 */
export class NoAnswer extends Schema.TaggedClass<NoAnswer>()("NoAnswer", {
  tool: Schema.String,
  message: Schema.String
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([NoListing, NoAnswer])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class ContractError extends Schema.TaggedError<ContractError>("fastmcp-effect/testing/ContractError")(
  "ContractError",
  { reason: Reason }
) {
  override get message(): string {
    return describe(this.reason)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): ContractError => new ContractError({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "NoListing":
      return `The contract says nothing of ${reason.revision}: read it again with that revision, or mock another`
    case "NoAnswer":
      return `No result of ${JSON.stringify(reason.tool)} can be made of its output schema (${reason.message}): ` +
        `give one in \`answers\``
  }
}
