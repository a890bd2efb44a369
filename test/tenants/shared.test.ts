/** Stores that all tenants share, with the same person in two of them: what is kept for one is not there for the other. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as CacheStore from "fastmcp-effect/middleware/CacheStore"
import * as Caching from "fastmcp-effect/middleware/Caching"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as RateLimit from "fastmcp-effect/middleware/RateLimit"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as TaskSchema from "fastmcp-effect/tasks/TaskSchema"
import * as Tenants from "fastmcp-effect/tenants/Tenants"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as support from "./support.ts"

const tenants = ["acme", "globex"] as const

const info = { name: "shop", version: "1.0.0" }

/** Ann of each of them, with one token; nobody knows her by more than her name and what she says in a header. */
const both = Effect.fnUntraced(function*<E, R>(
  server: Layer.Layer<Receiver.Receiver, E, R>,
  options: McpTest.Options = {}
) {
  const context = yield* Layer.build(server.pipe(Layer.provide(AuthProvider.layerToken([
    { token: Redacted.make("ann"), subject: "ann", claims: { org: tenants } }
  ]))))
  return yield* Effect.forEach(tenants, (tenant) =>
    McpTest.client(Layer.succeedContext(context), {
      headers: { authorization: "Bearer ann", "x-tenant": tenant },
      ...options
    }))
})

/** Of one name and one version, as if each tenant had the same. */
const serving = <L extends Layer.Layer<Receiver.Receiver, any, any>>(server: (tenant: string) => L) =>
  Tenants.layer({ tenant: Tenants.claim("org"), header: "x-tenant", server })

/** A middleware that knows its callers by a name of its own, and nothing of tenants. */
const renaming = Middleware.make((_, next) =>
  Effect.provideService(next, Identity.Required, Identity.make({ subject: "somebody" }))
)

const slow = Tool.make("slow", {
  success: Schema.String,
  task: "required",
  handler: () =>
    Effect.gen(function*() {
      const { owner } = yield* support.Pool
      yield* Effect.sleep("10 seconds")
      const { tenant } = yield* Identity.CurrentIdentity
      return `${owner} for ${tenant}`
    })
})

const withTasks = McpServer.layer({
  ...info,
  tools: [slow],
  extensions: [McpTasks.extension({ worker: { drain: 0 } })]
})

/** One by one, so that the worker keeps its lease. */
const seconds = (count: number) =>
  Effect.forEach(
    Array.from({ length: count }),
    () => Effect.andThen(McpTest.settle, Effect.andThen(TestClock.adjust("1 second"), McpTest.settle)),
    { discard: true }
  )

