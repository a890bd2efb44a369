/** Servers of every kind that a client starts as processes, each with a token by which it is found. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as path from "node:path"
import * as hearing from "../transport/hearing.ts"
import * as stdioServers from "../transport/stdioServers.ts"

const root = path.resolve(import.meta.dirname, "../..")

const node = (...args: ReadonlyArray<string>) => ({ command: process.execPath, args })

const script = (file: string, ...args: ReadonlyArray<string>) =>
  node("--conditions=fastmcp-effect/source", path.join(root, file), ...args)

export const kinds = {
  ours: (token: string) => script("examples/hello/server.ts", token),
  "SDK 1": (token: string) => script("test/bench/peers/sdk-v1.ts", "stdio", token),
  "SDK 2": (token: string) => script("test/bench/peers/sdk-v2.ts", "stdio", token),
  bare: (token: string) => node(stdioServers.counterpart, token),
  "behind a shell": (token: string) => {
    const { args, command } = kinds.bare(token)
    return { command: "sh", args: ["-c", "\"$@\"; true", "sh", command, ...args] }
  },
  /** Ignores the end of its stdin, and SIGTERM. */
  stubborn: (token: string) => {
    const { args, command } = stdioServers.program(
      "process.on('SIGTERM', () => {}); onLine(({ id }) => say({ id, result: {} })); stay()",
      token
    )
    return { command, args }
  }
}

export type Kind = keyof typeof kinds

export type Crowd = { readonly [kind in Kind]?: number }

export const list = (crowd: Crowd): ReadonlyArray<Kind> =>
  Object.entries(crowd).flatMap(([kind, count]) => Array.from({ length: count }, () => kind as Kind))

/** Connects to all of them at once, waits until each has answered, and leaves them at once when the scope closes. */
export const connect = (crowd: Crowd, token: string, grace: number) =>
  Effect.gen(function*() {
    const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
    yield* Effect.forEach(list(crowd), (kind) =>
      Effect.gen(function*() {
        const transport = yield* NodeStdioClient.make({ ...kinds[kind](token), grace })
        const heard = hearing.make()
        const connection = yield* Scope.provide(transport.connect(heard.listener), yield* Scope.fork(scope))
        connection.send(hearing.request(1, "echo"))
        yield* hearing.until(
          () => heard.messages.some(({ id }) => id === 1) || heard.ends.length > 0,
          () => `an answer from ${transport.address}`,
          12_000
        )
        if (heard.ends.length > 0) return yield* heard.ends[0]!
      }), { concurrency: "unbounded", discard: true })
  })
