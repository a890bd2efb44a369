/** What a client says of itself (RFC 7591), and whether a server can live with it. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as ClientMetadata from "../ClientMetadata.ts"
import * as RedirectUri from "../RedirectUri.ts"
import type * as Client from "./Client.ts"
import * as Refusal from "./Refusal.ts"

/** What those who introduce themselves may use; nobody has looked at them. */
const grantTypes: ReadonlyArray<string> = [
  "authorization_code",
  "refresh_token",
  "urn:ietf:params:oauth:grant-type:device_code"
]

const mostUris = 20

const mostText = 2000

export interface Origin {
  readonly id: string
  readonly origin: "registered" | "document"
  readonly secretHash: string | undefined
  /** Of a client that does not say. */
  readonly authentication: Client.AuthenticationMethod
}

/** Words of a standard for which no client knows any others are passed over. */
export const parse = (json: unknown): Effect.Effect<ClientMetadata.ClientMetadata, Refusal.Refusal> => {
  const decoded = decode(json)
  return Result.isSuccess(decoded)
    ? Effect.succeed(decoded.success)
    : refused("The metadata is not what RFC 7591 says it is.")
}

const decode = SchemaParser.decodeUnknownResult(ClientMetadata.ClientMetadata)

/** R1: a client out of what it says. */
export const toClient = (
  metadata: ClientMetadata.ClientMetadata,
  { authentication, id, origin, secretHash }: Origin
): Effect.Effect<Client.Client, Refusal.Refusal> => {
  const wantedGrants = metadata.grant_types ?? ["authorization_code"]
  const method = metadata.token_endpoint_auth_method ?? authentication
  const redirectUris = metadata.redirect_uris ?? []
  const keys = metadata.jwks?.keys
  const problem = problemOfUris("redirect_uris", redirectUris, metadata.application_type)
    ?? problemOfUris("post_logout_redirect_uris", metadata.post_logout_redirect_uris ?? [], undefined)
  if (problem !== undefined) return Effect.fail(Refusal.make("invalid_redirect_uri", problem))
  if (redirectUris.length === 0 && wantedGrants.includes("authorization_code")) {
    return Effect.fail(Refusal.make("invalid_redirect_uri", "redirect_uris has nothing in it."))
  }
  if ([metadata.client_name, metadata.client_uri, metadata.scope].some((text) => (text ?? "").length > mostText)) {
    return refused(`There are more than ${mostText} characters in a word.`)
  }
  if ([metadata.client_uri, metadata.logo_uri].some((uri) => uri !== undefined && !/^https?:\/\//iu.test(uri))) {
    return refused("client_uri and logo_uri have to be of https:.")
  }
  if ((metadata.response_types ?? ["code"]).some((type) => type !== "code")) {
    return refused("The only response_type is code.")
  }
  if (!isAuthentication(method)) {
    return refused(`token_endpoint_auth_method has to be of: ${methods.join(", ")}.`)
  }
  if (method === "private_key_jwt" && keys === undefined && metadata.jwks_uri === undefined) {
    return refused("private_key_jwt needs jwks or jwks_uri.")
  }
  if (keys !== undefined && metadata.jwks_uri !== undefined) return refused("There is jwks, and jwks_uri as well.")
  if (keys?.some((key) => "d" in key || key.kty === "oct") === true) {
    return refused("There is a key in jwks that is not public.")
  }
  if (keys?.some((key) => !Object.values(key).every(isFlat)) === true) {
    return refused("There is more in a key of jwks than texts and lists of them.")
  }
  if (metadata.jwks_uri !== undefined && !metadata.jwks_uri.startsWith("https://")) {
    return refused("jwks_uri is not of https:.")
  }
  return Effect.succeed({
    id,
    origin,
    name: metadata.client_name,
    uri: metadata.client_uri,
    redirectUris,
    postLogoutRedirectUris: metadata.post_logout_redirect_uris ?? [],
    // Those it does without are no reason to send it away.
    grantTypes: wantedGrants.filter((type) => grantTypes.includes(type)),
    authentication: method,
    secretHash,
    keys,
    jwksUri: metadata.jwks_uri,
    // Whoever introduces itself could have named others: it is the user who says what it gets. Official clients name the
    // scopes of the first challenge here, and would be held to them when a tool needs more.
    scopes: undefined,
    isFirstParty: false,
    introspects: [],
    workload: undefined,
    requiresDpop: metadata.dpop_bound_access_tokens ?? false,
    idTokenAlgorithm: metadata.id_token_signed_response_alg
  })
}

const refused = (description: string) => Effect.fail(Refusal.make("invalid_client_metadata", description))

/** What is nested deeply enough cannot be written again. */
const isFlat = (member: unknown): boolean =>
  typeof member !== "object" || (Array.isArray(member) && member.every((one) => typeof one !== "object"))

const methods: ReadonlyArray<Client.AuthenticationMethod> = [
  "none",
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt"
]

const isAuthentication = (method: string): method is Client.AuthenticationMethod =>
  (methods as ReadonlyArray<string>).includes(method)

const problemOfUris = (
  name: string,
  uris: ReadonlyArray<string>,
  type: "native" | "web" | undefined
): string | undefined => {
  if (uris.length > mostUris) return `${name} has more than ${mostUris} in it.`
  for (const [index, uri] of uris.entries()) {
    const problem = uri.length > mostText
      ? `it has more than ${mostText} characters`
      : RedirectUri.problem(uri) ?? (type === "web" && !uri.startsWith("https://")
        ? "it is not of https:, as it is for a client of application_type web"
        : undefined)
    if (problem !== undefined) return `${name}[${index}] cannot be used: ${problem}.`
  }
  return undefined
}

/** As a store keeps it. */
export const Kept = Schema.Struct({
  metadata: ClientMetadata.ClientMetadata,
  secretHash: Schema.optionalKey(Schema.String)
})
