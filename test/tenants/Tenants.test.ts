/** One address for many: who a caller is decides which server answers, and nothing of one reaches another. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Tenants from "fastmcp-effect/tenants/Tenants"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as overheard from "../support/overheard.ts"
import * as support from "./support.ts"

const revisions = ["2025-11-25", "2026-07-28"] as const

describe.each(revisions)("tenants in %s", (revision) => {
  it.effect("each caller is answered by the server of its own tenant", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({ server: support.serverOf(support.makeJournal()) })
      for (const tenant of ["acme", "globex", "acme"]) {
        const one = yield* client(tenant, { revision })
        assert.strictEqual(support.textOf(yield* one.callTool("whose")), tenant)
      }
    }))

  it.effect("a tenant's tools are listed to its own callers alone", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({
        server: (tenant) =>
          McpServer.layer({
            ...support.info(tenant),
            tools: [Tool.make(`only_${tenant}`, { success: Schema.String, handler: () => Effect.succeed(tenant) })]
          })
      })
      const acme = yield* client("acme", { revision })
      const globex = yield* client("globex", { revision })
      assert.deepStrictEqual((yield* acme.listTools).map(({ name }) => name), ["only_acme"])
      assert.deepStrictEqual((yield* globex.listTools).map(({ name }) => name), ["only_globex"])
      const error = yield* Effect.flip(globex.callTool("only_acme"))
      assert.strictEqual(error.message, "Unknown tool: only_acme")
    }))

  it.effect("a server is built once for all the callers that come at once", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client } = yield* support.open({
        server: (tenant) => Layer.unwrap(Effect.as(Effect.sleep("1 second"), support.serverOf(journal)(tenant)))
      })
      const calls = yield* Effect.forEach(
        ["acme", "acme", "globex", "acme"],
        (tenant) =>
          Effect.forkChild(
            Effect.flatMap(client(tenant, { revision }), (one) => one.callTool("whose")),
            { startImmediately: true }
          )
      )
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
      const answers = yield* Effect.forEach(calls, Fiber.join)
      assert.deepStrictEqual(answers.map(support.textOf), ["acme", "acme", "globex", "acme"])
      assert.deepStrictEqual(journal.events, ["acme built", "globex built"])
    }))

  it.effect("a tenant that fails to build fails for its own callers, and is tried again with the next request", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      let isBroken = true
      const { client } = yield* support.open({
        server: (tenant) =>
          tenant === "acme" && isBroken
            ? Layer.effect(support.Pool, Effect.fail("the password is hunter2")).pipe(
              Layer.provideMerge(support.serverOf(journal)(tenant))
            )
            : support.serverOf(journal)(tenant)
      })
      const globex = yield* client("globex", { revision })
      const error = yield* Effect.flip(Effect.flatMap(client("acme", { revision }), (one) => one.callTool("whose")))
      assert.instanceOf(error, McpError.McpError)
      assert.strictEqual(error.reason._tag, "Overloaded")
      assert.notInclude(JSON.stringify(error), "hunter2")
      assert.strictEqual(support.textOf(yield* globex.callTool("whose")), "globex")
      isBroken = false
      const acme = yield* client("acme", { revision })
      assert.strictEqual(support.textOf(yield* acme.callTool("whose")), "acme")
    }))

  it.effect("a layer that fails with an McpError says so to its callers", () =>
    Effect.gen(function*() {
      const suspended = McpError.make(new McpError.InsufficientScope({ scopes: [], message: "acme is suspended" }))
      const { client } = yield* support.open({
        server: () => Layer.unwrap(Effect.as(suspended, support.serverOf(support.makeJournal())("")))
      })
      const error = yield* Effect.flip(Effect.flatMap(client("acme", { revision }), (one) => one.callTool("whose")))
      assert.strictEqual(error.message, "acme is suspended")
    }))

  it.effect("a layer that two tenants name is built for each of them; what is provided from outside is shared", () =>
    Effect.gen(function*() {
      class Shared extends Context.Service<Shared, object>()("test/tenants/Shared") {}
      class Own extends Context.Service<Own, object>()("test/tenants/Own") {}
      const seen: Array<{ readonly own: object; readonly shared: object }> = []
      const OwnLive = Layer.sync(Own, () => ({}))
      const look = Tool.make("look", {
        handler: () =>
          Effect.gen(function*() {
            seen.push({ own: yield* Own, shared: yield* Shared })
          })
      })
      const context = yield* Layer.build(
        Tenants.layer({
          tenant: Tenants.claim("org"),
          server: (tenant) => McpServer.layer({ ...support.info(tenant), tools: [look] }).pipe(Layer.provide(OwnLive))
        }).pipe(Layer.provide(Layer.sync(Shared, () => ({}))))
      )
      for (const tenant of ["acme", "globex"]) {
        const client = yield* McpTest.client(Layer.succeedContext(context), { revision, identity: support.of(tenant) })
        yield* client.callTool("look")
      }
      const [acme, globex] = seen
      assert.notStrictEqual(acme!.own, globex!.own)
      assert.strictEqual(acme!.shared, globex!.shared)
    }))

  it.effect("who belongs to no tenant is refused", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({ server: support.serverOf(support.makeJournal()) })
      const ask = (identity: Identity.Identity) =>
        Effect.flip(Effect.flatMap(client("acme", { revision, identity }), (one) => one.callTool("whose")))
      const somebody = yield* ask(Identity.make({ subject: "alice" }))
      assert.instanceOf(somebody, McpError.McpError)
      assert.strictEqual(somebody.reason._tag, "InsufficientScope")
      const nobody = yield* ask(Identity.anonymous)
      assert.instanceOf(nobody, McpError.McpError)
      assert.strictEqual(nobody.reason._tag, "Unauthenticated")
    }))

  it.effect("a handler knows the tenant its caller acts for, and the same person is another in each", () =>
    Effect.gen(function*() {
      const principals = new Set<string>()
      const me = Tool.make("me", {
        success: Schema.String,
        handler: () =>
          Effect.map(Identity.CurrentIdentity, (identity) => {
            principals.add(Identity.principal(identity)!)
            return String(identity.tenant)
          })
      })
      const { client } = yield* support.open({
        server: (tenant) => McpServer.layer({ ...support.info(tenant), tools: [me] })
      })
      for (const tenant of ["acme", "globex", "acme"]) {
        const one = yield* client(tenant, { revision, identity: support.of(tenant, "alice") })
        assert.strictEqual(support.textOf(yield* one.callTool("me")), tenant)
      }
      assert.strictEqual(principals.size, 2)
    }))

  it.effect("the tenants of a caller may have to be looked up, and messages keep their order meanwhile", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const note = Tool.make("note", {
        parameters: { text: Schema.String },
        handler: ({ text }) => Effect.sync(() => void seen.push(text))
      })
      const context = yield* Layer.build(Tenants.layer({
        tenant: ({ subject }) => Effect.as(Effect.sleep("10 millis"), subject),
        server: (tenant) => McpServer.layer({ ...support.info(tenant), tools: [note] })
      }))
      const fiber = yield* Effect.forkChild(
        Effect.gen(function*() {
          const client = yield* McpTest.client(Layer.succeedContext(context), {
            revision,
            identity: Identity.make({ subject: "acme" })
          })
          const calls = yield* Effect.forEach(
            ["a", "b", "c"],
            (text) => Effect.forkChild(client.callTool("note", { text }), { startImmediately: true })
          )
          yield* Effect.forEach(calls, Fiber.join)
        }),
        { startImmediately: true }
      )
      for (let turn = 0; turn < 20; turn++) {
        yield* McpTest.settle
        yield* TestClock.adjust("10 millis")
      }
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, ["a", "b", "c"])
    }))

  it.effect("a call that is cancelled while its server is built is not made", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const seen: Array<string> = []
      const note = Tool.make("note", { handler: () => Effect.sync(() => void seen.push("called")) })
      const { client, tenants } = yield* support.open({
        idleTimeToLive: 0,
        server: (tenant) =>
          Layer.unwrap(Effect.as(
            Effect.sleep("1 second"),
            McpServer.layer({ ...support.info(tenant), tools: [note] }).pipe(
              Layer.provide(support.pool(tenant, journal))
            )
          ))
      })
      const fiber = yield* Effect.forkChild(client("acme", { revision }), { startImmediately: true })
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
      const acme = yield* Fiber.join(fiber)
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* tenants.statuses, [])
      const call = yield* Effect.forkChild(acme.callTool("note"), { startImmediately: true })
      yield* McpTest.settle
      assert.deepStrictEqual((yield* tenants.statuses).map(({ state }) => state), ["Building"])
      yield* Fiber.interrupt(call)
      yield* McpTest.settle
      yield* TestClock.adjust("1 second")
      yield* McpTest.settle
      assert.deepStrictEqual(seen, [])
    }))
})

describe("Tenants", () => {
  it.effect("a server introduces itself to its own tenant", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({ server: support.serverOf(support.makeJournal()) })
      const acme = yield* client("acme")
      const discovered = yield* acme.request("server/discover")
      assert.strictEqual(discovered.instructions, "for acme")
      assert.include(JSON.stringify(discovered._meta), "server of acme")
      const globex = yield* client("globex", { revision: "2025-11-25" })
      const [initialized] = yield* globex.frames
      assert.include(initialized!, "server of globex")
    }))

  it.effect("no list is told to be for everybody, whatever its server says", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({
        server: (tenant) =>
          McpServer.layer({
            ...support.info(tenant),
            tools: [support.whose],
            cacheHints: { ttlMs: 60_000, cacheScope: "public" }
          }).pipe(Layer.provide(support.pool(tenant, support.makeJournal())))
      })
      const acme = yield* client("acme")
      const listed = yield* acme.request("tools/list")
      assert.deepStrictEqual([listed.cacheScope, listed.ttlMs], ["private", 60_000])
      assert.strictEqual((yield* acme.request("server/discover")).cacheScope, "private")
    }))

  it.effect("what a handler logs says whose it is", () =>
    Effect.gen(function*() {
      const say = Tool.make("say", { handler: () => Effect.logInfo("said") })
      const { said } = yield* overheard.overheard(Effect.gen(function*() {
        const { client } = yield* support.open({
          server: (tenant) => McpServer.layer({ ...support.info(tenant), tools: [say] })
        })
        yield* Effect.flatMap(client("acme"), (acme) => acme.callTool("say"))
      }))
      assert.isTrue(said.some((text) => text.includes("said") && text.includes("tenant=acme")))
    }))

  it.effect("options nothing can be made of are refused", () =>
    Effect.gen(function*() {
      for (const wrong of [{ maximum: 0 }, { concurrency: 1.5 }, { maxRequests: -1 }, { buildTimeout: 0 }]) {
        const error = yield* Effect.flip(
          support.open({ server: support.serverOf(support.makeJournal()), ...wrong })
        )
        assert.strictEqual(error.reason._tag, "InvalidDefinition")
        assert.include(error.message, Object.keys(wrong)[0]!)
      }
    }))

  it("a claim names one tenant, several or none", () => {
    const of = (claims: Identity.Identity["claims"]) => Tenants.claim("org")(Identity.make({ subject: "a", claims }))
    assert.strictEqual(of({ org: "acme" }), "acme")
    assert.deepStrictEqual(of({ org: ["acme", 1, "globex"] }), ["acme", "globex"])
    assert.strictEqual(of({}), undefined)
    assert.strictEqual(of({ org: { id: "acme" } }), undefined)
  })
})
