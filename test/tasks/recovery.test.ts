/** What becomes of a task whose worker was stopped while it ran, by what its tool says of itself. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Ask from "fastmcp-effect/context/Ask"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import { accept, call, type Client, get, modern, moment, name, server, update } from "./support.ts"

/** Where the handler hangs, in the first run that comes there. */
type Place = "start" | "after the first step" | "in the second step" | "after the question" | "in the last step"

type Recovery = NonNullable<Tool.TaskOptions["recovery"]>

/** Steps on both sides of a question; `seen` has each that was begun. */
const tool = (place: Place, recovery: Recovery | undefined, seen: Ref.Ref<ReadonlyArray<string>>) =>
  Effect.map(Ref.make(false), (hung) => {
    const at = (here: Place) =>
      Effect.flatMap(
        Ref.get(hung),
        (done) => here !== place || done ? Effect.void : Effect.andThen(Ref.set(hung, true), Effect.never)
      )
    const step = (text: string, within?: Place) =>
      Ask.once(
        text,
        Effect.andThen(
          Ref.update(seen, (all) => [...all, text]),
          within === undefined ? Effect.succeed(text) : Effect.as(at(within), text)
        )
      )
    return Tool.make("steps", {
      success: Schema.String,
      task: { support: "required", ...recovery === undefined ? undefined : { recovery } },
      handler: () =>
        Effect.gen(function*() {
          const { taskId } = yield* RequestContext.RequestContext
          assert.match(taskId!, /^[\da-f]{44}$/u)
          yield* at("start")
          const first = yield* step("first")
          yield* at("after the first step")
          const second = yield* step("second", "in the second step")
          const who = yield* Ask.one("who", name)
          yield* at("after the question")
          const last = yield* step("last", "in the last step")
          return [first, second, who.name, last].join(" ")
        })
    })
  })

/** Its worker is stopped where the handler hangs, and another one is started. */
const ended = (place: Place, recovery: Recovery | undefined) =>
  Effect.gen(function*() {
    const seen = yield* Ref.make<ReadonlyArray<string>>([])
    const steps = yield* tool(place, recovery, seen)
    const docket = Layer.succeedContext(yield* Layer.build(Docket.layerMemory()))
    const connect = Layer.provide(Layer.fresh(server([steps], { worker: { drain: 0 } })), docket)
    const first = yield* Scope.make()
    const taskId: string = yield* Scope.provide(
      Effect.gen(function*() {
        const client = yield* modern(connect)
        const { taskId } = yield* call(client, "steps")
        yield* moment
        if (place === "after the question" || place === "in the last step") {
          yield* update(client, taskId, { who: accept({ name: "Ada" }) })
          yield* moment
        }
        assert.strictEqual((yield* get(client, taskId)).status, "working")
        return taskId
      }),
      first
    )
    yield* Scope.close(first, Exit.void)
    const next: Client = yield* modern(connect)
    yield* moment
    const status = (yield* get(next, taskId)).status
    if (status === "input_required") yield* update(next, taskId, { who: accept({ name: "Ada" }) })
    yield* moment
    const { error, result, status: last } = yield* get(next, taskId)
    return { status: last, text: error?.message ?? result?.content[0].text, seen: yield* Ref.get(seen) }
  })

const whole = { status: "completed", text: "first second Ada last", seen: ["first", "second", "last"] }

describe("a tool that says", () => {
  const everywhere: ReadonlyArray<Place> = [
    "start",
    "after the first step",
    "in the second step",
    "after the question",
    "in the last step"
  ]

  for (const place of everywhere) {
    const isInStep = place.startsWith("in")
    it.effect(`nothing has failed when it is stopped ${place}`, () =>
      Effect.gen(function*() {
        const { seen, status, text } = yield* ended(place, undefined)
        assert.strictEqual(status, "failed")
        assert.include(text, "It is not run again")
        assert.deepStrictEqual([...new Set(seen)], seen)
      }))

    it.effect(`resume ${isInStep ? "has failed" : "goes on, and does nothing twice,"} when it is stopped ${place}`, () =>
      Effect.gen(function*() {
        const after = yield* ended(place, "resume")
        if (!isInStep) return assert.deepStrictEqual(after, whole)
        assert.strictEqual(after.status, "failed")
        assert.include(after.text, place === "in the last step" ? "\"last\"" : "\"second\"")
        assert.deepStrictEqual([...new Set(after.seen)], after.seen)
      }))

    it.effect(`repeat goes on when it is stopped ${place}`, () =>
      Effect.gen(function*() {
        const { seen, ...after } = yield* ended(place, "repeat")
        assert.deepStrictEqual(after, { status: whole.status, text: whole.text })
        assert.strictEqual(seen.length, isInStep ? 4 : 3)
      }))
  }
})
