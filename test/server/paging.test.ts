/**
 * Lists of a thousand, read page by page while definitions come and go.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as random from "./random.ts"

const info = { name: "paging", version: "1.0.0" }

const versions = Revisions.versions as ReadonlyArray<Revisions.Version>

interface Kind {
  readonly what: string
  readonly list: "tools" | "resources" | "prompts"
  readonly method: string
  /** What the result calls its items, and what an item is known by. */
  readonly key: string
  readonly id: string
  readonly name: (n: number) => string
  readonly make: (name: string, description?: string) => McpServer.Definition
}

const described = (description: string | undefined) => ({ description: description ?? "first" })

const kinds: ReadonlyArray<Kind> = [
  {
    what: "tools",
    list: "tools",
    method: "tools/list",
    key: "tools",
    id: "name",
    name: (n) => `tool${n}`,
    make: (name, description) => Tool.make(name, { ...described(description), handler: () => Effect.void })
  },
  {
    what: "resources",
    list: "resources",
    method: "resources/list",
    key: "resources",
    id: "uri",
    name: (n) => `test:///resource/${n}`,
    make: (uri, description) => Resource.text(uri, "text", described(description))
  },
  {
    what: "resource templates",
    list: "resources",
    method: "resources/templates/list",
    key: "resourceTemplates",
    id: "uriTemplate",
    name: (n) => `test:///template/${n}/{id}`,
    make: (template, description) =>
      ResourceTemplate.make(template, { name: "t", ...described(description), handler: () => Effect.succeed("text") })
  },
  {
    what: "prompts",
    list: "prompts",
    method: "prompts/list",
    key: "prompts",
    id: "name",
    name: (n) => `prompt${n}`,
    make: (name, description) => Prompt.make(name, { ...described(description), handler: () => Effect.succeed("hi") })
  }
]

const build = (pageSize: number) =>
  Effect.map(Layer.build(McpServer.layer({ ...info, pageSize, onDuplicate: "replace" })), (context) => ({
    layer: Layer.succeedContext(context),
    server: Context.get(context, McpServer.McpServer)
  }))

const page = (client: McpTest.Client, kind: Kind, cursor: JsonRpc.Json | undefined) =>
  Effect.map(client.request(kind.method, cursor === undefined ? {} : { cursor }), (result) => ({
    items: result[kind.key] as ReadonlyArray<{ readonly [id: string]: string }>,
    next: result.nextCursor
  }))

/** 7 to 97 in steps that divide nothing evenly. */
const pageSizes = [7, 19, 31, 50, 64, 83, 97]

describe("a list of 1,000 definitions", () => {
  for (const kind of kinds) {
    it.effect(
      `of ${kind.what} loses and repeats nothing that is there throughout, whatever comes and goes`,
      () =>
        Effect.gen(function*() {
          const random_ = random.make(random.seed())
          for (const pageSize of pageSizes) {
            const at = `seed ${random_.seed}, pages of ${pageSize}`
            const { layer, server } = yield* build(pageSize)
            const present = new Set<string>()
            /** Those that have been replaced, with the description they have now. */
            const replaced = new Map<string, string>()
            let last = 0
            const add = (count: number) => {
              const names = Array.from({ length: count }, () => kind.name(last++))
              for (const name of names) present.add(name)
              return server.add(...names.map((name) => kind.make(name)) as never)
            }
            yield* add(1000)
            for (const revision of versions) {
              const client = yield* McpTest.client(layer, { revision })
              const throughout = new Set(present)
              /** How often each name may turn up: once for each time it was added. */
              const lives = new Map(Array.from(present, (name) => [name, 1]))
              const seen = new Map<string, number>()
              let cursor: JsonRpc.Json | undefined
              do {
                const { items, next } = yield* page(client, kind, cursor)
                if (next === undefined) assert.isAtMost(items.length, pageSize, at)
                else assert.lengthOf(items, pageSize, at)
                for (const item of items) {
                  const name = item[kind.id]!
                  seen.set(name, (seen.get(name) ?? 0) + 1)
                  assert.isTrue(present.has(name), at)
                  assert.strictEqual(item.description, replaced.get(name) ?? "first", at)
                }
                cursor = next
                const names = [...present]
                if (random_.chance(0.3)) yield* add(random_.below(5))
                if (random_.chance(0.5)) {
                  const gone = Array.from({ length: random_.below(5) }, () => random_.pick(names))
                  yield* server.remove(kind.list, ...gone)
                  for (const name of gone) {
                    present.delete(name)
                    throughout.delete(name)
                    replaced.delete(name)
                  }
                  // Some of them come back.
                  for (const name of new Set(gone)) {
                    if (random_.chance(0.5)) continue
                    yield* server.add(kind.make(name) as never)
                    present.add(name)
                    lives.set(name, (lives.get(name) ?? 1) + 1)
                  }
                }
                if (random_.chance(0.5)) {
                  const name = random_.pick([...present])
                  const description = `replaced ${random_.below(1e6)}`
                  replaced.set(name, description)
                  yield* server.add(kind.make(name, description) as never)
                }
              } while (cursor !== undefined)
              for (const name of throughout) assert.strictEqual(seen.get(name), 1, `${name}, ${revision}, ${at}`)
              for (const [name, times] of seen) {
                assert.isAtMost(times, lives.get(name) ?? 1, `${name}, ${revision}, ${at}`)
              }
            }
          }
        }),
      60_000
    )

    it.effect(`of ${kind.what} is read whole, in the order of registration`, () =>
      Effect.gen(function*() {
        const { layer, server } = yield* build(97)
        const names = Array.from({ length: 1000 }, (_, n) => kind.name(n))
        yield* server.add(...names.map((name) => kind.make(name)) as never)
        for (const revision of versions) {
          const client = yield* McpTest.client(layer, { revision })
          const items: ReadonlyArray<object> = yield* {
            "tools": client.listTools,
            "resources": client.listResources,
            "resource templates": client.listResourceTemplates,
            "prompts": client.listPrompts
          }[kind.what]!
          assert.deepStrictEqual(items.map((item) => (item as { [id: string]: string })[kind.id]), names)
        }
      }))
  }
})

