/**
 * Tasks of two callers, on servers whose workers crash and freeze: a task is its principal's alone, its questions are
 * answered once, what it has done before them it does not do again, and its end stays what it is.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as Extension from "fastmcp-effect/client/Extension"
import type * as McpClient from "fastmcp-effect/client/McpClient"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Identity from "fastmcp-effect/context/Identity"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as Execution from "fastmcp-effect/docket/Execution"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTasks from "fastmcp-effect/tasks/McpTasks"
import * as TaskSchema from "fastmcp-effect/tasks/TaskSchema"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import { assert } from "vitest"
import { accept, type Json, name } from "../../tasks/support.ts"
import type { Model } from "../model.ts"
import * as SharedDocket from "./sharedDocket.ts"

const people = ["ada", "bob"] as const

const Order = Schema.Struct({
  who: Schema.Literals(people),
  server: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 })),
  millis: Schema.Literals([0, 1000, 3000]),
  /** Not at all, where it is 0. */
  cancelAfter: Schema.Literals([0, 0, 500, 2500])
})

/** A call that is taken back, perhaps before it is answered. */
const Withdrawn = Schema.Struct({
  who: Schema.Literals(people),
  server: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 })),
  after: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
})

/** Who can be asked is told; here tasks ask, and nobody else. */
const answers = ClientHandlers.elicitation({ form: () => Effect.succeed(ClientHandlers.decline) })

