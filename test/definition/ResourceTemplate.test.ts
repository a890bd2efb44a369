import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as AskError from "fastmcp-effect/context/AskError"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as McpError from "fastmcp-effect/protocol/McpError"

class Db extends Context.Service<Db, { readonly [id: number]: string }>()("test/definition/ResourceTemplate/Db") {}

const note = ResourceTemplate.make("notes://{owner}/{id}{?page}", {
  name: "note",
  parameters: {
    owner: Schema.String,
    id: Schema.FiniteFromString.check(Schema.isInt()),
    page: Schema.FiniteFromString.pipe(Schema.withDecodingDefaultKey(Effect.succeed("1")))
  },
  success: Schema.Struct({ owner: Schema.String, text: Schema.String, page: Schema.Finite }),
  complete: { owner: ["ann", "bob"], id: (_, { arguments: known }) => Effect.succeed([`of ${known["owner"]}`]) }
})

const Note = ResourceTemplate.handle(note, ({ id, owner, page }) =>
  Effect.gen(function*() {
    if (id === 13) return yield* McpError.invalidParams("not this one")
    if (id === 14) return yield* AskError.make(new AskError.Declined({ key: "sure" }))
    if (id === 15) return { owner, text: 1 as never, page }
    const text = (yield* Db)[id]
    return text === undefined ? undefined : { owner, text, page }
  }))

const db = Effect.provideService(Db, { 1: "one" })

/** As a server does: match, then respond. */
const read = <R>(template: ResourceTemplate.Handled<string, any, any, R>, uri: string) => {
  const values = ResourceTemplate.match(template, uri)
  assert.isObject(values, uri)
  return ResourceTemplate.respond(template, uri, values as ResourceTemplate.Values)
}

const thrownBy = (body: () => unknown): DefinitionError.DefinitionError => {
  try {
    body()
  } catch (error) {
    assert.instanceOf(error, DefinitionError.DefinitionError)
    return error
  }
  throw new Error("it does not throw")
}

describe("a template", () => {
  it("is a value, and a handled one keeps it", () => {
    assert.isTrue(ResourceTemplate.isResourceTemplate(note))
    assert.isFalse(ResourceTemplate.isHandled(note))
    assert.isTrue(ResourceTemplate.isHandled(Note))
    assert.strictEqual(Note.uriTemplate, "notes://{owner}/{id}{?page}")
    assert.strictEqual(Note.parameters, note.parameters)
    assert.isFalse(ResourceTemplate.isResourceTemplate({ uriTemplate: "a:{b}" }))
  })

  it("is described with what its author wrote, and only that", () => {
    assert.deepStrictEqual(ResourceTemplate.describe(ResourceTemplate.make("a:{b}", { name: "a" })), {
      uriTemplate: "a:{b}",
      name: "a"
    })
    assert.deepStrictEqual(
      ResourceTemplate.describe(ResourceTemplate.make("a:{b}", {
        name: "a",
        title: "t",
        description: "d",
        tags: ["x"],
        mimeType: "text/css",
        annotations: { priority: 1 }
      })),
      {
        uriTemplate: "a:{b}",
        name: "a",
        title: "t",
        description: "d",
        mimeType: "text/css",
        annotations: { priority: 1 },
        _meta: { "fastmcp-effect/tags": ["x"] }
      }
    )
    assert.strictEqual(ResourceTemplate.describe(note).mimeType, "application/json")
  })

  it("matches its URIs and gives what they hold, undecoded", () => {
    assert.deepStrictEqual(ResourceTemplate.match(note, "notes://ann/7?page=2"), { owner: "ann", id: "7", page: "2" })
    assert.deepStrictEqual(ResourceTemplate.match(note, "notes://ann/x"), { owner: "ann", id: "x" })
    assert.isUndefined(ResourceTemplate.match(note, "notes://ann"))
    assert.strictEqual(ResourceTemplate.match(note, "notes://ann/.."), "Unsafe")
  })

  it("takes what could lead a path astray if its author says so", () => {
    const options = { name: "file", parameters: { path: Schema.String } }
    assert.strictEqual(ResourceTemplate.match(ResourceTemplate.make("f:{+path}", options), "f:../x"), "Unsafe")
    const unsafe = ResourceTemplate.make("f:{+path}", { ...options, unsafe: true })
    assert.deepStrictEqual(ResourceTemplate.match(unsafe, "f:../x"), { path: "../x" })
  })

  it("comes before a less specific one", () => {
    const make = (uri: string) => ResourceTemplate.make(uri, { name: uri })
    const sorted = ["a:{+x}", "a:{x}", "a:b/{x}"].map(make).sort(ResourceTemplate.compare)
    assert.deepStrictEqual(sorted.map(({ name }) => name), ["a:b/{x}", "a:{x}", "a:{+x}"])
  })

  it.effect("makes the URI of its parameters", () =>
    Effect.gen(function*() {
      const uri = yield* ResourceTemplate.uri(note, { owner: "a/b", id: 7, page: 2 })
      assert.strictEqual(uri, "notes://a%2Fb/7?page=2")
      const error = yield* Effect.flip(ResourceTemplate.uri(note, { owner: "a", id: 0.5, page: 1 }))
      assert.strictEqual(error.reason._tag, "InvalidInput")
    }))
})

