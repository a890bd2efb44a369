/**
 * A client that knows nothing but the wire: frames in, frames out, the same over memory, stdio and Streamable HTTP. HTTP
 * goes through `FetchMount`, so that statuses and headers are those of a real `Response`.
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as FetchMount from "fastmcp-effect/transport/FetchMount"
import * as Memory from "fastmcp-effect/transport/Memory"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as SseServer from "fastmcp-effect/transport/SseServer"
import * as StdioServer from "fastmcp-effect/transport/StdioServer"
import { type Frame, type Id, until } from "../server/wires.ts"
import type { Revision, Transport } from "./row.ts"

export type { Frame, Id }

type Headers = { readonly [name: string]: string | undefined }

/** One HTTP request, and what came back so far. */
export interface Post {
  status: number
  headers: globalThis.Headers
  readonly frames: Array<Frame>
  body: string
  isOver: boolean
  readonly disconnect: () => void
}

export interface HttpOptions {
  readonly method?: string
  readonly url?: string
  /** Added to those of a well-behaved client; `undefined` leaves one out. */
  readonly headers?: Headers
}

/** One end of a connection. */
export interface Connection {
  /** Everything the server has sent, oldest first. */
  readonly frames: ReadonlyArray<Frame>
  /** What came out, as text. */
  readonly output: () => string
  /** Text as it stands, anything else as JSON. */
  readonly send: (frame: string | object, options?: HttpOptions) => Post | undefined
  /** The client is gone, and the server is done with it. */
  readonly close: Effect.Effect<void>
}

export interface RequestOptions extends HttpOptions {
  readonly id?: Id
  /** Added to the request's `_meta`. */
  readonly meta?: object
  readonly capabilities?: object
}

export interface Client extends Connection {
  readonly transport: Transport
  readonly revision: Revision
  readonly isStateless: boolean
  /** Sends a request and tells its id. */
  readonly start: (method: string, params?: object, options?: RequestOptions) => Id
  /** What answers a request, once it is there. */
  readonly answer: (id: Id | null) => Effect.Effect<Frame>
  readonly request: (method: string, params?: object, options?: RequestOptions) => Effect.Effect<Frame>
  readonly call: (name: string, args?: object, options?: RequestOptions) => Effect.Effect<Frame>
  readonly notify: (method: string, params?: object) => void
  /** Cancels in the way of the transport and the revision. */
  readonly cancel: (id: Id) => void
  /** The POST that carried a request, once its status is there. */
  readonly post: (id: Id) => Effect.Effect<Post>
  /** A plain HTTP request beside all others. */
  readonly http: (frame: string | object, options?: HttpOptions) => Effect.Effect<Post>
  /** The session of a stateful revision over HTTP. */
  readonly session: () => string | undefined
  /** What `initialize` was answered with. */
  readonly initialized: Frame | undefined
}

export interface ConnectOptions {
  /** What the client declares. */
  readonly capabilities?: object
  /** Without it a stateful revision has not begun. */
  readonly handshake?: boolean
  /**
   * How long a server over stdio waits for what is in flight when it stops. Not at all when left out: time stands still
   * in tests, and a failed one would wait for ever.
   */
  readonly grace?: Duration.Input
}

const key = (name: string) => `io.modelcontextprotocol/${name}`

/** The `_meta` of every request without a handshake. */
export const envelope = (revision: string, capabilities: object = {}) => ({
  [key("protocolVersion")]: revision,
  [key("clientCapabilities")]: capabilities,
  [key("clientInfo")]: { name: "requirements", version: "1.0.0" }
})

export const initializeParams = (protocolVersion: string, capabilities: object = {}) => ({
  protocolVersion,
  capabilities,
  clientInfo: { name: "requirements", version: "1.0.0" }
})

/** What happens within this many turns of the scheduler happens at all. */
export const settle: Effect.Effect<void> = Effect.gen(function*() {
  for (let turn = 0; turn < 200; turn++) yield* Effect.yieldNow
})