const system = Effect.gen(function*() {
  const wrong: Array<string> = []
  /** Of each task, what its runs knew when their question had its answer. */
  const known = new Map<string, Set<string>>()
  let count = 0
  const order = Tool.make("order", {
    parameters: { millis: Schema.Int },
    success: Schema.String,
    task: { support: "required", recovery: "repeat" },
    handler: ({ millis }) =>
      Effect.gen(function*() {
        const { taskId } = yield* RequestContext.RequestContext
        const { subject } = yield* Identity.CurrentIdentity
        const number = yield* Ask.once("number", Effect.sync(() => ++count))
        const { name: whom } = yield* Ask.one("who", name)
        yield* Effect.sleep(millis)
        const text = `${number} of ${subject} for ${whom}`
        known.set(taskId!, (known.get(taskId!) ?? new Set()).add(text))
        return text
      })
  })
  const { docket, store } = yield* SharedDocket.make(DocketStore.layerMemory())
  /** Tasks whose calls were answered with them. */
  const answered = new Set<string>()
  const noting = Middleware.make((_, next) =>
    Effect.tap(next, (result) =>
      Effect.sync(() => {
        if ("taskId" in result) answered.add(String(result.taskId))
      }))
  )
  const server = (worker: McpTasks.Options["worker"]) =>
    McpServer.layer({
      name: "acme",
      version: "1.0.0",
      tools: [order],
      middleware: [noting],
      extensions: [McpTasks.extension({ pollInterval: "500 millis", worker: worker! })]
    }).pipe(Layer.provide(docket))
  const servers = yield* Effect.forEach(["s0", "s1"], (name) => Lab.node(name, server(false)))
  const worker = server({ concurrency: 2, drain: 0, lease: "2 seconds", sweepInterval: "1 second" })
  yield* Effect.forEach(["w0", "w1"], (name, index) => Lab.node(name, worker, { skew: index * 40_000 - 20_000 }))
  const clients = yield* Effect.forEach(people, (who) =>
    Effect.forEach(servers, (server, index) =>
      Lab.client(
        `${who}${index}`,
        Layer.merge(Lab.link(server, { context: Identity.context(Identity.make({ subject: who })) }), answers),
        { extensions: [Extension.make({ id: TaskSchema.extensionId })], revision: "2026-07-28" }
      )))

  const ask = (client: McpClient.Client, method: string, params: Json) =>
    client.request(method, params, { raw: true }) as Effect.Effect<Json, unknown>
  const one = ({ cancelAfter, millis, server, wait, who }: typeof Order.Type, index: number) =>
    Effect.gen(function*() {
      const mine = clients[people.indexOf(who)]!
      const others = clients[1 - people.indexOf(who)]!
      yield* Effect.sleep(wait)
      const { taskId } = yield* ask(mine[server]!, "tools/call", { name: "order", arguments: { millis } })
      for (
        const [method, params] of [
          ["tasks/get", { taskId }],
          ["tasks/cancel", { taskId }],
          ["tasks/update", { taskId, inputResponses: { who: accept({ name: "nobody" }) } }]
        ] as const
      ) {
        const exit = yield* Effect.exit(ask(others[server]!, method, params))
        if (exit._tag === "Success") wrong.push(`${method} of a task is answered to somebody else`)
      }
      let isCancelled = false
      if (cancelAfter > 0) {
        yield* Effect.forkScoped(
          Effect.sleep(cancelAfter).pipe(
            Effect.andThen(ask(mine[1 - server]!, "tasks/cancel", { taskId })),
            Effect.tap(() => Effect.sync(() => void (isCancelled = true))),
            Effect.ignore
          )
        )
      }
      const get = (at: number) => ask(mine[at]!, "tasks/get", { taskId })
      const answer = (at: number, name: string) =>
        Effect.ignore(ask(mine[at]!, "tasks/update", { taskId, inputResponses: { who: accept({ name }) } }))
      const end = yield* Effect.gen(function*() {
        const seen = yield* get(server)
        if (seen.status === "input_required") {
          yield* Effect.all([answer(0, `x${index}`), answer(1, `y${index}`)], { concurrency: "unbounded" })
        }
        return seen
      }).pipe(
        Effect.repeat({
          schedule: Schedule.spaced("700 millis"),
          until: ({ status }) => status !== "working" && status !== "input_required"
        }),
        Effect.timeout("3 minutes")
      )
      const knew = known.get(taskId) ?? new Set()
      if (knew.size > 1) wrong.push(`runs of a task knew ${[...knew].join(" and ")}`)
      if (end.status === "completed" && !knew.has(end.result.content[0].text)) {
        wrong.push(`a task has the result ${end.result.content[0].text}, which none of its runs has given`)
      }
      if (end.status === "cancelled" && cancelAfter === 0) wrong.push("a task is cancelled, and nobody asked")
      if (end.status === "failed") wrong.push(`a task has failed: ${JSON.stringify(end.error)}`)
      yield* Effect.sleep("3 seconds")
      const later = yield* get(1 - server)
      if (later.status !== end.status) wrong.push(`a task was ${end.status} and is ${later.status}`)
      if (isCancelled && later.status !== "cancelled" && later.status !== "completed") {
        wrong.push(`a task that was cancelled is ${later.status}`)
      }
    })
  const withdrawn = ({ after, server, wait, who }: typeof Withdrawn.Type) =>
    Effect.gen(function*() {
      yield* Effect.sleep(wait)
      const client = clients[people.indexOf(who)]![server]!
      const call = yield* Effect.forkChild(ask(client, "tools/call", { name: "order", arguments: { millis: 0 } }))
      yield* Effect.andThen(Effect.sleep(after), Fiber.interrupt(call))
    })
  yield* Effect.all([
    Effect.forEach(yield* Lab.steps("order", Arbitrary.schema(Order), 3), one, { concurrency: "unbounded" }),
    Effect.forEach(yield* Lab.steps("withdrawn", Arbitrary.schema(Withdrawn), 2), withdrawn, {
      concurrency: "unbounded"
    })
  ], { concurrency: "unbounded" })
  yield* Effect.sleep("10 seconds")
  const { executions } = yield* store.run(Effect.flatMap(DocketStore.DocketStore, ({ list }) => list({ limit: 100 })))
  for (const execution of executions) {
    if (!Execution.isFinished(execution) && ![...answered].some((taskId) => execution.id.endsWith(taskId))) {
      wrong.push("a task goes on of which nobody was told")
    }
  }
  assert(wrong.length === 0, wrong[0])
})

export const tasks: Model = {
  name: "tasks",
  holds: "a task is its principal's, asks once, does nothing twice before that, and stays as it has ended",
  options: {
    spans: false,
    journal: { fibers: false },
    faults: [
      Faults.fail({ link: "w0>store", chance: 0.02, until: "8 seconds" }),
      Faults.loseAnswer({ link: "w1>store", chance: 0.02, until: "8 seconds" }),
      Faults.delay({ link: "*>store", chance: 0.05, max: 400, until: "8 seconds" }),
      Faults.freeze("w0", { every: "4 seconds", until: "8 seconds", for: "3 seconds" }),
      Faults.crash("w1", { every: "4 seconds", until: "8 seconds", restartAfter: "1 second" })
    ]
  },
  system
}
