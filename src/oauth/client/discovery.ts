/**
 * From a server that asks for a token to who gives it out: its own metadata (RFC 9728), and that of the authorization
 * server it names (RFC 8414, OpenID Connect Discovery).
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Metadata from "../Metadata.ts"
import * as OAuthError from "../OAuthError.ts"
import * as endpoints from "./endpoints.ts"

/** What is to be let in to, and by whom. */
export interface Found {
  /** The name of the server for `resource` parameters, as it writes it; undefined where it has none. */
  readonly resource: string | undefined
  readonly server: Metadata.AuthorizationServer
  /** What it says there is to ask for. */
  readonly scopes: ReadonlyArray<string> | undefined
  /** Whether it takes no token without a proof. */
  readonly wantsDpop: boolean
  /** Whether the authorization server has described itself; from one that has not, little can be demanded. */
  readonly isDescribed: boolean
}

export interface Options {
  readonly services: endpoints.Services
  /** The address that is protected. */
  readonly address: URL
  /** Where its challenge says that its metadata is. */
  readonly resourceMetadata: string | undefined
  /** The issuer to go to where it names several, or does not say. */
  readonly prefer: (issuers: ReadonlyArray<string>) => string
}

type Result<A> = Effect.Effect<A, OAuthError.OAuthError>

const ResourceMetadata = Schema.fromJsonString(Schema.Struct({
  resource: Schema.String,
  authorization_servers: Schema.optionalKey(Schema.Array(Schema.String)),
  scopes_supported: Schema.optionalKey(Schema.Array(Schema.String)),
  dpop_bound_access_tokens_required: Schema.optionalKey(Schema.Boolean)
}))

const ServerMetadata = Schema.fromJsonString(Metadata.AuthorizationServer)

export const discover = (options: Options): Result<Found> =>
  Effect.gen(function*() {
    const { address } = options
    const described = yield* ofResource(options)
    if (described === undefined) return yield* ofOrigin(options)
    const { authorization_servers: issuers = [], resource, scopes_supported: scopes } = described
    if (!covers(resource, address)) {
      return yield* OAuthError.make(new OAuthError.ResourceMismatch({ server: nameOf(address), resource }))
    }
    if (issuers.length === 0) {
      return yield* nowhere(address, "its metadata names no authorization server")
    }
    const issuer = options.prefer(issuers)
    const server = yield* ofIssuer(options.services, issuer)
    if (server === undefined) return yield* nowhere(address, `${issuer}, whom it names, has no metadata`)
    return {
      resource,
      server,
      scopes,
      wantsDpop: described.dpop_bound_access_tokens_required === true,
      isDescribed: true
    }
  })

const ofResource = (
  { address, resourceMetadata, services }: Options
): Result<typeof ResourceMetadata.Type | undefined> =>
  Effect.gen(function*() {
    // Whoever is refused may be refused because what was true an hour ago is so no more.
    const read = (url: string) => endpoints.document(services, ResourceMetadata, url, false)
    if (resourceMetadata !== undefined) {
      if (!URL.canParse(resourceMetadata)) {
        return yield* nowhere(address, "the address of its metadata is none")
      }
      const found = yield* read(resourceMetadata)
      if (found !== undefined) return found
    }
    const { origin, search } = address
    const path = address.pathname.replace(/\/$/u, "")
    for (const place of new Set([`${path}${search}`, path, ""])) {
      const found = yield* read(`${origin}/.well-known/oauth-protected-resource${place}`)
      if (found !== undefined) return found
    }
    return undefined
  })

export const ofIssuer = (
  services: endpoints.Services,
  issuer: string
): Result<Metadata.AuthorizationServer | undefined> =>
  Effect.gen(function*() {
    yield* Effect.mapError(services.safe.check(issuer), endpoints.failed)
    for (const url of Metadata.locations(issuer)) {
      const found = yield* endpoints.document(services, ServerMetadata, url, true)
      if (found === undefined) continue
      // As text: whatever makes two of them alike makes somebody else's alike too.
      if (found.issuer !== issuer) {
        return yield* OAuthError.make(
          new OAuthError.IssuerMismatch({ expected: issuer, found: found.issuer, where: "metadata" })
        )
      }
      return found
    }
    return undefined
  })

/** As of 2025-03-26, where a server is its own authorization server, described or not. */
const ofOrigin = (options: Options): Result<Found> =>
  Effect.map(ofIssuer(options.services, options.address.origin), (server) => ({
    resource: undefined,
    server: server ?? {
      issuer: options.address.origin,
      authorization_endpoint: `${options.address.origin}/authorize`,
      token_endpoint: `${options.address.origin}/token`,
      registration_endpoint: `${options.address.origin}/register`
    },
    scopes: undefined,
    wantsDpop: false,
    isDescribed: server !== undefined
  }))

/** Whether a server at this address may call itself this: the address, or one above it. */
const covers = (resource: string, address: URL): boolean => {
  if (!URL.canParse(resource) || resource.includes("#")) return false
  const { origin, pathname, search } = new URL(resource)
  if (origin !== address.origin || (search !== "" && search !== address.search)) return false
  const path = pathname.replace(/\/$/u, "")
  return address.pathname === path || address.pathname.startsWith(`${path}/`)
}

const nameOf = ({ origin, pathname }: URL): string => `${origin}${pathname}`

const nowhere = (address: URL, message: string): Result<never> =>
  Effect.fail(OAuthError.make(
    new OAuthError.NoAuthorizationServer({
      server: nameOf(address),
      message: `Who gives out tokens for ${nameOf(address)} cannot be found out: ${message}`
    })
  ))
