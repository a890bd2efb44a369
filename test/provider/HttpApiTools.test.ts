/** An API of every kind of endpoint (`library.ts`), over HTTP and as tools. */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as McpClient from "fastmcp-effect/client/McpClient"
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
import { Handlers, Library } from "./library.ts"

const serving = <R = never>(options?: HttpApiTools.Options<R>) =>
  McpServer.register(HttpApiTools.make(Library, options)).pipe(
    Layer.provideMerge(McpServer.layer({ name: "library", version: "1.0.0" })),
    Layer.provide(Handlers)
  )

const entries = HttpApiTools.reflect(Library)

const tools = entries.flatMap((entry) => entry.tool === undefined ? [] : [{ ...entry, tool: entry.tool }])

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

/** The ways to a tool: in memory and over HTTP, in both eras. */
const ways = (url: string) => {
  const raw = (client: McpClient.Client) => (name: string, args: JsonObject) => client.callTool(name, args)
  return Effect.all({
    memory: Effect.map(McpTest.client(Authorized), ({ callTool }) => callTool),
    "memory, stateful": Effect.map(McpTest.client(Authorized, { revision: "2025-11-25" }), ({ callTool }) => callTool),
    http: Effect.map(connected(url, "2026-07-28"), raw),
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
