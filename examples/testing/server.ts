/** The system under test: a tool that works for a while with a lease in its hands and must always give it back. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"

export class Leases extends Context.Service<Leases, {
  readonly take: (job: number) => Effect.Effect<void>
  readonly giveBack: (job: number) => Effect.Effect<void>
}>()("examples/testing/Leases") {}

export class Jammed extends Schema.TaggedError<Jammed>()("Jammed", { job: Schema.Int }) {}

export const work = Tool.make("work", {
  description: "Works for some seconds and ends as it is told to",
  parameters: {
    job: Schema.Int,
    seconds: Schema.Int,
    end: Schema.Literals(["done", "jammed", "bug"])
  },
  success: Schema.Literal("done"),
  failure: Jammed
})

const Work = Tool.handle(work, ({ end, job, seconds }) =>
  Effect.gen(function*() {
    const leases = yield* Leases
    const finish = {
      done: Effect.succeed("done" as const),
      jammed: new Jammed({ job }),
      bug: Effect.die(new Error("secret"))
    }
    return yield* Effect.acquireUseRelease(
      leases.take(job),
      () => Effect.andThen(Effect.sleep(Duration.seconds(seconds)), finish[end]),
      () => leases.giveBack(job)
    )
  }))

export const limit = Duration.millis(10_500)

export const Workshop = McpServer.layer({
  name: "workshop",
  version: "1.0.0",
  tools: [Work],
  requestTimeout: limit
})
