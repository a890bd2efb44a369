/**
 * MCP to a server that the client starts: one process for each connection, one message a line. The process ends with its
 * connection, and with it all that it has started: first its stdin is closed, then it is asked to end, then it is killed.
 * What it says on stderr is kept, so that the error tells why a server has ended.
 *
 * `node/NodeStdioClient` is this with all it needs on Node.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as PlatformError from "effect/PlatformError"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as CommandLine from "effect/process/CommandLine"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as JsonRpc from "../protocol/JsonRpc.ts"
import * as McpError from "../protocol/McpError.ts"
import * as ClientTransport from "./ClientTransport.ts"
import * as forgotten from "./internal/forgotten.ts"
import * as lines from "./internal/lines.ts"
import * as outbox from "./internal/outbox.ts"
import * as oversize from "./internal/oversize.ts"
import * as ownScope from "./internal/ownScope.ts"
import * as serverProcess from "./internal/serverProcess.ts"
import * as TransportError from "./TransportError.ts"

/** @category models @since 0.1.0 */
export interface Options {
  /** The server's program: a name that is looked for on the server's `PATH`, or a path. */
  readonly command: string
  /** Taken as they stand, by no shell. Those that are `Redacted` are shown to nobody else. */
  readonly args?: ReadonlyArray<CommandLine.Word>
  /** Where the server runs; where this process does. */
  readonly cwd?: string
  /** The server's variables, over those it inherits; undefined takes one of those away. */
  readonly env?: { readonly [name: string]: string | Redacted.Redacted<string> | undefined }
  /**
   * Which of `environment` the server inherits: `true` for all, `inheritedVariables` unless this says otherwise. A value
   * that begins with `()` is a shell's function, which a list does not pass on.
   */
  readonly inheritEnv?: ReadonlyArray<string> | true
  /** The variables of this process, read at each connect: `process.env`. */
  readonly environment: { readonly [name: string]: string | undefined }
  /**
   * `inherit` shows the server's stderr on that of this process. Otherwise the last 64 KiB of it are kept, and tell in the
   * error why a server has ended; an effect gets each line besides. The server does not wait for it: who is 1,000 lines
   * behind misses the oldest.
   */
  readonly stderr?: "inherit" | ((line: string) => Effect.Effect<void>)
  /** Longest line in bytes; a longer one is discarded without being held in memory. 10 MiB. */
  readonly maxLineBytes?: number
  /** Unsent characters above which the connection is congested. 1 Mi. */
  readonly highWaterMark?: number
  /** How long the server may take to end once its stdin has, and again once it was asked to with SIGTERM. 2 seconds. */
  readonly grace?: Duration.Input
}

/**
 * The variables a server inherits unless it is told otherwise: those the official SDKs pass on, which name no secret.
 *
 * @category constants
 * @since 0.1.0
 */
export const inheritedVariables: ReadonlyArray<string> = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"]

/** The same on Windows. @category constants @since 0.1.0 */
export const inheritedVariablesWindows: ReadonlyArray<string> = [
  "APPDATA",
  "HOMEDRIVE",
  "HOMEPATH",
  "LOCALAPPDATA",
  "PATH",
  "PROCESSOR_ARCHITECTURE",
  "PROGRAMFILES",
  "SYSTEMDRIVE",
  "SYSTEMROOT",
  "TEMP",
  "USERNAME",
  "USERPROFILE"
]

/** @category layers @since 0.1.0 */
export const layer = (
  options: Options
): Layer.Layer<ClientTransport.ClientTransport, never, ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(ClientTransport.ClientTransport, make(options))

/** @category constructors @since 0.1.0 */
export const make = (
  options: Options
): Effect.Effect<ClientTransport.ClientTransport["Service"], never, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.map(ChildProcessSpawner.ChildProcessSpawner, (spawner) => {
    const address = CommandLine.display([options.command, ...options.args ?? []])
    return {
      kind: "stdio",
      address,
      origin: undefined,
      connect: (listener) =>
        ownScope.open((clientScope, scope) => open(spawner, address, options, listener, clientScope, scope))
    }
  })

