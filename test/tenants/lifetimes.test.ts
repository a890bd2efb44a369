/** When a tenant's server is there: for whom it is in use, how long it is kept, and what becomes of who waits for one. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Tenancy from "fastmcp-effect/server/Tenancy"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as overheard from "../support/overheard.ts"
import * as support from "./support.ts"

const later = (millis: number) =>
  Effect.andThen(McpTest.settle, Effect.andThen(TestClock.adjust(millis), McpTest.settle))

const started = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.tap(Effect.forkChild(effect, { startImmediately: true }), () => McpTest.settle)

const overloadedWith = (error: unknown, text: string) => {
  assert.instanceOf(error, McpError.McpError)
  assert.strictEqual(error.reason._tag, "Overloaded")
  assert.include(error.message, text)
  assert.isAtLeast((error.reason as McpError.Overloaded).retryAfter ?? 0, 1)
}

describe("release", () => {
  it.effect("an idle server is released at the very time, and the next request builds another", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client } = yield* support.open({ server: support.serverOf(journal), idleTimeToLive: "1 minute" })
      const acme = yield* client("acme")
      yield* acme.callTool("whose")
      yield* later(30_000)
      yield* acme.callTool("whose")
      yield* later(59_999)
      assert.deepStrictEqual(journal.events, ["acme built"])
      yield* later(1)
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 90000"])
      assert.strictEqual(support.textOf(yield* acme.callTool("whose")), "acme")
      assert.strictEqual(journal.events.length, 3)
    }))

  it.effect("idle time begins when the last call has ended, and not before", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client } = yield* support.open({ server: support.serverOf(journal), idleTimeToLive: "1 second" })
      const acme = yield* client("acme")
      const long = yield* started(acme.callTool("wait", { millis: 20_000 }))
      const longer = yield* started(acme.callTool("wait", { millis: 25_000 }))
      yield* later(25_999)
      assert.deepStrictEqual(journal.events, ["acme built"])
      assert.strictEqual(support.textOf(yield* Fiber.join(long)), "acme")
      assert.strictEqual(support.textOf(yield* Fiber.join(longer)), "acme")
      yield* later(1)
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 26000"])
    }))

  it.effect("a call that is cancelled does not keep it, and one whose finalizers run does", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const stubborn = Tool.make("stubborn", {
        handler: () => Effect.onInterrupt(Effect.never, () => Effect.sleep("2 seconds"))
      })
      const { client } = yield* support.open({
        idleTimeToLive: "1 second",
        server: (tenant) =>
          McpServer.layer({ ...support.info(tenant), tools: [stubborn] }).pipe(
            Layer.provide(support.pool(tenant, journal))
          )
      })
      const acme = yield* client("acme")
      const call = yield* started(acme.callTool("stubborn"))
      yield* Fiber.interrupt(call)
      yield* later(2000)
      yield* later(999)
      assert.deepStrictEqual(journal.events, ["acme built"])
      yield* later(1)
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 3000"])
    }))

  it.effect("what a client has left behind cleans up before the server goes", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const stubborn = Tool.make("stubborn", {
        handler: () =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.andThen(Effect.sleep("500 millis"), Effect.sync(() => void journal.events.push("cleaned up"))))
      })
      const { client, tenants } = yield* support.open({
        server: (tenant) =>
          McpServer.layer({ ...support.info(tenant), tools: [stubborn] }).pipe(
            Layer.provide(support.pool(tenant, journal))
          )
      })
      for (const revision of ["2025-11-25", "2026-07-28"] as const) {
        journal.events.length = 0
        const leave = yield* Deferred.make<void>()
        const left = yield* started(Effect.scoped(Effect.gen(function*() {
          const acme = yield* client("acme", { revision })
          yield* Effect.forkChild(acme.callTool("stubborn"), { startImmediately: true })
          yield* Deferred.await(leave)
        })))
        yield* Deferred.succeed(leave, undefined)
        yield* McpTest.settle
        const release = yield* started(tenants.release("acme"))
        yield* later(500)
        yield* Fiber.join(release)
        yield* Fiber.join(left)
        assert.deepStrictEqual(
          journal.events.map((event) =>
            event.split(" at ")[0]
          ),
          [
            "acme built",
            "cleaned up",
            "acme released"
          ]
        )
      }
    }))

  it.effect("a session outlives its server: it is known to the next one, and told that the lists may have changed", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client } = yield* support.open({ server: support.serverOf(journal), idleTimeToLive: "1 second" })
      const acme = yield* client("acme", { revision: "2025-11-25" })
      yield* later(1000)
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 1000"])
      assert.deepStrictEqual(yield* acme.notifications, [])
      assert.strictEqual(support.textOf(yield* acme.callTool("whose")), "acme")
      assert.deepStrictEqual((yield* acme.notifications).map(({ method }) => method), [
        "notifications/tools/list_changed",
        "notifications/resources/list_changed",
        "notifications/prompts/list_changed"
      ])
    }))

  it.effect("who listens or watches keeps the server, and hears of its own tenant's changes alone", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const servers = new Map<string, McpServer.McpServer["Service"]>()
      const { client } = yield* support.open({
        idleTimeToLive: "1 second",
        server: (tenant) =>
          Layer.effectDiscard(McpServer.McpServer.use((server) => Effect.sync(() => servers.set(tenant, server)))).pipe(
            Layer.provideMerge(
              McpServer.layer({ ...support.info(tenant), resources: [Resource.text("test:///a", "a")] })
            ),
            Layer.provide(support.pool(tenant, journal))
          )
      })
      const acme = yield* client("acme")
      const listening = yield* started(
        acme.request("subscriptions/listen", { notifications: { toolsListChanged: true } })
      )
      const globex = yield* client("globex", { revision: "2025-11-25" })
      yield* globex.request("resources/subscribe", { uri: "test:///a" })
      const initech = yield* client("initech", { revision: "2025-11-25" })
      yield* later(500)
      yield* initech.request("ping")
      yield* later(999)
      yield* servers.get("acme")!.add(Tool.make("new", { handler: () => Effect.void }))
      yield* servers.get("globex")!.resourceUpdated("test:///a")
      yield* later(1)
      assert.deepStrictEqual((yield* acme.notifications).map(({ method }) => method), [
        "notifications/subscriptions/acknowledged",
        "notifications/tools/list_changed"
      ])
      assert.deepStrictEqual((yield* globex.notifications).map(({ method }) => method), [
        "notifications/resources/updated"
      ])
      assert.deepStrictEqual(yield* initech.notifications, [])
      assert.deepStrictEqual(journal.events.slice(3), ["initech released at 1500"])
      yield* globex.request("resources/unsubscribe", { uri: "test:///a" })
      yield* Fiber.interrupt(listening)
      yield* later(1000)
      assert.deepStrictEqual(journal.events.slice(4).toSorted(), ["acme released at 2500", "globex released at 2500"])
    }))

  it.effect("work that nobody waits for keeps the server as long as it says so", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client } = yield* support.open({
        idleTimeToLive: "1 second",
        server: (tenant) =>
          support.serverOf(journal)(tenant).pipe(
            Layer.provideMerge(Layer.effectDiscard(
              Effect.flatMap(Tenancy.CurrentTenancy, (tenancy) =>
                Effect.forkScoped(
                  Effect.scoped(Effect.andThen(tenancy!.keep, Effect.sleep("5 seconds")))
                ))
            ))
          )
      })
      yield* Effect.flatMap(client("acme"), (acme) => acme.callTool("whose"))
      yield* later(5999)
      assert.deepStrictEqual(journal.events, ["acme built"])
      yield* later(1)
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 6000"])
    }))

  it.effect("on request it takes nothing new, finishes what it has, and the next request finds another", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client, tenants } = yield* support.open({ server: support.serverOf(journal) })
      const acme = yield* client("acme", { revision: "2025-11-25" })
      const before = yield* started(acme.callTool("wait", { millis: 3000 }))
      const release = yield* started(tenants.release("acme"))
      const after = yield* started(acme.callTool("whose"))
      yield* later(2999)
      assert.deepStrictEqual(journal.events, ["acme built"])
      yield* later(1)
      yield* Fiber.join(release)
      assert.strictEqual(support.textOf(yield* Fiber.join(before)), "acme")
      assert.strictEqual(support.textOf(yield* Fiber.join(after)), "acme")
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 3000", "acme built"])
    }))

  it.effect("on request one that is being built is released as well, once it has answered who waited for it", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      let secret = "old"
      const { client, tenants } = yield* support.open({
        server: (tenant) =>
          Layer.unwrap(Effect.suspend(() => {
            const now = secret
            const tool = Tool.make("secret", { success: Schema.String, handler: () => Effect.succeed(now) })
            return Effect.as(
              Effect.sleep("1 second"),
              McpServer.layer({ ...support.info(tenant), tools: [tool] }).pipe(
                Layer.provide(support.pool(tenant, journal))
              )
            )
          }))
      })
      const acme = yield* client("acme")
      const before = yield* started(acme.callTool("secret"))
      secret = "new"
      const release = yield* started(tenants.release("acme"))
      yield* later(1000)
      assert.strictEqual(support.textOf(yield* Fiber.join(before)), "old")
      yield* Fiber.join(release)
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 1000"])
      const after = yield* started(acme.callTool("secret"))
      yield* later(1000)
      assert.strictEqual(support.textOf(yield* Fiber.join(after)), "new")
    }))

  it.effect("on request it says goodbye to who listens, and stops what takes longer than half the time it has", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client, tenants } = yield* support.open({
        server: support.serverOf(journal),
        closeTimeout: "10 seconds"
      })
      const acme = yield* client("acme")
      const listening = yield* started(
        acme.request("subscriptions/listen", { notifications: { toolsListChanged: true } })
      )
      const call = yield* started(Effect.exit(acme.callTool("wait", { millis: 20_000 })))
      const release = yield* started(tenants.release("acme"))
      yield* Fiber.join(listening)
      yield* later(4999)
      assert.strictEqual(journal.events.length, 1)
      yield* later(1)
      yield* Fiber.join(release)
      assert.strictEqual((yield* Fiber.join(call))._tag, "Failure")
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 5000"])
    }))

  it.effect("a call that asks its client still gets the answer while the server is being released", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const gate = yield* Deferred.make<void>()
      const asks = Tool.make("asks", {
        success: Schema.String,
        handler: () =>
          Effect.map(
            Ask.one("where", Elicitation.form({ city: Schema.String }, { message: "Where?" })),
            ({ city }) => city
          )
      })
      const { client, tenants } = yield* support.open({
        server: (tenant) =>
          McpServer.layer({ ...support.info(tenant), tools: [asks] }).pipe(
            Layer.provide(support.pool(tenant, journal))
          )
      })
      const acme = yield* client("acme", {
        revision: "2025-11-25",
        answers: {
          elicit: () => Effect.as(Deferred.await(gate), { action: "accept" as const, content: { city: "Oslo" } })
        }
      })
      const call = yield* started(acme.callTool("asks"))
      const release = yield* started(tenants.release("acme"))
      yield* Deferred.succeed(gate, undefined)
      yield* McpTest.settle
      assert.strictEqual(support.textOf(yield* Fiber.join(call)), "Oslo")
      yield* Fiber.join(release)
      assert.strictEqual(journal.events.length, 2)
    }))

  it.effect("what a client was asked by a server that is gone, it answers to the next one", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const asks = Tool.make("asks", {
        success: Schema.String,
        handler: () =>
          Effect.map(
            Ask.one("where", Elicitation.form({ city: Schema.String }, { message: "Where?" })),
            ({ city }) => city
          )
      })
      const { client } = yield* support.open({
        idleTimeToLive: "1 second",
        server: (tenant) =>
          McpServer.layer({ name: "shop", version: "1.0.0", tools: [asks] }).pipe(
            Layer.provide(support.pool(tenant, journal))
          )
      })
      const capabilities = { elicitation: { form: {} } }
      const acme = yield* client("acme", { capabilities })
      const asked = yield* acme.request("tools/call", { name: "asks" })
      assert.strictEqual(asked.resultType, "input_required")
      yield* later(1000)
      assert.strictEqual(journal.events.length, 2)
      const answer = {
        name: "asks",
        requestState: asked.requestState!,
        inputResponses: { where: { action: "accept", content: { city: "Oslo" } } }
      }
      // The same person in another tenant is another, to whom this means nothing.
      const globex = yield* client("globex", {
        capabilities,
        identity: { ...support.of("acme"), claims: { org: "globex" } }
      })
      const refused = yield* Effect.flip(globex.request("tools/call", answer))
      assert.include(refused.message, "requestState cannot be used")
      const answered = yield* acme.request("tools/call", answer)
      assert.strictEqual(support.textOf(answered as never), "Oslo")
    }))

  it.effect("all are released when the whole of it ends, whatever they are at", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const calls: Array<Fiber.Fiber<unknown, unknown>> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const { client, tenants } = yield* support.open({
          server: (tenant) =>
            tenant === "slow"
              ? Layer.unwrap(Effect.as(Effect.sleep("1 hour"), support.serverOf(journal)(tenant))).pipe(
                Layer.provideMerge(support.pool(tenant, journal))
              )
              : support.serverOf(journal)(tenant)
        })
        const globex = yield* client("globex")
        const slow = yield* client("slow")
        calls.push(yield* started(globex.callTool("wait", { millis: 60_000 })))
        calls.push(yield* started(slow.callTool("whose")))
        assert.deepStrictEqual((yield* tenants.statuses).map(({ state, tenant }) => `${tenant} ${state}`), [
          "globex Live",
          "slow Building"
        ])
        assert.strictEqual(journal.live, 2)
      }))
      yield* Effect.forEach(calls, Fiber.interrupt)
      assert.strictEqual(journal.live, 0)
    }))
})

describe("the maximum", () => {
  it.effect("the one that is idle for longest makes room, once it is gone", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client } = yield* support.open({ server: support.serverOf(journal), maximum: 2 })
      const call = (tenant: string) => Effect.flatMap(client(tenant), (one) => one.callTool("whose"))
      yield* call("a")
      yield* later(1)
      yield* call("b")
      yield* later(1)
      yield* call("a")
      yield* later(1)
      yield* call("c")
      assert.deepStrictEqual(journal.events, ["a built", "b built", "b released at 3", "c built"])
      assert.strictEqual(journal.most, 2)
    }))

  it.effect("what is being released still has its place", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const { client } = yield* support.open({
        maximum: 1,
        server: (tenant) =>
          McpServer.layer({ ...support.info(tenant), tools: [support.whose] }).pipe(
            Layer.provideMerge(Layer.effectDiscard(
              Effect.addFinalizer(() => tenant === "a" ? Effect.sleep("3 seconds") : Effect.void)
            )),
            Layer.provide(support.pool(tenant, journal))
          )
      })
      yield* Effect.flatMap(client("a"), (one) => one.callTool("whose"))
      const b = yield* client("b")
      const next = yield* started(b.callTool("whose"))
      yield* later(2999)
      assert.deepStrictEqual(journal.events, ["a built"])
      yield* later(1)
      assert.strictEqual(support.textOf(yield* Fiber.join(next)), "b")
      assert.deepStrictEqual(journal.events, ["a built", "a released at 3000", "b built"])
      assert.strictEqual(journal.most, 1)
    }))

  it.effect("where all are busy one more is refused and told when to try again, and the others go on", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({ server: support.serverOf(support.makeJournal()), maximum: 2 })
      const busy = yield* Effect.forEach(
        ["a", "b"],
        (tenant) => Effect.flatMap(client(tenant), (one) => started(one.callTool("wait", { millis: 1000 })))
      )
      const c = yield* client("c")
      overloadedWith(yield* Effect.flip(c.callTool("whose")), "As many tenants")
      yield* later(1000)
      assert.deepStrictEqual((yield* Effect.forEach(busy, Fiber.join)).map(support.textOf), ["a", "b"])
      assert.strictEqual(support.textOf(yield* c.callTool("whose")), "c")
    }))

  it.effect("one that is not released in its time loses its place with a warning", () =>
    Effect.gen(function*() {
      const { said } = yield* overheard.overheard(Effect.gen(function*() {
        const { client } = yield* support.open({
          maximum: 1,
          closeTimeout: "5 seconds",
          server: (tenant) =>
            support.serverOf(support.makeJournal())(tenant).pipe(
              Layer.provideMerge(Layer.effectDiscard(
                Effect.addFinalizer(() => tenant === "a" ? Effect.sleep("1 minute") : Effect.void)
              ))
            )
        })
        yield* Effect.flatMap(client("a"), (one) => one.callTool("whose"))
        const b = yield* client("b")
        const next = yield* started(b.callTool("whose"))
        yield* later(5000)
        assert.strictEqual(support.textOf(yield* Fiber.join(next)), "b")
        yield* later(60_000)
      }))
      assert.isTrue(said.some((text) => text.includes("was still being released after 5000 ms")))
    }))
})

describe("building", () => {
  const hangs = (journal: support.Journal, when: (tenant: string) => boolean) => (tenant: string) =>
    when(tenant)
      ? Layer.effectDiscard(Effect.never).pipe(Layer.provideMerge(support.serverOf(journal)(tenant)))
      : support.serverOf(journal)(tenant)

  it.effect("one that hangs is given up in time, for its own callers alone, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      let isBroken = true
      const { client, tenants } = yield* support.open({
        server: hangs(journal, (tenant) => tenant === "acme" && isBroken),
        buildTimeout: "10 seconds"
      })
      const acme = yield* client("acme")
      const calls = yield* Effect.forEach([1, 2], () => started(Effect.flip(acme.callTool("whose"))))
      const globex = yield* client("globex")
      assert.strictEqual(support.textOf(yield* globex.callTool("whose")), "globex")
      yield* later(9999)
      assert.deepStrictEqual(calls.map((call) => call.pollUnsafe()), [undefined, undefined])
      yield* later(1)
      for (const call of calls) overloadedWith(yield* Fiber.join(call), "too long to start")
      assert.deepStrictEqual((yield* tenants.statuses).map(({ tenant }) => tenant), ["globex"])
      assert.strictEqual(journal.live, 1)
      isBroken = false
      assert.strictEqual(support.textOf(yield* acme.callTool("whose")), "acme")
    }))

  it.effect("one that cannot even be stopped keeps its place, and its callers are told in time", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const gate = yield* Deferred.make<void>()
      let isBroken = true
      const { client, tenants } = yield* support.open({
        buildTimeout: "1 second",
        server: (tenant) =>
          isBroken
            ? Layer.effectDiscard(Effect.uninterruptible(Deferred.await(gate))).pipe(
              Layer.provideMerge(support.serverOf(journal)(tenant))
            )
            : support.serverOf(journal)(tenant)
      })
      const acme = yield* client("acme")
      for (const text of ["too long to start", "too long to start"]) {
        const call = yield* started(Effect.flip(acme.callTool("whose")))
        yield* later(1000)
        overloadedWith(yield* Fiber.join(call), text)
      }
      assert.deepStrictEqual((yield* tenants.statuses).map(({ state }) => state), ["Closing"])
      isBroken = false
      const call = yield* started(acme.callTool("whose"))
      yield* Deferred.succeed(gate, undefined)
      yield* McpTest.settle
      assert.strictEqual(support.textOf(yield* Fiber.join(call)), "acme")
      assert.deepStrictEqual(journal.events, ["acme built", "acme released at 2000", "acme built"])
      assert.strictEqual(journal.most, 1)
    }))

  it.effect("one that fails again and again is tried more and more rarely, and at once when it has been well", () =>
    Effect.gen(function*() {
      let tries = 0
      let isBroken = true
      const { client, tenants } = yield* support.open({
        server: (tenant) =>
          Layer.effectDiscard(Effect.suspend(() => {
            tries++
            return isBroken ? Effect.fail("no database") : Effect.void
          })).pipe(Layer.provideMerge(support.serverOf(support.makeJournal())(tenant)))
      })
      const acme = yield* client("acme")
      const refused = Effect.map(
        Effect.flip(acme.callTool("whose")),
        ({ reason }) => (reason as McpError.Overloaded).retryAfter
      )
      assert.deepStrictEqual([yield* refused, yield* refused, tries], [1000, 1000, 2])
      assert.deepStrictEqual([yield* refused, tries], [100, 2])
      yield* later(99)
      assert.deepStrictEqual([yield* refused, tries], [1, 2])
      yield* later(1)
      assert.deepStrictEqual([yield* refused, yield* refused, tries], [1000, 200, 3])
      for (let count = 0; count < 10_000; count++) {
        yield* TestClock.adjust(10)
        yield* refused
      }
      // 100, 200, 400 … and then each five seconds.
      assert.isAtMost(tries, 3 + 6 + 20)
      isBroken = false
      yield* later(5000)
      assert.strictEqual(support.textOf(yield* acme.callTool("whose")), "acme")
      yield* tenants.release("acme")
      isBroken = true
      tries = 0
      yield* refused
      yield* refused
      assert.strictEqual(tries, 2)
    }))

  it.effect("so many wait for it, and one more is told to come again", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({
        server: hangs(support.makeJournal(), () => true),
        maxRequests: 3,
        buildTimeout: "1 second"
      })
      const calls = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.flatMap(client("acme"), (one) => started(Effect.flip(one.callTool("whose"))))
      )
      const one = yield* client("acme")
      overloadedWith(yield* Effect.flip(one.callTool("whose")), "Too many requests wait")
      yield* later(1000)
      for (const call of calls) overloadedWith(yield* Fiber.join(call), "too long")
    }))

  it.effect("what a layer failed with is in the log, with its tenant, and not in the answer", () =>
    Effect.gen(function*() {
      const { exit, said } = yield* overheard.overheard(Effect.gen(function*() {
        const { client } = yield* support.open({
          server: (tenant) =>
            support.serverOf(support.makeJournal())(tenant).pipe(
              Layer.provideMerge(Layer.effectDiscard(Effect.fail("no such database")))
            )
        })
        return yield* Effect.flip(Effect.flatMap(client("acme"), (one) => one.callTool("whose")))
      }))
      overloadedWith(Exit.isSuccess(exit) && exit.value, "cannot be started")
      assert.isTrue(said.some((text) => text.includes("acme") && text.includes("no such database")))
    }))
})

describe("limits", () => {
  it.effect("a tenant works on so many calls at once, and has so many in flight, whatever others do", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({
        server: support.serverOf(support.makeJournal()),
        concurrency: 2,
        maxRequests: 4
      })
      const acme = yield* client("acme")
      const calls = yield* Effect.forEach([1, 2, 3, 4], () => started(acme.callTool("wait", { millis: 1000 })))
      overloadedWithAny(yield* Effect.flip(acme.callTool("whose")))
      const globex = yield* client("globex")
      assert.strictEqual(support.textOf(yield* globex.callTool("whose")), "globex")
      yield* later(1000)
      assert.deepStrictEqual(calls.map((call) => call.pollUnsafe() !== undefined), [true, true, false, false])
      yield* later(1000)
      yield* Effect.forEach(calls, Fiber.join)
    }))

  it.effect("a server's own limits come before those of all", () =>
    Effect.gen(function*() {
      const { client } = yield* support.open({
        server: (tenant) =>
          McpServer.layer({ ...support.info(tenant), tools: [support.wait], concurrency: 1 }).pipe(
            Layer.provide(support.pool(tenant, support.makeJournal()))
          )
      })
      const acme = yield* client("acme")
      const calls = yield* Effect.forEach([1, 2], () => started(acme.callTool("wait", { millis: 1000 })))
      yield* later(1000)
      assert.deepStrictEqual(calls.map((call) => call.pollUnsafe() !== undefined), [true, false])
      yield* later(1000)
      yield* Effect.forEach(calls, Fiber.join)
    }))
})

const overloadedWithAny = (error: unknown) => {
  assert.instanceOf(error, McpError.McpError)
  assert.strictEqual(error.reason._tag, "Overloaded")
}
