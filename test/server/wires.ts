/**
 * A client's end of each transport as one thing: frames in, frames out, on the test's clock. They are the real
 * transports with nothing behind them that takes time: no process, no socket.
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as HeaderValue from "fastmcp-effect/protocol/HeaderValue"
import type * as HttpEndpoint from "fastmcp-effect/transport/HttpEndpoint"
import * as Memory from "fastmcp-effect/transport/Memory"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as StdioServer from "fastmcp-effect/transport/StdioServer"
import * as StreamableHttpServer from "fastmcp-effect/transport/StreamableHttpServer"
import * as WebSocketServer from "fastmcp-effect/transport/WebSocketServer"
import * as webSockets from "../transport/webSockets.ts"

export type Era = "Stateful" | "Stateless"
export type Name = "memory" | "stdio" | "websocket" | "http"

export const names: ReadonlyArray<Name> = ["memory", "stdio", "websocket", "http"]
export const eras: ReadonlyArray<Era> = ["Stateful", "Stateless"]

export type Id = string | number

/** A frame as a client reads it. */
export interface Frame {
  readonly id?: Id | null
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: { readonly code: number; readonly message: string; readonly data?: any }
}

export interface Wire {
  readonly name: Name
  readonly era: Era
  /** Sends a frame: text as it stands, anything else as JSON. */
  readonly send: (frame: string | object) => void
  /** Sends bytes as they stand, on a wire that has bytes. */
  readonly sendBytes: (chunk: Uint8Array) => void
  /** Every frame from the server so far, oldest first. */
  readonly frames: ReadonlyArray<Frame>
  /** HTTP statuses so far, oldest first. */
  readonly statuses: ReadonlyArray<number>
  /** Cancels in the way of the transport and the era. */
  readonly cancel: (id: Id) => void
  /** The client is gone. */
  readonly hangUp: Effect.Effect<void>
  /** The server was told to stop; ends when it has. */
  readonly stop: Effect.Effect<void>
}

const version = "io.modelcontextprotocol/protocolVersion"

export const envelope = {
  [version]: "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" }
}

/** A request of the era. */
export const request = (era: Era, id: Id, method: string, params: object = {}, meta: object = {}) => ({
  jsonrpc: "2.0",
  id,
  method,
  params: { ...params, _meta: era === "Stateless" ? { ...envelope, ...meta } : meta }
})

export const call = (era: Era, id: Id, name: string, args: object = {}, meta: object = {}) =>
  request(era, id, "tools/call", { name, arguments: args }, meta)

export const notification = (method: string, params: object = {}) => ({ jsonrpc: "2.0", method, params })

const initialize = ({ capabilities = {}, revision = "2025-11-25" }: Options) => ({
  jsonrpc: "2.0",
  id: "initialize",
  method: "initialize",
  params: { protocolVersion: revision, capabilities, clientInfo: { name: "test", version: "1" } }
})

export interface Options {
  readonly maxLineBytes?: number
  readonly maxBodyBytes?: number
  readonly highWaterMark?: number
  readonly grace?: string
  /** Of the handshake: 2025-11-25 when left out. */
  readonly revision?: string
  /** What the client says in the handshake that it can do. */
  readonly capabilities?: object
  /** Makes each write wait, on a wire of one connection. */
  readonly gate?: Effect.Effect<void>
}

/** Builds the server in scope and connects; the handshake of the stateful era is done. */
export const open = <E>(
  name: Name,
  era: Era,
  server: Layer.Layer<Receiver.Receiver, E>,
  options: Options = {}
): Effect.Effect<Wire, E, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Layer.build(server)
    const wire = yield* connect[name](era, options).pipe(Effect.provideContext(context))
    if (era === "Stateful") {
      wire.send(initialize(options))
      yield* until(() => wire.frames.length === 1)
      wire.send(notification("notifications/initialized"))
      yield* turns(8)
      ;(wire.frames as Array<Frame>).pop()
      ;(wire.statuses as Array<number>).length = 0
    }
    return wire
  })

/** Waits until something holds, without letting time pass. */
export const until = (condition: () => boolean, what = () => condition.toString()): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let turn = 0; !condition(); turn++) {
      if (turn === 20_000) return yield* Effect.die(new Error(`never came: ${what()}`))
      yield* Effect.yieldNow
    }
  })

