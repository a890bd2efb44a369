/**
 * Effect's own `effect/ai/McpServer`: `stdio`, or `http PORT` at `/mcp`, both eras at once. What asks is written for each:
 * on the connection of a session, and as a result from 2026-07-28.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import * as McpProtocol from "effect/ai/McpProtocol"
import * as McpSchema from "effect/ai/McpSchema"
import * as McpServer from "effect/ai/McpServer"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"
import * as fixtures from "./fixtures.ts"

class Failed extends Schema.TaggedError<Failed>()("Failed", { message: Schema.String }) {}

const toolkit = Toolkit.make(
  Tool.make("add", {
    parameters: Schema.Struct({ a: Schema.Finite, b: Schema.Finite }),
    success: Schema.Struct({ sum: Schema.Finite })
  }),
  Tool.make("fail", { success: Schema.String, failure: Failed }),
  Tool.make("hang", { parameters: Schema.Struct({ key: Schema.String }), success: Schema.String })
)

const Handlers = toolkit.toLayer({
  add: ({ a, b }) => Effect.succeed({ sum: a + b }),
  fail: () => Effect.fail(new Failed({ message: "It failed" })),
  hang: ({ key }) =>
    Effect.sync(() => fixtures.event(`started ${key}`)).pipe(
      Effect.andThen(Effect.never),
      Effect.onInterrupt(() => Effect.sync(() => fixtures.event(`stopped ${key}`)))
    )
})

const ListOfRoots = Schema.decodeUnknownEffect(Schema.Struct({ roots: Schema.Unknown }))
const Thought = Schema.decodeUnknownEffect(Schema.Struct({ model: Schema.String, content: Schema.Unknown }))
const Answer = Schema.decodeUnknownEffect(
  Schema.Struct({ action: Schema.String, content: Schema.optionalKey(Schema.Unknown) })
)

/** Asks in the way of the era; what the client answers becomes text. */
const asking = (
  name: string,
  request: McpSchema.McpInputRequest,
  onConnection: (client: McpSchema.McpReverseClient) => Effect.Effect<unknown, unknown>,
  words: (answer: unknown) => Effect.Effect<string, unknown>
) => ({
  tool: new McpSchema.Tool({ name, inputSchema: { type: "object" } }),
  annotations: Context.empty(),
  handle: () =>
    Effect.gen(function*() {
      const { inputResponses } = yield* McpSchema.McpRequestContext
      const session = yield* Effect.serviceOption(McpSchema.McpServerClient)
      if (Option.isNone(session) && inputResponses?.[name] === undefined) {
        return new McpSchema.InputRequired({ inputRequests: { [name]: request } })
      }
      const answer = Option.isSome(session)
        ? yield* Effect.scoped(Effect.flatMap(session.value.getClient, onConnection))
        : inputResponses![name]
      return new McpSchema.CallToolResult(fixtures.text(yield* words(answer)))
    }).pipe(Effect.orDie)
})

const form = { mode: "form" as const, message: "Who?", requestedSchema: fixtures.form }

const address = { mode: "url" as const, message: "Please pay", url: "https://example.com/pay" }

const Elicit = Schema.decodeUnknownEffect(McpSchema.Elicit.payloadSchema)

const said = (answer: unknown) =>
  Effect.map(
    Answer(answer),
    ({ action, content }) => content === undefined ? action : `${action} ${JSON.stringify(content)}`
  )

const thought = {
  messages: [{ role: "user" as const, content: { type: "text" as const, text: "2 and 3?" } }],
  maxTokens: 10
}

const plain = (name: string, answer: Effect.Effect<string, unknown, McpSchema.McpRequestContext>) => ({
  tool: new McpSchema.Tool({ name, inputSchema: { type: "object" } }),
  annotations: Context.empty(),
  handle: () => answer.pipe(Effect.map((text) => new McpSchema.CallToolResult(fixtures.text(text))), Effect.orDie)
})

