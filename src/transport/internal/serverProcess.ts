/**
 * A server that runs as a process, until its scope closes: what it says on stderr, what it ended with, and how it is
 * ended. It leads a process group, and the whole group ends with it.
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import type * as CommandLine from "effect/process/CommandLine"
import * as Queue from "effect/Queue"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as lines from "./lines.ts"

export interface Options {
  readonly command: string
  readonly args: ReadonlyArray<CommandLine.Word>
  readonly cwd: string | undefined
  /** All of its variables. */
  readonly env: { readonly [name: string]: string | Redacted.Redacted<string> | undefined }
  readonly stderr: "inherit" | ((line: string) => Effect.Effect<void>) | undefined
  readonly grace: Duration.Input
  /** The first thing that is done to end it. */
  readonly closeStdin: Effect.Effect<void>
}

export interface ServerProcess extends Pick<ChildProcessSpawner.ChildProcessHandle, "stdin" | "stdout"> {
  /** Waits until it has ended. */
  readonly ended: Effect.Effect<unknown>
  /** Waits for a moment until it has ended and nobody can write to its stderr, and tells what is known by then. */
  readonly inspect: Effect.Effect<Findings>
}

export interface Findings {
  /** Undefined while it runs. */
  readonly status: { readonly code: number } | { readonly signal: string } | undefined
  /** The last it has said, unless that goes elsewhere. */
  readonly stderr: string | undefined
}

export const start = Effect.fnUntraced(function*(
  spawner: ChildProcessSpawner.ChildProcessSpawner["Service"],
  options: Options
): Effect.fn.Return<ServerProcess, PlatformError.PlatformError, Scope.Scope> {
  const { args, closeStdin, command, cwd, env, grace } = options
  const tail = makeTail()
  let status: Findings["status"]

  // Released last to first: what is read of it is read until the process has ended.
  const fibers = yield* Scope.fork(yield* Effect.scope)
  const handle = yield* spawner.spawn(ChildProcess.make(command, args, {
    cwd,
    env,
    stderr: options.stderr === "inherit" ? "inherit" : "pipe",
    killSignal: "SIGTERM",
    forceKillAfter: grace
  })).pipe(
    // Node tells of some failures at once, and throws those.
    Effect.catchDefect((cause) =>
      Effect.fail(PlatformError.systemError({ _tag: "Unknown", module: "ChildProcess", method: "spawn", cause }))
    )
  )
  const hearing = yield* Effect.forkIn(Effect.ignoreCause(hear(handle.stderr, tail, options.stderr)), fibers)
  const leaving = yield* Effect.forkIn(
    Effect.match(handle.exitCode, {
      onSuccess: (code) => {
        status = { code }
      },
      onFailure: (error) => {
        status = { signal: signalOf(error) }
      }
    }),
    fibers
  )
  yield* Scope.addFinalizer(fibers, Effect.timeoutOption(Fiber.await(hearing), patience))
  // What comes after it, SIGTERM and then SIGKILL for the group, is the spawner's.
  yield* Effect.addFinalizer(() => Effect.andThen(closeStdin, Effect.timeoutOption(Fiber.await(leaving), grace)))

  return {
    stdin: handle.stdin,
    stdout: handle.stdout,
    ended: Fiber.await(leaving),
    inspect: Effect.timeoutOption(Effect.andThen(Fiber.await(leaving), Fiber.await(hearing)), patience).pipe(
      Effect.map(() => ({ status, stderr: options.stderr === "inherit" ? undefined : tail.text() }))
    )
  }
})

/** How long the rest of a server that ends is waited for. */
const patience = "1 second"

const hear = (
  stderr: Stream.Stream<Uint8Array, PlatformError.PlatformError>,
  tail: Tail,
  onLine: Options["stderr"]
): Effect.Effect<void, PlatformError.PlatformError> => {
  if (typeof onLine !== "function") {
    return Stream.runForEach(stderr, (chunk) => Effect.sync(() => tail.push(chunk)))
  }
  return Effect.gen(function*() {
    // A server that had to wait for whoever hears it would stand still at its next word.
    const heard = yield* Queue.sliding<string, Cause.Done>(maxUnheard)
    const offer = (line: string) => {
      Queue.offerUnsafe(heard, line)
    }
    const input = lines.make({
      maxBytes: tailBytes,
      onLine: (line) => offer(line.replace(/\r$/u, "")),
      onOversize: (head) => offer(`${head}…`)
    })
    const handing = yield* Effect.forkChild(
      Stream.runForEach(
        Stream.fromQueue(heard),
        (line) =>
          Effect.catchCause(
            onLine(line),
            (cause) => Effect.logWarning("Who hears a server's stderr hit a defect", cause)
          )
      )
    )
    yield* Stream.runForEach(stderr, (chunk) =>
      Effect.sync(() => {
        tail.push(chunk)
        input.push(chunk)
      }))
    input.end()
    yield* Queue.end(heard)
    yield* Fiber.join(handing)
  })
}

const maxUnheard = 1000

/** A process that a signal has ended has no code, and the spawner says which it was in words alone. */
const signalOf = ({ reason }: PlatformError.PlatformError): string =>
  /\bSIG[A-Z0-9]+\b/u.exec(String(reason.cause))?.[0] ?? "a signal"

interface Tail {
  readonly push: (chunk: Uint8Array) => void
  readonly text: () => string
}

/** Keeps the last of what is pushed. */
const makeTail = (): Tail => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  return {
    push: (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      while (size - chunks[0]!.length >= tailBytes) size -= chunks.shift()!.length
    },
    text: () => {
      const decoder = new TextDecoder()
      return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("").slice(-tailBytes)
    }
  }
}

const tailBytes = 1 << 16