/** Lets things happen that must not. */
export const turns = (count = 200): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let turn = 0; turn < count; turn++) yield* Effect.yieldNow
  })

/** The frame that answers a request, once it is there. */
export const answer = (wire: Wire, id: Id | null): Effect.Effect<Frame> =>
  Effect.gen(function*() {
    const find = () => wire.frames.find((frame) => frame.id === id && frame.method === undefined)
    yield* until(() => find() !== undefined, () => `an answer to ${id} among ${JSON.stringify(wire.frames)}`)
    return find()!
  })

export const answersTo = (wire: Wire, id: Id | null): ReadonlyArray<Frame> =>
  wire.frames.filter((frame) => frame.id === id && frame.method === undefined)

type Connect = (era: Era, options: Options) => Effect.Effect<Wire, never, Receiver.Receiver | Scope.Scope>

const text = (frame: string | object) => typeof frame === "string" ? frame : JSON.stringify(frame)

const closable = <A, R>(effect: Effect.Effect<A, never, R | Scope.Scope>) =>
  Effect.gen(function*() {
    const closed = Queue.unbounded<void>()
    const result = Queue.unbounded<A>()
    const [go, out] = yield* Effect.all([closed, result])
    const fiber = yield* Effect.forkScoped(
      Effect.scoped(Effect.flatMap(effect, (a) => Effect.andThen(Queue.offer(out, a), Queue.take(go))))
    )
    const value = yield* Queue.take(out)
    const close = Effect.andThen(Queue.offer(go, undefined), Effect.asVoid(Effect.exit(Fiber.await(fiber))))
    return { value, close }
  })

const noBytes = () => {
  throw new Error("this wire has no bytes")
}

const memory: Connect = (era) =>
  Effect.gen(function*() {
    const frames: Array<Frame> = []
    const { close, value: wire } = yield* closable(Effect.orDie(Memory.connect))
    yield* Effect.forkScoped(Effect.forever(Effect.map(Queue.take(wire.frames), (frame) => {
      frames.push(JSON.parse(frame) as Frame)
    })))
    const send = (frame: string | object) => wire.send(text(frame))
    return {
      name: "memory",
      era,
      send,
      sendBytes: noBytes,
      frames,
      statuses: [],
      cancel: (requestId) => send(notification("notifications/cancelled", { requestId })),
      hangUp: close,
      stop: close
    }
  })

const stdio: Connect = (era, options) =>
  Effect.gen(function*() {
    const frames: Array<Frame> = []
    const input = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    let rest = ""
    const written = Sink.forEach((chunk: string | Uint8Array) =>
      Effect.map(options.gate ?? Effect.void, () => {
        const lines = (rest + (typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk))).split("\n")
        rest = lines.pop()!
        for (const line of lines) frames.push(JSON.parse(line) as Frame)
      })
    )
    const running = yield* Effect.forkScoped(
      Effect.provideService(
        StdioServer.run(options as StdioServer.Options),
        Stdio.Stdio,
        Stdio.make({
          args: Effect.succeed([]),
          stdin: Stream.fromQueue(input),
          stdout: () => written,
          stderr: () => Sink.drain
        })
      )
    )
    const sendBytes = (chunk: Uint8Array) => {
      Queue.offerUnsafe(input, chunk)
    }
    const send = (frame: string | object) => sendBytes(new TextEncoder().encode(`${text(frame)}\n`))
    return {
      name: "stdio",
      era,
      send,
      sendBytes,
      frames,
      statuses: [],
      cancel: (requestId) => send(notification("notifications/cancelled", { requestId })),
      hangUp: Effect.suspend(() => {
        Queue.endUnsafe(input)
        return Effect.asVoid(Effect.exit(Fiber.await(running)))
      }),
      stop: Effect.suspend(() => {
        running.interruptUnsafe()
        return Effect.asVoid(Effect.exit(Fiber.await(running)))
      })
    }
  })