export const connect = (
  transport: Transport,
  revision: Revision,
  { capabilities = {}, grace = 0, handshake = true }: ConnectOptions = {}
): Effect.Effect<Client, never, Receiver.Receiver | Scope.Scope> =>
  Effect.gen(function*() {
    const isStateless = revision >= "2026-07-28"
    const posts = new Map<Id, Post>()
    let session: string | undefined
    let isOpen = false
    let last = 0
    const standing = (): Headers => ({
      "mcp-session-id": session,
      ...(isOpen && !isStateless && revision >= "2025-06-18" ? { "mcp-protocol-version": revision } : undefined)
    })
    const connect = transport === "http" && revision === "2024-11-05" ? sse : open[transport]
    const connection = yield* connect(standing, { grace, stateless: isStateless ? revision : undefined })
    const send: Connection["send"] = (frame, options) => {
      const post = connection.send(frame, options)
      const id = typeof frame === "string" ? undefined : (frame as Frame).id
      if (post !== undefined && id !== undefined && id !== null && "method" in (frame as Frame)) posts.set(id, post)
      return post
    }
    const start: Client["start"] = (method, params = {}, options = {}) => {
      const { id = ++last, meta, capabilities: own = capabilities } = options
      const _meta = isStateless ? { ...envelope(revision, own), ...meta } : meta
      send({ jsonrpc: "2.0", id, method, params: _meta === undefined ? params : { ...params, _meta } }, options)
      return id
    }
    const answer: Client["answer"] = (id) =>
      Effect.gen(function*() {
        const find = () => connection.frames.find((frame) => frame.id === id && frame.method === undefined)
        yield* until(() => find() !== undefined, () => `an answer to ${id} among ${JSON.stringify(connection.frames)}`)
        return find()!
      })
    const request: Client["request"] = (method, params, options) =>
      Effect.suspend(() => answer(start(method, params, options)))
    const notify: Client["notify"] = (method, params = {}) => {
      send({ jsonrpc: "2.0", method, params })
    }
    const settled = (post: Post | undefined) =>
      post === undefined
        ? Effect.die(new Error("this transport has no POST"))
        : Effect.as(until(() => post.status !== 0, () => "a status"), post)
    let initialized: Frame | undefined
    if (!isStateless && handshake) {
      const id = start("initialize", initializeParams(revision, capabilities), { id: "initialize" })
      initialized = yield* answer(id)
      if (transport === "http" && revision !== "2024-11-05") {
        session = (yield* settled(posts.get(id))).headers.get("mcp-session-id") ?? undefined
      }
      isOpen = true
      const post = send({ jsonrpc: "2.0", method: "notifications/initialized" })
      if (post !== undefined) yield* settled(post)
      yield* settle
    }
    return {
      ...connection,
      transport,
      revision,
      isStateless,
      send,
      start,
      answer,
      request,
      call: (name, args = {}, options) => request("tools/call", { name, arguments: args }, options),
      notify,
      cancel: (requestId) => {
        if (transport === "http" && isStateless) posts.get(requestId)?.disconnect()
        else notify("notifications/cancelled", { requestId })
      },
      post: (id) => Effect.suspend(() => settled(posts.get(id))),
      http: (frame, options) => Effect.suspend(() => settled(connection.send(frame, options))),
      session: () => session,
      initialized
    }
  })

type Open = (
  standing: () => Headers,
  options: { readonly stateless: Revision | undefined; readonly grace: Duration.Input }
) => Effect.Effect<Connection, never, Receiver.Receiver | Scope.Scope>

const text = (frame: string | object) => typeof frame === "string" ? frame : JSON.stringify(frame)

const memory: Open = () =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const frames: Array<Frame> = []
    const { close, value: wire } = yield* closable(Effect.orDie(Memory.connect))
    yield* Effect.forkScoped(Effect.forever(Effect.map(Queue.take(wire.frames), (line) => {
      lines.push(line)
      frames.push(JSON.parse(line) as Frame)
    })))
    return {
      frames,
      output: () => lines.join("\n"),
      send: (frame) => {
        wire.send(text(frame))
        return undefined
      },
      close
    }
  })

const stdio: Open = (_standing, { grace }) =>
  Effect.gen(function*() {
    const frames: Array<Frame> = []
    const input = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    const decoder = new TextDecoder("utf-8", { fatal: true })
    let output = ""
    let rest = ""
    const stdout = Sink.forEach((chunk: string | Uint8Array) =>
      Effect.sync(() => {
        const written = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })
        output += written
        const lines = (rest + written).split("\n")
        rest = lines.pop()!
        for (const line of lines) frames.push(JSON.parse(line) as Frame)
      })
    )
    const { close } = yield* closable(Effect.forkScoped(
      Effect.provideService(
        StdioServer.run({ grace }),
        Stdio.Stdio,
        Stdio.make({
          args: Effect.succeed([]),
          stdin: Stream.fromQueue(input),
          stdout: () => stdout,
          stderr: () => Sink.drain
        })
      )
    ))
    return {
      frames,
      output: () => output,
      send: (frame) => {
        Queue.offerUnsafe(input, new TextEncoder().encode(`${text(frame)}\n`))
        return undefined
      },
      close
    }
  })

interface SendOptions extends HttpOptions {
  readonly onFrame: (frame: Frame) => void
  readonly onOutput: (text: string) => void
  readonly onEvent?: (event: ReadonlyMap<string, string>) => void
}

