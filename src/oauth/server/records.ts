/** What an authorization server keeps, as text and back. What it cannot read any more is as good as gone. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as clientMetadata from "./clientMetadata.ts"
import type * as OAuthStore from "./OAuthStore.ts"

export type Read<A> =
  | {
    readonly _tag: "Live"
    readonly value: A
    readonly entry: OAuthStore.Entry
    readonly grantEntry: OAuthStore.Entry | undefined
  }
  | Exclude<OAuthStore.Found, { readonly _tag: "Live" }>

/** Entries of one kind. */
export interface Shelf<A> {
  readonly key: (id: string) => OAuthStore.Key
  readonly entry: (value: A, expiresAt: number, grant?: string) => OAuthStore.Entry
  readonly read: (found: OAuthStore.Found) => Read<A>
}

const shelf = <A, I>(kind: string, schema: Schema.Codec<A, I>): Shelf<A> => {
  const encode = SchemaParser.encodeSync(schema)
  // Not of a JSON text as a schema, which takes twice as long.
  const decode = SchemaParser.decodeUnknownResult(schema)
  return {
    key: (id) => ({ kind, id }),
    entry: (value, expiresAt, grant) => ({ data: JSON.stringify(encode(value)), expiresAt, grant }),
    read: (found) => {
      if (found._tag !== "Live") return found
      const decoded = decode(parse(found.entry.data))
      return Result.isSuccess(decoded)
        ? { _tag: "Live", value: decoded.success, entry: found.entry, grantEntry: found.grantEntry }
        : { _tag: "Absent" }
    }
  }
}

/** Undefined for what is no JSON, which no record is. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const text = Schema.String
const optional = Schema.optionalKey(Schema.String)
const strings = Schema.Array(Schema.String)
const millis = Schema.Finite

/** What a user is asked for, whoever asks. */
const asked = {
  clientId: text,
  resource: text,
  scopes: strings,
  prompt: strings,
  /** Seconds. */
  maxAge: Schema.optionalKey(Schema.Finite),
  loginHint: optional,
  /** Scopes that it does not ask for and gets something of; the user is asked about them as well. */
  alsoAsked: Schema.optionalKey(strings),
  /** Who it has to be. */
  subject: optional
}

/** What a client has asked for, when all of it has been checked. */
export const AuthorizationRequest = Schema.Struct({
  ...asked,
  redirectUri: text,
  state: optional,
  nonce: optional,
  challenge: text,
  /** The key that the code is bound to. */
  jkt: optional,
  /** Claims it asks for by name (OpenID Connect, 5.5). */
  claims: Schema.optionalKey(Schema.Struct({ userinfo: strings, idToken: strings }))
})

export type AuthorizationRequest = typeof AuthorizationRequest.Type

/** What a device has asked for, when its user has typed its code. */
export const DeviceRequest = Schema.Struct({
  ...asked,
  /** The hash of the code it polls with. */
  device: text,
  /** As it is shown. */
  userCode: text
})

export type DeviceRequest = typeof DeviceRequest.Type

export const User = Schema.Struct({
  subject: text,
  authenticatedAt: millis,
  methods: Schema.optionalKey(strings),
  name: optional,
  kept: optional
})

/** What a user has allowed a client; codes and refresh tokens belong to it. */
export const Grant = Schema.Struct({
  clientId: text,
  /** Undefined where a client has come for itself. */
  subject: text,
  resource: text,
  scopes: strings,
  authenticatedAt: millis,
  methods: Schema.optionalKey(strings),
  nonce: optional,
  claims: Schema.optionalKey(Schema.Struct({ userinfo: strings, idToken: strings })),
  /** The login in whose browser it was given. */
  session: optional,
  kept: optional
})

export type Grant = typeof Grant.Type

export const grants = shelf("grant", Grant)

/** The grant that something was found with. */
export const grantOf = ({ grantEntry }: { readonly grantEntry: OAuthStore.Entry | undefined }): Read<Grant> =>
  grantEntry === undefined ? { _tag: "Absent" } : grants.read({ _tag: "Live", entry: grantEntry })

/** What a request for the tokens of a code has to fit. */
export const Code = Schema.Struct({ clientId: text, redirectUri: text, challenge: text, jkt: optional })

export type Code = typeof Code.Type

export const codes = shelf("code", Code)

export const refreshTokens = shelf(
  "refresh",
  Schema.Struct({
    clientId: text,
    scopes: strings,
    jkt: optional,
    /** When its grant ends, however often it is renewed. */
    endsAt: millis
  })
)

/** A user on the way from a client and back. */
export const Interaction = Schema.Struct({
  request: Schema.Union([AuthorizationRequest, DeviceRequest]),
  /** The hash of the cookie of the browser it was begun in. */
  browser: text,
  user: Schema.optionalKey(User),
  session: optional,
  hasConsented: Schema.Boolean,
  /** Whether somebody who has logged in before has to do so again. */
  isForced: Schema.Boolean,
  /** What the login has kept. */
  kept: optional
})

export type Interaction = typeof Interaction.Type

export const interactions = shelf("interaction", Interaction)

/** Somebody who has logged in with a browser, and is still there. */
export const sessions = shelf("session", User)

/** A request that was sent ahead (RFC 9126). */
export const pushedRequests = shelf("request", AuthorizationRequest)

/** A device that waits for its user. It belongs to the grant once there is one. */
export const Device = Schema.Struct({
  clientId: text,
  resource: text,
  scopes: strings,
  state: Schema.Literals(["pending", "allowed", "denied"]),
  /** The hash of the code that its user types. */
  userCode: text,
  /** When its codes expire; it is kept for longer, to say so. */
  endsAt: millis
})

export type Device = typeof Device.Type

export const devices = shelf("device", Device)

/** By the hash of what a user types, the hash of what its device polls with. */
export const userCodes = shelf("user-code", Schema.Struct({ device: text }))

/** When a device has polled, and the seconds it has to wait. */
export const polls = shelf("poll", Schema.Struct({ at: millis, interval: Schema.Finite }))

/** A client that has registered itself. */
export const registrations = shelf("client", clientMetadata.Kept)

/** The id of an access token that is void before its time. */
export const revocations = shelf("revoked", Schema.Struct({}))
