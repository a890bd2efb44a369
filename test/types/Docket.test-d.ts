// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off globalErrorInEffectFailure:off floatingEffect:off
/** A payload, a result and an error are what the task says, and a worker needs what its handlers need. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Docket from "fastmcp-effect/docket/Docket"
import type * as DocketError from "fastmcp-effect/docket/DocketError"
import type * as DocketRecords from "fastmcp-effect/docket/DocketRecords"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import { describe, expectTypeOf, it } from "vitest"

class Mailer extends Context.Service<Mailer, { readonly send: (to: string) => Effect.Effect<void> }>()("Mailer") {}

class Printer
  extends Context.Service<Printer, { readonly print: (text: string) => Effect.Effect<void> }>()("Printer")
{}

class Bounced extends Schema.TaggedError<Bounced>()("Bounced", { to: Schema.String }) {}

const send = DocketTask.make("send", {
  payload: Schema.Struct({ to: Schema.String }),
  success: Schema.DateTimeUtcFromString,
  error: Bounced
})

const print = DocketTask.make("print", { payload: Schema.String })

declare const docket: Docket.Docket["Service"]

describe("a docket", () => {
  it("takes what the task says, and gives it", () => {
    docket.add(send, { to: "a" })
    // @ts-expect-error: a number is no address
    docket.add(send, { to: 1 })
    // @ts-expect-error: nothing is missing but the payload
    docket.add(send)
    const result = docket.result(send, "id")
    expectTypeOf<Effect.Error<typeof result>>().toEqualTypeOf<Bounced | DocketError.DocketError>()
    expectTypeOf<Effect.Success<typeof result>>().toEqualTypeOf<typeof send.success.Type>()
  })

  it("asks handlers for what the task says", () => {
    // @ts-expect-error: no handler of this task fails with a string
    DocketTask.handle(send, () => Effect.fail("no"))
    // @ts-expect-error: nor succeeds with nothing
    DocketTask.handle(send, () => Effect.void)
    // @ts-expect-error: one that takes no error fails with none
    DocketTask.handle(print, () => Effect.fail("no"))
  })

  it("asks for what all handlers need", () => {
    const worker = Docket.layerWorker([
      DocketTask.handle(send, ({ to }) => Effect.andThen(Mailer.use((mailer) => mailer.send(to)), Effect.die(to))),
      DocketTask.handle(print, (text) => Printer.use((printer) => printer.print(text)))
    ])
    expectTypeOf(worker).toEqualTypeOf<Layer.Layer<never, never, DocketRecords.DocketRecords | Mailer | Printer>>()
  })

  it("retries by the error of the task", () => {
    DocketTask.make("x", {
      error: Bounced,
      retry: Schedule.recurs(3).pipe(
        Schedule.while(({ input }: { readonly input: DocketTask.Trouble<Bounced> }) =>
          Effect.succeed(input._tag !== "Error" || input.error.to !== "nobody")
        )
      )
    })
    DocketTask.make("x", {
      payload: Schema.Struct({ user: Schema.String }),
      concurrency: { key: ({ user }) => user, limit: 1 },
      // @ts-expect-error: the payload has no such field
      rateLimit: { key: ({ group }) => group, limit: 1, window: "1 minute" }
    })
  })
})
