import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import type { Asking } from "../../server/issuer.ts"
import * as Refusal from "../../server/Refusal.ts"
import type { Catalog } from "../claims.ts"
import { isOfUser } from "../claims.ts"

/** What of the parameter `claims` (OpenID Connect Core, 5.5) has a meaning here; that others are asked for is no error. */
export interface Asked {
  readonly userinfo: ReadonlyArray<string>
  readonly idToken: ReadonlyArray<string>
  /** Who it has to be. */
  readonly subject: string | undefined
}

const Wish = Schema.NullOr(Schema.Struct({
  essential: Schema.optionalKey(Schema.Boolean),
  value: Schema.optionalKey(Schema.Unknown),
  values: Schema.optionalKey(Schema.Array(Schema.Unknown))
}))

const Wishes = Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Wish)))

const decode = SchemaParser.decodeUnknownResult(
  Schema.fromJsonString(Schema.Struct({ userinfo: Wishes, id_token: Wishes }))
)

/** Names in one request. */
const most = 100

const none: Asked = { userinfo: [], idToken: [], subject: undefined }

/** Claims that are asked for by name: those alone whose scopes the client may have, which its user is then asked about. */
export const claims = (
  { client, parameters }: Asking,
  { scopeOf }: Catalog
): Effect.Effect<Asked, Refusal.Refusal> => {
  const given = parameters.get("claims")
  if (given === undefined) return Effect.succeed(none)
  const decoded = decode(given)
  if (Result.isFailure(decoded)) return refused("claims is not what OpenID Connect says it is.")
  const userinfo = decoded.success.userinfo ?? {}
  const idToken = decoded.success.id_token ?? {}
  if (Object.keys(userinfo).length + Object.keys(idToken).length > most) {
    return refused(`There are more than ${most} names in claims.`)
  }
  const acr = idToken["acr"]
  if (acr?.essential === true && (acr.value !== undefined || acr.values !== undefined)) {
    return Effect.fail(Refusal.make("access_denied", "This server does not know the acr that has to be."))
  }
  const subjects = [userinfo["sub"]?.value, idToken["sub"]?.value].filter((value) => value !== undefined)
  if (!subjects.every((value) => typeof value === "string") || new Set(subjects).size > 1) {
    return refused("sub in claims has to be one text.")
  }
  const may = (name: string) => isOfUser(name) && (client.scopes === undefined || client.scopes.includes(scopeOf(name)))
  return Effect.succeed({
    userinfo: Object.keys(userinfo).filter(may),
    idToken: Object.keys(idToken).filter(may),
    subject: subjects[0] as string | undefined
  })
}

const refused = (description: string) => Effect.fail(Refusal.make("invalid_request", description))
