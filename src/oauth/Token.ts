/**
 * An access token as a client has it. Its text is `Redacted`, and stands in the open only where it is kept or sent.
 */
import * as Schema from "effect/Schema"

const secret = Schema.RedactedFromValue(Schema.String)

/** @category schemas @since 0.1.0 */
export const Token = Schema.Struct({
  access: secret,
  /** How it is sent: alone, or with a proof that its sender has a key. */
  type: Schema.Literals(["Bearer", "DPoP"]),
  /** Milliseconds since 1970, by the clock of this client; undefined where the server does not say. */
  expiresAt: Schema.optionalKey(Schema.Finite),
  /** When it is time for the next one; undefined likewise. */
  renewAt: Schema.optionalKey(Schema.Finite),
  refresh: Schema.optionalKey(secret),
  /** What it is good for. Undefined where the server has not said, which means: what was asked for. */
  scopes: Schema.optionalKey(Schema.Array(Schema.String))
})

/** @category models @since 0.1.0 */
export type Token = typeof Token.Type
