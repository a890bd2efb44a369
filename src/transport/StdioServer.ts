/**
 * MCP over standard input and output: one message a line, nothing else on stdout. Input that ends, and an interruption
 * of `run` alike, let the requests in flight finish within a grace period; then they are cancelled, what they answered
 * is written out, and the transport ends.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as Admission from "./Admission.ts"
import * as lines from "./internal/lines.ts"
import * as outbox from "./internal/outbox.ts"
import * as Receiver from "./Receiver.ts"
import * as TransportError from "./TransportError.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** Longest line in bytes; a longer one is refused without being held in memory. 10 MiB. */
  readonly maxLineBytes?: number
  /** How long requests in flight may go on after the input ended. 5 seconds. */
  readonly grace?: Duration.Input
  /** Unsent characters above which no more input is read. 1 Mi. */
  readonly highWaterMark?: number
}

/**
 * Serves until the input ends.
 *
 * @category running
 * @since 0.1.0
 */
export const run = (
  options: Options = {}
): Effect.Effect<void, TransportError.TransportError, Receiver.Receiver | Stdio.Stdio> =>
  Effect.scoped(Effect.gen(function*() {
    const { grace = "5 seconds", highWaterMark = 1 << 20, maxLineBytes = 10 << 20 } = options
    const stdio = yield* Stdio.Stdio
    const receiver = yield* Receiver.Receiver
    const admission = yield* Admission.inForce(receiver)
    const verdict = yield* admission === undefined
      ? Effect.succeed(undefined)
      : admission.admit({ transport: "stdio", header: () => undefined })
    if (verdict?._tag === "Refused") {
      return yield* TransportError.make(
        new TransportError.NotAdmitted({ message: verdict.error.message })
      )
    }
    const out = outbox.make({ highWaterMark })
    let isPatient = true
    let isGone = false

    const writer = yield* Effect.forkScoped(
      Stream.run(
        Stream.fromPull(
          Effect.succeed(
            Effect.flatMap(
              out.take,
              (batch) => batch === undefined ? Cause.done() : Effect.succeed([`${batch.join("\n")}\n`] as const)
            )
          )
        ),
        stdio.stdout()
      ),
      { startImmediately: true }
    )

    const peer = yield* Effect.acquireRelease(
      Effect.sync(() =>
        receiver.connect({
          transport: "stdio",
          sessionId: undefined,
          push: out.write,
          congested: out.congested,
          drained: out.drained,
          context: verdict?.context ?? Context.empty()
        })
      ),
      (peer) =>
        (isPatient && !isGone ? Effect.timeoutOption(peer.idle, grace) : Effect.void).pipe(
          Effect.andThen(peer.close(isGone ? "User" : "Shutdown")),
          Effect.andThen(Effect.sync(out.end)),
          // A reader that has stopped reading must not keep us here.
          Effect.andThen(Effect.timeoutOption(Fiber.await(writer), grace))
        )
    )

    const exchange: Receiver.Exchange = {
      reply: out.write,
      notify: out.write,
      drop: () => {},
      congested: out.congested,
      drained: out.drained,
      header: undefined
    }
    const input = lines.make({
      maxBytes: maxLineBytes,
      onLine: (line) => peer.receive(JsonRpc.parse(line), exchange),
      onOversize: () => peer.receive(tooLong(maxLineBytes), exchange)
    })
    const read = Stream.runForEachArray(stdio.stdin, (chunks) => {
      out.cork()
      try {
        for (const chunk of chunks) input.push(chunk)
      } finally {
        out.uncork()
      }
      return out.congested() ? out.drained : Effect.void
    })

    yield* Effect.raceFirst(
      Effect.andThen(read, Effect.sync(input.end)),
      // A peer that closed its end of stdout is gone, and nothing in flight can reach it any more.
      Effect.flatMap(Fiber.await(writer), (exit) => {
        isGone = Exit.isFailure(exit)
        return isGone ? exit : Effect.never
      })
    ).pipe(
      Effect.mapError((cause) => TransportError.make(new TransportError.Closed({ cause })))
    )
    // Clients close stdin, wait, send SIGTERM and soon after SIGKILL: a signal from here on ends the grace period.
    isPatient = false
    yield* Effect.timeoutOption(peer.idle, grace)
  }))

/**
 * Serves in the background of a larger program.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<never, never, Receiver.Receiver | Stdio.Stdio> =>
  Layer.effectDiscard(Effect.forkScoped(
    Effect.catch(run(options), (error) => Effect.logWarning("stdio transport ended", error))
  ))

const tooLong = (maxBytes: number): JsonRpc.Invalid => ({
  _tag: "Invalid",
  id: null,
  isResponse: false,
  error: McpError.invalidRequest(`The line is longer than ${maxBytes} bytes; it was discarded.`)
})
