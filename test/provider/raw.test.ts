/** What a proxy does not know passes through it, and what it is told that is not so does no harm. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Meta from "fastmcp-effect/protocol/Meta"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as scripted from "../client/scripted.ts"
import { assert, describe, it } from "../support/effectVitest.ts"
import * as hops from "./hops.ts"

const scripts = { "2025-11-25": scripted.stateful, "2026-07-28": scripted.stateless } as const

type Answers = NonNullable<Parameters<typeof scripted.stateful>[0]>

const always = (result: object): Answers[string] => ({ id }, wire) => wire.result(id, result)

const nothing: Answers = {
  "tools/list": always({ tools: [] }),
  "resources/list": always({ resources: [] }),
  "resources/templates/list": always({ resourceTemplates: [] }),
  "prompts/list": always({ prompts: [] }),
  "subscriptions/listen": scripted.silent
}

const strange = {
  name: "strange",
  description: "Odd",
  inputSchema: { type: "object", properties: { a: { type: "string", "x-own": true } }, "x-own": [1] },
  outputSchema: { type: "object", properties: { n: { type: "integer" } } },
  icons: [{ src: "https://acme.example/i.png", sizes: ["48x48"], "x-own": 1 }],
  annotations: { title: "Strange", "x-own": 2 },
  _meta: { "acme/own": { deep: [true] } },
  "x-own": "yes"
}

const open = (
  { behind, front }: typeof hops.pairs[number],
  answers: Answers,
  options: Omit<McpTest.Options, "revision"> = {},
  settings?: Parameters<typeof hops.proxied>[2]
) =>
  Effect.gen(function*() {
    const script = scripts[behind as keyof typeof scripts]
    const server = scripted.make({
      hears: script({ ...nothing, ...answers }, { tools: {}, prompts: {}, resources: {}, logging: {} })
    })
    const client = yield* McpTest.client(hops.proxied(server.layer, behind, settings), { ...options, revision: front })
    return { client, server }
  })

/** The frames that left the proxy for the server, on all its connections, of one method. */
const sent = ({ wires }: scripted.Scripted, method: string) =>
  wires.flatMap(({ sent }) =>
    sent.flatMap((message) => message._tag === "Request" && message.method === method ? [message] : [])
  )

