/** An API of every kind of endpoint (`library.ts`), over HTTP and as tools. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as ApiError from "fastmcp-effect/provider/ApiError"
import * as HttpApiTools from "fastmcp-effect/provider/HttpApiTools"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import strict from "node:assert/strict"
import { recording } from "../support/spans.ts"
import { Handlers, Library } from "./library.ts"

const serving = <R = never>(options?: HttpApiTools.Options<R>) =>
  McpServer.register(HttpApiTools.make(Library, options)).pipe(
    Layer.provideMerge(McpServer.layer({ name: "library", version: "1.0.0" })),
    Layer.provide(Handlers)
  )

const entries = HttpApiTools.reflect(Library)

const tools = entries.flatMap((entry) => entry.tool === undefined ? [] : [{ ...entry, tool: entry.tool }])

const toolOf = (name: string) => tools.find(({ tool }) => tool.name === name)!.tool

// ----------------------------------------------------------------------------
// both ways
// ----------------------------------------------------------------------------

const Authorized = serving({ headers: Effect.succeed({ authorization: "Bearer ann" }) })

/** What the endpoint is called with. */
const requestsOf = ({ headers, params, payload, query }: HttpApiEndpoint.Top) =>
  Arbitrary.all({
    ...(params === undefined ? {} : { params: Arbitrary.schema(params) }),
    ...(query === undefined ? {} : { query: Arbitrary.schema(query) }),
    ...(headers === undefined ? {} : { headers: Arbitrary.schema(headers) }),
    ...(payload.size === 0
      ? {}
      : { payload: Arbitrary.schema(Schema.Union(Array.from(payload.values()).flatMap(({ schemas }) => schemas))) })
  }) as Arbitrary.Arbitrary<any>

/** Half of a character goes over no wire, and a path with these is another one. */
const isSendable = (args: JsonObject, { params = {} }: { readonly params?: object }): boolean =>
  !/\\ud[89a-f]/u.test(JSON.stringify(args)) && !Object.values(params).some((value) => value === "." || value === "..")

/** How a call ends, in words that are the same for both ways. */
const ending = (exit: Exit.Exit<unknown, unknown>) => {
  const outcome = Outcome.fromExit(exit)
  if (outcome._tag === "Ok") return { success: revealed(outcome.value) }
  const error = outcome._tag === "Err" ? outcome.error : outcome
  if (HttpClientError.isHttpClientError(error)) return { undeclared: error.response?.status }
  if (error instanceof ApiError.ApiError && error.reason._tag === "Undeclared") {
    return { undeclared: error.reason.status }
  }
  // HTTP has a status for it, and MCP a code.
  if (error instanceof Error && error.message.startsWith("Internal error")) return { undeclared: 500 }
  return { failure: error }
}

/** With the secrets that do not show. */
const revealed = (value: any): unknown =>
  Redacted.isRedacted(value?.secret) ? { ...value, secret: Redacted.value(value.secret) } : value

/** An answer over HTTP as a tool gives it. */
const whole = (answer: unknown): Effect.Effect<unknown, unknown> =>
  Stream.isStream(answer)
    ? Effect.map(Stream.runCollect(answer as Stream.Stream<unknown, unknown>), (items) => ({ items, complete: true }))
    : Effect.succeed(answer)

const Elsewhere = (url: string) =>
  McpServer.register(
    HttpApiTools.remote(Library, {
      baseUrl: new URL(url).origin,
      headers: Effect.succeed({ authorization: "Bearer ann" })
    })
  ).pipe(
    Layer.provideMerge(McpServer.layer({ name: "elsewhere", version: "1.0.0" })),
    Layer.provide(FetchHttpClient.layer)
  )

/** The ways to a tool: in memory and over HTTP, in both eras, and to one of an API that is behind HTTP itself. */
const ways = (url: string) => {
  const raw = (client: McpClient.Client) => (name: string, args: JsonObject) => client.callTool(name, args)
  return Effect.all({
    memory: Effect.map(McpTest.client(Authorized), ({ callTool }) => callTool),
    "memory, stateful": Effect.map(McpTest.client(Authorized, { revision: "2025-11-25" }), ({ callTool }) => callTool),
    http: Effect.map(connected(url, "2026-07-28"), raw),
    remote: Effect.map(McpTest.client(Elsewhere(url)), ({ callTool }) => callTool),
    "http, stateful": Effect.map(connected(url, "2025-11-25"), raw)
  })
}

