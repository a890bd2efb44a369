/** The official client and ours get in from a bare 401, however the authorization server comes to know them. */
import { assert, describe, it } from "@effect/vitest"
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as ClientAuth from "fastmcp-effect/client/ClientAuth"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import type * as AuthorizationCode from "fastmcp-effect/oauth/client/AuthorizationCode"
import * as TokenStore from "fastmcp-effect/oauth/client/TokenStore"
import * as UserAgent from "fastmcp-effect/oauth/client/UserAgent"
import * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import * as officialUser from "../support/officialUser.ts"
import { clientDocument, desktop, own, person, proxied, redirectUri, serve } from "./ownAuthorization.ts"

const registrations = ["by a document", "by registering itself", "by hand"] as const

type Registration = typeof registrations[number]

const servers = { "an authorization server of ours": serve(own), "our proxy before oidc-provider": serve(proxied) }

/** Of an application that is known in one of these ways. */
const official = (registration: Registration, issuer: string): officialUser.User => {
  const visit = person()
  return officialUser.make({
    redirectUri,
    metadata: {
      grant_types: ["authorization_code", "refresh_token"],
      // Or it registers for the scopes of the first challenge alone.
      scope: "notes:read notes:write notes:purge"
    },
    ...(registration === "by a document" ? { metadataUrl: clientDocument } : undefined),
    ...(registration === "by hand"
      ? { registered: { client_id: desktop.id, client_secret: desktop.secret, issuer } }
      : undefined),
    visit: ({ href }) => visit(href)
  })
}

const expectedId = (registration: Registration, id: string | undefined): void => {
  if (registration === "by a document") assert.strictEqual(id, clientDocument)
  if (registration === "by hand") assert.strictEqual(id, desktop.id)
}

/** Without the one that only asks for a refresh token, as both do. */
const scopesIn = (whoami: unknown): ReadonlyArray<string> =>
  (whoami as { readonly scopes: ReadonlyArray<string> }).scopes.filter((scope) => scope !== "offline_access")

for (const [name, serving] of Object.entries(servers)) {
  describe(`with ${name}`, () => {
    for (const registration of registrations) {
      for (const revision of ["2025-11-25", "2026-07-28"] as const) {
        it.live(
          `the official client of ${revision} gets in, known ${registration}, and asks for more`,
          () =>
            Effect.gen(function*() {
              const url = yield* serving
              const user = official(registration, new URL(url).origin)
              const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: user.provider })
              const client = yield* Effect.acquireRelease(
                Effect.sync(() =>
                  new Client({ name: "official", version: "1.0.0" }, {
                    versionNegotiation: { mode: revision === "2025-11-25" ? "legacy" : { pin: revision } }
                  })
                ),
                (client) => Effect.promise(() => client.close())
              )
              const purge = () => client.callTool({ name: "purge", arguments: {} })
              yield* Effect.promise(async () => {
                const first = transport()
                await client.connect(first).then(
                  () => assert.fail("it got in without a login"),
                  (error: unknown) => assert.instanceOf(error, UnauthorizedError)
                )
                await first.finishAuth(user.callback())
                expectedId(registration, user.clientId())
                const second = transport()
                await client.connect(second)
                const { structuredContent } = await client.callTool({ name: "whoami", arguments: {} })
                assert.deepStrictEqual(scopesIn(structuredContent), ["notes:read"])
                await purge().then(
                  () => assert.fail("it needs no more"),
                  (error: unknown) => assert.instanceOf(error, UnauthorizedError)
                )
                await second.finishAuth(user.callback())
                assert.deepStrictEqual((await purge()).content, [{ type: "text", text: "purged" }])
              })
            }),
          30_000
        )
      }

      it.live(`our client gets in, known ${registration}, and asks for more`, () =>
        Effect.gen(function*() {
          const url = yield* serving
          const options: AuthorizationCode.Options = registration === "by a document"
            ? { clientMetadataUrl: clientDocument }
            : registration === "by hand"
            ? { credentials: { clientId: desktop.id, clientSecret: Redacted.make(desktop.secret) } }
            : { metadata: { client_name: "ours" } }
          const visit = person()
          const agent = Layer.succeed(UserAgent.UserAgent, {
            listen: () =>
              Effect.succeed({
                redirectUri,
                visit: ({ url }) =>
                  Effect.tryPromise({
                    try: () => visit(url),
                    catch: (error) => OAuthError.make(new OAuthError.NoAnswer({ message: String(error) }))
                  })
              })
          })
          yield* Effect.gen(function*() {
            const client = yield* McpClient.McpClient
            const { structuredContent } = yield* client.callTool("whoami")
            assert.deepStrictEqual(scopesIn(structuredContent), ["notes:read"])
            const { content } = yield* client.callTool("purge")
            assert.deepStrictEqual(content, [{ type: "text", text: "purged" }])
          }).pipe(Effect.provide(
            McpClient.layer({ info: { name: "ours", version: "1.0.0" } }).pipe(
              Layer.provide(NodeStreamableHttpClient.layer({ url })),
              Layer.provide(ClientAuth.browser(options)),
              Layer.provide(Layer.mergeAll(agent, TokenStore.layerMemory, NodeSafeFetch.layer({ allowLoopback: true })))
            ),
            { local: true }
          ))
        }), 30_000)
    }
  })
}
