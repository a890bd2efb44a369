/** Tokens for a protected server, without a network and on the clock of the test. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as FakeIssuer from "fastmcp-effect/testing/FakeIssuer"
import * as McpTest from "fastmcp-effect/testing/McpTest"

const resource = "https://acme.example/mcp"

const whoami = Tool.make("whoami", {
  success: Schema.Struct({ subject: Schema.String, scopes: Schema.Array(Schema.String) }),
  handler: () => Effect.map(Identity.CurrentIdentity, ({ scopes, subject = "nobody" }) => ({ subject, scopes }))
})

const open = (how: "verifier" | "introspection") =>
  Effect.gen(function*() {
    const issuer = yield* FakeIssuer.make({ resource })
    const server = McpServer.layer({ name: "acme", version: "1.0.0", tools: [whoami] }).pipe(
      Layer.provide(BearerAuth.layer({ resource, authorizationServers: [issuer.url] })),
      Layer.provide(issuer[how])
    )
    const built = Layer.succeedContext(yield* Layer.build(server))
    const enter = (token: string) =>
      Effect.flatMap(
        McpTest.client(built, { headers: { authorization: `Bearer ${token}` } }),
        (client) => client.call(whoami, {})
      )
    return { issuer, enter }
  })

describe("a fake issuer", () => {
  for (const how of ["verifier", "introspection"] as const) {
    it.effect(`gives tokens that a server takes, for as long as they say (${how})`, () =>
      Effect.gen(function*() {
        const { enter, issuer } = yield* open(how)
        const token = yield* issuer.token({ subject: "ada", scopes: ["a", "b"], lifetime: "1 minute" })
        assert.deepStrictEqual(yield* enter(token), { subject: "ada", scopes: ["a", "b"] })
        yield* TestClock.adjust("2 minutes")
        const refused = String(yield* Effect.flip(enter(token)))
        assert.include(refused, how === "verifier" ? "xpired" : "not known")
      }))

    it.effect(`gives none that is good for another server (${how})`, () =>
      Effect.gen(function*() {
        const { enter, issuer } = yield* open(how)
        yield* Effect.flip(enter(yield* issuer.token({ subject: "ada", claims: { aud: "https://other.example/" } })))
        yield* Effect.flip(enter(yield* issuer.token({ subject: "ada", claims: { aud: null } })))
        yield* Effect.flip(enter("made-up"))
      }))
  }

  it.effect("is asked of tokens that say nothing, until they are revoked", () =>
    Effect.gen(function*() {
      const { enter, issuer } = yield* open("introspection")
      const token = yield* issuer.opaqueToken({ subject: "bob" })
      assert.deepStrictEqual(yield* enter(token), { subject: "bob", scopes: [] })
      const other = yield* issuer.opaqueToken({ subject: "bob" })
      yield* issuer.revoke(other)
      yield* Effect.flip(enter(other))
      assert.deepStrictEqual(yield* issuer.asked, ["/introspect", "/introspect"])
    }))

  it.effect("changes its key, and servers look for the new one", () =>
    Effect.gen(function*() {
      const { enter, issuer } = yield* open("verifier")
      yield* enter(yield* issuer.token({ subject: "ada" }))
      yield* issuer.rotate
      yield* TestClock.adjust("1 minute")
      yield* enter(yield* issuer.token({ subject: "ada" }))
      assert.deepStrictEqual(yield* issuer.asked, [
        "/.well-known/oauth-authorization-server",
        "/jwks",
        "/.well-known/oauth-authorization-server",
        "/jwks"
      ])
    }))

  it.effect("signs the same tokens in each run", () =>
    Effect.gen(function*() {
      const tokens = yield* Effect.forEach([1, 2], () =>
        Effect.flatMap(FakeIssuer.make({ resource }), (issuer) => issuer.token({ subject: "ada" })))
      assert.strictEqual(tokens[0], tokens[1])
    }))

  it.effect("may be down", () =>
    Effect.gen(function*() {
      const { enter, issuer } = yield* open("verifier")
      yield* issuer.setDown(true)
      yield* Effect.flip(enter(yield* issuer.token({ subject: "ada" })))
    }))
})