describe("a template that cannot be served", () => {
  it("says why when it is described, not when it is made", () => {
    const wrong: ReadonlyArray<readonly [template: ResourceTemplate.Any, message: RegExp]> = [
      [ResourceTemplate.make("a:{b", { name: "a" }), /^"a:\{b" cannot be served: .* at 2, the \{ is never closed/],
      [ResourceTemplate.make("a:{b}{c}", { name: "a" }), /nothing tells where \{b\} ends and \{c\} begins/],
      [
        ResourceTemplate.make("a:{b}" as string, { name: "a", parameters: { b: Schema.String, c: Schema.String } }),
        /parameters has c, which the template does not/
      ],
      [
        ResourceTemplate.make("a:{b}/{c}" as string, { name: "a", parameters: { b: Schema.String } }),
        /parameters has no schema for c/
      ],
      [
        ResourceTemplate.make("a:{b}" as string, { name: "a", complete: { c: [] } }),
        /complete has c, which the template does not/
      ]
    ]
    for (const [template, message] of wrong) {
      const error = thrownBy(() => ResourceTemplate.describe(template))
      assert.strictEqual(error.reason._tag, "InvalidDefinition")
      assert.match(error.message, message)
    }
  })
})

describe("reading", () => {
  it.effect("decodes what the URI holds, and encodes the value", () =>
    Effect.gen(function*() {
      const uri = "notes://ann/1"
      assert.deepStrictEqual(yield* db(read(Note, uri)), {
        contents: [{ uri, mimeType: "application/json", text: "{\"owner\":\"ann\",\"text\":\"one\",\"page\":1}" }]
      })
    }))

  it.effect("without parameters gives the handler strings, lists and maps", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const template = ResourceTemplate.make("x://{a}{/path*}{?filter*}", {
        name: "x",
        handler: (parameters) =>
          Effect.sync(() => {
            seen.push(parameters)
            return "text"
          })
      })
      yield* read(template, "x://1/b/c%20d?k=v")
      yield* read(template, "x://1?filter=a&filter=b")
      yield* read(template, "x://1")
      assert.deepStrictEqual(seen, [
        { a: "1", path: ["b", "c d"], filter: { k: "v" } },
        { a: "1", filter: ["a", "b"] },
        { a: "1" }
      ])
      assert.deepStrictEqual((yield* read(template, "x://1")).contents, [{ uri: "x://1", text: "text" }])
    }))

  it.effect("carries the template's cache hints and type", () =>
    Effect.gen(function*() {
      const cache = { ttlMs: 5, cacheScope: "private" } as const
      const template = ResourceTemplate.make("x:{a}", {
        name: "x",
        mimeType: "image/png",
        cache,
        handler: ({ a }) => Effect.succeed(new Uint8Array([a.length]))
      })
      assert.deepStrictEqual(yield* read(template, "x:abc"), {
        contents: [{ uri: "x:abc", mimeType: "image/png", blob: "Aw==" }],
        cacheHints: cache
      })
    }))

  it.effect("of a URI that names nothing is refused as one that does not exist", () =>
    Effect.gen(function*() {
      for (const nothing of [undefined, null, { contents: [] }]) {
        const template = ResourceTemplate.make("x:{a}", { name: "x", handler: () => Effect.succeed(nothing) })
        const error = yield* Effect.flip(read(template, "x:1"))
        assert.deepStrictEqual(error.reason, new McpError.ResourceNotFound({ uri: "x:1" }))
      }
      const error = yield* Effect.flip(db(read(Note, "notes://ann/2")))
      assert.deepStrictEqual(error.reason, new McpError.ResourceNotFound({ uri: "notes://ann/2" }))
    }))

  it.effect("of values that do not fit is refused, each by its name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(db(read(Note, "notes://ann/x?page=y")))
      assert.strictEqual(error.reason._tag, "InvalidParams")
      assert.match(error.message, /^Invalid arguments for "notes:\/\/ann\/x\?page=y": id: .*; page: /s)
      assert.deepStrictEqual((error.reason as McpError.InvalidParams).data, { uri: "notes://ann/x?page=y" })
    }))

  it.effect("is refused as the handler refuses it, or with the words of a question without an answer", () =>
    Effect.gen(function*() {
      const refused = yield* Effect.flip(db(read(Note, "notes://ann/13")))
      assert.deepStrictEqual(refused.reason, new McpError.InvalidParams({ message: "not this one" }))
      const asked = yield* Effect.flip(db(read(Note, "notes://ann/14")))
      assert.deepStrictEqual(
        asked.reason,
        new McpError.InvalidRequest({ message: "The user declined \"sure\"." })
      )
    }))

  it.effect("is a bug when the handler's value does not fit", () =>
    Effect.gen(function*() {
      const outcome = yield* Outcome.fromEffect(db(read(Note, "notes://ann/15")))
      assert.strictEqual(outcome._tag, "Panicked")
      assert.instanceOf((outcome as Outcome.Panicked).defect, DefinitionError.DefinitionError)
    }))
})

