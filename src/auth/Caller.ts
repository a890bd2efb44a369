/**
 * Somebody who was let in, as transports and handlers will know it.
 */
import * as Identity from "../context/Identity.ts"
import type * as Admission from "../transport/Admission.ts"

/** @category models @since 0.1.0 */
export interface Caller extends Admission.Admitted {
  readonly identity: Identity.Identity
  /** The thumbprint of the key that its token is bound to. */
  readonly jkt?: string | undefined
}

/**
 * `expiresAt` is in Unix milliseconds: an open connection ends then.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (identity: Identity.Identity, expiresAt = Infinity, jkt?: string): Caller => ({
  _tag: "Admitted",
  identity,
  context: Identity.context(identity),
  principal: Identity.principal(identity),
  expiresAt,
  ...(jkt === undefined ? undefined : { jkt })
})