const connected = (url: string, revision: Revisions.Version) =>
  Effect.flatMap(
    Layer.build(NodeStreamableHttpClient.layer({ url })),
    (context) => Effect.provideContext(McpClient.make({ revision }), context)
  )

describe("the endpoints of an API", () => {
  it("are tools, and those that cannot be say why", () => {
    assert.isAtLeast(tools.length, 20)
    assert.deepStrictEqual(
      entries.flatMap(({ endpoint, omitted }) => omitted === undefined ? [] : [[endpoint.identifier, omitted]]),
      [
        ["scan", "it takes files or a stream, and the arguments of a tool are JSON"],
        ["download", "it answers with a stream of bytes"]
      ]
    )
    assert.isFalse(entries.some(({ endpoint }) => endpoint.identifier === "audit"))
  })

  it.live("answer as they do over HTTP, for whatever they are called with, in both eras", () =>
    Effect.gen(function*() {
      const { url } = Context.get(
        yield* Layer.build(
          NodeHttp.layer({ port: 0, routes: HttpApiBuilder.layer(Library).pipe(Layer.provide(Handlers)) as Routes })
            .pipe(
              Layer.provide(Authorized)
            )
        ),
        NodeHttp.Address
      )
      const http = yield* HttpApiClient.makeWith(Library, {
        httpClient: HttpClient.mapRequest(yield* HttpClient.HttpClient, HttpClientRequest.bearerToken("ann")),
        baseUrl: new URL(url).origin
      })
      const callers = Object.entries(yield* ways(url))
      const endings = new Map<string, Set<string>>()
      for (const { endpoint, group, tool } of tools) {
        const call: (request: unknown) => Effect.Effect<unknown, unknown> = group.topLevel
          ? (http as any)[endpoint.identifier]
          : (http as any)[group.identifier][endpoint.identifier]
        const seen = new Set<string>()
        endings.set(tool.name, seen)
        const result = yield* Arbitrary.checkEffect(
          requestsOf(endpoint),
          (request) =>
            Effect.gen(function*() {
              const args = yield* Tool.encodeParameters(tool, request)
              if (!isSendable(args, request)) return true
              const expected = ending(yield* Effect.exit(Effect.flatMap(call(request), whole)))
              seen.add(
                "failure" in expected ? (expected.failure as { readonly _tag: string })._tag : Object.keys(expected)[0]!
              )
              for (const [way, callTool] of callers) {
                const exit = yield* Effect.exit(
                  Effect.flatMap(callTool(tool.name, args), (result) => Tool.decodeResult(tool, result))
                )
                strict.deepStrictEqual(ending(exit), expected, `${tool.name}, ${way}`)
              }
              return true
            }),
          { runs: endpoint.params === undefined && endpoint.payload.size === 0 ? 3 : 20, seed: 7 }
        )
        assert.strictEqual(result._tag, "Passed", Arbitrary.formatCheckFailure(result))
      }
      const seen = (name: string) => Array.from(endings.get(name)!).sort()
      assert.deepStrictEqual(seen("books_add"), ["TitleTaken", "TooLong", "success"])
      assert.deepStrictEqual(seen("books_remove"), ["Conflict", "Forbidden", "NotFound", "success"])
      assert.deepStrictEqual(seen("loans_borrow"), ["Broke", "NotNow", "success"])
      assert.deepStrictEqual(seen("loans_extend"), ["Broke", "success"])
      assert.deepStrictEqual(seen("events"), ["Broke", "success"])
      assert.deepStrictEqual(seen("crowded"), ["undeclared"])
      assert.deepStrictEqual(seen("broken"), ["undeclared"])
      const others = tools.filter(({ tool }) => !["crowded", "broken"].includes(tool.name))
      assert.isTrue(others.every(({ tool }) => endings.get(tool.name)!.has("success")))
    }).pipe(Effect.scoped, Effect.provide([FetchHttpClient.layer, Logger.layer([])])), 60_000)
})

