/** What the tests of `Idempotency` serve: tools whose side effects are counted, and what waits for them. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Idempotency from "fastmcp-effect/middleware/Idempotency"
import * as ReceiptStore from "fastmcp-effect/middleware/ReceiptStore"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Meta from "fastmcp-effect/protocol/Meta"
import type * as McpTest from "fastmcp-effect/testing/McpTest"
import { serve } from "./serving.ts"

type AnyTool = Tool.Handled<string, any, any, any, RequestContext.RequestContext>

export const keyed = (key: string) => ({ meta: { [Meta.idempotencyKey]: key } })

/** A tool that changes something: `done` has the argument of each time it did. */
export const charging = (
  run: (
    amount: number,
    count: number
  ) => Effect.Effect<string, string | McpError.McpError, RequestContext.RequestContext> = (
    amount,
    count
  ) => Effect.succeed(`${amount} in ${count}`),
  options: { readonly name?: string; readonly annotations?: McpSchema.ToolAnnotations } = {}
) => {
  const done: Array<number> = []
  const tool = Tool.make(options.name ?? "charge", {
    parameters: { amount: Schema.Int },
    success: Schema.String,
    failure: Schema.String,
    annotations: options.annotations ?? {},
    handler: ({ amount }) => Effect.suspend(() => run(amount, done.push(amount)))
  })
  return { done, tool }
}

/** On a store of its own. */
export const served = (
  tools: ReadonlyArray<AnyTool>,
  options?: Idempotency.Options,
  store: Layer.Layer<ReceiptStore.ReceiptStore> = ReceiptStore.layerMemory()
) => serve([Idempotency.make(options)], ...tools).pipe(Layer.provideMerge(Layer.fresh(store)))

export const charge = (client: McpTest.Client, amount: number, key?: string, name = "charge") =>
  Effect.map(
    client.callTool(name, { amount }, key === undefined ? {} : keyed(key)),
    ({ content, isError }) => `${isError === true ? "error: " : ""}${(content[0] as { readonly text: string }).text}`
  )

export const reasonOf = <A, E extends { readonly reason: { readonly _tag: string } } | { readonly _tag: string }>(
  call: Effect.Effect<A, E>
): Effect.Effect<string, A> =>
  Effect.map(Effect.flip(call), (error) => "reason" in error ? error.reason._tag : error._tag)

/** Waits, in the time of this machine, for what is on its way through cryptography or a database. */
export const reached = (condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let count = 0; count < 1000 && !condition(); count++) yield* TestClock.withLive(Effect.sleep(2))
    assert.isTrue(condition(), "it has come to that")
  })

/** The same for a call that the clock of the test moves on. */
export const passing = <A, E>(call: Effect.Effect<A, E>, step: number) =>
  Effect.raceFirst(
    call,
    Effect.forever(Effect.andThen(TestClock.withLive(Effect.sleep(2)), TestClock.adjust(step)))
  )
