/**
 * Standard input and output for the protocol alone: whatever else in the process writes to stdout, `console.log`
 * included, is sent to stderr, so that no stray line can end up between two messages.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PlatformError from "effect/PlatformError"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import type { Writable } from "node:stream"

type Write = (chunk: string | Uint8Array) => boolean

export const layer: Layer.Layer<Stdio.Stdio> = Layer.effect(
  Stdio.Stdio,
  Effect.map(takeStdout(), (write) =>
    Stdio.make({
      args: Effect.sync(() => process.argv.slice(2)),
      stdin: NodeStream.fromReadable({
        evaluate: () => process.stdin,
        onError: (cause) => error("stdin", cause),
        closeOnDone: false
      }),
      stdout: () => sink(process.stdout, write, "stdout"),
      stderr: () => sink(process.stderr, process.stderr.write.bind(process.stderr) as Write, "stderr")
    }))
)

/** The way to the real stdout, which is nobody else's while the scope is open. */
function takeStdout() {
  return Effect.acquireRelease(
    Effect.sync((): Write => {
      const { stderr, stdout } = process
      const write = stdout.write.bind(stdout) as Write
      stdout.write = stderr.write.bind(stderr)
      return write
    }),
    () =>
      Effect.sync(() => {
        Reflect.deleteProperty(process.stdout, "write")
      })
  )
}

const sink = (stream: Writable, write: Write, method: string) =>
  Sink.forEachArray((chunks: ReadonlyArray<string | Uint8Array>) =>
    Effect.callback<void, PlatformError.PlatformError>((resume) => {
      if (stream.destroyed || stream.errored != null) return resume(Effect.fail(error(method, stream.errored)))
      let isFlowing = true
      for (const chunk of chunks) isFlowing = write(chunk)
      if (isFlowing) return resume(Effect.void)
      const done = () => {
        stream.off("error", failed)
        resume(Effect.void)
      }
      const failed = (cause: Error) => {
        stream.off("drain", done)
        resume(Effect.fail(error(method, cause)))
      }
      stream.once("drain", done)
      stream.once("error", failed)
      return Effect.sync(() => {
        stream.off("drain", done)
        stream.off("error", failed)
      })
    })
  )

const error = (method: string, cause: unknown) =>
  PlatformError.systemError({ module: "Stdio", method, _tag: "Unknown", cause })
