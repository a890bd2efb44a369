/** Tools of a mounted server whose calls become tasks of the server around it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Background from "fastmcp-effect/context/Background"
import * as Identity from "fastmcp-effect/context/Identity"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Budget from "fastmcp-effect/core/Budget"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import { accept, call, get, json, modern, moment, name, session, update } from "../tasks/support.ts"
import { childInfo, parentInfo, prefixed } from "./support.ts"

const ada = Identity.make({ subject: "ada" })

/** Says who it works for, after a while and a question. */
const makeChild = (seen: Array<string>) =>
  McpServer.layer({
    ...childInfo,
    // A task outlives the time of a request, here as in its own server.
    requestTimeout: "2 seconds",
    tools: [
      Tool.make("slow", {
        success: Schema.String,
        task: "optional",
        handler: () =>
          Effect.gen(function*() {
            const request = yield* RequestContext.RequestContext
            seen.push(`handler in a task: ${request.taskId !== undefined}`)
            const step = yield* Ask.once("step", Effect.sync(() => `step ${seen.push("step")}`))
            const answer = yield* Ask.one("who", name)
            yield* Effect.sleep("20 seconds")
            const { subject } = yield* Identity.CurrentIdentity
            return `${step.slice(0, 4)} ${answer.name} for ${subject}`
          })
      }),
      Tool.make("entering", {
        success: Schema.String,
        task: { support: "optional", start: "handler", recovery: "resume" },
        handler: () =>
          Effect.gen(function*() {
            const first = yield* Ask.once("first", Effect.sync(() => `first ${seen.push("first")}`))
            yield* Background.enter
            const { taskId } = yield* RequestContext.RequestContext
            return `${first.slice(0, 5)}, in a task: ${taskId !== undefined}`
          })
      })
    ],
    middleware: [
      Middleware.make((request, next) => {
        if (request.tool !== undefined) seen.push(`middleware ${request.tool.name}`)
        return next
      })
    ]
  })

const makeParent = (seen: Array<string>) =>
  McpServer.register(prefixed("weather_", Mount.make(makeChild(seen)))).pipe(
    Layer.provideMerge(
      McpServer.layer({ ...parentInfo, extensions: [McpTasks.extension({ worker: { drain: 0 } })] }).pipe(
        Layer.provide(Layer.fresh(Docket.layerMemory()))
      )
    )
  )

const wait = Effect.gen(function*() {
  for (let i = 0; i < 80; i++) yield* moment
})

describe("a task of a mounted tool", () => {
  it.effect("runs through its server, asks, keeps its steps, and has as long as a task has, in 2026-07-28", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const client = yield* modern(makeParent(seen), ada)
      const { taskId } = yield* call(client, "weather_slow")
      assert.isString(taskId)
      yield* moment
      const asked = yield* get(client, taskId)
      assert.strictEqual(asked.status, "input_required")
      const [key] = Object.keys(json(asked.inputRequests))
      yield* update(client, taskId, { [key!]: accept({ name: "Eve" }) })
      yield* wait
      const done = yield* get(client, taskId)
      assert.strictEqual(done.status, "completed")
      assert.strictEqual(json(done.result).content[0].text, "step Eve for ada")
      assert.deepStrictEqual(seen, [
        "middleware slow",
        "handler in a task: true",
        "step",
        "middleware slow",
        "handler in a task: true"
      ])
    }))

  it.effect("is made where its client wants one, in 2025-11-25", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const client = yield* session(makeParent(seen), { identity: ada, capabilities: { elicitation: {} } })
      const [listed] = yield* client.listTools
      assert.strictEqual(listed!.execution?.taskSupport, "optional")
      const { task } = yield* call(client, "weather_slow", {}, { task: { ttl: 600_000 } })
      yield* moment
      assert.strictEqual((yield* get(client, json(task).taskId as string)).status, "input_required")
      assert.deepStrictEqual(seen, ["middleware slow", "handler in a task: true", "step"])
    }))

  it.effect("begins where its handler says, and what was kept until then is kept", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const client = yield* modern(makeParent(seen), ada)
      const { taskId } = yield* call(client, "weather_entering")
      assert.isString(taskId)
      yield* moment
      const done = yield* get(client, taskId)
      assert.strictEqual(json(done.result).content[0].text, "first, in a task: true")
      assert.strictEqual(seen.filter((what) => what === "first").length, 1)
    }))
})

describe("the budget of a task", () => {
  for (const start of ["call", "handler"] as const) {
    it.effect(`is what its call had left, where it begins with the ${start}`, () =>
      Effect.gen(function*() {
        const seen: Array<{ readonly cost: number; readonly polls: number; readonly isTask: boolean }> = []
        const spending = Tool.make("spending", {
          task: { support: "optional", start, recovery: "resume" },
          handler: () =>
            Effect.gen(function*() {
              const { taskId } = yield* RequestContext.RequestContext
              const { cost, polls } = yield* Budget.remaining
              seen.push({ cost, polls, isTask: taskId !== undefined })
              yield* Budget.spend(3)
              yield* Background.enter
            })
        })
        const parent = McpServer.register(
          Mount.make(McpServer.layer({ ...childInfo, tools: [spending], budget: Budget.make({ pollQuota: 7 }) }))
        ).pipe(Layer.provideMerge(
          McpServer.layer({
            ...parentInfo,
            budget: Budget.make({ costQuota: 20 }),
            middleware: [
              Middleware.make((request, next) =>
                request.tool !== undefined && request.context.taskId === undefined
                  ? Effect.andThen(Budget.spend(4), next)
                  : next
              )
            ],
            extensions: [McpTasks.extension({ worker: { drain: 0 } })]
          }).pipe(Layer.provide(Layer.fresh(Docket.layerMemory())))
        ))
        const client = yield* modern(parent)
        yield* call(client, "spending")
        yield* moment
        assert.deepStrictEqual(
          seen,
          start === "call"
            ? [{ cost: 16, polls: 7, isTask: true }]
            : [{ cost: 16, polls: 7, isTask: false }, { cost: 13, polls: 7, isTask: true }]
        )
      }))
  }
})