const webSocket: Connect = (era, options) =>
  Effect.gen(function*() {
    const frames: Array<Frame> = []
    const socket = yield* webSockets.make({
      gate: options.gate,
      onFrame: (frame) => frames.push(JSON.parse(frame) as Frame)
    })
    const { close, value: server } = yield* closable(WebSocketServer.make({
      ...options as WebSocketServer.Options,
      ...(options.maxLineBytes === undefined ? undefined : { maxPayloadBytes: options.maxLineBytes })
    }))
    const running = server.accept(
      Effect.succeed(socket.socket),
      { method: "GET", header: () => undefined },
      socket.controls
    )
    const send = (frame: string | object) => socket.send(text(frame))
    return {
      name: "websocket",
      era,
      send,
      sendBytes: (chunk) => socket.send(chunk),
      frames,
      statuses: [],
      cancel: (requestId) => send(notification("notifications/cancelled", { requestId })),
      hangUp: Effect.suspend(() => {
        socket.close()
        return Effect.asVoid(Effect.exit(Fiber.await(running)))
      }),
      stop: close
    }
  })

/** One request over HTTP, and what came back. */
export interface Post {
  status: number
  headers: HttpEndpoint.Headers
  body: string
  isOver: boolean
  /** The client goes away. */
  disconnect: () => void
  /** The client reads nothing for now, or again. */
  congest: (isCongested: boolean) => void
  /** The server has cut the connection. */
  isCut: boolean
  /** What the server did to it that no mount could have done for it, and was told so. */
  readonly faults: Array<string>
}

export interface SendOptions {
  readonly method?: string
  readonly url?: string
  readonly context?: Context.Context<never>
  readonly principal?: string
  readonly onFrame?: (frame: Frame) => void
}

export type Send = (
  body: string | object,
  headers?: { readonly [name: string]: string | undefined },
  options?: SendOptions
) => Post

export interface Http {
  readonly transport: HttpEndpoint.Endpoint
  /** A POST unless said otherwise; headers that are `undefined` are left out. */
  readonly send: Send
}

/** The events of a stream, oldest first. A comment is none. */
export const eventsOf = (body: string): ReadonlyArray<{ readonly [field: string]: string }> =>
  body.split("\n\n").flatMap((event) => {
    const fields = event.split("\n").filter((line) => line !== "" && !line.startsWith(":"))
    return fields.length === 0 ? [] : [Object.fromEntries(fields.map((line) => {
      const colon = line.indexOf(": ")
      return [line.slice(0, colon), line.slice(colon + 2)]
    }))]
  })

/** The frames in what came back, oldest first. */
export const framesOf = ({ body, headers }: Post): ReadonlyArray<Frame> =>
  headers["content-type"] === "text/event-stream"
    ? eventsOf(body).flatMap(({ data, event }) =>
      data === undefined || event !== "message" ? [] : [JSON.parse(data) as Frame]
    )
    : body === ""
    ? []
    : [JSON.parse(body) as Frame]

/** The headers a well-behaved client puts on a frame. */
export const headersOf = (body: string | object): { readonly [name: string]: string } => {
  let message: any
  try {
    message = typeof body === "string" ? JSON.parse(body) : body
  } catch {
    // Nothing to mirror.
  }
  const meta = message?.params?._meta
  const named = message?.method === "resources/read" ? message.params?.uri : message?.params?.name
  return {
    host: "127.0.0.1:8000",
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...(typeof meta?.[version] === "string" ? { "mcp-protocol-version": meta[version] } : undefined),
    ...(typeof message?.method === "string" ? { "mcp-method": message.method } : undefined),
    ...(typeof named === "string" ? { "mcp-name": HeaderValue.encode(named) } : undefined)
  }
}

/** What a client of the stateless era puts even on what has no envelope. */
const modern = { "mcp-protocol-version": "2026-07-28" }

/** The HTTP transport as plain calls, for tests of its rules. */
export const http = (
  options: StreamableHttpServer.Options = {}
): Effect.Effect<Http, never, Receiver.Receiver | Scope.Scope> =>
  Effect.map(Effect.provide(StreamableHttpServer.make(options), SecureRandom.layerWebCrypto), (transport) => ({
    transport,
    send: feed(transport)
  }))