type Routes = Layer.Layer<never, never, HttpRouter.HttpRouter>

// ----------------------------------------------------------------------------
// listing
// ----------------------------------------------------------------------------

describe("a tool of an endpoint", () => {
  it("lists the schemas of the endpoint, as JSON has them", () => {
    const listed = (name: string) => Tool.describe(toolOf(name))
    assert.deepStrictEqual(listed("books_get"), {
      name: "books_get",
      title: "A book",
      description: "A book by its number",
      inputSchema: {
        type: "object",
        properties: { isbn: { type: "string", description: "The number of the book", minLength: 1 } },
        required: ["isbn"]
      },
      outputSchema: {
        type: "object",
        properties: {
          isbn: { type: "string" },
          title: { type: "string", description: "As it is on the cover" },
          published: { type: "string", format: "date-time" },
          pages: { type: "integer" }
        },
        required: ["isbn", "title", "published"]
      },
      annotations: { readOnlyHint: true },
      _meta: { "fastmcp-effect/tags": ["books"] }
    } as never)
    // A number in a path or a query is a number.
    assert.deepStrictEqual(listed("loans_extend").inputSchema.properties, { id: { type: "integer" } } as never)
    assert.deepInclude(listed("books_list").inputSchema.properties, { page: { type: "integer" } } as never)
    assert.deepStrictEqual(Object.keys(listed("loans_borrow").inputSchema.properties as object), [
      "x-trace",
      "x-hour",
      "isbn",
      "days"
    ])
  })

  it("has one parameter for what no field has, and tells apart what two places call alike", () => {
    const parameters = (name: string) => Object.keys(Tool.describe(toolOf(name)).inputSchema.properties as object)
    assert.deepStrictEqual(parameters("books_change"), ["isbn", "payload"])
    assert.deepStrictEqual(parameters("books_addAll"), ["payload"])
    assert.deepStrictEqual(parameters("books_replace"), ["isbn", "payload_isbn", "title"])
    assert.deepStrictEqual(parameters("loans_get"), ["id", "query_id"])
    assert.deepStrictEqual(parameters("books_add"), ["title", "published", "pages"])
  })

  it("says what its method and its annotations say", () => {
    const { annotations, description } = Tool.describe(toolOf("books_replace"))
    assert.deepStrictEqual(annotations, { readOnlyHint: false, destructiveHint: true, idempotentHint: true })
    assert.strictEqual(description, "Deprecated. PUT /books/:isbn")
    assert.deepStrictEqual(Tool.describe(toolOf("books_add")).annotations, { readOnlyHint: false })
  })

  it.effect("has its parts checked and made as the API has them", () =>
    Effect.gen(function*() {
      class Span extends Schema.Class<Span>("Span")(
        Schema.Struct({ from: Schema.Int, to: Schema.Int }).check(
          Schema.makeFilter(({ from, to }) => from <= to ? undefined : "ends before it begins")
        )
      ) {}
      const api = HttpApi.make("one").add(
        HttpApiGroup.make("spans").add(HttpApiEndpoint.post("add", "/spans", { payload: Span }))
      )
      const tool = HttpApiTools.reflect(api)[0]!.tool!
      const made: any = yield* Tool.decodeParameters(tool, { from: 1, to: 2 })
      assert.instanceOf(made.payload, Span)
      const error: any = yield* Effect.flip(Tool.decodeParameters(tool, { from: 2, to: 1 }))
      assert.include(error.message, "ends before it begins")
      const unknown: any = yield* Effect.flip(
        Tool.decodeParameters(tool, { from: 1, to: 2, by: 3 }, { strict: true })
      )
      assert.include(unknown.message, "by")
    }))

  it("changes with the schema of the API, which is nowhere twice", () => {
    const listed = (isbn: Schema.Codec<any, any>) => {
      const api = HttpApi.make("one").add(
        HttpApiGroup.make("books").add(
          HttpApiEndpoint.get("get", "/books/:isbn", { params: { isbn }, success: Schema.Struct({ isbn }) })
        )
      )
      const { inputSchema, outputSchema } = Tool.describe(HttpApiTools.reflect(api)[0]!.tool!)
      return [inputSchema, outputSchema].map((schema) => (schema!.properties as { readonly isbn: unknown }).isbn)
    }
    const short = { type: "string", maxLength: 3 }
    assert.deepStrictEqual(listed(Schema.String.check(Schema.isMaxLength(3))), [short, short])
    assert.deepStrictEqual(listed(Schema.Int), [{ type: "integer" }, { type: "integer" }])
  })

  it.effect("is chosen, named and described by whoever serves the API", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving({
        include: ({ endpoint, group }) => group.identifier === "books" && endpoint.method === "GET",
        name: ({ endpoint }) => `find_${endpoint.identifier}`,
        amend: ({ endpoint }) => endpoint.identifier === "get" ? { description: "Finds a book" } : undefined
      }))
      const tools = yield* client.listTools
      assert.deepStrictEqual(tools.map(({ name }) => name), ["find_get", "find_list", "find_blurb"])
      assert.deepStrictEqual(tools.map(({ description }) => description), [
        "Finds a book",
        "GET /books",
        "GET /books/:isbn/blurb"
      ])
    }))
})

