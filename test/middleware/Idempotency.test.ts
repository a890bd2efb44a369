import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { charge, charging, keyed, passing, reached, reasonOf, served } from "./idempotent.ts"
import { logging, serve, shared } from "./serving.ts"

for (const revision of Revisions.versions as ReadonlyArray<Revisions.Version>) {
  describe(`in ${revision}`, () => {
    it.effect("a call that has a key runs once, and its result or failure answers the repeat", () =>
      Effect.gen(function*() {
        const { done, tool } = charging((amount, count) =>
          amount > 100 ? Effect.fail("too much") : Effect.succeed(`${amount} in ${count}`)
        )
        const client = yield* McpTest.client(served([tool]), { revision })
        for (let count = 0; count < 3; count++) {
          assert.strictEqual(yield* charge(client, 5, "a"), "5 in 1")
          assert.strictEqual(yield* charge(client, 500, "b"), "error: too much")
        }
        assert.deepStrictEqual(done, [5, 500])
        assert.strictEqual(yield* charge(client, 5, "c"), "5 in 3")
        assert.strictEqual(yield* charge(client, 5), "5 in 4")
        assert.strictEqual(yield* charge(client, 5), "5 in 5")
      }))

    it.effect("another call under the key is a conflict, whether it runs or has ended", () =>
      Effect.gen(function*() {
        const door = yield* Deferred.make<void>()
        const one = charging(() => Effect.as(Deferred.await(door), "one"))
        const other = charging(undefined, { name: "refund" })
        const client = yield* McpTest.client(served([one.tool, other.tool]), { revision })
        const first = yield* Effect.forkChild(charge(client, 5, "a"), { startImmediately: true })
        yield* reached(() => one.done.length === 1)
        assert.strictEqual(yield* reasonOf(charge(client, 6, "a")), "IdempotencyConflict")
        yield* Deferred.succeed(door, undefined)
        yield* Fiber.join(first)
        assert.strictEqual(yield* reasonOf(charge(client, 6, "a")), "IdempotencyConflict")
        assert.strictEqual(yield* reasonOf(charge(client, 5, "a", "refund")), "IdempotencyConflict")
        assert.deepStrictEqual([one.done, other.done], [[5], []])
      }))

    it.effect("calls that come at once run once, and who goes leaves the others alone", () =>
      Effect.gen(function*() {
        const door = yield* Deferred.make<void>()
        const { done, tool } = charging((amount) => Effect.as(Deferred.await(door), `${amount}`))
        const client = yield* McpTest.client(served([tool]), { revision })
        const calls = yield* Effect.forEach([1, 2, 3, 4], () =>
          Effect.forkChild(charge(client, 5, "a"), { startImmediately: true }))
        yield* reached(() =>
          done.length === 1
        )
        // The one whose request it is, and another.
        yield* Fiber.interrupt(calls[0]!)
        yield* Fiber.interrupt(calls[2]!)
        yield* McpTest.settle
        yield* Deferred.succeed(door, undefined)
        assert.strictEqual(yield* Fiber.join(calls[1]!), "5")
        assert.strictEqual(yield* Fiber.join(calls[3]!), "5")
        assert.deepStrictEqual(done, [5])
      }))

    it.effect("a call is brought to its end when nobody waits for it any more", () =>
      Effect.gen(function*() {
        const door = yield* Deferred.make<void>()
        let ends = 0
        const { done, tool } = charging(() =>
          Effect.as(Effect.andThen(Deferred.await(door), Effect.sync(() => ends++)), "done")
        )
        const client = yield* McpTest.client(served([tool]), { revision })
        const call = yield* Effect.forkChild(charge(client, 5, "a"), { startImmediately: true })
        yield* reached(() => done.length === 1)
        yield* Fiber.interrupt(call)
        yield* McpTest.settle
        yield* Deferred.succeed(door, undefined)
        yield* reached(() => ends === 1)
        assert.strictEqual(yield* charge(client, 5, "a"), "done")
        assert.deepStrictEqual(done, [5])
      }))

    it.effect("a call whose time is over is not run again", () =>
      Effect.gen(function*() {
        const { done, tool } = charging(() => Effect.never)
        const client = yield* McpTest.client(served([tool]), { revision })
        const call = yield* Effect.forkChild(Effect.exit(charge(client, 5, "a")), { startImmediately: true })
        yield* reached(() => done.length === 1)
        yield* TestClock.adjust("31 seconds")
        assert.isTrue(Exit.isFailure(yield* Fiber.join(call)))
        assert.strictEqual(yield* reasonOf(charge(client, 5, "a")), "OutcomeUnknown")
        assert.deepStrictEqual(done, [5])
      }))

    it.effect("the server says where it keeps its receipts", () =>
      Effect.gen(function*() {
        const context = yield* Layer.build(served([charging().tool]))
        const client = yield* McpTest.client(Layer.succeedContext(context), { revision })
        const { id } = yield* Effect.provideContext(ReceiptStore.ReceiptStore, context)
        if (revision === "2026-07-28") yield* client.request("server/discover")
        const [frame] = yield* client.frames
        assert.deepStrictEqual(JSON.parse(frame!).result.capabilities.experimental, {
          [Meta.idempotency]: { store: id }
        })
      }))
  })
}

