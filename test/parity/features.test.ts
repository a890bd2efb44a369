/**
 * What rows of the register say of a whole server, over stdio and Streamable HTTP and in every revision: one `it` for
 * each thing a client can tell.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as TestConsole from "effect/testing/TestConsole"
import * as Ask from "fastmcp-effect/context/Ask"
import type * as AskError from "fastmcp-effect/context/AskError"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Identity from "fastmcp-effect/context/Identity"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Sampling from "fastmcp-effect/context/Sampling"
import * as SessionState from "fastmcp-effect/context/SessionState"
import * as Content from "fastmcp-effect/definition/Content"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as ServerLog from "fastmcp-effect/telemetry/ServerLog"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"
import * as clients from "./client.ts"

const info = { name: "features", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

// ----------------------------------------------------------------------------
// one server with everything
// ----------------------------------------------------------------------------

const icon = { src: "https://example.com/icon.png", mimeType: "image/png", sizes: ["48x48"] }

const described = {
  title: "A title",
  description: "What it is",
  icons: [icon],
  tags: ["red", "blue"],
  version: "1.2.0",
  meta: { "example.com/owner": "ann" }
}

const hints = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }

const Who = Schema.Struct({ subject: Schema.String, scopes: Schema.Array(Schema.String), claims: Schema.Unknown })

const whoami = Tool.make("whoami", {
  success: Who,
  handler: () => Effect.map(Identity.Required, ({ claims, scopes, subject }) => ({ subject, scopes, claims }))
})

const Count = SessionState.make("count", Schema.FiniteFromString, { default: 0 })

const count = Tool.make("count", {
  success: Schema.String,
  handler: () =>
    Effect.match(Count.update((n) => n + 1), {
      onFailure: ({ reason }) => reason._tag,
      onSuccess: String
    })
})

/** What the original keeps in the state of a session, where any handler may write it. */
const meddle = Tool.make("meddle", {
  success: Schema.String,
  handler: Effect.fnUntraced(function*() {
    for (const key of ["auth", "disabled_tools", "disabled_resources", "disabled_prompts"]) {
      yield* SessionState.make(`fastmcp.${key}`, Schema.Unknown).set(["whoami", "note:///readme", "greet", "root"])
    }
    return "done"
  }, Effect.catch(({ reason }) => Effect.succeed(reason._tag)))
})

/** A tool that uses everybody else, and one that never stops calling itself. */
const compose = Tool.make("compose", {
  success: Schema.Unknown,
  handler: Effect.fnUntraced(function*() {
    const request = yield* RequestContext.RequestContext
    const who = yield* request.callTool({ name: "whoami" })
    const { contents } = yield* request.readResource({ uri: "note:///readme" })
    const { messages } = yield* request.getPrompt({ name: "greet", arguments: { name: "Bo" } })
    const hidden = yield* Effect.match(request.readResource({ uri: "note:///hidden" }), {
      onFailure: ({ reason }) => reason._tag,
      onSuccess: () => "found"
    })
    return [who.content, contents, messages, hidden]
  })
})

const deep = Tool.make("deep", {
  parameters: { level: Schema.Int },
  success: Tool.Result,
  handler: ({ level }) =>
    RequestContext.RequestContext.use((request) => request.callTool({ name: "deep", arguments: { level: level + 1 } }))
      .pipe(Effect.catch((error) => Effect.succeed(Content.result(Content.text(`${level}: ${error.message}`)))))
})

const bytes = new Uint8Array([1, 2, 255])

const resources = [
  Resource.text("note:///readme", "Read me", described),
  Resource.bytes("note:///logo", bytes, { mimeType: "image/png" }),
  Resource.make("note:///settings", {
    success: Schema.Struct({ since: Schema.Date }),
    handler: Effect.succeed({ since: new Date(0) })
  }),
  Resource.make("note:///both", {
    handler: Effect.succeed({
      contents: [{ text: "a" }, { uri: "note:///both/b", mimeType: "image/png", blob: bytes }]
    })
  }),
  Resource.text("note:///hidden", "Nobody", { visible: () => false })
] as const

const page = Schema.FiniteFromString.check(Schema.isGreaterThan(0))

const templates = [
  ResourceTemplate.make("notes://{+rest}", { name: "any", handler: ({ rest }) => Effect.succeed(`any ${rest}`) }),
  ResourceTemplate.make("notes://{owner}/{id}{?page,tags*}", {
    name: "note",
    ...described,
    parameters: {
      owner: Schema.String,
      id: Schema.FiniteFromString,
      page: Schema.optionalKey(page),
      tags: Schema.optionalKey(Schema.Array(Schema.String))
    },
    success: Schema.Unknown,
    handler: (parameters) => Effect.succeed(parameters.id < 0 ? undefined : parameters),
    complete: {
      owner: ["ann", "Anton", "bo"],
      id: (value, context) => Effect.succeed([`${value}1`, context.arguments.owner ?? "nobody"])
    }
  }),
  ResourceTemplate.make("notes://ann/{id}", { name: "Ann's", handler: ({ id }) => Effect.succeed(`Ann's ${id}`) }),
  ResourceTemplate.make("files://{/path*}", {
    name: "file",
    handler: ({ path = [] }) => Effect.succeed(path.join(" > "))
  })
] as const

const greet = Prompt.make("greet", {
  ...described,
  arguments: {
    name: Schema.String.annotate({ title: "Name", description: "Who is greeted" }),
    times: Schema.optionalKey(Schema.FiniteFromString)
  },
  complete: { name: Array.from({ length: 250 }, (_, n) => `name${n}`) },
  handler: ({ name, times = 1 }) =>
    Effect.succeed([Prompt.user(`Greet ${name} ${times * 2} times`), Prompt.assistant(Content.text("Hello"))])
})