describe("what all tenants share", () => {
  it.effect("a cache has a tenant's results for that tenant alone", () =>
    Effect.gen(function*() {
      const [acme, globex] = yield* both(
        serving((tenant) =>
          McpServer.layer({
            ...info,
            tools: [
              Tool.make("whose", { success: Schema.String, cache: "1 hour", handler: () => Effect.succeed(tenant) })
            ],
            middleware: [renaming, Caching.make({ ttl: { "tools/list": "1 hour" }, public: ["tools/list"] })]
          })
        ).pipe(Layer.provide(CacheStore.layerMemory()))
      )
      for (let round = 0; round < 2; round++) {
        assert.strictEqual(support.textOf(yield* acme!.callTool("whose")), "acme")
        assert.strictEqual(support.textOf(yield* globex!.callTool("whose")), "globex")
      }
      const listed = yield* acme!.request("tools/list")
      assert.deepStrictEqual([listed.cacheScope, listed.ttlMs], ["private", 3_600_000])
    }))

  it.effect.each(["server", "tool", "identity"] as const)(
    "a limit per %s counts for each tenant",
    (per) =>
      Effect.gen(function*() {
        const [acme, globex] = yield* both(
          serving((tenant) =>
            McpServer.layer({
              ...info,
              tools: [Tool.make("whose", { success: Schema.String, handler: () => Effect.succeed(tenant) })],
              middleware: [renaming, RateLimit.make({ limit: 2, window: "1 minute", per })]
            })
          ).pipe(Layer.provide(RateLimitStore.layerMemory()))
        )
        for (let round = 0; round < 2; round++) yield* acme!.callTool("whose")
        assert.strictEqual((yield* Effect.flip(acme!.callTool("whose"))).reason._tag, "RateLimited")
        for (let round = 0; round < 2; round++) {
          assert.strictEqual(support.textOf(yield* globex!.callTool("whose")), "globex")
        }
      })
  )

  it.effect("a receipt of one tenant is none in another", () =>
    Effect.gen(function*() {
      const ran: Array<string> = []
      const [acme, globex] = yield* both(
        serving((tenant) =>
          McpServer.layer({
            ...info,
            tools: [
              Tool.make("pay", {
                success: Schema.String,
                handler: () =>
                  Effect.sync(() => {
                    ran.push(tenant)
                    return `paid by ${tenant}`
                  })
              })
            ],
            middleware: [Idempotency.make()]
          })
        ).pipe(Layer.provide(ReceiptStore.layerMemory()))
      )
      const pay = (client: McpTest.Client) => client.callTool("pay", {}, { meta: { [Meta.idempotencyKey]: "order 7" } })
      for (let round = 0; round < 2; round++) {
        assert.strictEqual(support.textOf(yield* pay(acme!)), "paid by acme")
        assert.strictEqual(support.textOf(yield* pay(globex!)), "paid by globex")
      }
      assert.deepStrictEqual(ran, ["acme", "globex"])
    }))

  it.effect("a task on a docket of all is run by its tenant's server, and is nobody else's", () =>
    Effect.gen(function*() {
      const [acme, globex] = yield* both(
        serving((tenant) => withTasks.pipe(Layer.provide(support.pool(tenant, support.makeJournal())))).pipe(
          Layer.provide(Docket.layerMemory())
        ),
        { capabilities: TaskSchema.required }
      )
      const { taskId } = yield* acme!.request("tools/call", { name: "slow" })
      // Both servers are there, so that either could take either's; whoever is rung for what is not its own leaves it.
      yield* globex!.listTools
      const { taskId: other } = yield* globex!.request("tools/call", { name: "slow" })
      const strange = yield* Effect.flip(globex!.request("tasks/get", { taskId: taskId! }))
      assert.include(strange.message, "no such task")
      yield* seconds(120)
      assert.include(JSON.stringify(yield* acme!.request("tasks/get", { taskId: taskId! })), "acme for acme")
      assert.include(JSON.stringify(yield* globex!.request("tasks/get", { taskId: other! })), "globex for globex")
    }))
})

describe("a docket of the tenant's own", () => {
  it.effect("keeps the server while a task runs", () =>
    Effect.gen(function*() {
      const journal = support.makeJournal()
      const [acme, globex] = yield* both(
        Tenants.layer({
          tenant: Tenants.claim("org"),
          header: "x-tenant",
          idleTimeToLive: "2 seconds",
          server: (tenant) => withTasks.pipe(Layer.provide([support.pool(tenant, journal), Docket.layerMemory()]))
        }),
        { capabilities: TaskSchema.required }
      )
      yield* globex!.listTools
      const { taskId } = yield* acme!.request("tools/call", { name: "slow" })
      yield* seconds(3)
      assert.deepStrictEqual(journal.events.slice(2), ["globex released at 2000"])
      yield* seconds(8)
      const task = yield* acme!.request("tasks/get", { taskId: taskId! })
      assert.strictEqual(task.status, "completed")
      assert.include(JSON.stringify(task), "acme for acme")
      assert.strictEqual(journal.live, 1)
      yield* seconds(3)
      assert.strictEqual(journal.live, 0)
    }))
})
