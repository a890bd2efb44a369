/** Whose tasks they are. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketEnginePersistedQueue from "fastmcp-effect/docket/DocketEnginePersistedQueue"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import {
  accept,
  alone,
  type AnyTool,
  asked,
  call,
  capabilities,
  get,
  json,
  moment,
  name,
  server,
  update
} from "./support.ts"

const slow = Tool.make("slow", {
  parameters: { seconds: Schema.Finite },
  success: Schema.String,
  task: "optional",
  handler: ({ seconds }) => Effect.as(Effect.sleep(seconds * 1000), `slept ${seconds}`)
})

const questions = Tool.make("questions", {
  success: Schema.String,
  task: "optional",
  handler: () => Effect.map(asked, ({ which, who }) => `${who.name} ${which.color}`)
})

describe("two callers", () => {
  const ada = Identity.make({
    subject: "ada",
    issuer: "https://one.example",
    scopes: ["a"],
    claims: { team: "x", b: 1 }
  })
  const eve = Identity.make({ subject: "ada", issuer: "https://two.example" })

  const telling = Tool.make("telling", {
    success: Schema.String,
    task: "optional",
    handler: () =>
      Effect.gen(function*() {
        const { claims, issuer, scopes, subject } = yield* Identity.CurrentIdentity
        yield* Ask.one("who", name)
        return JSON.stringify({ claims, issuer, scopes, subject })
      })
  })

  /** Two clients of one server. */
  const both = (revision: "2025-11-25" | "2026-07-28", tools: ReadonlyArray<AnyTool> = [slow, questions]) =>
    Effect.gen(function*() {
      const context = yield* Layer.build(alone(tools, { list: "identified", claims: ["team"] }))
      const shared = Layer.succeedContext(context)
      const connect = (identity: Identity.Identity) => McpTest.client(shared, { revision, capabilities, identity })
      return [yield* connect(ada), yield* connect(eve), yield* connect(Identity.anonymous)] as const
    })

  it.effect("know nothing of each other's tasks", () =>
    Effect.gen(function*() {
      const [mine, other, stranger] = yield* both("2026-07-28")
      const { taskId } = yield* call(mine, "questions")
      yield* moment
      const never = "f".repeat(44)
      for (const client of [other, stranger]) {
        const listening = yield* Effect.forkChild(
          client.request("subscriptions/listen", { notifications: { taskIds: [taskId, never] } })
        )
        yield* moment
        const calls: ReadonlyArray<(id: string) => Effect.Effect<unknown, unknown>> = [
          (id) => get(client, id),
          (id) => update(client, id, { who: accept({ name: "Eve" }), which: accept({ color: "black" }) }),
          (id) => client.request("tasks/cancel", { taskId: id })
        ]
        for (const ask of calls) assert.deepStrictEqual(yield* Effect.flip(ask(taskId)), yield* Effect.flip(ask(never)))
        const [acknowledged, ...rest] = yield* client.notifications
        assert.deepStrictEqual(json(acknowledged!.params).notifications, { taskIds: [] })
        assert.deepStrictEqual(rest, [])
        yield* Fiber.interrupt(listening)
      }
      assert.strictEqual((yield* get(mine, taskId)).status, "input_required")
    }))

  it.effect("learn nothing from what is looked up for them", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const spied = Layer.effect(
        DocketStore.DocketStore,
        Effect.map(DocketStore.DocketStore, (store) => ({
          ...store,
          find: (...args: Parameters<typeof store.find>) => {
            seen.push("find")
            return store.find(...args)
          },
          change: (...args: Parameters<typeof store.change>) => {
            seen.push("change")
            return store.change(...args)
          }
        }))
      ).pipe(Layer.provide(DocketStore.layerMemory()))
      const docket = Docket.layer().pipe(Layer.provide([spied, DocketEnginePersistedQueue.layerMemory]))
      const layer = server([questions], { worker: false }).pipe(Layer.provide(docket))
      const shared = Layer.succeedContext(yield* Layer.build(layer))
      const [mine, other] = yield* Effect.forEach([ada, eve], (identity) =>
        McpTest.client(shared, { capabilities, identity }))
      const { taskId } = yield* call(mine!, "questions")
      for (const method of ["tasks/get", "tasks/cancel", "tasks/update"]) {
        const looks = (id: string) =>
          Effect.suspend(() => {
            seen.length = 0
            return Effect.as(Effect.flip(other!.request(method, { taskId: id, inputResponses: {} })), [...seen])
          }).pipe(Effect.map(() => [...seen]))
        assert.deepStrictEqual(yield* looks(taskId), ["find"])
        assert.deepStrictEqual(yield* looks("f".repeat(44)), ["find"])
        assert.deepStrictEqual(yield* looks("no id at all"), ["find"])
      }
    }))

  it.effect("list their own", () =>
    Effect.gen(function*() {
      const [mine, other, stranger] = yield* both("2025-11-25")
      const one = yield* call(mine, "slow", { seconds: 0 }, { task: {} })
      const two = yield* call(other, "slow", { seconds: 0 }, { task: {} })
      yield* call(stranger, "slow", { seconds: 0 }, { task: {} })
      for (const [client, { task }, foreign] of [[mine, one, two], [other, two, one]] as const) {
        const { tasks } = json(yield* client.request("tasks/list"))
        assert.deepStrictEqual(tasks.map(({ taskId }: any) => taskId), [task.taskId])
        const refused = yield* Effect.flip(client.request("tasks/list", { cursor: foreign.task.taskId }))
        assert.deepStrictEqual(
          refused,
          yield* Effect.flip(client.request("tasks/list", { cursor: "f".repeat(44) }))
        )
        const taskId = foreign.task.taskId
        for (const method of ["tasks/get", "tasks/result", "tasks/cancel"]) {
          assert.deepStrictEqual(
            yield* Effect.flip(client.request(method, { taskId })),
            yield* Effect.flip(client.request(method, { taskId: "f".repeat(44) }))
          )
        }
      }
    }))

  it.effect("are who they were, with the claims that are kept, in each run", () =>
    Effect.gen(function*() {
      const [mine] = yield* both("2026-07-28", [telling])
      const { taskId } = yield* call(mine, "telling")
      yield* moment
      yield* update(mine, taskId, { who: accept({ name: "Ada" }) })
      yield* moment
      assert.deepStrictEqual(JSON.parse((yield* get(mine, taskId)).result.content[0].text), {
        claims: { team: "x" },
        issuer: "https://one.example",
        scopes: ["a"],
        subject: "ada"
      })
    }))
})
