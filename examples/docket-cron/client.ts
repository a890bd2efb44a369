/** Waits for three beats, looks at the night, and takes both schedules away; exits with 1 if a run comes that should not. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Docket from "fastmcp-effect/docket/Docket"
import assert from "node:assert/strict"
import { handlers, schedules } from "./schedules.ts"

const planned = (schedule: string) =>
  Effect.flatMap(
    Docket.Docket,
    (docket) => Effect.map(docket.list({ schedule, status: "Scheduled" }), ({ executions }) => executions)
  )

const story = Effect.gen(function*() {
  const docket = yield* Docket.Docket
  yield* schedules
  yield* schedules
  assert.deepEqual((yield* docket.schedules).map(({ key }) => key).sort(), ["heart", "nightly"])

  const done = docket.events.pipe(Stream.filter(({ _tag }) => _tag === "Succeed"))
  const beats = yield* Stream.runCollect(Stream.take(done, 3))
  // Ticks are multiples of the interval since 1970, and each is run once.
  const ticks = beats.map(({ execution }) => execution.dueAt)
  assert.equal(new Set(ticks).size, 3)
  for (const tick of ticks) assert.equal(tick % 1000, 0)
  console.log("three beats, each at a full second")

  const [night, ...others] = yield* planned("nightly")
  assert.equal(others.length, 0)
  const time = new Date(night!.dueAt).toLocaleTimeString("en-GB", { timeZone: "Europe/Vienna" })
  assert.equal(time, "03:00:00")
  console.log(`the next night is ${new Date(night!.dueAt).toISOString()}, ${time} in Vienna`)

  yield* docket.schedule("nightly", handlers[1].task, { olderThanDays: 30 }, { cron: "30 4 * * 1" })
  const [monday] = yield* planned("nightly")
  assert.match(new Date(monday!.dueAt).toUTCString(), /^Mon.* 04:30:00 GMT$/)

  for (const key of ["heart", "nightly"]) {
    assert.equal(yield* docket.unschedule(key), true)
    assert.deepEqual(yield* planned(key), [])
  }
  assert.deepEqual(yield* docket.schedules, [])
  console.log("and nothing comes any more")
})

await story.pipe(
  Effect.provide(Docket.layerWorker(handlers).pipe(Layer.provideMerge(Docket.layerMemory()))),
  Effect.runPromise
)
