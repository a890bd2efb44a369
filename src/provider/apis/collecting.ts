/**
 * A stream as the one result that a tool has: its elements up to a number and a time, told one by one as progress while
 * they come.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Progress from "../../context/Progress.ts"
import type * as RequestContext from "../../context/RequestContext.ts"

export interface Options {
  /** Elements a result has at most; the stream is ended then. 1,000. */
  readonly max?: number
  /** How long elements are waited for; those that came are the result then. 20 seconds. */
  readonly within?: Duration.Input
}

export interface Collected {
  readonly items: ReadonlyArray<unknown>
  readonly complete: boolean
}

export const schema = (element: Schema.Top): Schema.Top =>
  Schema.Struct({
    items: Schema.Array(element),
    complete: Schema.Boolean.annotate({ description: "False where it was cut off, so that there may be more" })
  })

export const collect = <E, R>(
  stream: Stream.Stream<unknown, E, R>,
  { max = 1000, within = "20 seconds" }: Options = {}
): Effect.Effect<Collected, E, R | RequestContext.RequestContext> =>
  Effect.suspend(() => {
    const items: Array<unknown> = []
    return stream.pipe(
      Stream.take(max),
      Stream.runForEach((item) => {
        items.push(item)
        return Progress.report(items.length)
      }),
      Effect.timeoutOption(Duration.fromInputUnsafe(within)),
      Effect.map((ended) => ({ items, complete: Option.isSome(ended) && items.length < max }))
    )
  })