const others = Layer.effectDiscard(Effect.gen(function*() {
  const server = yield* McpServer.McpServer
  const { notifications } = server
  yield* server.addTool(asking(
    "ask",
    { method: "elicitation/create", params: form },
    (client) => Effect.flatMap(Elicit(form), client.elicit),
    said
  ))
  yield* server.addTool(asking(
    "visit",
    { method: "elicitation/create", params: address },
    (client) => Effect.flatMap(Elicit({ ...address, elicitationId: "pay" }), client.elicit),
    said
  ))
  yield* server.addTool(asking(
    "think",
    { method: "sampling/createMessage", params: thought },
    (client) => client.createMessage(thought as typeof McpSchema.CreateMessage.payloadSchema.Type),
    (answer) => Effect.map(Thought(answer), ({ content, model }) => `${model}: ${JSON.stringify(content)}`)
  ))
  yield* server.addTool(asking(
    "where",
    { method: "roots/list" },
    (client) => client.listRoots(),
    (answer) => Effect.map(ListOfRoots(answer), ({ roots }) => JSON.stringify(roots))
  ))
  yield* server.addTool(plain(
    "climb",
    Effect.gen(function*() {
      const { requestMetadata } = yield* McpSchema.McpRequestContext
      const progressToken = requestMetadata?.progressToken as string | number
      for (const progress of [1, 2, 3]) {
        yield* notifications["notifications/progress"]({
          progressToken,
          progress,
          total: 3,
          message: `step ${progress}`
        })
      }
      return "there"
    })
  ))
  yield* server.addTool(plain(
    "say",
    Effect.gen(function*() {
      for (const level of fixtures.levels) {
        yield* notifications["notifications/message"]({ level, logger: "interop", data: { level } })
      }
      return "said"
    })
  ))
  yield* server.addTool(plain(
    "bump",
    Effect.andThen(
      Effect.suspend(() => {
        fixtures.counter.bump()
        return notifications["notifications/resources/updated"]({ uri: "note://counter" })
      }),
      Effect.sync(fixtures.counter.get)
    )
  ))
  const late = plain("late", Effect.succeed("late"))
  yield* server.addTool(plain("toggle", Effect.as(server.addTool(late), "done")))
}))

const note = (uri: string, read: () => string) =>
  McpServer.resource({ uri, name: uri, mimeType: "text/plain", content: Effect.sync(read) })

const name = McpSchema.param("name", Schema.String)

const registrations = Layer.mergeAll(
  McpServer.toolkit(toolkit).pipe(Layer.provide(Handlers)),
  others,
  note("note://welcome", () => fixtures.welcome),
  note("note://counter", fixtures.counter.get),
  ...fixtures.pages.map((uri) => note(uri, () => uri)),
  McpServer.resource`people://${name}`({
    name: "person",
    content: (_uri, name) => Effect.succeed(`This is ${name}`)
  }),
  McpServer.prompt({
    name: "greeting",
    parameters: { name: Schema.String },
    completion: { name: (value) => Effect.succeed(fixtures.people.filter((name) => name.startsWith(value))) },
    content: ({ name }) => Effect.succeed(`Hello, ${name}!`)
  })
)

const options = {
  ...fixtures.info,
  instructions: fixtures.instructions,
  protocols: [McpProtocol.v2026_07_28, McpProtocol.v2025_11_25],
  registrations
} as const

const http = HttpRouter.serve(
  McpServer.layerHttp({ ...options, path: "/mcp", allowSessionTermination: true }),
  { disableLogger: true, disableListenLog: true }
).pipe(Layer.provide(NodeHttpServer.layer(createServer, { port: Number(fixtures.port), host: "127.0.0.1" })))

const stdio = McpServer.layerStdio(options).pipe(Layer.provide(NodeStdio.layer))

NodeRuntime.runMain(
  Effect.provideService(Layer.launch(fixtures.mode === "http" ? http : stdio), Logger.LogToStderr, true)
)