describe("run", () => {
  it.effect("decodes, runs and checks without a server", () =>
    Effect.gen(function*() {
      const result = yield* db(ResourceTemplate.run(Note, { owner: "ann", id: "1" }))
      assert.deepStrictEqual(result, { owner: "ann", text: "one", page: 1 })
      assert.isUndefined(yield* db(ResourceTemplate.run(Note, { owner: "ann", id: "2" })))
      for (const [id, tag] of [["x", "InvalidInput"], ["15", "InvalidOutput"]] as const) {
        const error = yield* Effect.flip(db(ResourceTemplate.run(Note, { owner: "ann", id })))
        assert.instanceOf(error, DefinitionError.DefinitionError)
        assert.strictEqual(error.reason._tag, tag)
      }
    }))
})

describe("the resources of a template", () => {
  it.effect("are listed with the names and types they have, or those that follow", () =>
    Effect.gen(function*() {
      const template = ResourceTemplate.make("notes://{id}", {
        name: "note",
        mimeType: "text/markdown",
        list: Effect.map(Db, (rows) => [
          ...Object.keys(rows).map((id) => ({ uri: `notes://${id}` })),
          { uri: "notes://x", name: "X", mimeType: "text/css", title: "T" }
        ])
      })
      assert.deepStrictEqual(yield* db(ResourceTemplate.list(template)), [
        { uri: "notes://1", name: "1", mimeType: "text/markdown" },
        { uri: "notes://x", name: "X", mimeType: "text/css", title: "T" }
      ])
      assert.deepStrictEqual(yield* ResourceTemplate.list(note), [])
    }))
})