/** One HTTP request; what comes back is read as it comes. */
const fetching = (
  handle: FetchMount.FetchHandler,
  frame: string | object,
  { headers = {}, method = "POST", onEvent, onFrame, onOutput, url = "http://127.0.0.1/mcp" }: SendOptions
): Post => {
  const controller = new AbortController()
  const all = Object.entries(headers).filter((header): header is [string, string] => header[1] !== undefined)
  const request = new Request(url, {
    method,
    headers: all,
    signal: controller.signal,
    ...(method === "POST" ? { body: text(frame) } : undefined)
  })
  const post: Post = {
    status: 0,
    headers: new globalThis.Headers(),
    frames: [],
    body: "",
    isOver: false,
    disconnect: () => {
      controller.abort()
      reader?.cancel().catch(() => {})
    }
  }
  const take = (json: string) => {
    const value = JSON.parse(json) as Frame | ReadonlyArray<Frame>
    for (const one of Array.isArray(value) ? value : [value]) {
      post.frames.push(one)
      onFrame(one)
    }
  }
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  const read = async () => {
    const response = await handle(request)
    Object.assign(post, { status: response.status, headers: response.headers })
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true
    const decoder = new TextDecoder("utf-8", { fatal: true })
    reader = response.body?.getReader()
    let rest = ""
    for (let chunk = await reader?.read(); chunk !== undefined && !chunk.done; chunk = await reader!.read()) {
      const part = decoder.decode(chunk.value, { stream: true })
      post.body += part
      onOutput(part)
      if (!isStream) continue
      const events = (rest + part).split("\n\n")
      rest = events.pop()!
      for (const event of events) {
        const fields = new Map(
          event.split("\n").map((line) => {
            const colon = line.indexOf(":")
            return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
          })
        )
        onEvent?.(fields)
        const data = fields.get("data")
        if (data !== undefined && data !== "" && fields.get("event") !== "endpoint") take(data)
      }
    }
    if (!isStream && post.body !== "") take(post.body)
    post.isOver = true
  }
  read().catch((error: unknown) => {
    if (!controller.signal.aborted) post.body += `\n${String(error)}`
    post.isOver = true
  })
  return post
}

const http: Open = (standing, { stateless }) =>
  Effect.gen(function*() {
    const frames: Array<Frame> = []
    let output = ""
    const { close, value: handle } = yield* closable(FetchMount.make())
    const send: Connection["send"] = (frame, options = {}) =>
      fetching(handle, frame, {
        ...options,
        headers: { ...headersOf(frame, stateless), ...standing(), ...options.headers },
        onFrame: (frame) => frames.push(frame),
        onOutput: (text) => {
          output += text
        }
      })
    return { frames, output: () => output, send, close }
  })

/** The transport of 2024-11-05: the stream is opened first, and says where to post. */
const sse: Open = () =>
  Effect.gen(function*() {
    const frames: Array<Frame> = []
    let output = ""
    let address: string | undefined
    const { close, value: endpoints } = yield* closable(SseServer.make())
    const handle: FetchMount.FetchHandler = (request) =>
      FetchMount.fromEndpoint(endpoints.get(new URL(request.url).pathname)!)(request)
    const onFrame = (frame: Frame) => frames.push(frame)
    const onOutput = (text: string) => {
      output += text
    }
    const stream = fetching(handle, "", {
      method: "GET",
      url: "http://127.0.0.1/sse",
      headers: { accept: "text/event-stream" },
      onFrame,
      onOutput,
      onEvent: (event) => {
        if (event.get("event") === "endpoint") address = event.get("data")
      }
    })
    yield* until(() => address !== undefined, () => "the address to post to")
    return {
      frames,
      output: () => output,
      send: (frame, options = {}) =>
        fetching(handle, frame, {
          ...options,
          url: options.url ?? new URL(address!, "http://127.0.0.1").href,
          headers: { ...headersOf(frame, undefined), ...options.headers },
          onFrame,
          onOutput
        }),
      close: Effect.suspend(() => {
        stream.disconnect()
        return close
      })
    }
  })

/** The headers a well-behaved client puts on a message. */
const headersOf = (frame: string | object, stateless: Revision | undefined): Headers => {
  const message = typeof frame === "string" ? undefined : frame as Frame
  const name = message?.params?.name ?? message?.params?.uri
  const version = message?.params?._meta?.[key("protocolVersion")] ?? stateless
  return {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...(stateless === undefined ? undefined : {
      "mcp-protocol-version": version,
      "mcp-method": message?.method,
      "mcp-name": typeof name === "string" && named.has(message?.method ?? "") ? name : undefined
    })
  }
}

const named = new Set(["tools/call", "prompts/get", "resources/read"])

const open: { readonly [transport in Transport]: Open } = { memory, stdio, http }

/** Runs something scoped until it is closed, or the test ends. */
const closable = <A, R>(effect: Effect.Effect<A, never, R | Scope.Scope>) =>
  Effect.gen(function*() {
    const result = yield* Queue.unbounded<A>()
    const end = yield* Queue.unbounded<void>()
    const over = yield* Queue.unbounded<void>()
    yield* Effect.forkScoped(
      Effect.ensuring(
        Effect.scoped(Effect.flatMap(effect, (a) => Effect.andThen(Queue.offer(result, a), Queue.take(end)))),
        Queue.offer(over, undefined)
      )
    )
    const value = yield* Queue.take(result)
    return { value, close: Effect.andThen(Queue.offer(end, undefined), Effect.asVoid(Queue.take(over))) }
  })