// ----------------------------------------------------------------------------
// calls
// ----------------------------------------------------------------------------

describe("a call", () => {
  it.effect("reaches the middleware with what the server says of the caller, and with nothing else", () =>
    Effect.gen(function*() {
      const mine = toolOf("loans_mine")
      const silent = yield* McpTest.client(serving(), {
        identity: Identity.make({ subject: "ann" }),
        headers: { authorization: "Bearer of-the-client" }
      })
      const refused: any = yield* Effect.flip(silent.call(mine, {}))
      assert.strictEqual(refused._tag, "Unauthorized")
      const headers = Effect.map(
        Effect.service(Identity.CurrentIdentity),
        ({ subject }) => ({ authorization: `Bearer ${subject}'s` })
      )
      const open = yield* McpTest.client(serving({ headers }), { identity: Identity.make({ subject: "ann" }) })
      assert.deepStrictEqual(yield* open.call(mine, {}), { member: "ann's" })
    }))

  it.effect("is no call of another endpoint, whatever is to be in the path", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(hanging)
      const [remove] = HttpApiTools.reflect(Hanging).filter(({ endpoint }) => endpoint.identifier === "remove")
      for (const name of ["", ".", ".."]) {
        const error: any = yield* Effect.flip(client.call(remove!.tool!, { params: { name } }))
        assert.strictEqual(error.reason._tag, "InvalidPath", JSON.stringify(name))
      }
      assert.strictEqual(yield* client.call(remove!.tool!, { params: { name: "a/../b?c#d" } }), "a/../b?c#d")
    }))

  it.effect("is refused where its arguments are not what the API takes", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving())
      const result = yield* client.callTool("loans_extend", { id: "seven" })
      assert.isTrue(result.isError)
      assert.include(JSON.stringify(result.content), "id")
    }))

  it.effect("tells the model what the API does not declare, and nothing of a server's own trouble", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving())
      const said = (status: number) =>
        Effect.map(Effect.flip(client.call(toolOf("crowded"), { params: { status } })), (error: any) => error.message)
      assert.strictEqual(
        yield* said(429),
        "crowded failed: the API answered with status 429, which it does not declare for this call: status 429"
      )
      assert.strictEqual(
        yield* said(500),
        "crowded failed: the API answered with status 500, which it does not declare for this call"
      )
      const error = yield* Effect.flip(client.callTool("broken"))
      assert.strictEqual(error.reason._tag, "InternalError")
      assert.notInclude(JSON.stringify(yield* client.frames), "secret")
    }).pipe(Effect.provide(Logger.layer([]))))

  it.effect("gives of a stream what comes in its time, with progress", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(serving({ streams: { max: 5 } }))
      const result: any = yield* client.callTool("feed", { count: 8 }, { progressToken: "p" })
      assert.deepStrictEqual(result.structuredContent.items.map(({ id }: any) => id), [1, 2, 3, 4, 5])
      assert.isFalse(result.structuredContent.complete)
      const progress = (yield* client.notifications).filter(({ method }) => method === "notifications/progress")
      assert.strictEqual(progress.length, 5)
    }))
})

