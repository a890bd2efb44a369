/** What is planted on purpose is found: without that, that nothing is found says nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import { assertUnheard, overheard } from "./overheard.ts"

const secret = "Pl4nted/S3cret+ü"

class Failed extends Data.TaggedError("Failed")<{ readonly told?: unknown; readonly cause?: unknown }> {
  override get message() {
    return "failed"
  }
  override toJSON() {
    return {}
  }
}

const { port1: circular } = new MessageChannel()

const leaks: { readonly [where: string]: Effect.Effect<unknown, unknown> } = {
  "a log": Effect.logInfo(secret),
  "a log of the lowest level": Effect.logTrace("x", { deep: { deep: [{ secret }] } }),
  "the cause of a log": Effect.sandbox(Effect.fail(new Failed({ told: secret }))).pipe(
    Effect.catch((cause) => Effect.logDebug("x", cause))
  ),
  "the annotation of a log": Effect.annotateLogs(Effect.log("x"), { secret }),
  "the span of a log": Effect.withLogSpan(Effect.log("x"), secret),
  "the name of a span": Effect.withSpan(Effect.void, secret),
  "an attribute of a span": Effect.withSpan(Effect.void, "x", { attributes: { secret } }),
  "an event of a span": Effect.withSpan(
    Effect.flatMap(Effect.orDie(Effect.currentSpan), (span) => Effect.sync(() => span.event("x", 0n, { secret }))),
    "x"
  ),
  "a link of a span": Effect.withSpan(
    Effect.flatMap(
      Effect.orDie(Effect.currentSpan),
      (span) => Effect.withSpan(Effect.void, "y", { links: [{ span, attributes: { secret } }] })
    ),
    "x"
  ),
  "an exception of a span": Effect.ignore(Effect.withSpan(Effect.die(new Error(secret)), "x")),
  "the words of an error": Effect.die(new Error(secret)),
  "what an error does not show of itself": Effect.fail(new Failed({ told: { secret } })),
  "what an error is caused by": Effect.fail(new Failed({ cause: new Error("x", { cause: secret }) })),
  "an error that goes in circles": Effect.fail(Object.assign(new Error("x"), { circular, secret })),
  "a defect": Effect.die({ secret }),
  "a metric": Metric.update(Metric.counter("x", { attributes: { secret } }), 1),
  "what is counted": Metric.update(Metric.frequency("x"), secret),
  "stderr": Effect.sync(() => process.stderr.write(Buffer.from(secret))),
  "the console": Effect.sync(() => console.log({ secret })),
  "a URL": Effect.die(new Error(new URL(`https://a.example?secret=${encodeURIComponent(secret)}`).href)),
  "a form": Effect.die(new Error(new URLSearchParams({ secret }).toString())),
  "JSON": Effect.die(new Error(JSON.stringify({ secret }))),
  "bytes": Effect.fail(
    new Failed({ told: new TextEncoder().encode(`a long text before ${secret}, and more after it`) })
  ),
  "a buffer": Effect.fail(new Failed({ told: Buffer.from(`x${secret}`) })),
  ...Object.fromEntries(
    ["", "x", "xx", "xxx"].map((before) => [
      `base64 after ${before.length} bytes`,
      Effect.log(Buffer.from(`${before}${secret}x`).toString("base64"))
    ])
  )
}

const isFound = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.map(overheard(effect), ({ said }) => {
    try {
      assertUnheard(said, [secret])
      return false
    } catch {
      return true
    }
  })

describe("a secret that is given away", () => {
  for (const [where, leak] of Object.entries(leaks)) {
    it.effect(`is found in ${where}`, () =>
      Effect.gen(function*() {
        assert.isTrue(yield* isFound(leak))
      }))
  }

  it.effect("is not found where it is kept", () =>
    Effect.gen(function*() {
      const kept = Redacted.make(secret)
      assert.isFalse(
        yield* isFound(
          Effect.log(kept, { kept }).pipe(
            Effect.withSpan("x", { attributes: { kept } }),
            Effect.andThen(Effect.fail(new Failed({ told: kept, cause: { kept } })))
          )
        )
      )
      assert.isFalse(yield* isFound(Effect.succeed(secret)))
    }))
})
