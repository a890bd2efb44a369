/** What every HTTP mount of a server does alike: the body of its tests. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { McpServer, Progress, Tool } from "fastmcp-effect"

/** What the never-ending tool went through. */
export interface Probe {
  readonly started: Deferred.Deferred<void>
  readonly stopped: Deferred.Deferred<void>
  readonly silentStarted: Deferred.Deferred<void>
  readonly silentStopped: Deferred.Deferred<void>
}

export const makeProbe: Effect.Effect<Probe> = Effect.all({
  started: Deferred.make<void>(),
  stopped: Deferred.make<void>(),
  silentStarted: Deferred.make<void>(),
  silentStopped: Deferred.make<void>()
})

export const server = (probe: Probe) =>
  McpServer.layer({
    name: "mounts",
    version: "1.0.0",
    tools: [
      Tool.make("echo", {
        parameters: { text: Schema.String },
        success: Schema.String,
        handler: ({ text }) => Effect.succeed(text)
      }),
      Tool.make("steps", {
        handler: Effect.fnUntraced(function*() {
          yield* Progress.report(1)
          yield* Progress.report(2)
        })
      }),
      Tool.make("silent", {
        handler: () =>
          Deferred.succeed(probe.silentStarted, undefined).pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Deferred.succeed(probe.silentStopped, undefined))
          )
      }),
      Tool.make("never", {
        handler: () =>
          Deferred.succeed(probe.started, undefined).pipe(
            Effect.andThen(Progress.report(1)),
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Deferred.succeed(probe.stopped, undefined))
          )
      })
    ]
  })

export const post = (name: string, args: object = {}, options: {
  readonly progressToken?: string
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
} = {}): Request =>
  new Request("http://localhost/mcp", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": name,
      ...options.headers
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name,
        arguments: args,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {},
          ...(options.progressToken === undefined ? undefined : { progressToken: options.progressToken })
        }
      }
    }),
    ...(options.signal === undefined ? undefined : { signal: options.signal })
  })

type Handler = (request: Request) => Promise<Response>

export const answersJson = async (handler: Handler) => {
  const response = await handler(post("echo", { text: "hello" }))
  assert.strictEqual(response.status, 200)
  assert.strictEqual(response.headers.get("content-type"), "application/json")
  const { result } = await response.json() as { result: { content: ReadonlyArray<{ text: string }> } }
  assert.strictEqual(result.content[0]!.text, "hello")
}

export const answersEvents = async (handler: Handler) => {
  const response = await handler(post("steps", {}, { progressToken: "t" }))
  assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
  const methods = (await response.text()).split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice(6)) as { method?: string; result?: object })
    .map(({ method, result }) => method ?? (result === undefined ? "error" : "result"))
  assert.deepStrictEqual(methods, ["notifications/progress", "notifications/progress", "result"])
}

export const refuses = async (handler: Handler) => {
  const statuses = await Promise.all([
    handler(new Request("http://localhost/mcp")),
    handler(post("echo", { text: "x" }, { headers: { origin: "http://evil.example" } })),
    handler(post("echo", { text: "x" }, { headers: { "content-type": "text/plain" } })),
    handler(post("echo", { text: "x".repeat(2000) })),
    handler(post("echo", { text: "x" }, { headers: { "mcp-name": "other" } }))
  ].map((response) => response.then(({ status }) => status)))
  assert.deepStrictEqual(statuses, [405, 403, 415, 413, 400])
}

/** The client reads the first event and closes the stream: in the stateless era that cancels. */
export const cancels = async (handler: Handler, probe: Probe) => {
  const response = await handler(post("never", {}, { progressToken: "t" }))
  const reader = response.body!.getReader()
  await reader.read()
  await reader.cancel()
  await Effect.runPromise(Deferred.await(probe.stopped))
}

/** The client gives its request up, which in the stateless era cancels it. */
export const aborts = async (handler: Handler, probe: Probe) => {
  const early = new AbortController()
  const silent = handler(post("silent", {}, { signal: early.signal }))
  await Effect.runPromise(Deferred.await(probe.silentStarted))
  early.abort()
  await Effect.runPromise(Deferred.await(probe.silentStopped))
  await silent.then((response) => assert.strictEqual(response.status, 499), () => {})
  const late = new AbortController()
  const response = await handler(post("never", {}, { progressToken: "t", signal: late.signal }))
  const reader = response.body!.getReader()
  await reader.read()
  late.abort()
  await Effect.runPromise(Deferred.await(probe.stopped))
  await reader.read().then(({ done }) => assert.isTrue(done), () => {})
}

const withBody = (body: ReadableStream<Uint8Array>) => {
  const { headers, method, url } = post("echo", { text: "x" })
  return new Request(url, { method, headers, body, duplex: "half" } as RequestInit)
}

export const refusesLargeBodies = async (handler: Handler) => {
  let chunks = 0
  const response = await handler(withBody(
    new ReadableStream({
      pull: (controller) => {
        chunks++
        controller.enqueue(new Uint8Array(100))
      }
    })
  ))
  assert.strictEqual(response.status, 413)
  assert.isBelow(chunks, 30)
  await response.text()
}

export const refusesBrokenBodies = async (handler: Handler) => {
  const response = await handler(withBody(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
      pull: (controller) => controller.error(new Error("broken off"))
    })
  ))
  assert.strictEqual(response.status, 400)
  assert.match((await response.json() as { error: { message: string } }).error.message, /could not be read/u)
}

/** A request whose body does not end. */
export const endless = () => {
  let cancel = () => {}
  const wasCancelled = new Promise<void>((resolve) => {
    cancel = resolve
  })
  const request = withBody(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
      cancel
    })
  )
  return { request, wasCancelled }
}

export const initialize = () =>
  new Request("http://localhost/mcp", {
    method: "POST",
    headers: { "content-type": "application/json", "accept": "application/json, text/event-stream" },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "x", version: "1" } }
    })
  })

export const inSession = (method: string, session: string) =>
  new Request("http://localhost/mcp", { method, headers: { "mcp-session-id": session, "accept": "text/event-stream" } })