/** Feeds an endpoint as a mount does. */
export const feed = (endpoint: HttpEndpoint.Endpoint): Send => (body, headers = {}, options = {}) => {
  const { method = "POST", onFrame = () => {}, url = "/mcp" } = options
  let isCongested = false
  let isGone = false
  let disconnect = () => {}
  const waiting = new Set<() => void>()
  const drain = () => {
    for (const resume of [...waiting]) resume()
    waiting.clear()
  }
  const post: Post = {
    status: 0,
    headers: {},
    body: "",
    isOver: false,
    isCut: false,
    faults: [],
    disconnect: () => {
      isGone = true
      disconnect()
      drain()
    },
    congest: (now) => {
      isCongested = now
      if (!now) drain()
    }
  }
  const all: { readonly [name: string]: string | undefined } = { ...headersOf(body), ...headers }
  const head: HttpEndpoint.Head = {
    method,
    url,
    header: (name) => all[name],
    ...(options.context === undefined ? undefined : { context: options.context }),
    ...(options.principal === undefined ? undefined : { principal: options.principal })
  }
  const must = (isRight: boolean, fault: string) => {
    if (isRight) return
    post.faults.push(fault)
    throw new Error(fault)
  }
  const respond = (status: number, headers: HttpEndpoint.Headers, body: string) => {
    must(post.status === 0, "answered twice")
    Object.assign(post, { status, headers, body, isOver: true })
    if (body !== "") onFrame(JSON.parse(body) as Frame)
  }
  const refused = endpoint.refuse(head)
  if (refused !== undefined) {
    respond(refused.status, refused.headers, refused.body)
    return post
  }
  disconnect = endpoint.accept(head, text(body), {
    respond,
    stream: (status, headers) => {
      must(post.status === 0, "answered twice")
      Object.assign(post, { status, headers })
      return {
        write: (event) => {
          must(!post.isOver, "written after the end")
          must(!isGone, "written to a peer known to be gone")
          post.body += event
          const data = /^data: (\{.+|\[.+)$/mu.exec(event)
          if (data !== null) onFrame(JSON.parse(data[1]!) as Frame)
        },
        end: () => {
          must(!post.isOver, "ended twice")
          must(!isGone, "ended for a peer known to be gone")
          post.isOver = true
        },
        congested: () => isCongested && !isGone,
        drained: Effect.callback<void>((resume) => {
          if (!isCongested || isGone) return resume(Effect.void)
          const done = () => resume(Effect.void)
          waiting.add(done)
          return Effect.sync(() => waiting.delete(done))
        }),
        abort: () => {
          post.isCut = true
          post.disconnect()
        }
      }
    }
  })
  return post
}

const overHttp: Connect = (era, options) =>
  Effect.gen(function*() {
    const frames: Array<Frame> = []
    const statuses: Array<number> = []
    const { close, value: server } = yield* closable(http(options as StreamableHttpServer.Options))
    const posts = new Map<Id, Post>()
    let session: string | undefined
    let last = 0
    const send = (frame: string | object) => {
      // A frame without an id of its own still has a status.
      const own = /"id":\s*("[^"\\]*"|\d+)/u.exec(text(frame))?.[1]
      const headers = {
        ...(era === "Stateless" && own === undefined ? modern : undefined),
        ...headersOf(frame),
        "mcp-session-id": session
      }
      const post = server.send(frame, headers, { onFrame: (frame) => frames.push(frame) })
      session ??= post.headers["mcp-session-id"]
      posts.set(own === undefined ? --last : JSON.parse(own) as Id, post)
      if (post.status !== 0) statuses.push(post.status)
    }
    return {
      name: "http",
      era,
      send,
      sendBytes: noBytes,
      frames,
      statuses,
      cancel: (requestId) => {
        if (era === "Stateful") send(notification("notifications/cancelled", { requestId }))
        else posts.get(requestId)?.disconnect()
      },
      hangUp: Effect.sync(() => {
        if (session !== undefined) server.send("", { "mcp-session-id": session }, { method: "DELETE" })
        for (const post of posts.values()) if (!post.isOver) post.disconnect()
      }),
      stop: close
    }
  })

const connect: { readonly [name in Name]: Connect } = { memory, stdio, websocket: webSocket, http: overHttp }

/** What a layer gives, for tests that connect by themselves. */
export const build = <A, E>(layer: Layer.Layer<A, E>): Effect.Effect<Context.Context<A>, E, Scope.Scope> =>
  Layer.build(layer)