describe("Idempotency", () => {
  it.effect("keeps a receipt for as long as it says", () =>
    Effect.gen(function*() {
      const { done, tool } = charging()
      const client = yield* McpTest.client(served([tool], { ttl: "1 hour" }))
      yield* charge(client, 5, "a")
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(yield* charge(client, 5, "a"), "5 in 1")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* charge(client, 6, "a"), "6 in 2")
      assert.deepStrictEqual(done, [5, 6])
    }))

  it.effect("knows a call by its arguments, in whatever order, and whichever revision asks", () =>
    Effect.gen(function*() {
      let runs = 0
      const tool = Tool.make("set", {
        parameters: { a: Schema.Struct({ x: Schema.Int, y: Schema.Int }), b: Schema.optionalKey(Schema.String) },
        success: Schema.String,
        handler: () => Effect.sync(() => `${++runs}`)
      })
      const server = yield* shared(served([tool]))
      const [first, last] = yield* Effect.all([
        McpTest.client(server, { revision: "2024-11-05" }),
        McpTest.client(server)
      ])
      yield* first.callTool("set", { a: { x: 1, y: 2 }, b: "c" }, keyed("a"))
      yield* last.callTool("set", { b: "c", a: { y: 2, x: 1 } }, keyed("a"))
      assert.strictEqual(runs, 1)
      assert.strictEqual(
        yield* reasonOf(last.callTool("set", { a: { x: 1, y: 2 } }, keyed("a"))),
        "IdempotencyConflict"
      )
    }))

  it.effect("gives each caller keys of its own", () =>
    Effect.gen(function*() {
      const { done, tool } = charging()
      const server = yield* shared(served([tool]))
      const as = (identity: Identity.Identity) =>
        Effect.flatMap(McpTest.client(server, { identity }), (client) => charge(client, 5, "a"))
      const ada = Identity.make({ subject: "ada", scopes: ["a"], claims: { exp: 1 } })
      for (
        const [identity, result] of [
          [ada, "5 in 1"],
          [{ ...ada, subject: "bob" }, "5 in 2"],
          [{ ...ada, issuer: "https://other.example" }, "5 in 3"],
          [{ ...ada, clientId: "app" }, "5 in 4"],
          [Identity.anonymous, "5 in 5"],
          // Another token of hers.
          [{ ...ada, scopes: [], claims: { exp: 2 } }, "5 in 1"]
        ] as const
      ) assert.strictEqual(yield* as(identity), result)
      assert.lengthOf(done, 5)
    }))

  it.effect("makes a key of the request where it is told how, for each tool and caller", () =>
    Effect.gen(function*() {
      const one = charging()
      const other = charging(undefined, { name: "refund" })
      const server = yield* shared(served([one.tool, other.tool], {
        derive: ({ params }) => {
          const { amount } = (params as { readonly arguments: { readonly amount: number } }).arguments
          return amount === 0 ? undefined : `order ${amount % 10}`
        }
      }))
      const client = yield* McpTest.client(server)
      assert.strictEqual(yield* charge(client, 5), "5 in 1")
      assert.strictEqual(yield* charge(client, 5), "5 in 1")
      assert.strictEqual(yield* reasonOf(charge(client, 15)), "IdempotencyConflict")
      assert.strictEqual(yield* charge(client, 5, undefined, "refund"), "5 in 1")
      assert.strictEqual(yield* charge(client, 0), "0 in 2")
      assert.strictEqual(yield* charge(client, 0), "0 in 3")
      // The client's own comes first.
      assert.strictEqual(yield* charge(client, 5, "order 5"), "5 in 4")
      const bob = yield* McpTest.client(server, { identity: Identity.make({ subject: "bob" }) })
      assert.strictEqual(yield* charge(bob, 5), "5 in 5")
    }))

  it.effect("is for tools that change something, and refuses keys it does not keep to", () =>
    Effect.gen(function*() {
      const reads = charging(undefined, { name: "read", annotations: { readOnlyHint: true } })
      const sets = charging(undefined, { name: "set", annotations: { idempotentHint: true } })
      const changes = charging()
      const tools = [reads.tool, sets.tool, changes.tool]
      const client = yield* McpTest.client(served(tools))
      for (const name of ["read", "set", "charge"]) {
        yield* charge(client, 1, name, name)
        yield* charge(client, 1, name, name)
      }
      assert.deepStrictEqual([reads.done.length, sets.done.length, changes.done.length], [2, 1, 1])
      const other = yield* McpTest.client(served(tools, { isFor: () => false }))
      yield* charge(other, 1, "a", "read")
      yield* charge(other, 1, "a", "set")
      assert.strictEqual(yield* reasonOf(charge(other, 1, "a")), "InvalidParams")
      yield* charge(other, 1)
      assert.deepStrictEqual([reads.done.length, sets.done.length, changes.done.length], [3, 2, 2])
      for (const key of ["", "x".repeat(256), 1, null, ["a"]]) {
        const meta = { [Meta.idempotencyKey]: key }
        assert.strictEqual(yield* reasonOf(client.callTool("charge", { amount: 1 }, { meta })), "InvalidParams")
      }
      assert.strictEqual(yield* charge(client, 1, "x".repeat(255)), "1 in 3")
    }))

  it.effect("lets begin again what was refused before anything was done, and keeps other refusals", () =>
    Effect.gen(function*() {
      const reasons: Array<McpError.Reason> = [
        new McpError.Overloaded({ message: "busy" }),
        new McpError.RateLimited({ retryAfter: 5 }),
        new McpError.InsufficientScope({ scopes: ["pay"] })
      ]
      const { done, tool } = charging(() =>
        Effect.fail(McpError.make(reasons.shift() ?? new McpError.InvalidParams({ message: "no", data: [1] })))
      )
      const client = yield* McpTest.client(served([tool]))
      for (const reason of ["Overloaded", "RateLimited", "InsufficientScope", "InvalidParams", "InvalidParams"]) {
        assert.strictEqual(yield* reasonOf(charge(client, 5, "a")), reason)
      }
      assert.lengthOf(done, 4)
      assert.deepInclude((yield* Effect.flip(charge(client, 5, "a"))).reason, { message: "no", data: [1] })
    }))

  it.effect("runs nothing again that may be done half way, unless there is no harm in that", () =>
    Effect.gen(function*() {
      const endings = (): Effect.Effect<string, McpError.McpError> => Effect.die(new Error("half way"))
      const errors = (): Effect.Effect<string, McpError.McpError> =>
        Effect.fail(McpError.make(new McpError.DeadlineExceeded()))
      for (const ending of [endings, errors]) {
        const { done, tool } = charging(ending)
        const client = yield* McpTest.client(served([tool]))
        yield* Effect.flip(charge(client, 5, "a"))
        assert.strictEqual(yield* reasonOf(charge(client, 5, "a")), "OutcomeUnknown")
        assert.lengthOf(done, 1)
        const harmless = charging(ending, { annotations: { idempotentHint: true } })
        const other = yield* McpTest.client(served([harmless.tool]))
        yield* Effect.flip(charge(other, 5, "a"))
        assert.notStrictEqual(yield* reasonOf(charge(other, 5, "a")), "OutcomeUnknown")
        assert.lengthOf(harmless.done, 2)
      }
    }))

  it.effect("stops a call that nobody waits for, where it is told to", () =>
    Effect.gen(function*() {
      let stopped = 0
      const { done, tool } = charging(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => stopped++)))
      const client = yield* McpTest.client(served([tool], { onAbandoned: "cancel" }))
      const calls = yield* Effect.forEach([1, 2], () =>
        Effect.forkChild(charge(client, 5, "a"), { startImmediately: true }))
      yield* reached(() =>
        done.length === 1
      )
      yield* Fiber.interrupt(calls[0]!)
      yield* McpTest.settle
      assert.strictEqual(stopped, 0)
      yield* Fiber.interrupt(calls[1]!)
      yield* reached(() => stopped === 1)
      assert.strictEqual(yield* reasonOf(charge(client, 5, "a")), "OutcomeUnknown")
    }))

  it.effect("tells those who wait with the one that was cut off", () =>
    Effect.gen(function*() {
      const door = yield* Deferred.make<void>()
      const { done, tool } = charging(() => Effect.andThen(Deferred.await(door), Effect.die("a bug")))
      const client = yield* McpTest.client(served([tool]))
      const [first, second] = yield* Effect.forEach([1, 2], () =>
        Effect.forkChild(reasonOf(charge(client, 5, "a")), { startImmediately: true }))
      yield* reached(() =>
        done.length === 1
      )
      yield* McpTest.settle
      yield* Deferred.succeed(door, undefined)
      assert.strictEqual(yield* Fiber.join(first!), "InternalError")
      assert.strictEqual(yield* Fiber.join(second!), "OutcomeUnknown")
    }))

  it.effect("logs the defect of a call that nobody waits for", () =>
    Effect.gen(function*() {
      const { layer, logged } = logging()
      const door = yield* Deferred.make<void>()
      const { done, tool } = charging(() => Effect.andThen(Deferred.await(door), Effect.die("a bug")))
      const client = yield* McpTest.client(served([tool]).pipe(Layer.provide(layer)))
      const call = yield* Effect.forkChild(charge(client, 5, "a"), { startImmediately: true })
      yield* reached(() => done.length === 1)
      yield* Fiber.interrupt(call)
      yield* McpTest.settle
      yield* Deferred.succeed(door, undefined)
      yield* reached(() => logged.some(({ text }) => text.includes("nobody waited for it")))
    }))

  it.effect("keeps that a call has ended where its result is too large", () =>
    Effect.gen(function*() {
      const { done, tool } = charging((amount) => Effect.succeed("x".repeat(amount)))
      const client = yield* McpTest.client(served([tool], {}, ReceiptStore.layerMemory({ maxItemBytes: 1000 })))
      assert.lengthOf(yield* charge(client, 2000, "a"), 2000)
      assert.strictEqual(yield* reasonOf(charge(client, 2000, "a")), "OutcomeUnknown")
      assert.lengthOf(yield* charge(client, 20, "b"), 20)
      assert.lengthOf(yield* charge(client, 20, "b"), 20)
      assert.deepStrictEqual(done, [2000, 20])
    }))

  it.effect("runs what a handler calls of its own server as part of its call", () =>
    Effect.gen(function*() {
      const { done, tool } = charging()
      const twice = Tool.make("twice", {
        success: Schema.String,
        handler: () =>
          Effect.gen(function*() {
            yield* Tool.call(tool, { amount: 1 })
            return yield* Tool.call(tool, { amount: 2 })
          }).pipe(Effect.orDie)
      })
      const client = yield* McpTest.client(served([tool, twice], { derive: () => "one" }))
      for (let count = 0; count < 2; count++) {
        const { content } = yield* client.callTool("twice", {}, keyed("a"))
        assert.deepInclude(content[0]!, { text: "2 in 2" })
      }
      assert.deepStrictEqual(done, [1, 2])
    }))

  it.effect("refuses before it runs anything when the store does not answer, unless it is told otherwise", () =>
    Effect.gen(function*() {
      const away = Effect.fail(new ReceiptStore.ReceiptsUnavailable({}))
      const broken = Layer.effect(
        ReceiptStore.ReceiptStore,
        ReceiptStore.make({ id: Effect.succeed, begin: () => away, renew: () => away, end: () => away })
      ).pipe(Layer.orDie)
      const { done, tool } = charging()
      const client = yield* McpTest.client(served([tool], {}, broken))
      assert.strictEqual(yield* reasonOf(charge(client, 5, "a")), "Overloaded")
      assert.strictEqual(yield* charge(client, 5), "5 in 1")
      const { layer, logged } = logging()
      const other = yield* McpTest.client(served([tool], { onUnavailable: "allow" }, broken).pipe(Layer.provide(layer)))
      assert.strictEqual(yield* charge(other, 5, "a"), "5 in 2")
      assert.strictEqual(yield* charge(other, 5, "a"), "5 in 3")
      assert.lengthOf(logged.filter(({ level }) => level === "Warn"), 1)
      assert.deepStrictEqual(done, [5, 5, 5])
    }))

  it.effect("gives the result all the same when it could not be kept", () =>
    Effect.gen(function*() {
      const { layer, logged } = logging()
      const memory = yield* Layer.build(Layer.fresh(ReceiptStore.layerMemory()))
      const lossy = Layer.effect(
        ReceiptStore.ReceiptStore,
        Effect.map(
          Effect.provideContext(ReceiptStore.ReceiptStore, memory),
          (store) => ({ ...store, end: () => Effect.fail(new ReceiptStore.ReceiptsUnavailable({})) })
        )
      )
      const { done, tool } = charging()
      const client = yield* McpTest.client(served([tool], { wait: 0 }, lossy).pipe(Layer.provide(layer)))
      assert.strictEqual(yield* charge(client, 5, "a"), "5 in 1")
      assert.lengthOf(logged.filter(({ level }) => level === "Warn"), 1)
      assert.strictEqual(yield* reasonOf(charge(client, 5, "a")), "InProgress")
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(yield* reasonOf(charge(client, 5, "a")), "OutcomeUnknown")
      assert.deepStrictEqual(done, [5])
    }))

  it.effect("cannot keep receipts for no time", () =>
    Effect.sync(() => {
      for (const options of [{ ttl: 0 }, { lease: 0 }, { ttl: "4000 days" }, { ttl: Infinity }] as const) {
        assert.throws(() => Idempotency.make(options))
      }
    }))
})

