import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"

export const beat = DocketTask.make("beat")

export const cleanUp = DocketTask.make("cleanUp", { payload: Schema.Struct({ olderThanDays: Schema.Int }) })

/** At every start: who has said it already says it again. */
export const schedules = Effect.gen(function*() {
  const docket = yield* Docket.Docket
  yield* docket.schedule("heart", beat, undefined, { every: "1 second" })
  yield* docket.schedule("nightly", cleanUp, { olderThanDays: 30 }, { cron: "0 3 * * *", timeZone: "Europe/Vienna" })
})

export const handlers = [
  DocketTask.handle(beat, () => Effect.log("beats")),
  DocketTask.handle(cleanUp, ({ olderThanDays }) => Effect.log(`throws away what is older than ${olderThanDays} days`))
] as const
