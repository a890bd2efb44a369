/**
 * Every frame of a session with a real server, against the official JSON Schema of its revision.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as ClientLog from "fastmcp-effect/context/ClientLog"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Receiver from "fastmcp-effect/transport/Receiver"
import * as official from "./official.ts"

interface Recording {
  readonly sent: Array<JsonRpc.Message>
  readonly layer: Layer.Layer<Receiver.Receiver, unknown>
}

/** The server, with every message that reaches it written down. */
const record = <ROut, E>(server: Layer.Layer<ROut | Receiver.Receiver, E>): Recording => {
  const sent: Array<JsonRpc.Message> = []
  const layer = Layer.effect(
    Receiver.Receiver,
    Effect.gen(function*() {
      const context = yield* Layer.build(server)
      const receiver = Context.get(context as Context.Context<Receiver.Receiver>, Receiver.Receiver)
      return Receiver.Receiver.of({
        connect: (connection) => {
          const peer = receiver.connect(connection)
          return {
            receive: (message, exchange) => {
              if (message._tag !== "Invalid" && message._tag !== "Batch") sent.push(message)
              return peer.receive(message, exchange)
            },
            isEstablished: () => peer.isEstablished(),
            caughtUp: () => peer.caughtUp(),
            inFlight: () => peer.inFlight(),
            idle: peer.idle,
            close: (reason) => peer.close(reason),
            closeUnsafe: (reason) => peer.closeUnsafe(reason)
          }
        }
      })
    })
  )
  return { sent, layer }
}

class Point extends Schema.Class<Point>("Point")({ x: Schema.Finite, y: Schema.Finite }) {}

const NotANumber = Schema.Struct({ why: Schema.String })

const tools = [
  Tool.make("add", {
    title: "Add",
    description: "Adds two numbers",
    parameters: { a: Schema.Finite, b: Schema.Finite },
    success: Schema.Finite,
    failure: NotANumber,
    annotations: { readOnlyHint: true },
    handler: ({ a, b }) => a < 0 ? Effect.fail({ why: "negative" }) : Effect.succeed(a + b)
  }),
  Tool.make("point", { success: Point, handler: () => Effect.succeed(new Point({ x: 1, y: 2 })) }),
  Tool.make("own", {
    success: Tool.Result,
    handler: () =>
      Effect.succeed({
        content: [
          { type: "text" as const, text: "hello", annotations: { audience: ["user" as const], priority: 0.5 } },
          { type: "image" as const, data: "aGk=", mimeType: "image/png" },
          { type: "resource_link" as const, uri: "file:///a", name: "a", size: 3 },
          { type: "resource" as const, resource: { uri: "file:///a", text: "a" } }
        ],
        structuredContent: [1],
        _meta: { "example.com/a": 1 }
      })
  }),
  Tool.make("talks", {
    handler: () =>
      Effect.andThen(
        ClientLog.warning({ deep: ["data"] }, { logger: "talks" }),
        Progress.report(0.5, { total: 1, message: "half" })
      )
  }),
  Tool.make("refuses", { handler: () => Effect.fail(McpError.make(new McpError.RateLimited({ retryAfter: 5 }))) }),
  Tool.make("panics", { handler: () => Effect.die(new Error("secret")) }),
  Tool.make("stops", { handler: () => Outcome.interruptSelf("CostBudget") }),
  Tool.make("needs", { requires: { sampling: {} }, handler: () => Effect.void }),
  Tool.make("never", { handler: () => Effect.never })
]

const session = (version: Revisions.Version) =>
  Effect.gen(function*() {
    const { layer, sent } = record(McpServer.layer({
      name: "recorded",
      version: "1.0.0",
      title: "Recorded",
      instructions: "Be nice",
      tools,
      cacheHints: { ttlMs: 1000, cacheScope: "public" }
    }))
    const client = yield* McpTest.client(layer, {
      revision: version,
      logLevel: "debug",
      capabilities: { elicitation: {}, roots: { listChanged: true } }
    })
    const tries: ReadonlyArray<Effect.Effect<unknown, McpError.McpError>> = [
      client.request(version === "2026-07-28" ? "server/discover" : "ping"),
      client.request("tools/list"),
      client.request("tools/list", { cursor: "somebody else's" }),
      client.callTool("add", { a: 1, b: 2 }),
      client.callTool("add", { a: -1, b: 2 }),
      client.callTool("add", { a: "one" }),
      client.callTool("nobody"),
      client.callTool("talks", {}, { progressToken: "t", meta: { "example.com/x": 1 } }),
      client.request("nonsense"),
      client.request("tools/call", { name: 5 }),
      ...tools.slice(1, -1).map(({ name }) => client.callTool(name))
    ]
    for (const one of tries) yield* Effect.exit(one)
    const never = yield* Effect.forkChild(client.callTool("never"), { startImmediately: true })
    yield* McpTest.settle
    yield* Fiber.interrupt(never)
    if (version === "2026-07-28") {
      const listening = yield* Effect.forkChild(
        client.request("subscriptions/listen", { notifications: { toolsListChanged: true } }),
        { startImmediately: true }
      )
      yield* McpTest.settle
      yield* Fiber.interrupt(listening)
    }
    yield* McpTest.settle
    return { sent, frames: yield* client.frames }
  })

/** The definition of what answers each method. */
const results: { readonly [method: string]: string } = {
  "initialize": "InitializeResult",
  "ping": "EmptyResult",
  "logging/setLevel": "EmptyResult",
  "server/discover": "DiscoverResult",
  "tools/list": "ListToolsResult",
  "tools/call": "CallToolResult",
  "subscriptions/listen": "SubscriptionsListenResult"
}

official.forEachRevision("the frames of a session", (revision, { faults, messageFaults, response, surplus }) => {
  describe(`${revision.version}, against its official schema`, () => {
    it.effect("every frame of a recorded session is valid", () =>
      Effect.gen(function*() {
        const { frames, sent } = yield* session(revision.version as Revisions.Version)
        const methods = new Map<JsonRpc.RequestId, string>()
        for (const message of sent) {
          if (message._tag === "Request") {
            methods.set(message.id, message.method)
            const { id, method, params } = message
            if (method === "nonsense" || params?.name === 5) continue
            assert.isUndefined(messageFaults("ClientRequest", JSON.parse(JsonRpc.encodeRequest(id, method, params))))
          } else if (message._tag === "Notification") {
            const { method, params } = message
            assert.isUndefined(
              messageFaults("ClientNotification", JSON.parse(JsonRpc.encodeNotification(method, params)))
            )
          }
        }
        const seen = new Map<string, number>()
        for (const text of frames) {
          const frame = JSON.parse(text)
          const method = "method" in frame ? frame.method : methods.get(frame.id)!
          const kind = "error" in frame ? "error" : method
          seen.set(kind, (seen.get(kind) ?? 0) + 1)
          assert.isUndefined(
            "method" in frame
              ? messageFaults("ServerNotification", frame)
              : "error" in frame
              ? faults(response.error, frame)
              : faults(response.result, frame) ?? faults(results[method]!, frame.result)
                ?? (results[method] === "EmptyResult" ? undefined : surplus(results[method]!, frame.result))
          )
        }
        const kinds = revision.era === "Stateful"
          ? ["initialize", "logging/setLevel", "ping"]
          : ["notifications/subscriptions/acknowledged", "server/discover"]
        assert.deepStrictEqual(
          [...seen.keys()].sort(),
          ["error", "notifications/message", "notifications/progress", "tools/call", "tools/list", ...kinds].sort()
        )
        assert.strictEqual(seen.get("error"), 8)
      }))
  })
})