const addressed = Middleware.provide(Identity.Required, ({ context }) => {
  const user = context.meta["example.com/user"]
  return typeof user === "string"
    ? Effect.succeed(Identity.make({ subject: user, scopes: [`${user}:read`], claims: { name: user } }))
    : Effect.fail(McpError.invalidRequest("Say who you are."))
})

const labelled = Tool.make("described", { ...described, annotations: hints, handler: () => Effect.void })

const everything = McpServer.layer({
  ...info,
  pageSize: 3,
  middleware: [addressed],
  tools: [labelled, whoami, count, meddle, compose, deep],
  resources: [...resources, ...templates],
  prompts: [greet, Prompt.make("root", { handler: () => Effect.succeed("A text") })]
})

const as = (user: string) => ({ "example.com/user": user })

const ann = as("ann")

/** All pages of a list. */
const listed = (client: clients.Client, list: string, key: string) =>
  Effect.gen(function*() {
    const items: Array<any> = []
    let cursor: string | undefined
    do {
      const result = yield* client.result(list, cursor === undefined ? {} : { cursor })
      items.push(...result[key])
      cursor = result.nextCursor
    } while (cursor !== undefined)
    return items
  })

/** What of `described` has a place on a definition of the revision. */
const placed = (revision: Revisions.Version) => ({
  description: "What it is",
  ...(revision < "2025-06-18" ? undefined : {
    title: "A title",
    _meta: {
      "example.com/owner": "ann",
      "fastmcp-effect/tags": ["red", "blue"],
      "fastmcp-effect/version": "1.2.0"
    }
  }),
  ...(revision < "2025-11-25" ? undefined : { icons: [icon] })
})

const allOfThem: McpSchema.ClientCapabilities = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {}, context: {} },
  roots: { listChanged: true }
}

/** What an ask came to, for a tool to tell. */
const told = <A, R>(ask: Effect.Effect<A, AskError.AskError, R>) =>
  Effect.match(ask, {
    onFailure: ({ reason }) => `no: ${reason._tag}`,
    onSuccess: (a) => JSON.stringify(a) ?? "nothing"
  })

const asker = <A>(name: string, ask: Effect.Effect<A, AskError.AskError, RequestContext.RequestContext>) =>
  McpServer.layer({ ...info, tools: [Tool.make(name, { success: Schema.String, handler: () => told(ask) })] })

const textOf = (result: { readonly content: ReadonlyArray<{ readonly text: string }> }) => result.content[0]!.text

