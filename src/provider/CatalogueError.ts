/** Why a catalogue cannot be written, or not be read. */
import * as Schema from "effect/Schema"

const key = { kind: Schema.String, name: Schema.String }

/** Somebody else has written the entry since its version was looked up. @category reasons @since 0.1.0 */
export class Conflict extends Schema.TaggedClass<Conflict>()("Conflict", {
  ...key,
  /** 0 where there should have been none. */
  expected: Schema.Finite,
  /** 0 where there is none. */
  found: Schema.Finite
}) {
  get message(): string {
    const found = this.found === 0 ? "is not there" : `has version ${this.found}`
    const expected = this.expected === 0 ? "should not be there yet" : `should have version ${this.expected}`
    return `The ${named(this)} ${found}, and ${expected}; look it up again, and decide anew.`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** No server could serve this entry. @category reasons @since 0.1.0 */
export class Invalid extends Schema.TaggedClass<Invalid>()("Invalid", { ...key, fault: Schema.String }) {
  get message(): string {
    return `The ${named(this)} cannot be served: ${this.fault}`
  }
  get isRetryable(): boolean {
    return false
  }
}

/** The store does not answer, or not what it should. @category reasons @since 0.1.0 */
export class Unavailable extends Schema.TaggedClass<Unavailable>()("Unavailable", {
  store: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  get message(): string {
    return `The ${this.store} does not answer; try again later.`
  }
  get isRetryable(): boolean {
    return true
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Conflict, Invalid, Unavailable])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class CatalogueError
  extends Schema.TaggedError<CatalogueError>("fastmcp-effect/provider/CatalogueError")("CatalogueError", {
    reason: Reason
  })
{
  override get message(): string {
    return this.reason.message
  }
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): CatalogueError => new CatalogueError({ reason })

const named = ({ kind, name }: { readonly kind: string; readonly name: string }) => `${kind} ${JSON.stringify(name)}`
