/**
 * A client of one revision over stdio or HTTP, for tests: what `McpTest.client` is in memory. It says what it can do,
 * answers what it is asked while it waits for something itself, and keeps every frame.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as StdioServer from "fastmcp-effect/transport/StdioServer"
import * as wires from "../server/wires.ts"

export type Name = "stdio" | "http"

export const names: ReadonlyArray<Name> = ["stdio", "http"]

/** What is answered to each method; `undefined` stays silent. */
export type Answers = { readonly [method: string]: (params: any) => object | undefined }

export interface Options {
  readonly capabilities?: McpSchema.ClientCapabilities
  readonly answers?: Answers
  /** Asked for in `initialize` where it is no revision of ours. */
  readonly protocolVersion?: string
}

export interface Client {
  readonly revision: Revisions.Version
  /** What `initialize` was answered with. */
  readonly initialized: any
  /** Sends a request and waits for what answers it, in however many rounds. */
  readonly request: (method: string, params?: object, meta?: object) => Effect.Effect<wires.Frame>
  /** The same for a request that has a result. */
  readonly result: (method: string, params?: object, meta?: object) => Effect.Effect<any>
  /** The result of a tool. */
  readonly call: (tool: string, args?: object, meta?: object) => Effect.Effect<any>
  /** The code of the error that answers a request. */
  readonly refused: (method: string, params?: object, meta?: object) => Effect.Effect<number | undefined>
  /** Sends a request and goes on; the id it has. */
  readonly begin: (method: string, params?: object, meta?: object) => number
  readonly answerTo: (id: number) => Effect.Effect<wires.Frame>
  readonly notify: (method: string, params?: object) => void
  readonly send: (frame: string | object) => void
  readonly frames: ReadonlyArray<wires.Frame>
  /** The params of the notifications of one method, oldest first. */
  readonly heard: (method: string) => ReadonlyArray<any>
  /** The params of each question so far, of one method. */
  readonly asked: (method: string) => ReadonlyArray<any>
}

type Send = (frame: string | object) => void

type Connect = (
  isStateless: boolean,
  receive: (frame: wires.Frame) => void
) => Effect.Effect<Send, never, Receiver.Receiver | Scope.Scope>

const stdio: Connect = (_isStateless, receive) =>
  Effect.gen(function*() {
    const input = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    let rest = ""
    const written = Sink.forEach((chunk: string | Uint8Array) =>
      Effect.sync(() => {
        const lines = (rest + (typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk))).split("\n")
        rest = lines.pop()!
        for (const line of lines) receive(JSON.parse(line))
      })
    )
    yield* Effect.forkScoped(Effect.provideService(
      StdioServer.run(),
      Stdio.Stdio,
      Stdio.make({
        args: Effect.succeed([]),
        stdin: Stream.fromQueue(input),
        stdout: () => written,
        stderr: () => Sink.drain
      })
    ))
    return (frame) => {
      const text = typeof frame === "string" ? frame : JSON.stringify(frame)
      Queue.offerUnsafe(input, new TextEncoder().encode(`${text}\n`))
    }
  })

const http: Connect = (isStateless, receive) =>
  Effect.map(wires.http(), ({ send }) => {
    let session: string | undefined
    return (frame) => {
      const uri = (frame as { readonly params?: { readonly uri?: string } }).params?.uri
      const post = send(frame, {
        "mcp-session-id": session,
        ...(isStateless && uri !== undefined ? { "mcp-name": uri } : undefined)
      }, { onFrame: receive })
      session ??= post.headers["mcp-session-id"]
    }
  })

const connections: { readonly [name in Name]: Connect } = { stdio, http }

/** Connects to a server that is running, and does the handshake of revisions that have one. */
export const connect = (
  name: Name,
  revision: Revisions.Version,
  options: Options = {}
): Effect.Effect<Client, never, Receiver.Receiver | Scope.Scope> =>
  Effect.gen(function*() {
    const { era } = Revisions.select(revision)!
    const { answers = {}, capabilities = {} } = options
    const envelope = era === "Stateless" ? { [Meta.clientCapabilities]: capabilities } : {}
    const frames: Array<wires.Frame> = []
    const asked: Array<{ readonly method: string; readonly params: any }> = []
    const open: Array<wires.Frame> = []
    const send = yield* connections[name](era === "Stateless", (received) => {
      // A batch is answered by one.
      for (const frame of [received].flat()) {
        frames.push(frame)
        if (frame.id === undefined || frame.id === null || frame.method === undefined) continue
        asked.push({ method: frame.method, params: frame.params })
        open.push(frame)
      }
    })
    let last = 0

    const answerOpen = () => {
      for (const { id, method, params } of open.splice(0)) {
        const answer = answers[method!]?.(params)
        if (answer !== undefined) send({ jsonrpc: "2.0", id, result: answer })
      }
    }
    const find = (id: number) => frames.find((frame) => frame.id === id && frame.method === undefined)
    const answerTo = (id: number) =>
      Effect.map(
        wires.until(() => {
          answerOpen()
          return find(id) !== undefined
        }, () => `an answer to ${id} among ${JSON.stringify(frames)}`),
        () => find(id)!
      )
    // Our ids and the server's are two series.
    const begin = (method: string, params: object = {}, meta: object = {}) => {
      const id = 1000 + ++last
      send(wires.request(era, id, method, params, { ...envelope, ...meta }))
      return id
    }
    const request: Client["request"] = (method, params = {}, meta = {}) =>
      Effect.flatMap(Effect.suspend(() => answerTo(begin(method, params, meta))), (frame) => {
        if (frame.result?.resultType !== "input_required") return Effect.succeed(frame)
        const inputResponses: { [key: string]: object } = {}
        for (const [key, question] of Object.entries<any>(frame.result.inputRequests)) {
          asked.push(question)
          const answer = answers[question.method]?.(question.params)
          if (answer !== undefined) inputResponses[key] = answer
        }
        const { requestState } = frame.result
        return request(method, { ...params, inputResponses, requestState }, meta)
      })
    const result: Client["result"] = (method, params, meta) =>
      Effect.flatMap(request(method, params, meta), (frame) =>
        frame.result === undefined
          ? Effect.die(new Error(`${method} was refused: ${JSON.stringify(frame.error)}`))
          : Effect.succeed(frame.result))
    const notify: Client["notify"] = (method, params) => send(wires.notification(method, params))

    const initialized = era === "Stateful"
      ? yield* result("initialize", {
        protocolVersion: options.protocolVersion ?? revision,
        capabilities,
        clientInfo: { name: "test", version: "1" }
      })
      : undefined
    if (era === "Stateful") notify("notifications/initialized")
    return {
      revision,
      initialized,
      request,
      result,
      call: (name, args = {}, meta) => result("tools/call", { name, arguments: args }, meta),
      refused: (method, params, meta) => Effect.map(request(method, params, meta), ({ error }) => error?.code),
      begin,
      answerTo,
      notify,
      send,
      frames,
      heard: (method) => frames.flatMap((frame) => frame.method === method ? [frame.params] : []),
      asked: (method) => asked.flatMap((question) => question.method === method ? [question.params] : [])
    }
  })

/** A server of its own, and a client of it. */
export const open = <E>(
  name: Name,
  revision: Revisions.Version,
  server: Layer.Layer<Receiver.Receiver, E>,
  options?: Options
): Effect.Effect<Client, E, Scope.Scope> =>
  Effect.flatMap(
    Layer.build(Layer.fresh(server)),
    (context) => Effect.provideContext(connect(name, revision, options), context)
  )