describe("a cursor", () => {
  for (const revision of versions) {
    it.effect(`that is malformed, of another server's making or of another list is refused with -32602, in ${revision}`, () =>
      Effect.gen(function*() {
        const { layer, server } = yield* build(7)
        for (const kind of kinds) {
          yield* server.add(...Array.from({ length: 20 }, (_, n) => kind.make(kind.name(n))) as never)
        }
        const client = yield* McpTest.client(layer, { revision })
        const code = (kind: Kind, cursor: JsonRpc.Json) =>
          Effect.gen(function*() {
            const refused = yield* Effect.flip(client.request(kind.method, { cursor }))
            assert.strictEqual(refused.reason._tag, "InvalidParams", JSON.stringify(cursor))
            return JSON.parse((yield* client.frames).at(-1)!).error.code as number
          })
        const cursors = yield* Effect.forEach(kinds, (kind) => Effect.map(page(client, kind, undefined), (p) => p.next))
        for (const [index, kind] of kinds.entries()) {
          const own = cursors[index] as string
          const others = cursors.filter((cursor) => cursor !== own) as ReadonlyArray<string>
          assert.lengthOf(others, kinds.length - 1)
          const wrong = [
            ...others,
            "",
            "0",
            "7",
            "garbage",
            "null",
            `${own}=`,
            ` ${own}`,
            own.slice(1),
            own.toLowerCase() === own ? own.toUpperCase() : own.toLowerCase(),
            Buffer.from("{\"offset\":7}").toString("base64url"),
            Buffer.from("7").toString("base64url"),
            "\u0000",
            "x".repeat(10_000)
          ]
          for (const cursor of wrong) assert.strictEqual(yield* code(kind, cursor), -32602)
          for (const cursor of [7, null, {}, [own], true]) assert.strictEqual(yield* code(kind, cursor), -32602)
          assert.lengthOf((yield* page(client, kind, own)).items, 7)
        }
      }))
  }

  it.effect("goes on where it left off, though the definition it names is gone, and ends when nothing is left", () =>
    Effect.gen(function*() {
      const { layer, server } = yield* build(2)
      const [kind] = kinds as [Kind]
      yield* server.add(...["a", "b", "c", "d", "e"].map((name) => kind.make(name)) as never)
      const client = yield* McpTest.client(layer)
      const first = yield* page(client, kind, undefined)
      assert.deepStrictEqual(first.items.map(({ name }) => name), ["a", "b"])
      yield* server.remove("tools", "a", "b", "c")
      const rest = yield* page(client, kind, first.next)
      assert.deepStrictEqual([rest.items.map(({ name }) => name), rest.next], [["d", "e"], undefined])
      yield* server.remove("tools", "d", "e")
      assert.deepStrictEqual(yield* page(client, kind, first.next), { items: [], next: undefined })
    }))

  it.effect("is not given out where the next page would be empty for its reader", () =>
    Effect.gen(function*() {
      const hidden = Array.from({ length: 5 }, (_, n) =>
        Tool.make(`hidden${n}`, { visible: () => false, handler: () => Effect.void }))
      const shown = ["a", "b"].map((name) =>
        Tool.make(name, { handler: () => Effect.void })
      )
      const client = yield* McpTest.client(
        McpServer.layer({
          ...info,
          pageSize: 2,
          tools: [
            ...hidden,
            ...shown,
            ...hidden.map((tool) => ({
              ...tool,
              name: `${tool.name}again`
            }))
          ]
        })
      )
      const result = yield* client.request("tools/list")
      assert.deepStrictEqual(
        [(result.tools as unknown as ReadonlyArray<{ name: string }>).map(({ name }) => name), "nextCursor" in result],
        [["a", "b"], false]
      )
    }))
})