class Held extends Context.Service<Held, {
  readonly begun: Deferred.Deferred<void>
  readonly ended: Deferred.Deferred<Exit.Exit<unknown, unknown>>
}>()("test/HttpApiTools/Held") {}

const Hanging = HttpApi.make("hanging").add(
  HttpApiGroup.make("odds", { topLevel: true }).add(
    HttpApiEndpoint.get("hang", "/hang"),
    HttpApiEndpoint.delete("remove", "/all/:name", { params: { name: Schema.String }, success: Schema.String }),
    HttpApiEndpoint.delete("removeAll", "/all", { success: Schema.String }),
    HttpApiEndpoint.get("trace", "/trace", { success: Schema.Array(Schema.String) })
  )
)

const Hung = HttpApiBuilder.group(Hanging, "odds", (handlers) =>
  handlers.handleAll({
    hang: () =>
      Effect.flatMap(Held, ({ begun, ended }) =>
        Deferred.succeed(begun, void 0).pipe(
          Effect.andThen(Effect.never),
          Effect.onExit((exit) => Deferred.succeed(ended, exit))
        )),
    remove: ({ params }) => Effect.succeed(params.name),
    removeAll: () => Effect.succeed("all of them"),
    trace: () =>
      Effect.map(Effect.currentSpan, (span) => {
        const names: Array<string> = []
        for (let at: Tracer.AnySpan | undefined = span; at?._tag === "Span"; at = Option.getOrUndefined(at.parent)) {
          names.unshift(at.name)
        }
        return names
      }).pipe(Effect.orDie)
  }))

const held = Layer.effect(
  Held,
  Effect.sync(() => ({ begun: Deferred.makeUnsafe<void>(), ended: Deferred.makeUnsafe<Exit.Exit<any, any>>() }))
)

const hanging = McpServer.register(HttpApiTools.make(Hanging)).pipe(
  Layer.provideMerge(McpServer.layer({ name: "hanging", version: "1.0.0" })),
  Layer.provide(Hung),
  HttpRouter.provideRequest(Layer.effectContext(Effect.context<Held>())),
  Layer.provideMerge(held)
)

describe("an API that cannot be reached", () => {
  it.effect("is said to be so, and no more, in logs of the client either", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(Elsewhere("http://127.0.0.1:1/"), { logLevel: "debug" })
      const result = yield* client.callTool("books_get", { isbn: "1" })
      assert.isTrue(result.isError)
      assert.deepStrictEqual(result.content, [{
        type: "text",
        text: "books_get failed: the API cannot be reached at the moment"
      }])
      assert.notInclude(JSON.stringify(yield* client.frames), "127.0.0.1")
    }).pipe(Effect.provide(Logger.layer([]))))
})

describe("a handler", () => {
  it.effect("is interrupted with the call of its tool", () =>
    Effect.gen(function*() {
      const context = yield* Layer.build(hanging)
      const client = yield* McpTest.client(Layer.succeedContext(context))
      const { begun, ended } = Context.get(context, Held)
      const call = yield* Effect.forkChild(client.callTool("hang"))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(call)
      assert.strictEqual(Outcome.fromExit(yield* Deferred.await(ended))._tag, "Cancelled")
    }))

  it.effect("is in the trace of the call, as a request of HTTP", () =>
    Effect.gen(function*() {
      const client = yield* McpTest.client(hanging)
      const { structuredContent } = yield* client.callTool("trace")
      assert.deepStrictEqual(structuredContent, ["tools/call trace", "GET"])
    }).pipe(Effect.provideService(Tracer.Tracer, recording().tracer)))
})
