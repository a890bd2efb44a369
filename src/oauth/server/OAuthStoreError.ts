/** Why an authorization server cannot keep or find something. */
import * as Schema from "effect/Schema"

/** The store does not answer, or not what it should. @category reasons @since 0.1.0 */
export class Unavailable extends Schema.TaggedClass<Unavailable>()("Unavailable", {
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get message(): string {
    return "The store of the authorization server does not answer; try again later."
  }
  get isRetryable(): boolean {
    return true
  }
}

/** It keeps as much as it may. @category reasons @since 0.1.0 */
export class Full extends Schema.TaggedClass<Full>()("Full", {
  maximum: Schema.Int
}) {
  get message(): string {
    return `The store of the authorization server keeps ${this.maximum} entries, which is as many as it may.`
  }
  get isRetryable(): boolean {
    return true
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Unavailable, Full])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class OAuthStoreError extends Schema.TaggedError<OAuthStoreError>("fastmcp-effect/oauth/server/OAuthStoreError")(
  "OAuthStoreError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): OAuthStoreError => new OAuthStoreError({ reason })