for (const name of clients.names) {
  for (const revision of versions) {
    const { era } = Revisions.select(revision)!
    const isStateful = era === "Stateful"
    const openAll = clients.open(name, revision, everything)

    describe(`over ${name}, in ${revision}`, () => {
      // ------------------------------------------------------------------------
      // definitions
      // ------------------------------------------------------------------------

      it.effect("what is registered is listed, each kind in its list and in its order", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const names = (list: string, key: string, id: string) =>
            Effect.map(listed(client, list, key), (items) => items.map((item) => item[id]))
          assert.deepStrictEqual(yield* names("tools/list", "tools", "name"), [
            "described",
            "whoami",
            "count",
            "meddle",
            "compose",
            "deep"
          ])
          assert.deepStrictEqual(
            yield* names("resources/list", "resources", "uri"),
            ["readme", "logo", "settings", "both"].map((path) => `note:///${path}`)
          )
          assert.deepStrictEqual(yield* names("resources/templates/list", "resourceTemplates", "name"), [
            "any",
            "note",
            "Ann's",
            "file"
          ])
          assert.deepStrictEqual(yield* names("prompts/list", "prompts", "name"), ["greet", "root"])
        }))

      it.effect("titles, icons, metadata, tags and versions are listed where the revision has a place for them", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const expected = placed(revision)
          const [tool] = yield* listed(client, "tools/list", "tools")
          assert.deepStrictEqual(tool, {
            name: "described",
            ...expected,
            inputSchema: { type: "object", additionalProperties: false },
            ...(revision === "2024-11-05"
              ? undefined
              : { annotations: revision === "2025-03-26" ? { title: "A title", ...hints } : hints })
          })
          const [resource] = yield* listed(client, "resources/list", "resources")
          assert.deepStrictEqual(resource, {
            uri: "note:///readme",
            name: "readme",
            ...expected,
            mimeType: "text/plain",
            size: 7
          })
          const [, template] = yield* listed(client, "resources/templates/list", "resourceTemplates")
          assert.deepStrictEqual(template, {
            uriTemplate: "notes://{owner}/{id}{?page,tags*}",
            name: "note",
            ...expected,
            mimeType: "application/json"
          })
          const [prompt] = yield* listed(client, "prompts/list", "prompts")
          const title = revision < "2025-06-18" ? undefined : { title: "Name" }
          assert.deepStrictEqual(prompt, {
            name: "greet",
            ...expected,
            arguments: [
              { name: "name", ...title, description: "Who is greeted", required: true },
              { name: "times", required: false }
            ]
          })
        }))

      it.effect("a resource is read as text, as bytes or as a value, each of its contents as one of the two", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const read = (path: string) =>
            Effect.map(client.result("resources/read", { uri: `note:///${path}` }, ann), ({ contents }) => contents)
          const base64 = "AQL/"
          assert.deepStrictEqual(yield* read("readme"), [
            { uri: "note:///readme", mimeType: "text/plain", text: "Read me" }
          ])
          assert.deepStrictEqual(yield* read("logo"), [{ uri: "note:///logo", mimeType: "image/png", blob: base64 }])
          assert.deepStrictEqual(yield* read("settings"), [
            {
              uri: "note:///settings",
              mimeType: "application/json",
              text: "{\"since\":\"1970-01-01T00:00:00.000Z\"}"
            }
          ])
          assert.deepStrictEqual(yield* read("both"), [
            { uri: "note:///both", text: "a" },
            { uri: "note:///both/b", mimeType: "image/png", blob: base64 }
          ])
        }))

      it.effect("a missing resource is -32002, and -32602 from 2026-07-28", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          for (const uri of ["note:///missing", "note:///hidden", "notes://bo/-1"]) {
            const { error } = yield* client.request("resources/read", { uri }, ann)
            assert.deepStrictEqual([error!.code, error!.data], [isStateful ? -32002 : -32602, { uri }])
          }
        }))

      it.effect("a template reads what its URI holds, typed, with lists, queries and paths", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const read = (uri: string) =>
            Effect.map(client.result("resources/read", { uri }, ann), ({ contents }) => contents[0].text)
          assert.deepStrictEqual(JSON.parse(yield* read("notes://b%20o/7?tags=x&page=2&tags=y")), {
            owner: "b o",
            id: 7,
            page: 2,
            tags: ["x", "y"]
          })
          assert.deepStrictEqual(JSON.parse(yield* read("notes://bo/7")), { owner: "bo", id: 7 })
          assert.strictEqual(yield* read("files:///a/b/c"), "a > b > c")
          for (const uri of ["notes://bo/seven", "notes://bo/7?page=0", "files:///a/%2e%2e/b"]) {
            assert.strictEqual(yield* client.refused("resources/read", { uri }, ann), -32602, uri)
          }
        }))

      it.effect("of several templates that match, the most specific reads, in whatever order they came", () =>
        Effect.gen(function*() {
          const handlers = templates.slice(0, 3)
          for (const order of [handlers, handlers.toReversed()]) {
            const client = yield* clients.open(name, revision, McpServer.layer({ ...info, resources: order }))
            const read = (uri: string) =>
              Effect.map(client.result("resources/read", { uri }), ({ contents }) => contents[0].text)
            assert.strictEqual(yield* read("notes://ann/x"), "Ann's x")
            assert.strictEqual(yield* read("notes://bo/1"), "{\"owner\":\"bo\",\"id\":1}")
            assert.strictEqual(yield* read("notes://bo/1/2"), "any bo/1/2")
          }
        }))

      it.effect("a prompt is got as messages of two roles, from the text its arguments are", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const get = (name: string, args?: object) =>
            client.result("prompts/get", args === undefined ? { name } : { name, arguments: args }, ann)
          const { description, messages } = yield* get("greet", { name: "Bo", times: "3" })
          assert.strictEqual(description, "What it is")
          assert.deepStrictEqual(messages, [
            { role: "user", content: { type: "text", text: "Greet Bo 6 times" } },
            { role: "assistant", content: { type: "text", text: "Hello" } }
          ])
          assert.deepStrictEqual((yield* get("root")).messages, [
            { role: "user", content: { type: "text", text: "A text" } }
          ])
          for (
            const params of [
              { name: "greet" },
              { name: "greet", arguments: { name: "Bo", times: "often" } },
              { name: "greet", arguments: { name: "Bo", other: "x" } },
              { name: "nobody" }
            ]
          ) assert.strictEqual(yield* client.refused("prompts/get", params, ann), -32602)
        }))

      it.effect("values of prompts and templates are completed, a hundred at most", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const complete = (ref: object, argument: object, context?: object) =>
            Effect.map(
              client.result("completion/complete", { ref, argument, ...context }, ann),
              ({ completion }) => completion
            )
          const prompt = { type: "ref/prompt", name: "greet" }
          const many = yield* complete(prompt, { name: "name", value: "NAME" })
          assert.deepStrictEqual(many, {
            values: Array.from({ length: 100 }, (_, n) => `name${n}`),
            total: 250,
            hasMore: true
          })
          assert.deepStrictEqual(yield* complete(prompt, { name: "times", value: "1" }), { values: [] })
          const template = { type: "ref/resource", uri: "notes://{owner}/{id}{?page,tags*}" }
          assert.deepStrictEqual((yield* complete(template, { name: "owner", value: "an" })).values, ["ann", "Anton"])
          const known = { context: { arguments: { owner: "bo" } } }
          assert.deepStrictEqual((yield* complete(template, { name: "id", value: "7" }, known)).values, ["71", "bo"])
          const unknown = { ref: prompt, argument: { name: "nobody", value: "" } }
          assert.strictEqual(yield* client.refused("completion/complete", unknown, ann), -32602)
          if (isStateful) {
            assert.deepStrictEqual(
              client.initialized.capabilities.completions,
              revision < "2025-03-26" ? undefined : {}
            )
          }
        }))

      it.effect("a list comes page by page, and takes no cursor but its own", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const first = yield* client.result("tools/list")
          assert.lengthOf(first.tools, 3)
          const second = yield* client.result("tools/list", { cursor: first.nextCursor })
          assert.deepStrictEqual(second.tools.map((tool: any) => tool.name), ["meddle", "compose", "deep"])
          assert.notProperty(second, "nextCursor")
          const other = (yield* client.result("resources/list")).nextCursor
          assert.isString(other)
          for (const cursor of [other, "3", ""]) {
            assert.strictEqual(yield* client.refused("tools/list", { cursor }), -32602)
          }
        }))

      it.effect("the author shows definitions by their tags, in lists and in use", () =>
        Effect.gen(function*() {
          const make = (name: string, tags: ReadonlyArray<string>) =>
            Tool.make(name, { tags, success: Schema.String, handler: () => Effect.succeed(name) })
          const client = yield* clients.open(
            name,
            revision,
            McpServer.layer({
              ...info,
              tools: [make("open", ["public", "fast"]), make("closed", ["public", "internal"]), make("bare", [])],
              resources: [Resource.text("note:///a", "a", { tags: ["public"] }), Resource.text("note:///b", "b")],
              visible: ({ tags = [] }) => tags.includes("public") && !tags.includes("internal")
            })
          )
          assert.deepStrictEqual((yield* listed(client, "tools/list", "tools")).map(({ name }) => name), ["open"])
          assert.deepStrictEqual((yield* listed(client, "resources/list", "resources")).map(({ uri }) => uri), [
            "note:///a"
          ])
          assert.strictEqual(textOf(yield* client.call("open")), "open")
          for (const hidden of ["closed", "bare"]) {
            assert.strictEqual(yield* client.refused("tools/call", { name: hidden }), -32602)
          }
          assert.isNumber(yield* client.refused("resources/read", { uri: "note:///b" }))
        }))

      it.effect("a strict server refuses arguments nobody has, also inside of others, and says so in the schema", () =>
        Effect.gen(function*() {
          const move = Tool.make("move", {
            parameters: {
              to: Schema.Union([Schema.Struct({ x: Schema.Finite }), Schema.Struct({ name: Schema.String })])
            },
            success: Schema.String,
            handler: ({ to }) => Effect.succeed(JSON.stringify(to))
          })
          for (const strictInput of [true, false]) {
            const client = yield* clients.open(name, revision, McpServer.layer({ ...info, strictInput, tools: [move] }))
            const [{ inputSchema }] = yield* listed(client, "tools/list", "tools")
            const closed = [inputSchema, ...inputSchema.properties.to.anyOf].map((schema) =>
              schema.additionalProperties
            )
            assert.deepStrictEqual(closed, strictInput ? [false, false, false] : [undefined, undefined, undefined])
            assert.strictEqual(textOf(yield* client.call("move", { to: { x: 1 } })), "{\"x\":1}")
            for (const args of [{ to: { x: 1 }, fast: true }, { to: { x: 1, y: 2 } }]) {
              const { content, isError } = yield* client.call("move", args)
              if (strictInput) assert.isTrue(isError)
              else assert.strictEqual(textOf({ content }), "{\"x\":1}")
            }
          }
        }))

      it.effect("plain JSON Schema is checked with its patterns, references and combinators", () =>
        Effect.gen(function*() {
          const schema = {
            type: "object",
            $defs: { code: { type: "string", pattern: "^[A-Z]{3}$" } },
            properties: { from: { $ref: "#/$defs/code" }, to: { not: { const: "XXX" }, $ref: "#/$defs/code" } },
            required: ["from"],
            dependentRequired: { to: ["from"] },
            oneOf: [{ required: ["to"] }, { maxProperties: 1 }]
          }
          const fly = Tool.make("fly", {
            parameters: ToolSchema.fromJsonSchema<{ readonly from: string; readonly to?: string }>(schema),
            success: Schema.String,
            handler: ({ from, to = "nowhere" }) => Effect.succeed(`${from} to ${to}`)
          })
          const client = yield* clients.open(name, revision, McpServer.layer({ ...info, tools: [fly] }))
          // Ajv is loaded with the first value.
          const id = client.begin("tools/call", { name: "fly", arguments: { from: "ZRH", to: "BRN" } })
          yield* Effect.promise(() => import("ajv/dist/2020.js"))
          assert.strictEqual(textOf((yield* client.answerTo(id)).result), "ZRH to BRN")
          for (const args of [{ from: "zrh" }, { from: "ZRH", to: "XXX" }, { to: "BRN" }, { from: "ZRH", other: 1 }]) {
            assert.isTrue((yield* client.call("fly", args)).isError, JSON.stringify(args))
          }
        }))

      // ------------------------------------------------------------------------
      // the conversation
      // ------------------------------------------------------------------------

      it.effect("a batch is answered together where the revision has batches, and refused elsewhere", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const before = client.frames.length
          const two = (id: number) => wires.request(era, id, "tools/list")
          client.send([two(1), wires.notification("notifications/nothing"), two(2), { jsonrpc: "2.0", id: 3 }])
          yield* wires.until(() => client.frames.length > before)
          const answers = client.frames.slice(before)
          if (revision === "2025-03-26") {
            assert.deepStrictEqual(answers.map(({ error, id }) => [id, error?.code]).sort(), [
              [1, undefined],
              [2, undefined],
              [3, -32600]
            ])
          } else assert.deepStrictEqual(answers.map(({ error, id }) => [id, error?.code]), [[null, -32600]])
          assert.isArray((yield* client.result("tools/list")).tools)
        }))

      if (isStateful) {
        it.effect("each of the revisions with a handshake is settled on, and the newest of them for one nobody knows", () =>
          Effect.gen(function*() {
            const known = yield* openAll
            assert.strictEqual(known.initialized.protocolVersion, revision)
            const unknown = yield* clients.open(name, revision, everything, { protocolVersion: "1999-01-01" })
            assert.strictEqual(unknown.initialized.protocolVersion, "2025-11-25")
          }))
      }

      // Over HTTP a session hears of changes on a stream of its own, which is to come.
      if (name === "stdio" || !isStateful) {
        const changing = Effect.gen(function*() {
          const context = yield* Layer.build(Layer.fresh(everything))
          const server = Context.get(context, McpServer.McpServer)
          const client = yield* Effect.provideContext(clients.connect(name, revision), context)
          return { client, server }
        })
        /** From here on a client of 2026-07-28 hears of what it asked for. */
        const listen = (client: clients.Client, notifications: object) =>
          isStateful ? Effect.void : Effect.suspend(() => {
            client.begin("subscriptions/listen", { notifications })
            return wires.until(() => client.heard("notifications/subscriptions/acknowledged").length === 1)
          })

        it.effect("each of the three lists tells of its change, and of no other's", () =>
          Effect.gen(function*() {
            const { client, server } = yield* changing
            yield* listen(client, { toolsListChanged: true, resourcesListChanged: true, promptsListChanged: true })
            const heard = () =>
              ["tools", "resources", "prompts"].map((list) => client.heard(`notifications/${list}/list_changed`).length)
            const after = (expected: ReadonlyArray<number>) =>
              wires.until(() => JSON.stringify(heard()) === JSON.stringify(expected), () => JSON.stringify(heard()))
            yield* server.add(Tool.make("more", { handler: () => Effect.void }))
            yield* after([1, 0, 0])
            yield* server.add(Prompt.make("more", { handler: () => Effect.succeed("more") }))
            yield* after([1, 0, 1])
            yield* server.add(Resource.text("note:///more", "more"))
            yield* after([1, 1, 1])
            yield* server.remove("resources", "note:///more")
            yield* after([1, 2, 1])
          }))

        it.effect("a resource that is watched tells of its change, until it is watched no more", () =>
          Effect.gen(function*() {
            const { client, server } = yield* changing
            const heard = () => client.heard("notifications/resources/updated").map(({ uri }) => uri)
            if (isStateful) {
              assert.isTrue(client.initialized.capabilities.resources.subscribe)
              yield* client.result("resources/subscribe", { uri: "note:///readme" }, ann)
            } else yield* listen(client, { resourceSubscriptions: ["note:///readme"] })
            yield* server.resourceUpdated("note:///logo")
            yield* server.resourceUpdated("note:///readme")
            yield* wires.until(() => heard().length === 1)
            assert.deepStrictEqual(heard(), ["note:///readme"])
            if (!isStateful) return
            assert.isNumber(yield* client.refused("resources/subscribe", { uri: "note:///missing" }, ann))
            yield* client.result("resources/unsubscribe", { uri: "note:///readme" }, ann)
            yield* server.resourceUpdated("note:///readme")
            yield* client.result("tools/list")
            assert.lengthOf(heard(), 1)
          }))
      }

      // ------------------------------------------------------------------------
      // what a handler can ask for
      // ------------------------------------------------------------------------

      it.effect("a value of a session is there for its later requests, typed, and for no other client", () =>
        Effect.gen(function*() {
          const context = yield* Layer.build(Layer.fresh(everything))
          const connect = Effect.provideContext(clients.connect(name, revision), context)
          const [first, second] = yield* Effect.all([connect, connect])
          const counted = (client: clients.Client) => Effect.map(client.call("count", {}, ann), textOf)
          const expected = isStateful ? ["1", "2", "1", "3"] : ["NoSession", "NoSession", "NoSession", "NoSession"]
          assert.deepStrictEqual(
            yield* Effect.forEach([first, first, second, first], counted),
            expected
          )
        }))

      it.effect("no value of a session is the framework's own: neither who calls nor what there is follows from it", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          assert.strictEqual(textOf(yield* client.call("meddle", {}, ann)), isStateful ? "done" : "NoSession")
          assert.deepStrictEqual(JSON.parse(textOf(yield* client.call("whoami", {}, ann))).subject, "ann")
          assert.lengthOf(yield* listed(client, "tools/list", "tools"), 6)
          assert.lengthOf(yield* listed(client, "prompts/list", "prompts"), 2)
          assert.isArray((yield* client.result("resources/read", { uri: "note:///readme" }, ann)).contents)
        }))

      it.effect("who calls is a value of each request, also of two at once", () =>
        Effect.gen(function*() {
          const gate = yield* Deferred.make<void>()
          const patient = Tool.make("patient", {
            success: Who,
            handler: () =>
              Effect.andThen(
                Deferred.await(gate),
                Effect.map(Identity.Required, ({ claims, scopes, subject }) => ({ subject, scopes, claims }))
              )
          })
          const client = yield* clients.open(
            name,
            revision,
            McpServer.layer({ ...info, middleware: [addressed], tools: [patient] })
          )
          const ids = ["ann", "bo"].map((user) => client.begin("tools/call", { name: "patient" }, as(user)))
          yield* wires.turns()
          yield* Deferred.succeed(gate, undefined)
          const answers = yield* Effect.forEach(ids, client.answerTo)
          assert.deepStrictEqual(answers.map(({ result }) => JSON.parse(textOf(result))), [
            { subject: "ann", scopes: ["ann:read"], claims: { name: "ann" } },
            { subject: "bo", scopes: ["bo:read"], claims: { name: "bo" } }
          ])
          assert.strictEqual(yield* client.refused("tools/call", { name: "patient" }), -32600)
        }))

      it.effect("a handler uses the other definitions of its server, as its caller, ten deep at most", () =>
        Effect.gen(function*() {
          const client = yield* openAll
          const [who, contents, messages, hidden] = JSON.parse(textOf(yield* client.call("compose", {}, ann)))
          assert.strictEqual(JSON.parse(who[0].text).subject, "ann")
          assert.deepStrictEqual(contents, [{ uri: "note:///readme", mimeType: "text/plain", text: "Read me" }])
          assert.strictEqual(messages[0].content.text, "Greet Bo 2 times")
          assert.strictEqual(hidden, "ResourceNotFound")
          assert.strictEqual(
            textOf(yield* client.call("deep", { level: 0 }, ann)),
            "10: Handlers may use each other 10 deep at most."
          )
        }))

      it.effect("what a handler logs reaches the client from its level upwards, and not below the server's own", () =>
        Effect.gen(function*() {
          const speak = Tool.make("speak", {
            handler: () =>
              Effect.logDebug("debug").pipe(
                Effect.andThen(Effect.logInfo("info")),
                Effect.andThen(Effect.logWarning("warning"))
              )
          })
          const server = McpServer.layer({ ...info, tools: [speak] }).pipe(
            Layer.provide(ServerLog.layer({ level: "Info" })),
            Layer.provide(TestConsole.layer)
          )
          const client = yield* clients.open(name, revision, server)
          const heard = Effect.fnUntraced(function*(level: McpSchema.LoggingLevel) {
            const before = client.heard("notifications/message").length
            if (isStateful) yield* client.result("logging/setLevel", { level })
            yield* client.call("speak", {}, isStateful ? {} : { "io.modelcontextprotocol/logLevel": level })
            return client.heard("notifications/message").slice(before).map(({ data }) => data)
          })
          assert.deepStrictEqual(yield* heard("debug"), ["info", "warning"])
          assert.deepStrictEqual(yield* heard("warning"), ["warning"])
          assert.deepStrictEqual(yield* heard("error"), [])
        }))

      it.effect("a defect's text reaches no client, and the log has it under the number the client gets", () =>
        Effect.gen(function*() {
          const boom = new Error(tools.secret)
          const entries: Array<string> = []
          const logger = Logger.make((entry) => {
            entries.push(JSON.stringify(Logger.formatStructured.log(entry)))
          })
          const client = yield* clients.open(
            name,
            revision,
            McpServer.layer({
              ...info,
              tools: [
                Tool.make("die", { handler: () => Effect.die(boom) }),
                Tool.make("declared", { failure: Schema.String, handler: () => Effect.fail("the author's own word") })
              ],
              resources: [Resource.make("note:///die", { handler: Effect.die(boom) })],
              prompts: [Prompt.make("die", { handler: () => Effect.die(boom) })]
            }).pipe(Layer.provide(Logger.layer([logger])))
          )
          for (
            const [method, params] of [
              ["tools/call", { name: "die" }],
              ["resources/read", { uri: "note:///die" }],
              ["prompts/get", { name: "die" }]
            ] as const
          ) {
            const { error } = yield* client.request(method, params)
            assert.strictEqual(error!.code, -32603)
            const { correlationId } = error!.data
            yield* wires.until(() => entries.some((entry) => entry.includes(`"correlationId":"${correlationId}"`)))
            assert.include(entries.find((entry) => entry.includes(correlationId)), tools.secret)
          }
          assert.notInclude(JSON.stringify(client.frames), tools.secret)
          assert.strictEqual(textOf(yield* client.call("declared")), "the author's own word")
        }))

      // ------------------------------------------------------------------------
      // asking the client
      // ------------------------------------------------------------------------

      const hasForms = revision >= "2025-06-18"

      it.effect("a tool asks the model, then the user, then for the roots, and waits for none of them in vain", () =>
        Effect.gen(function*() {
          const all = Effect.gen(function*() {
            const said = yield* Ask.one("say", Sampling.text("Say hi", { maxTokens: 10 }))
            const { name } = yield* Ask.one("who", Elicitation.form({ name: Schema.String }, { message: "Who?" }))
            const roots = yield* Ask.one("roots", Roots.list)
            return [said, name, ...roots.map(({ uri }) => uri)]
          })
          const client = yield* clients.open(name, revision, asker("all", all), {
            capabilities: allOfThem,
            answers: {
              "sampling/createMessage": () => ({
                role: "assistant",
                model: "m",
                content: { type: "text", text: "hi" },
                stopReason: "endTurn"
              }),
              "elicitation/create": () => ({ action: "accept", content: { name: "Ada" } }),
              "roots/list": () => ({ roots: [{ uri: "file:///home" }] })
            }
          })
          assert.strictEqual(
            textOf(yield* client.call("all")),
            hasForms ? "[\"hi\",\"Ada\",\"file:///home\"]" : "no: Unsupported"
          )
          // A client that can do nothing is not asked anything.
          const none = yield* clients.open(name, revision, asker("all", all))
          assert.strictEqual(textOf(yield* none.call("all")), "no: Unsupported")
        }))

      it.effect("a model gets text, images, audio and tools, as far as the client's revision knows them", () =>
        Effect.gen(function*() {
          const question = Sampling.createMessage({
            maxTokens: 100,
            systemPrompt: "Be brief",
            temperature: 0.5,
            stopSequences: ["."],
            modelPreferences: { hints: [{ name: "small" }], costPriority: 1 },
            messages: [
              Sampling.user("Look"),
              Sampling.user(Content.image(bytes, "image/png")),
              Sampling.user(Content.audio(bytes, "audio/wav"))
            ],
            ...(revision < "2025-11-25" ? undefined : {
              tools: [{ name: "look", inputSchema: { type: "object" } }],
              toolChoice: { mode: "required" as const }
            })
          })
          const use = { type: "tool_use", id: "1", name: "look", input: {} }
          const client = yield* clients.open(name, revision, asker("ask", Ask.one("say", question)), {
            capabilities: allOfThem,
            answers: {
              "sampling/createMessage": () => ({
                role: "assistant",
                model: "m",
                content: revision < "2025-11-25" ? { type: "text", text: "seen" } : [use],
                stopReason: revision < "2025-11-25" ? "endTurn" : "toolUse"
              })
            }
          })
          const { content } = JSON.parse(textOf(yield* client.call("ask")))
          assert.deepStrictEqual(content, revision < "2025-11-25" ? { type: "text", text: "seen" } : [use])
          const [params] = client.asked("sampling/createMessage")
          assert.deepInclude(params, { systemPrompt: "Be brief", temperature: 0.5, stopSequences: ["."] })
          assert.deepStrictEqual(params.messages.map(({ content }: any) => content.type), [
            "text",
            "image",
            revision === "2024-11-05" ? "text" : "audio"
          ])
          assert.deepStrictEqual(params.tools?.length, revision < "2025-11-25" ? undefined : 1)
        }))

      it.effect("roots are asked for anew each time, so that the notice of their change finds nothing stale", () =>
        Effect.gen(function*() {
          const roots = [{ uri: "file:///a", name: "A" }, { uri: "file:///b" }]
          let now = roots
          const client = yield* clients.open(name, revision, asker("roots", Roots.ask("roots")), {
            capabilities: allOfThem,
            answers: { "roots/list": () => ({ roots: now }) }
          })
          assert.deepStrictEqual(JSON.parse(textOf(yield* client.call("roots"))), roots)
          now = roots.slice(1)
          if (isStateful) client.notify("notifications/roots/list_changed")
          assert.deepStrictEqual(JSON.parse(textOf(yield* client.call("roots"))), roots.slice(1))
        }))

      if (!hasForms) return

      it.effect("a form holds every kind of field with its bounds and default, and its answer is decoded", () =>
        Effect.gen(function*() {
          const form = Elicitation.form({
            name: Schema.String.check(Schema.isMinLength(2)).annotate({ title: "Name" }),
            age: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 99 })),
            mail: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(true))),
            color: Elicitation.choice({ r: "Red", g: "Green" }),
            days: Elicitation.choices({ mo: "Monday", tu: "Tuesday" }),
            at: Schema.DateFromString
          }, { message: "Who are you?" })
          const ask = Effect.map(Ask.one("who", form), ({ at, ...rest }) => ({ ...rest, year: at.getUTCFullYear() }))
          // Before 2025-11-25 a choice of several is a checkbox for each.
          const old = revision === "2025-06-18"
          const client = yield* clients.open(name, revision, asker("ask", ask), {
            capabilities: allOfThem,
            answers: {
              "elicitation/create": ({ requestedSchema }) => {
                const checkboxes = Object.keys(requestedSchema.properties).filter((key) => /^days.*tu/u.test(key))
                return {
                  action: "accept",
                  content: {
                    name: "Ada",
                    age: 36,
                    color: "g",
                    at: "1815-12-10T00:00:00Z",
                    ...(old ? Object.fromEntries(checkboxes.map((key) => [key, true])) : { days: ["tu"] })
                  }
                }
              }
            }
          })
          assert.deepStrictEqual(JSON.parse(textOf(yield* client.call("ask"))), {
            name: "Ada",
            age: 36,
            mail: true,
            color: "g",
            days: ["tu"],
            year: 1815
          })
          const [{ message, requestedSchema }] = client.asked("elicitation/create")
          assert.strictEqual(message, "Who are you?")
          const { age, at, color, mail, name: text } = requestedSchema.properties
          assert.deepInclude(text, { type: "string", title: "Name", minLength: 2 })
          assert.deepInclude(age, { type: "integer", minimum: 1, maximum: 99 })
          assert.deepInclude(at, { type: "string", format: "date-time" })
          if (old) {
            assert.deepStrictEqual([color.enum, color.enumNames, mail.type], [["r", "g"], ["Red", "Green"], "boolean"])
          } else {
            assert.deepStrictEqual(color.oneOf, [{ const: "r", title: "Red" }, { const: "g", title: "Green" }])
            assert.deepInclude(mail, { type: "boolean", default: true })
          }
        }))

      it.effect("a page to visit is asked for by its address, of clients that can open one", () =>
        Effect.gen(function*() {
          const ask = Ask.one("pay", Elicitation.url("https://example.com/pay", { message: "Pay here" }))
          const client = yield* clients.open(name, revision, asker("ask", ask), {
            capabilities: allOfThem,
            answers: { "elicitation/create": ({ mode }) => mode === "url" ? { action: "accept" } : undefined }
          })
          const text = textOf(yield* client.call("ask"))
          if (revision === "2025-06-18") return assert.strictEqual(text, "no: Unsupported")
          assert.strictEqual(text, "nothing")
          const [params] = client.asked("elicitation/create")
          assert.deepInclude(params, { mode: "url", message: "Pay here", url: "https://example.com/pay" })
        }))

      it.effect("an answer that does not fit its form does not reach the handler", () =>
        Effect.gen(function*() {
          const ask = Elicitation.ask("age", { age: Schema.Int.check(Schema.isGreaterThan(0)) }, { message: "Age?" })
          for (
            const [answer, expected] of [
              [{ action: "accept", content: { age: 7 } }, "{\"age\":7}"],
              [{ action: "accept", content: { age: -7 } }, "no: InvalidAnswer"],
              [{ action: "accept", content: { age: "7" } }, "no: InvalidAnswer"],
              [{ action: "accept" }, "no: InvalidAnswer"],
              [{ action: "perhaps" }, "no: InvalidAnswer"],
              [{ action: "decline" }, "no: Declined"],
              [{ action: "cancel" }, "no: Dismissed"]
            ] as const
          ) {
            const client = yield* clients.open(name, revision, asker("ask", ask), {
              capabilities: allOfThem,
              answers: { "elicitation/create": () => answer }
            })
            assert.strictEqual(textOf(yield* client.call("ask")), expected)
          }
        }))

      if (!isStateful) return

      it.effect("a client that does not answer is waited for as long as the server says, and told that it need not", () =>
        Effect.gen(function*() {
          yield* TestClock.adjust(0)
          const ask = Elicitation.ask("age", { age: Schema.Int }, { message: "Age?" })
          const client = yield* clients.open(name, revision, asker("ask", ask), {
            capabilities: allOfThem,
            answers: { "elicitation/create": () => undefined }
          })
          const id = client.begin("tools/call", { name: "ask" })
          yield* wires.until(() => client.asked("elicitation/create").length === 1)
          yield* TestClock.adjust("299 seconds")
          yield* wires.turns()
          assert.deepStrictEqual(client.frames.filter((frame) => frame.id === id && frame.method === undefined), [])
          yield* TestClock.adjust("1 second")
          assert.strictEqual(textOf((yield* client.answerTo(id)).result), "no: NoAnswer")
          const question = client.frames.find(({ method }) => method === "elicitation/create")!
          assert.deepStrictEqual(client.heard("notifications/cancelled"), [{ requestId: question.id }])
        }))

      it.effect("a question is withdrawn when the request it is part of ends", () =>
        Effect.gen(function*() {
          yield* TestClock.adjust(0)
          const ended: Array<string> = []
          const hasty = Tool.make("hasty", {
            timeout: "2 seconds",
            handler: () =>
              Elicitation.ask("age", { age: Schema.Int }, { message: "Age?" }).pipe(
                Effect.timeoutOption("1 second"),
                Effect.ensuring(Effect.sync(() => ended.push("finalizer"))),
                Effect.asVoid
              )
          })
          const client = yield* clients.open(name, revision, McpServer.layer({ ...info, tools: [hasty] }), {
            capabilities: allOfThem,
            answers: { "elicitation/create": () => undefined }
          })
          const id = client.begin("tools/call", { name: "hasty" })
          yield* wires.until(() => client.asked("elicitation/create").length === 1)
          yield* TestClock.adjust("1 second")
          yield* client.answerTo(id)
          const question = client.frames.find(({ method }) => method === "elicitation/create")!
          assert.deepStrictEqual(client.heard("notifications/cancelled"), [{ requestId: question.id }])
          assert.deepStrictEqual(ended, ["finalizer"])
        }))
    })
  }
}