describe("completing a variable", () => {
  it.effect("asks its completer with what is known, and refuses one that is not there", () =>
    Effect.gen(function*() {
      const complete = (name: string, value: string) =>
        ResourceTemplate.complete(note, { name, value }, { arguments: { owner: "ann" } })
      assert.deepStrictEqual(yield* complete("owner", "B"), { completion: { values: ["bob"] } })
      assert.deepStrictEqual(yield* complete("id", ""), { completion: { values: ["of ann"] } })
      assert.deepStrictEqual(yield* complete("page", ""), { completion: { values: [] } })
      const error = yield* Effect.flip(complete("pages", ""))
      assert.strictEqual(
        error.message,
        "The template \"notes://{owner}/{id}{?page}\" has no argument \"pages\"; it has owner, id, page"
      )
    }))
})

/** No synchronous run gets past it, as it does past a yield. */
const later = Effect.promise(() => Promise.resolve())

/** Waits, refuses "no" and cannot cope with "bug". */
const Slow = Schema.String.pipe(Schema.decodeTo(
  Schema.String,
  SchemaTransformation.transformEffect({
    decode: (text: string) =>
      Effect.andThen(
        later,
        text === "bug"
          ? Effect.die("a bug")
          : text === "no"
          ? Effect.fail(new SchemaIssue.InvalidValue({ message: "not this" }))
          : Effect.succeed(`${text}!`)
      ),
    encode: (text: string) => Effect.as(later, text.slice(0, -1))
  })
))

const Throwing = Schema.String.check(Schema.makeFilter(() => {
  throw new Error("a bug")
}))

describe("a schema of a template", () => {
  const slow = ResourceTemplate.make("x:{a}", {
    name: "slow",
    parameters: { a: Slow },
    success: Schema.Struct({ b: Slow }),
    handler: ({ a }) => Effect.succeed({ b: a })
  })
  const throwing = ResourceTemplate.make("x:{a}", {
    name: "t",
    parameters: { a: Throwing },
    handler: ({ a }) => Effect.succeed(a)
  })

  it.effect("may have to be waited for, on the way in and on the way out, and refuses all the same", () =>
    Effect.gen(function*() {
      const { contents } = yield* read(slow, "x:1")
      assert.deepStrictEqual(contents, [{ uri: "x:1", mimeType: "application/json", text: "{\"b\":\"1\"}" }])
      assert.deepStrictEqual(yield* ResourceTemplate.run(slow, { a: "1" }), { b: "1!" })
      assert.strictEqual(yield* ResourceTemplate.uri(slow, { a: "1!" }), "x:1")
      const refused = yield* Effect.flip(read(slow, "x:no"))
      assert.strictEqual(refused.message, "Invalid arguments for \"x:no\": a: not this")
      const invalid = yield* Effect.flip(ResourceTemplate.run(slow, { a: "no" }))
      assert.strictEqual(invalid.message, "Invalid arguments for slow: a: not this")
    }))

  it.effect("that has a bug is a defect, not a fault of the URI", () =>
    Effect.gen(function*() {
      for (
        const effect of [
          read(slow, "x:bug"),
          ResourceTemplate.run(slow, { a: "bug" }),
          read(throwing, "x:1"),
          ResourceTemplate.run(throwing, { a: "1" }),
          ResourceTemplate.uri(throwing, { a: "1" })
        ] as ReadonlyArray<Effect.Effect<unknown, unknown>>
      ) {
        const outcome = yield* Outcome.fromEffect(effect)
        assert.strictEqual(outcome._tag, "Panicked")
        assert.include(String((outcome as Outcome.Panicked).defect), "a bug")
      }
    }))
})
