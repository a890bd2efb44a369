/** The laws of a `CatalogueStore`. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type * as CatalogueEntry from "fastmcp-effect/provider/CatalogueEntry"
import * as CatalogueError from "fastmcp-effect/provider/CatalogueError"
import * as CatalogueStore from "fastmcp-effect/provider/CatalogueStore"
import type { Backend } from "../../session/places.ts"
import { prompt, resource, template, tool } from "../entries.ts"

type Store = CatalogueStore.CatalogueStore["Service"]

const names = (store: Store, kind?: CatalogueEntry.Kind) =>
  Effect.map(
    Stream.runCollect(store.list(kind === undefined ? {} : { kind })),
    (kept) => kept.map(({ name }) => name)
  )

const reasonOf = <A>(effect: Effect.Effect<A, CatalogueError.CatalogueError>) =>
  Effect.match(effect, { onSuccess: () => assert.fail("it was not refused"), onFailure: ({ reason }) => reason })

const conflict = (entry: CatalogueEntry.Tool, expected: number, found: number) =>
  new CatalogueError.Conflict({ kind: "tool", name: entry.name, expected, found })

export const suite = (name: string, { isShared, place }: Backend<CatalogueStore.CatalogueStore>): void => {
  const connect = (process: Layer.Layer<CatalogueStore.CatalogueStore, unknown>) =>
    Effect.map(Layer.build(process), Context.get(CatalogueStore.CatalogueStore))

  const law = (title: string, body: (store: Store) => Effect.Effect<void, CatalogueError.CatalogueError>) =>
    it.effect(title, () =>
      Effect.gen(function*() {
        const process = yield* place
        yield* body(yield* connect(process()))
      }))

  describe(`CatalogueStore ${name}`, () => {
    law("gives back what was put, of every kind and whole", (store) =>
      Effect.gen(function*() {
        const entries: ReadonlyArray<CatalogueEntry.Entry> = [
          tool("one", {
            title: "One \"1\"",
            description: "ä \u0000 \ud83d\ude00 ' %s $1",
            icons: [{ src: "https://a.example/i.png", sizes: ["48x48"] }],
            tags: ["a", "b"],
            version: "1.2.0",
            meta: { "example/x": [1, null, { y: true }] },
            scopes: ["read"],
            unlisted: true,
            outputSchema: { type: "object" },
            annotations: { readOnlyHint: true },
            task: "optional",
            settings: { prefix: "> ", nested: { list: [1, 2] } }
          }),
          resource("acme:///text", { mimeType: "text/markdown", annotations: { priority: 0.5 } }),
          resource("acme:///bytes", { blob: new Uint8Array([0, 255, 1]) }),
          template("acme:///item/{id}", { complete: { id: ["x", "y"] } }),
          prompt("ask", { complete: { city: ["Oslo"] } })
        ]
        const versions = yield* store.write(entries.map((put) => ({ put })))
        assert.deepStrictEqual(versions, [1, 2, 3, 4, 5])
        const kept = yield* Stream.runCollect(store.list())
        assert.deepStrictEqual(kept.map(({ entry }) => entry), [...entries])
        assert.deepStrictEqual(yield* store.get({ kind: "resource", name: "acme:///bytes" }), {
          kind: "resource",
          name: "acme:///bytes",
          version: 3,
          entry: entries[2]!
        })
        assert.isUndefined(yield* store.get({ kind: "prompt", name: "one" }))
        assert.deepStrictEqual(yield* names(store, "prompt"), ["ask"])
        assert.deepStrictEqual(yield* store.state, { revision: 5, size: 5 })
      }))

    law("gives each change a number of its own, and what stays the same none", (store) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* store.revision, 0)
        assert.strictEqual(yield* store.put(tool("one")), 1)
        assert.strictEqual(yield* store.put(tool("two")), 2)
        assert.strictEqual(yield* store.put(tool("one")), 1)
        assert.strictEqual(yield* store.revision, 2)
        assert.strictEqual(yield* store.put(tool("one", { title: "One" })), 3)
        assert.isTrue(yield* store.remove({ kind: "tool", name: "two" }))
        assert.isFalse(yield* store.remove({ kind: "tool", name: "two" }))
        assert.deepStrictEqual(yield* store.state, { revision: 4, size: 1 })
      }))

    law(
      "keeps the order in which entries came, also of those that change, and puts what comes back at the end",
      (store) =>
        Effect.gen(function*() {
          for (const name of ["a", "b", "c"]) yield* store.put(tool(name))
          yield* store.put(tool("a", { title: "A" }))
          assert.deepStrictEqual(yield* names(store), ["a", "b", "c"])
          yield* store.remove({ kind: "tool", name: "b" })
          yield* store.put(tool("b"))
          assert.deepStrictEqual(yield* names(store), ["a", "c", "b"])
        })
    )

    law("refuses whoever has not seen the newest version", (store) =>
      Effect.gen(function*() {
        const one = tool("one")
        assert.deepStrictEqual(yield* reasonOf(store.put(one, { version: 7 })), conflict(one, 7, 0))
        assert.strictEqual(yield* store.put(one, { version: 0 }), 1)
        assert.deepStrictEqual(yield* reasonOf(store.put(one, { version: 0 })), conflict(one, 0, 1))
        assert.strictEqual(yield* store.put({ ...one, title: "1" }, { version: 1 }), 2)
        const late = yield* reasonOf(store.put({ ...one, title: "I" }, { version: 1 }))
        assert.deepStrictEqual(late, conflict(one, 1, 2))
        assert.include(late.message, "look it up again")
        assert.deepStrictEqual(yield* reasonOf(store.remove(key(one), { version: 1 })), conflict(one, 1, 2))
        assert.isTrue(yield* store.remove(key(one), { version: 2 }))
        // It is another one, however much it is like the one before.
        assert.strictEqual(yield* store.put({ ...one, title: "1" }, { version: 0 }), 4)
        assert.deepStrictEqual(yield* reasonOf(store.put(one, { version: 2 })), conflict(one, 2, 4))
      }))

    law("writes all or nothing", (store) =>
      Effect.gen(function*() {
        yield* store.put(tool("one"))
        const refused = yield* reasonOf(store.write([
          { put: tool("two") },
          { remove: key(tool("one")) },
          { put: tool("three"), version: 9 }
        ]))
        assert.strictEqual(refused._tag, "Conflict")
        assert.deepStrictEqual(yield* names(store), ["one"])
        assert.strictEqual(yield* store.revision, 1)
        const twice = yield* reasonOf(store.write([{ put: tool("two") }, { remove: key(tool("two")) }]))
        assert(twice._tag === "Invalid")
        assert.include(twice.message, "written twice at once")
        assert.deepStrictEqual(
          yield* store.write([{ put: tool("two") }, { remove: key(tool("one")) }, { put: tool("three") }]),
          [2, 0, 4]
        )
        assert.deepStrictEqual(yield* names(store), ["two", "three"])
        assert.deepStrictEqual(yield* store.write([]), [])
      }))

    law("refuses what no server could serve, and says why", (store) =>
      Effect.gen(function*() {
        const wrong: ReadonlyArray<[entry: CatalogueEntry.Entry, fault: string]> = [
          [tool("no spaces"), "no tool may have this name"],
          [tool("a", { inputSchema: { type: "strng" } }), "inputSchema: schema/type"],
          [tool("a", { inputSchema: { type: "string" } }), "must be an object"],
          [tool("a", { inputSchema: { type: "object", $ref: "https://a.example/schema" } }), "nothing is ever fetched"],
          [
            tool("a", { inputSchema: { type: "object", properties: { x: { pattern: "(" } } } }),
            "Invalid regular expression"
          ],
          [tool("a", { outputSchema: { type: "object", required: "x" } }), "outputSchema: schema/required"],
          [resource("acme:///a", { text: "a", handler: "say" }), "exactly one of text, blob, handler"],
          [{ kind: "resource", uri: "acme:///a" }, "exactly one of text, blob, handler"],
          [template("acme:///{id"), "id"],
          [template("acme:///{id}", { text: "{{name}}" }), "{{name}}"],
          [template("acme:///{id}", { complete: { name: [] } }), "complete has name"],
          [prompt("a", { messages: [{ role: "user", content: "{{ town }}" }] }), "{{town}}"],
          [prompt("a", { complete: { town: [] } }), "complete has town"],
          [prompt("a", { arguments: [{ name: "city" }, { name: "city" }] }), "two arguments \"city\""],
          [{ ...tool("a"), descripton: "typed in haste" } as CatalogueEntry.Tool, "descripton"],
          [{ kind: "toll", name: "a" } as unknown as CatalogueEntry.Entry, "no kind \"toll\""]
        ]
        for (const [entry, fault] of wrong) {
          const refused = yield* Effect.match(store.put(entry), {
            onSuccess: () => `${JSON.stringify(entry)} was written`,
            onFailure: ({ reason }) => `${reason._tag}: ${reason.message}`
          })
          assert.match(refused, /^Invalid: /u)
          assert.include(refused, fault)
        }
        assert.strictEqual(yield* store.revision, 0)
      }))

    law("takes names for nothing but names, whatever is in them", (store) =>
      Effect.gen(function*() {
        const names = [
          "'; DROP TABLE fastmcp_catalogue; --",
          "\" OR 1=1 --",
          "%_\\",
          "$1 ? :a",
          "\u0000",
          "\ud800",
          "\"quoted\"",
          "ä/\n"
        ]
        for (const name of names) yield* store.put(prompt(name))
        for (const name of names) {
          assert.deepStrictEqual((yield* store.get({ kind: "prompt", name }))?.entry, prompt(name))
        }
        assert.isTrue(yield* store.remove({ kind: "prompt", name: names[1]! }))
        assert.isFalse(yield* store.remove({ kind: "prompt", name: "%" }))
        assert.deepStrictEqual(
          (yield* Stream.runCollect(store.list())).map(({ name }) => name),
          names.filter((_, index) => index !== 1)
        )
      }))

    law("lists what has changed since a revision, in portions and in order", (store) =>
      Effect.gen(function*() {
        for (const name of ["a", "b", "c", "d"]) yield* store.put(tool(name))
        yield* store.put(tool("b", { title: "B" }))
        const rows = yield* store.since(1, 2)
        assert.deepStrictEqual(rows.map(({ name, position, revision }) => [name, position, revision]), [
          ["c", 3, 3],
          ["d", 4, 4]
        ])
        assert.deepStrictEqual((yield* store.since(4, 2)).map(({ name, position }) => [name, position]), [["b", 2]])
        assert.deepStrictEqual(yield* store.since(5, 2), [])
      }))

    it.effect("tells who listens that something was written, here", () =>
      Effect.gen(function*() {
        const process = yield* place
        const store = yield* connect(process())
        const told = yield* Effect.forkChild(Stream.runDrain(Stream.take(store.written, 1)), { startImmediately: true })
        yield* store.put(tool("one"))
        assert.deepStrictEqual(yield* Fiber.await(told), Exit.void)
      }))

    it.live("lets one of those through who write at the same moment what they have both seen", () =>
      Effect.scoped(Effect.gen(function*() {
        const process = yield* place
        const one = yield* connect(process())
        const stores = [one, isShared ? yield* connect(process()) : one]
        const version = yield* one.put(tool("one"))
        const results = yield* Effect.forEach(
          Array(10).keys(),
          (index) =>
            Effect.match(stores[index % 2]!.put(tool("one", { title: `${index}` }), { version }), {
              onSuccess: () => "written",
              onFailure: ({ reason }) => reason._tag
            }),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(results.toSorted(), [...Array(9).fill("Conflict"), "written"])
        assert.strictEqual(yield* one.revision, version + 1)
      })))
  })
}

const key = ({ kind, name }: CatalogueEntry.Tool): CatalogueEntry.Key => ({ kind, name })
