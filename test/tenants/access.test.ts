/** Who is let in to which tenant, over HTTP: what a request says of itself chooses among the caller's own, or is refused. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as Identity from "fastmcp-effect/context/Identity"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Tenants from "fastmcp-effect/tenants/Tenants"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as door from "../auth/door.ts"

const whoami = Tool.make("whoami", {
  success: Schema.String,
  handler: () => Effect.map(Identity.Required, ({ subject, tenant }) => `${subject} at ${tenant}`)
})

const serverOf = (tenant: string) => McpServer.layer({ name: tenant, version: "1.0.0", tools: [whoami] })

const tokens = AuthProvider.layerToken([
  { token: Redacted.make("acme"), subject: "ann", claims: { org: "acme" } },
  // The same person, elsewhere.
  { token: Redacted.make("globex"), subject: "ann", claims: { org: "globex" } },
  { token: Redacted.make("both"), subject: "bob", claims: { org: ["acme", "globex"] } },
  { token: Redacted.make("none"), subject: "eve" },
  { token: Redacted.make("staff"), subject: "sid", claims: { org: "acme" }, scopes: ["staff"] }
])

const tenants = (options: { readonly header?: string } = {}) =>
  Tenants.layer({ tenant: Tenants.claim("org"), server: serverOf, ...options })

const open = <E>(layer: Layer.Layer<Receiver.Receiver, E>) =>
  Effect.gen(function*() {
    const context = yield* Layer.build(layer)
    return { context, handler: yield* Effect.provideContext(FetchMount.make(), context) }
  })

const ask = ({ handler }: Pick<door.Door, "handler">, token?: string, headers: Record<string, string> = {}) =>
  door.send(handler, door.stateless("tools/call", { name: "whoami" }, { token, headers }))

const said = (answer: door.Answer): unknown => answer.body?.result?.content?.[0]?.text

describe("the header of a tenant", () => {
  it.effect("names one of the caller's own, and whoever names another is refused with 403", () =>
    Effect.gen(function*() {
      const at = yield* open(tenants({ header: "X-Tenant" }).pipe(Layer.provide(tokens)))
      assert.strictEqual(said(yield* ask(at, "acme")), "ann at acme")
      assert.strictEqual(said(yield* ask(at, "acme", { "x-tenant": "acme" })), "ann at acme")
      assert.strictEqual(said(yield* ask(at, "both", { "x-tenant": "globex" })), "bob at globex")
      const answers = yield* Effect.forEach(
        // One that is there, one that nobody has, none, and tricks.
        ["globex", "initech", "", "acme, globex", "ACME", "__proto__"],
        (tenant) => ask(at, "acme", { "x-tenant": tenant })
      )
      for (const answer of answers) {
        assert.strictEqual(answer.status, 403)
        assert.strictEqual(answer.body.error.code, 403)
        assert.isNull(answer.challenge)
      }
      // Whether there is such a tenant is not told.
      assert.strictEqual(answers[0]!.text, answers[1]!.text)
    }))

  it.effect("is needed of who belongs to several", () =>
    Effect.gen(function*() {
      const at = yield* open(tenants({ header: "X-Tenant" }).pipe(Layer.provide(tokens)))
      const answer = yield* ask(at, "both")
      assert.strictEqual(answer.status, 403)
      assert.include(answer.body.error.message, "name one in the header x-tenant")
    }))

  it.effect("has no say where the server has not said so", () =>
    Effect.gen(function*() {
      const at = yield* open(tenants().pipe(Layer.provide(tokens)))
      assert.strictEqual(said(yield* ask(at, "acme", { "x-tenant": "globex" })), "ann at acme")
      assert.strictEqual((yield* ask(at, "both", { "x-tenant": "globex" })).status, 403)
    }))

  it.effect("is asked of every request of a session", () =>
    Effect.gen(function*() {
      const at = yield* open(tenants({ header: "X-Tenant" }).pipe(Layer.provide(tokens)))
      const session = yield* door.begin(at, "acme")
      const spoofed = { token: "acme", headers: { ...session, "x-tenant": "globex" } }
      for (
        const request of [
          door.stateful({ id: 1, method: "tools/list" }, spoofed),
          door.stateful(undefined, spoofed, "GET"),
          door.stateful(undefined, spoofed, "DELETE"),
          door.stateful(door.initialize, { token: "acme", headers: { "x-tenant": "globex" } })
        ]
      ) assert.strictEqual((yield* door.send(at.handler, request)).status, 403)
    }))
})

describe("a caller", () => {
  it.effect("of no tenant is refused with 403, and one nobody knows is asked who it is", () =>
    Effect.gen(function*() {
      const at = yield* open(tenants().pipe(Layer.provide(tokens)))
      assert.strictEqual((yield* ask(at, "none")).status, 403)
      const stranger = yield* ask(at)
      assert.deepStrictEqual([stranger.status, stranger.challenge], [401, "Bearer"])
    }))

  it.effect("has a session in one tenant, which is not there for the same person in another", () =>
    Effect.gen(function*() {
      const at = yield* open(tenants().pipe(Layer.provide(tokens)))
      const session = yield* door.begin(at, "acme")
      const call = { id: 1, method: "tools/call", params: { name: "whoami" } }
      const own = yield* door.send(at.handler, door.stateful(call, { token: "acme", headers: session }))
      assert.strictEqual(said(own), "ann at acme")
      const other = { token: "globex", headers: session }
      for (
        const request of [
          door.stateful(call, other),
          door.stateful(undefined, other, "GET"),
          door.stateful(undefined, other, "DELETE")
        ]
      ) assert.strictEqual((yield* door.send(at.handler, request)).status, 404)
    }))

  it.effect("is let in by the transport's own Admission in the same way", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(
        Layer.effect(Mounted, FetchMount.make()).pipe(
          Layer.provide(tenants({ header: "X-Tenant" })),
          Layer.provide(tokens)
        )
      )
      const at = { handler: Context.get(context, Mounted) }
      assert.strictEqual(said(yield* ask(at, "acme")), "ann at acme")
      assert.strictEqual((yield* ask(at, "acme", { "x-tenant": "globex" })).status, 403)
      assert.strictEqual((yield* ask(at, "none")).status, 403)
      assert.strictEqual((yield* ask(at)).status, 401)
    }))

  it.effect("needs what the tenant's own server asks of it", () =>
    Effect.gen(function*() {
      const at = yield* open(
        Tenants.layer({
          tenant: Tenants.claim("org"),
          server: (tenant) => serverOf(tenant).pipe(Layer.provide(AuthProvider.layerToken([], { scopes: ["staff"] })))
        }).pipe(Layer.provide(tokens))
      )
      assert.strictEqual(said(yield* ask(at, "staff")), "sid at acme")
      const refused = yield* ask(at, "acme")
      assert.strictEqual(refused.status, 403)
      assert.deepStrictEqual(refused.body.error.data, { requiredScopes: ["staff"] })
    }))

  it.effect("whose tenant cannot be looked up is told so", () =>
    Effect.gen(function*() {
      const at = yield* open(
        Tenants.layer({
          tenant: ({ subject }) =>
            Effect.andThen(
              Effect.yieldNow,
              subject === "ann"
                ? Effect.fail(McpError.make(new McpError.Overloaded({ message: "ask later", retryAfter: 5000 })))
                : Effect.succeed("acme")
            ),
          server: serverOf
        }).pipe(Layer.provide(tokens))
      )
      const answer = yield* ask(at, "acme")
      assert.deepStrictEqual(
        [answer.status, answer.headers.get("retry-after"), answer.body.error.message],
        [503, "5", "ask later"]
      )
      assert.strictEqual(said(yield* ask(at, "none")), "eve at acme")
    }))

  it.effect("whom a defect keeps from its tenant is answered all the same, by either way in", () =>
    Effect.gen(function*() {
      for (
        const tenant of [
          () => {
            throw new Error("the password is hunter2")
          },
          () => Effect.die(new Error("the password is hunter2"))
        ]
      ) {
        const layer = Tenants.layer({ tenant: tenant as () => Effect.Effect<string>, server: serverOf }).pipe(
          Layer.provide(tokens)
        )
        const answer = yield* ask(yield* open(layer), "acme")
        assert.strictEqual(answer.status, 500)
        assert.notInclude(answer.text, "hunter2")
        const client = yield* McpTest.client(layer, { identity: Identity.make({ subject: "ann" }) })
        const error = yield* Effect.flip(client.callTool("whoami"))
        assert.strictEqual(error.reason._tag, "InternalError")
        assert.notInclude(JSON.stringify(error), "hunter2")
      }
    }))

  it.effect("whose server cannot be built is told to come again", () =>
    Effect.gen(function*() {
      const at = yield* open(
        Tenants.layer({
          tenant: Tenants.claim("org"),
          server: (tenant) =>
            Layer.effectDiscard(tenant === "acme" ? Effect.fail("no database") : Effect.void).pipe(
              Layer.provideMerge(serverOf(tenant))
            )
        }).pipe(Layer.provide(tokens))
      )
      const answer = yield* ask(at, "acme")
      assert.strictEqual(answer.body.error.code, 503)
      assert.deepStrictEqual(answer.body.error.data, { retryAfter: 1000 })
      assert.strictEqual(said(yield* ask(at, "globex")), "ann at globex")
    }))
})

class Mounted extends Context.Service<Mounted, FetchMount.FetchHandler>()("test/tenants/Mounted") {}