describe("Idempotency on several processes", () => {
  /** Two servers that have middleware of their own and one store, as processes that share a database. */
  const two = (options: Idempotency.Options, ...[run, annotations]: Parameters<typeof charging>) =>
    Effect.gen(function*() {
      const store = Layer.succeedContext(yield* Layer.build(Layer.fresh(ReceiptStore.layerMemory())))
      const { done, tool } = charging(run, annotations)
      const clients = yield* Effect.forEach(
        [1, 2],
        () => McpTest.client(serve([Idempotency.make(options)], tool).pipe(Layer.provide(store)))
      )
      return { done, one: clients[0]!, other: clients[1]! }
    })

  it.effect("waits for a call that another process runs, for as long as that takes", () =>
    Effect.gen(function*() {
      const { done, one, other } = yield* two(
        { lease: "2 seconds" },
        (amount) => Effect.as(Effect.sleep("8 seconds"), `${amount}`)
      )
      const first = yield* Effect.forkChild(charge(one, 5, "a"), { startImmediately: true })
      yield* reached(() => done.length === 1)
      const second = yield* Effect.forkChild(charge(other, 5, "a"), { startImmediately: true })
      assert.strictEqual(yield* passing(Fiber.join(second), 100), "5")
      assert.strictEqual(yield* Fiber.join(first), "5")
      assert.deepStrictEqual(done, [5])
      assert.strictEqual(yield* reasonOf(charge(other, 6, "a")), "IdempotencyConflict")
    }))

  it.effect("says when that takes too long, and has the result later", () =>
    Effect.gen(function*() {
      const { done, one, other } = yield* two({}, (amount) => Effect.as(Effect.sleep("20 seconds"), `${amount}`))
      const first = yield* Effect.forkChild(charge(one, 5, "a"), { startImmediately: true })
      yield* reached(() => done.length === 1)
      const error = yield* passing(Effect.flip(charge(other, 5, "a")), 100)
      assert.deepStrictEqual(error.reason, new McpError.InProgress({ retryAfter: 1000 }))
      assert.isTrue(error.isRetryable)
      assert.strictEqual(yield* passing(Fiber.join(first), 100), "5")
      assert.strictEqual(yield* charge(other, 5, "a"), "5")
      assert.deepStrictEqual(done, [5])
    }))

  it.live("never runs a call twice, whatever comes at once, who goes, and how it ends", () =>
    Effect.gen(function*() {
      let known = 0
      for (let round = 0; round < 60; round++) {
        const [pause, end, abandoned] = [
          yield* Random.nextIntBetween(0, 4),
          yield* Random.nextIntBetween(0, 5),
          yield* Random.nextBoolean
        ]
        yield* Effect.scoped(Effect.gen(function*() {
          const { done, one, other } = yield* two(
            { onAbandoned: abandoned ? "cancel" : "finish" },
            (amount) =>
              Effect.andThen(
                Effect.sleep(pause),
                end === 0 ? Effect.die("a bug") : end === 1 ? Effect.fail("no") : Effect.succeed(`${amount}`)
              )
          )
          const ends = new Set<string>()
          yield* Effect.forEach(Array.from({ length: 8 }), () =>
            Effect.gen(function*() {
              yield* Effect.sleep(yield* Random.nextIntBetween(0, 6))
              const client = (yield* Random.nextBoolean) ? one : other
              const call = Effect.match(charge(client, 5, "a"), {
                onSuccess: (text) => text,
                onFailure: ({ reason }) => reason._tag
              })
              const patience = yield* Random.nextIntBetween(0, 12)
              const ended = yield* patience < 6 ? Effect.timeoutOption(call, patience) : Effect.asSome(call)
              if (Option.isSome(ended)) ends.add(ended.value)
            }), { concurrency: "unbounded" })
          assert.isAtMost(done.length, 1)
          ends.delete("InternalError")
          assert.isAtMost(ends.size, 1, [...ends].join())
          // It stays so.
          const last = yield* Effect.match(charge(one, 5, "a"), {
            onSuccess: (text) => text,
            onFailure: ({ reason }) => reason._tag
          })
          for (const end of ends) assert.strictEqual(end, last)
          if (last !== "OutcomeUnknown") known++
          assert.isAtMost(done.length, 1)
        }))
      }
      assert.isAtLeast(known, 10)
    }).pipe(Random.withSeed("calls")), 60_000)
})
