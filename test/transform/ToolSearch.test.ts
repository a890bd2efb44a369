/** Tools that are found and not listed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Middleware from "fastmcp-effect/middleware/Middleware"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Namespace from "fastmcp-effect/transform/Namespace"
import * as ToolIndexBm25 from "fastmcp-effect/transform/ToolIndexBm25"
import * as ToolIndexRegex from "fastmcp-effect/transform/ToolIndexRegex"
import * as ToolSearch from "fastmcp-effect/transform/ToolSearch"
import { connect, info, kinds, textOf } from "./support.ts"

const tool = (name: string, description: string, scopes?: ReadonlyArray<string>) =>
  Tool.make(name, {
    description,
    scopes,
    parameters: { id: Schema.String.annotate({ description: "Identifies it" }) },
    success: Schema.String,
    handler: ({ id }) => Effect.succeed(`${name} ${id}`)
  })

const crm = [
  tool("getUserByEmail", "Looks a customer up"),
  tool("create_invoice", "Bills a customer for an order"),
  tool("refund_payment", "Gives money back to a customer", ["billing"]),
  tool("list_orders", "All orders of a customer"),
  tool("get_user_avatar", "The picture of a customer")
]

const found = (result: McpSchema.CallToolResult): ReadonlyArray<string> =>
  (result.structuredContent as { readonly tools: ReadonlyArray<{ readonly name: string }> }).tools.map(({ name }) =>
    name
  )

describe.each(kinds)("a search among %s", (_, provider) => {
  it.effect("takes their place in the list, and finds them with their schemas", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider.pipe(ToolSearch.make(ToolIndexBm25.make(), { pinned: ["links"] }))])
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["search_tools", "call_tool", "links"])
      assert.strictEqual((yield* client.listPrompts).length, 1)
      const searched = yield* client.callTool("search_tools", { query: "weather" })
      assert.deepStrictEqual(found(searched), ["forecast"])
      const [first] = (searched.structuredContent as { readonly tools: ReadonlyArray<McpSchema.Tool> }).tools
      const whole = (yield* (yield* connect([provider])).listTools)[0]!
      assert.deepStrictEqual([first!.inputSchema, first!.outputSchema], [whole.inputSchema, whole.outputSchema])
      const args = { city: "Oslo", units: "metric" }
      const expected = { city: "Oslo", days: 1, units: "metric" }
      const called = yield* client.callTool("call_tool", { name: "forecast", arguments: args })
      assert.deepStrictEqual(called.structuredContent, expected)
      // Its name is enough.
      assert.deepStrictEqual((yield* client.callTool("forecast", args)).structuredContent, expected)
    }))

  it.effect("goes by the provider's names in a namespace", () =>
    Effect.gen(function*() {
      const client = yield* connect([
        provider.pipe(ToolSearch.make(ToolIndexBm25.make()), Namespace.make("ns"))
      ])
      assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["ns_search_tools", "ns_call_tool"])
      assert.deepStrictEqual(found(yield* client.callTool("ns_search_tools", { query: "city" })), ["forecast"])
      const called = yield* client.callTool("ns_call_tool", { name: "links" })
      const [link] = called.content
      assert.strictEqual(link!.type === "resource_link" ? link!.uri : "", "acme://ns/clock")
    }))
})

describe("a search by words", () => {
  const provider = Provider.fromDefinitions(...crm).pipe(
    ToolSearch.make(ToolIndexBm25.make(), { limit: 2, names: { search: "find", call: "use" } })
  )

  it.effect("finds the best first, in names of any style, with beginnings and slips, and no more than are wanted", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider])
      const find = (query: string, more = {}) => Effect.map(client.callTool("find", { query, ...more }), found)
      assert.strictEqual((yield* find("user email"))[0], "getUserByEmail")
      assert.strictEqual((yield* find("invoice"))[0], "create_invoice")
      assert.strictEqual((yield* find("invoce"))[0], "create_invoice")
      assert.deepStrictEqual(yield* find("avat"), ["get_user_avatar"])
      assert.strictEqual((yield* find("customer")).length, 2)
      assert.strictEqual((yield* find("customer", { limit: 4 })).length, 4)
      assert.deepStrictEqual(yield* find("zebra"), [])
      assert.isTrue((yield* client.callTool("find", { query: "x", limit: 1000 })).isError)
    }))

  it.effect("finds what its caller may use, and calls nothing else, within the middleware of the server", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const server = yield* Effect.map(
        Layer.build(
          McpServer.register(provider).pipe(Layer.provideMerge(McpServer.layer({
            ...info,
            middleware: [Middleware.make((request, next) => {
              if (request.tool !== undefined) seen.push(request.tool.name)
              return next
            })],
            visible: ({ name }, { identity }) => name !== "list_orders" || Identity.isAuthenticated(identity)
          })))
        ),
        (context) => Layer.succeedContext(context)
      )
      const [nobody, ann] = [
        yield* McpTest.client(server),
        yield* McpTest.client(server, { identity: Identity.make({ subject: "ann", scopes: ["billing"] }) })
      ]
      const query = { query: "customer", limit: 10 }
      assert.notIncludeMembers([...found(yield* nobody.callTool("find", query))], ["refund_payment", "list_orders"])
      assert.includeMembers([...found(yield* ann.callTool("find", query))], ["refund_payment", "list_orders"])
      seen.length = 0
      const args = { arguments: { id: "1" } }
      assert.strictEqual(textOf(yield* ann.callTool("use", { name: "refund_payment", ...args })), "refund_payment 1")
      assert.deepStrictEqual(seen, ["use", "refund_payment"])
      const error = yield* Effect.flip(nobody.callTool("use", { name: "refund_payment", ...args }))
      assert.strictEqual(error.reason._tag, "Unauthenticated")
      const hidden = yield* nobody.callTool("use", { name: "list_orders", ...args })
      assert.isTrue(hidden.isError)
      assert.include(textOf(hidden), "No tool is called \"list_orders\"")
    }))

  it.effect("says what is wrong with a call", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider])
      for (
        const args of [{}, { name: 1 }, { name: "list_orders", arguments: [] }, { name: "nothing" }, { name: "use" }]
      ) {
        assert.isTrue((yield* client.callTool("use", args)).isError, JSON.stringify(args))
      }
      const wrong = yield* client.callTool("use", { name: "list_orders", arguments: {} })
      assert.include(textOf(wrong), "Invalid arguments for list_orders: id")
    }))
})

describe("a search by pattern", () => {
  const provider = Provider.fromDefinitions(...crm).pipe(ToolSearch.make(ToolIndexRegex.make(), { limit: 10 }))

  it.effect("finds what fits, names first, in any case", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider])
      const find = (query: string) => Effect.map(client.callTool("search_tools", { query }), found)
      assert.deepStrictEqual(yield* find("^GET_?user"), ["getUserByEmail", "get_user_avatar"])
      assert.deepStrictEqual(yield* find("order"), ["list_orders", "create_invoice"])
      assert.deepStrictEqual(yield* find("money|picture"), ["get_user_avatar"])
      assert.deepStrictEqual(yield* find("Identifies it$"), [
        "getUserByEmail",
        "create_invoice",
        "list_orders",
        "get_user_avatar"
      ])
    }))

  it.effect("refuses what is no pattern, and what would take long", () =>
    Effect.gen(function*() {
      const client = yield* connect([provider])
      for (
        const query of ["(", "(?=a)", "(a)\\1", "a{1000}", "(x{1,30}){1,30}", "(((a{9}){9}){9}){9}", "a".repeat(201)]
      ) {
        const result = yield* client.callTool("search_tools", { query })
        assert.isTrue(result.isError, query)
        assert.include(textOf(result), "This is no regular expression to search with: ")
      }
    }))

  it.effect("takes no longer for a pattern that others choke on", () =>
    Effect.gen(function*() {
      const many = Array.from({ length: 300 }, (_, index) => tool(`t${index}`, `${"a".repeat(900)}!`))
      const client = yield* connect([
        Provider.fromDefinitions(...many).pipe(ToolSearch.make(ToolIndexRegex.make()))
      ])
      // A backtracking engine would not come to an end with a single one of these texts.
      assert.deepStrictEqual(found(yield* client.callTool("search_tools", { query: "^(a+)+(b+)+$" })), [])
    }), 20_000)
})
