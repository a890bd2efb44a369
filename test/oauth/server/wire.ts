/** What clients and servers in memory fetch from each other: requests go to `handle`, by the host they are for. */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as OAuthClient from "fastmcp-effect/oauth/client/OAuthClient"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import type * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import type * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as WwwAuthenticate from "fastmcp-effect/oauth/WwwAuthenticate"
import * as world from "./world.ts"

type Fetch = SafeFetch.SafeFetch["Service"]["fetch"]

export interface Hosts {
  /** By issuer. */
  readonly servers?: ReadonlyArray<Pick<AuthorizationServer.AuthorizationServer["Service"], "handle" | "issuer">>
  /** By address. */
  readonly documents?: Readonly<Record<string, unknown>>
  /** What was asked for, in order. */
  readonly seen?: Array<string>
}

export const fetch =
  ({ documents = {}, seen = [], servers = [] }: Hosts): Fetch => ({ body, headers = {}, method = "GET", url }) =>
    Effect.gen(function*() {
      seen.push(url)
      const document = documents[url]
      if (document !== undefined) {
        return { status: 200, headers: Headers.empty, text: JSON.stringify(document) }
      }
      const server = servers.find(({ issuer }) => new URL(issuer).origin === new URL(url).origin)
      if (server === undefined) return yield* world.unreachable({ url })
      const request = new Request(url, { method, headers, ...(body === undefined ? undefined : { body }) })
      const response = HttpServerResponse.toWeb(yield* server.handle(HttpServerRequest.fromWeb(request)))
      return {
        status: response.status,
        headers: Headers.fromInput(response.headers),
        text: yield* Effect.promise(() => response.text())
      }
    })

/** The protected server says who gives out tokens. */
export const protectedBy = (issuer: string, own: object = {}): Readonly<Record<string, unknown>> => ({
  "https://acme.example/.well-known/oauth-protected-resource/mcp": {
    resource: world.resource,
    authorization_servers: [issuer],
    scopes_supported: ["notes:read"],
    ...own
  }
})

/** A client of this project gets in to the protected server, or does not. */
export const getIn = (
  grant: OAuthClient.Options<never>["grant"],
  fetch: Fetch,
  own: Partial<OAuthClient.Options<never>> = {}
): Effect.Effect<OAuthClient.Held | undefined, OAuthError.OAuthError> =>
  Effect.gen(function*() {
    const client = yield* OAuthClient.make({ address: new URL(world.resource), grant, ...own })
    yield* client.refused({
      status: 401,
      challenges: WwwAuthenticate.parse("Bearer"),
      sent: undefined,
      attempt: 1,
      isWaitedFor: true
    })
    return yield* client.current
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(
        TokenStore.layerMemory,
        SecureRandom.layerWebCrypto,
        Layer.succeed(SafeFetch.SafeFetch, { fetch, check: (url) => Effect.succeed(new URL(url)) })
      )
    )
  )