describe("a server", () => {
  it.effect(
    "a thousand of each kind are read whole, page by page, in the same order twice",
    () =>
      Effect.gen(function*() {
        const each = <A>(make: (n: number) => A) => Array.from({ length: 1000 }, (_, n) => make(n))
        const server = McpServer.layer({
          ...info,
          pageSize: 97,
          tools: each((n) => Tool.make(`tool${n}`, { handler: () => Effect.void })),
          resources: [
            ...each((n) => Resource.text(`note:///${n}`, "text")),
            ...each((n) =>
              ResourceTemplate.make(`note${n}://{id}`, { name: `note${n}`, handler: () => Effect.succeed("") })
            )
          ],
          prompts: each((n) => Prompt.make(`prompt${n}`, { handler: () => Effect.succeed("") }))
        })
        for (const name of clients.names) {
          for (const revision of ["2025-11-25", "2026-07-28"] as const) {
            const client = yield* clients.open(name, revision, server)
            for (
              const [list, key, id, expected] of [
                ["tools/list", "tools", "name", each((n) => `tool${n}`)],
                ["resources/list", "resources", "uri", each((n) => `note:///${n}`)],
                ["resources/templates/list", "resourceTemplates", "uriTemplate", each((n) => `note${n}://{id}`)],
                ["prompts/list", "prompts", "name", each((n) => `prompt${n}`)]
              ] as const
            ) {
              for (let time = 0; time < 2; time++) {
                assert.deepStrictEqual((yield* listed(client, list, key)).map((item) => item[id]), expected)
              }
            }
          }
        }
      }),
    30_000
  )

  it.effect("a name that is used twice fails the start, or is replaced with a warning or without, or ignored", () =>
    Effect.gen(function*() {
      const say = (word: string) =>
        Tool.make("same", { title: word, success: Schema.String, handler: () => Effect.succeed(word) })
      for (const name of clients.names) {
        for (
          const [onDuplicate, kept, isLoud] of [
            ["replace", "second", false],
            ["warn", "second", true],
            ["ignore", "first", false]
          ] as const
        ) {
          const warnings: Array<string> = []
          const logger = Logger.make(({ message }) => {
            warnings.push(String(message))
          })
          const server = McpServer.layer({ ...info, onDuplicate, tools: [say("first"), say("second")] })
          const client = yield* clients.open(name, "2025-11-25", Layer.provide(server, Logger.layer([logger])))
          assert.strictEqual(textOf(yield* client.call("same")), kept)
          assert.lengthOf(yield* listed(client, "tools/list", "tools"), 1)
          assert.deepStrictEqual(
            warnings,
            isLoud ? ["Two definitions claim the tool \"same\" (\"first\", \"second\"); rename one of them"] : []
          )
        }
        const strict = McpServer.layer({ ...info, tools: [say("first"), say("second")] })
        const failed = yield* Effect.flip(clients.open(name, "2025-11-25", strict))
        assert.strictEqual(failed.reason._tag, "Duplicate")
      }
    }))

  it.effect("a line of the server's own log has its target, and each target its level", () =>
    Effect.gen(function*() {
      const work = Tool.make("work", {
        handler: () =>
          Effect.logDebug("detail").pipe(
            Effect.andThen(Effect.logInfo("summary")),
            ServerLog.withTarget("docket.worker"),
            Effect.andThen(ServerLog.withTarget("http")(Effect.logInfo("too much")))
          )
      })
      const options = { format: "json", targets: { docket: "Debug", http: "Warn" } } as const
      const lines: Array<any> = []
      const console_ = {
        ...console,
        error: (line: string) => lines.push(JSON.parse(line))
      } as unknown as Console.Console
      const log = Layer.mergeAll(ServerLog.layer(options), Layer.succeed(Console.Console, console_))
      for (const name of clients.names) {
        lines.length = 0
        const server = Layer.provide(McpServer.layer({ ...info, tools: [work], clientLogs: false }), log)
        const client = yield* clients.open(name, "2025-11-25", server)
        yield* client.call("work")
        assert.deepStrictEqual(lines.map(({ message, target }) => [target, message]), [
          ["docket.worker", "detail"],
          ["docket.worker", "summary"]
        ])
      }
    }))
})
