/**
 * What can go wrong between two peers below the protocol.
 */
import * as Schema from "effect/Schema"

/** The other side is gone. @category reasons @since 0.1.0 */
export class Closed extends Schema.TaggedClass<Closed>()("Closed", {
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return true
  }
}

/** The address could not be listened on. @category reasons @since 0.1.0 */
export class Refused extends Schema.TaggedClass<Refused>()("Refused", {
  address: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get isRetryable(): boolean {
    return false
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Closed, Refused])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class TransportError extends Schema.TaggedError<TransportError>(
  "fastmcp-effect/transport/TransportError"
)("TransportError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason._tag === "Closed"
      ? "The connection is closed"
      : `Cannot listen on ${this.reason.address}: is another program using it?`
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): TransportError => new TransportError({ reason })