for (const pair of hops.pairs) {
  describe(`a proxy, ${pair.front} in front and ${pair.behind} behind,`, () => {
    it.effect("lists members it does not know", () =>
      Effect.gen(function*() {
        const { client } = yield* open(pair, { "tools/list": always({ tools: [strange] }) })
        assert.deepStrictEqual(yield* client.listTools, [strange as never])
      }))

    it.effect("passes on content, members of results and arguments that it does not know", () =>
      Effect.gen(function*() {
        const result = {
          content: [{ type: "smell", data: "roses" }, { type: "text", text: "x", "x-own": 1 }],
          structuredContent: { n: "not a number, as it was promised" },
          isError: false,
          "x-own": { a: 1 },
          _meta: { "acme/own": 1 }
        }
        const { client, server } = yield* open(pair, {
          "tools/list": always({ tools: [strange] }),
          "tools/call": always(result)
        })
        const got = yield* client.request("tools/call", { name: "strange", arguments: { a: 1, b: [null] } })
        const { _meta, resultType: _, ...rest } = got
        const { _meta: meta, ...wanted } = result
        assert.deepStrictEqual(rest, wanted as never)
        assert.deepInclude(_meta, meta)
        const [call] = sent(server, "tools/call")
        assert.deepStrictEqual(call!.params!.arguments, { a: 1, b: [null] })
      }))

    it.effect("passes on a refusal with its code, message and data", () =>
      Effect.gen(function*() {
        const errors = [
          [-32042, "Go there", { elicitations: [] }],
          [-32601, "This tool is gone", undefined],
          [-32602, "Bad", { field: "a" }],
          [-32603, "It broke", { at: "noon" }],
          [-32000, "No", null],
          [401, "Who?", undefined],
          [429, "Slowly", { retryAfter: 7 }]
        ] as const
        const { client } = yield* open(pair, {
          "tools/list": always({ tools: [strange] }),
          "tools/call": ({ id, params }, wire) => {
            const [code, message, data] = errors[Number((params!.arguments as { n: number }).n)]!
            wire.error(id, code, message, data as never)
          }
        })
        for (const [n, [code, message, data]] of errors.entries()) {
          yield* Effect.exit(client.callTool("strange", { n }))
          const frame = JSON.parse((yield* client.frames).at(-1)!)
          assert.deepStrictEqual(frame.error, { code, message, ...(data === undefined ? undefined : { data }) })
        }
      }))

    it.effect("leaves out what cannot be served, and lists the rest", () =>
      Effect.gen(function*() {
        const { client } = yield* open(pair, {
          "tools/list": always({ tools: [strange, strange, { name: "no schema" }, null, { inputSchema: {} }] }),
          "resources/list": always({
            resources: [{ uri: "acme:///a", name: "a" }, { uri: "acme:///b" }, { uri: "acme:///a", name: "again" }]
          }),
          "resources/templates/list": always({
            resourceTemplates: [{ uriTemplate: "acme:///{a", name: "broken" }, {
              uriTemplate: "acme:///t/{a}",
              name: "t"
            }]
          }),
          "prompts/list": always({ prompts: [{ name: "p" }, {}, 7] })
        })
        assert.deepStrictEqual((yield* client.listTools).map(({ name }) => name), ["strange"])
        assert.deepStrictEqual((yield* client.listResources).map(({ name }) => name), ["a"])
        assert.deepStrictEqual((yield* client.listResourceTemplates).map(({ name }) => name), ["t"])
        assert.deepStrictEqual((yield* client.listPrompts).map(({ name }) => name), ["p"])
      }))

    it.effect("ends a call that the server lets wait at its deadline, and tells the server", () =>
      Effect.gen(function*() {
        const { client, server } = yield* open(pair, {
          "tools/list": always({ tools: [strange] }),
          "tools/call": scripted.silent
        })
        const call = yield* Effect.forkChild(Effect.exit(client.callTool("strange")))
        yield* McpTest.settle
        yield* TestClock.adjust("29 seconds")
        assert.isUndefined(call.pollUnsafe())
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(call)
        assert.include(server.wires.flatMap((wire) => scripted.methods(wire)), "notifications/cancelled")
      }))

    it.effect("keeps to so many definitions", () =>
      Effect.gen(function*() {
        const tools = Array.from({ length: 11 }, (_, n) => ({ ...strange, name: `t${n}` }))
        const failed = yield* Effect.flip(
          open(pair, { "tools/list": always({ tools }) }, {}, { maxDefinitions: 10 })
        )
        assert.match(String(failed), /lists 11 definitions, and the proxy takes 10/)
      }))

    it.effect("keeps what it has where it comes to more than that, and follows it again later", () =>
      Effect.gen(function*() {
        let count = 1
        const { client, server } = yield* open(
          pair,
          {
            "tools/list": ({ id }, wire) =>
              wire.result(id, { tools: Array.from({ length: count }, (_, n) => ({ ...strange, name: `t${n}` })) })
          },
          {},
          { maxDefinitions: 10 }
        )
        const change = (next: number) =>
          Effect.gen(function*() {
            count = next
            // Those of 2026-07-28 are told on the stream that is open for it.
            const listening = pair.behind === "2026-07-28"
              ? { _meta: { [Meta.subscriptionId]: scripted.last(server.wires[0]!, "subscriptions/listen").id } }
              : {}
            server.wires[0]!.say({ jsonrpc: "2.0", method: "notifications/tools/list_changed", params: listening })
            yield* McpTest.settle
            yield* TestClock.adjust("5 seconds")
            return (yield* client.listTools).length
          })
        assert.strictEqual(yield* change(11), 1)
        const reads = sent(server, "tools/list").length
        yield* TestClock.adjust("1 minute")
        assert.lengthOf(sent(server, "tools/list"), reads)
        assert.strictEqual(yield* change(2), 2)
      }))

    it.effect("keeps to so many pages", () =>
      Effect.gen(function*() {
        let page = 0
        const endless: Answers = {
          "tools/list": ({ id }, wire) => wire.result(id, { tools: [], nextCursor: String(++page) })
        }
        const failed = yield* Effect.flip(open(pair, endless))
        assert.match(String(failed), /more than 100 pages/)
        assert.isAtMost(page, 101)
      }))

    it.effect("passes on what the server tells for a request, of whatever kind", () =>
      Effect.gen(function*() {
        const told = { method: "notifications/acme/own", params: { "x-own": [1] } }
        const { client } = yield* open(pair, {
          "tools/list": always({ tools: [strange] }),
          "tools/call": ({ id }, wire) => {
            wire.say({ jsonrpc: "2.0", ...told })
            wire.say({ jsonrpc: "2.0", method: "notifications/elicitation/complete", params: { elicitationId: "7" } })
            wire.result(id, { content: [] })
          }
        }, { logLevel: "info" })
        yield* client.callTool("strange")
        const heard = (yield* client.notifications).map(({ method, params }) => ({ method, params }))
        assert.deepStrictEqual(heard.slice(0, 1), [told] as never)
        // Only one revision has it.
        assert.lengthOf(heard, pair.front === "2025-11-25" ? 2 : 1)
      }))

    it.effect("hears a flood of messages, and keeps no more than a few of them", () =>
      Effect.gen(function*() {
        const { client, server } = yield* open(pair, {
          "tools/list": always({ tools: [strange] }),
          "tools/call": ({ id, params }, wire) => {
            const { progressToken } = params!._meta as { progressToken: number }
            for (let progress = 1; progress <= 5_000; progress++) {
              wire.say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken, progress } })
              wire.say({ jsonrpc: "2.0", method: "notifications/tools/list_changed" })
            }
            wire.result(id, { content: [] })
          }
        })
        const before = sent(server, "tools/list").length
        yield* client.callTool("strange", {}, { progressToken: 1 })
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
        const told = (yield* client.notifications).filter(({ method }) => method === "notifications/progress")
        assert.strictEqual(told.at(-1)!.params!.progress, 5_000)
        // What changed 5,000 times is read anew a few times.
        assert.isAtMost(sent(server, "tools/list").length - before, 3)
      }))
  })
}