/** The process ends with its connection: signalled long after its end, its group could be that of another. */
const open = Effect.fnUntraced(function*(
  spawner: ChildProcessSpawner.ChildProcessSpawner["Service"],
  address: string,
  options: Options,
  listener: ClientTransport.Listener,
  clientScope: Scope.Scope,
  scope: Scope.Closeable
) {
  const { args = [], command, cwd, grace = "2 seconds", maxLineBytes = 10 << 20, stderr } = options
  const out = outbox.make({ highWaterMark: options.highWaterMark ?? 1 << 20 })
  const unwanted = forgotten.make()
  const over = Deferred.makeUnsafe<void>()
  let isSilent = false
  const silence = () => {
    isSilent = true
    Deferred.doneUnsafe(over, Exit.void)
  }

  // Released after the process: who reads and writes goes on until it has ended, for it could wait for them.
  const fibers = yield* Scope.fork(scope)
  const server = yield* serverProcess.start(spawner, {
    command,
    args,
    cwd,
    env: variables(options),
    stderr,
    grace,
    closeStdin: Effect.sync(out.end)
  }).pipe(
    Effect.mapError((error) => unreachable(address, options, error))
  )
  const input = lines.make({
    maxBytes: maxLineBytes,
    onLine: (line) => {
      if (!isSilent) receive(JsonRpc.parse(line))
    },
    onOversize: (head, tail) => {
      if (isSilent) return
      const { id, isResponse } = oversize.read(head, tail)
      if (!isResponse || id === null) return receive(tooLong(maxLineBytes, id, isResponse))
      if (unwanted.take(id)) return
      listener.failed(id, TransportError.make(new TransportError.TooLarge({ limit: maxLineBytes })))
    }
  })
  const receive = (message: JsonRpc.Message | JsonRpc.Invalid | JsonRpc.Batch) => {
    const wanted = unwanted.sift(message)
    if (wanted !== undefined) listener.receive(wanted, undefined)
  }

  const read = Stream.runForEachArray(server.stdout, (chunks) =>
    Effect.sync(() => {
      out.cork()
      try {
        for (const chunk of chunks) input.push(chunk)
      } finally {
        out.uncork()
      }
    }))
  const write = Stream.run(
    Stream.fromPull(
      Effect.succeed(
        Effect.flatMap(
          out.take,
          (batch) =>
            batch === undefined ? Cause.done() : Effect.succeed([encoder.encode(`${batch.join("\n")}\n`)] as const)
        )
      )
    ),
    server.stdin
  )
  const writing = yield* Effect.forkIn(write, fibers)
  // It yields first: who connects has the connection before anything is told.
  const reading = yield* Effect.forkIn(
    Effect.andThen(Effect.yieldNow, Effect.andThen(read, Effect.sync(input.end))),
    fibers
  )

  const watch = Effect.gen(function*() {
    yield* Effect.raceAllFirst([server.ended, Fiber.await(reading), Fiber.await(writing)])
    // Where one ends the others do, as a rule; together they tell what has happened.
    const [findings] = yield* Effect.all([server.inspect, Effect.timeoutOption(Fiber.await(reading), patience)], {
      concurrency: 2
    })
    const exit = reading.pollUnsafe()
    if (exit !== undefined && Exit.isFailure(exit) && Cause.hasDies(exit.cause)) {
      yield* Effect.logError("A connection to a server hit a defect", exit.cause)
    }
    if (isSilent) return
    silence()
    listener.closed(TransportError.make(ending(address, findings, exit !== undefined)))
  })
  yield* Effect.forkIn(Effect.ensuring(watch, Scope.close(scope, Exit.void)), clientScope)
  yield* Scope.addFinalizer(clientScope, Effect.sync(silence))

  return {
    send: ({ frame }) => {
      if (!isSilent) out.write(frame)
    },
    forget: unwanted.add,
    hasStreams: false,
    hasHeaders: false,
    congested: () => !isSilent && out.congested(),
    drained: Effect.raceFirst(out.drained, Deferred.await(over)),
    established: () => {}
  } satisfies ClientTransport.Connection
})

/** How long stdout may go on after the process has ended. */
const patience = "1 second"

const encoder = new TextEncoder()

const variables = ({ env, environment, inheritEnv = inheritedVariables }: Options) => {
  if (inheritEnv === true) return { ...environment, ...env }
  const inherited = inheritEnv.map((name) => [name, environment[name]] as const)
    .filter(([, value]) => value?.startsWith("()") === false)
  return { ...Object.fromEntries(inherited), ...env }
}

const tooLong = (maxBytes: number, id: JsonRpc.RequestId | null, isResponse: boolean): JsonRpc.Invalid => ({
  _tag: "Invalid",
  id,
  isResponse,
  error: McpError.invalidRequest(`The line is longer than ${maxBytes} bytes; it was discarded.`)
})

const ending = (
  address: string,
  { status, stderr }: serverProcess.Findings,
  hasClosedStdout: boolean
): TransportError.Reason =>
  status === undefined
    ? new TransportError.Closed({
      message: `${address} runs on, but ${hasClosedStdout ? "has closed its stdout" : "no longer reads its stdin"}`
    })
    : new TransportError.Exited({ address, ...status, ...(stderr === undefined ? undefined : { stderr }) })

const unreachable = (
  address: string,
  { command, cwd }: Options,
  error: PlatformError.PlatformError
): TransportError.TransportError =>
  TransportError.make(
    new TransportError.Unreachable({ address, message: problem(command, cwd, error.reason), cause: error })
  )

const problem = (command: string, cwd: string | undefined, reason: PlatformError.PlatformError["reason"]): string => {
  if (reason.module === "FileSystem") return `it is to run in ${cwd}, which is no directory that can be entered`
  if (reason._tag === "NotFound") {
    return /[/\\]/u.test(command)
      ? `there is no file ${command}, or not the interpreter its first line names`
      : `there is no program ${JSON.stringify(command)} on its PATH; install it, or give its whole path`
  }
  if (reason._tag === "PermissionDenied") {
    return `${command} may not be run; make it executable, or name its interpreter`
  }
  return reason._tag === "BadArgument"
    ? reason.description ?? reason.message
    : messageOf(reason.cause) ?? reason.message
}

const messageOf = (cause: unknown): string | undefined => cause instanceof Error ? cause.message : undefined
