import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as AskError from "fastmcp-effect/context/AskError"
import * as Outcome from "fastmcp-effect/core/Outcome"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Resource from "fastmcp-effect/definition/Resource"
import * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpSchema from "fastmcp-effect/protocol/McpSchema"

class Db extends Context.Service<Db, string>()("test/definition/Resource/Db") {}

const uri = "config://app/settings"

const respond = <E extends Resource.Codec>(resource: Resource.Handled<string, E, never>) =>
  Effect.tap(
    Resource.respond(resource, resource.uri),
    (result) =>
      Effect.sync(() =>
        assert.isTrue(Exit.isSuccess(SchemaParser.encodeUnknownExit(McpSchema.ReadResourceResult)(result)))
      )
  )

const reasonOf = (resource: Resource.Handled<string, any, never>) =>
  Effect.map(Effect.flip(Resource.respond(resource, resource.uri)), ({ reason }) => reason)

const defectOf = (resource: Resource.Handled<string, any, never>) =>
  Effect.map(Outcome.fromEffect(Resource.respond(resource, resource.uri)), (outcome) => {
    assert.strictEqual(outcome._tag, "Panicked")
    return (outcome as Outcome.Panicked).defect
  })

describe("a resource", () => {
  it("is a value, and a handled one keeps it", () => {
    const plain = Resource.make(uri, { title: "Settings" })
    const handled = Resource.handle(plain, Effect.succeed("text"))
    assert.isTrue(Resource.isResource(plain))
    assert.isFalse(Resource.isHandled(plain))
    assert.isTrue(Resource.isHandled(handled))
    assert.strictEqual(handled.title, "Settings")
    assert.isFalse(Resource.isResource({ uri }))
    assert.isFalse(Resource.isHandled(undefined))
  })

  it("is called by the last segment of its URI if it says nothing else", () => {
    const names: ReadonlyArray<readonly [uri: string, name: string]> = [
      ["config://app/settings", "settings"],
      ["config://app/settings/", "settings"],
      ["config://app", "app"],
      ["file:///a/b.md?raw=1/2#x/y", "b.md"],
      ["mailto:ann@example.com", "ann@example.com"],
      ["plain", "plain"],
      ["///", "///"]
    ]
    for (const [uri, name] of names) assert.strictEqual(Resource.make(uri).name, name, uri)
    assert.strictEqual(Resource.make(uri, { name: "other" }).name, "other")
  })

  it("is described with what its author wrote, and only that", () => {
    assert.deepStrictEqual(Resource.describe(Resource.make(uri)), { uri, name: "settings" })
    const all = Resource.make(uri, {
      name: "a",
      title: "b",
      description: "c",
      icons: [{ src: "https://example.com/i.png" }],
      mimeType: "text/css",
      size: 0,
      annotations: { audience: ["user"], priority: 0.5 },
      tags: ["t"],
      version: "2",
      meta: { "example.com/m": 1 },
      cache: { ttlMs: 5, cacheScope: "public" },
      visible: () => false
    })
    assert.deepStrictEqual(Resource.describe(all), {
      uri,
      name: "a",
      title: "b",
      description: "c",
      icons: [{ src: "https://example.com/i.png" }],
      mimeType: "text/css",
      size: 0,
      annotations: { audience: ["user"], priority: 0.5 },
      _meta: { "example.com/m": 1, "fastmcp-effect/tags": ["t"], "fastmcp-effect/version": "2" }
    })
    assert.isFalse(
      all.visible?.({ identity: {} as never, client: { info: undefined, capabilities: {} }, session: undefined })
    )
  })

  it("of JSON says so, and what it says itself comes first", () => {
    const success = Schema.Struct({ a: Schema.Finite })
    assert.strictEqual(Resource.describe(Resource.make(uri, { success })).mimeType, "application/json")
    assert.strictEqual(Resource.describe(Resource.make(uri, { success: Schema.Date })).mimeType, "text/plain")
    assert.strictEqual(Resource.describe(Resource.make(uri, { success, mimeType: "a/b+json" })).mimeType, "a/b+json")
  })
})

describe("what is read", () => {
  it.effect("is text", () =>
    Effect.gen(function*() {
      const plain = Resource.make(uri, { handler: Effect.succeed("") })
      assert.deepStrictEqual(yield* respond(plain), { contents: [{ uri, text: "" }] })
      const typed = Resource.make(uri, { mimeType: "text/css", handler: Effect.succeed("a{}") })
      assert.deepStrictEqual(yield* respond(typed), { contents: [{ uri, mimeType: "text/css", text: "a{}" }] })
    }))

  it.effect("is bytes, in base64", () =>
    Effect.gen(function*() {
      const bytes = new Uint8Array([0, 255, 128, 62])
      const resource = Resource.make(uri, { mimeType: "image/png", handler: Effect.succeed(bytes) })
      assert.deepStrictEqual(yield* respond(resource), { contents: [{ uri, mimeType: "image/png", blob: "AP+APg==" }] })
    }))

  it.effect("is contents of the author's own making, completed where they say nothing", () =>
    Effect.gen(function*() {
      const resource = Resource.make(uri, {
        mimeType: "text/plain",
        handler: Effect.succeed({
          contents: [
            { text: "a" },
            { uri: "config://other", mimeType: "text/css", text: "b", _meta: { "example.com/x": 1 } },
            { blob: "AAAA" },
            { blob: new Uint8Array([1]) }
          ],
          _meta: { "example.com/y": 2 }
        })
      })
      assert.deepStrictEqual(yield* respond(resource), {
        contents: [
          { uri, mimeType: "text/plain", text: "a" },
          { uri: "config://other", mimeType: "text/css", text: "b", _meta: { "example.com/x": 1 } },
          { uri, mimeType: "text/plain", blob: "AAAA" },
          { uri, mimeType: "text/plain", blob: "AQ==" }
        ],
        _meta: { "example.com/y": 2 }
      })
      const declared = Resource.make(uri, {
        success: Resource.Result,
        handler: Effect.succeed({ contents: [{ text: "a" }] })
      })
      assert.deepStrictEqual(yield* respond(declared), { contents: [{ uri, text: "a" }] })
    }))

  it.effect("is a value, encoded as JSON", () =>
    Effect.gen(function*() {
      const resource = Resource.make(uri, {
        success: Schema.Struct({ at: Schema.Date, tags: Schema.ReadonlySet(Schema.String) }),
        handler: Effect.succeed({ at: new Date(0), tags: new Set(["a"]) })
      })
      assert.deepStrictEqual(yield* respond(resource), {
        contents: [{
          uri,
          mimeType: "application/json",
          text: "{\"at\":\"1970-01-01T00:00:00.000Z\",\"tags\":[\"a\"]}"
        }]
      })
    }))

  it.effect("is a value's text where its JSON is a string", () =>
    Effect.gen(function*() {
      const resource = Resource.make(uri, { success: Schema.Date, handler: Effect.succeed(new Date(0)) })
      assert.deepStrictEqual(yield* respond(resource), {
        contents: [{ uri, mimeType: "text/plain", text: "1970-01-01T00:00:00.000Z" }]
      })
    }))

  it.effect("carries the resource's cache hints", () =>
    Effect.gen(function*() {
      const cache = { ttlMs: 60_000, cacheScope: "public" } as const
      const resource = Resource.make(uri, { cache, handler: Effect.succeed("a") })
      assert.deepStrictEqual(yield* respond(resource), { contents: [{ uri, text: "a" }], cacheHints: cache })
    }))

  it.effect("is read each time anew, under the URI it was asked by", () =>
    Effect.gen(function*() {
      let reads = 0
      const resource = Resource.make(uri, { handler: Effect.sync(() => `${++reads}`) })
      yield* respond(resource)
      assert.deepStrictEqual(yield* Resource.respond(resource, "other://uri"), {
        contents: [{ uri: "other://uri", text: "2" }]
      })
    }))

  it.effect("needs what its handler needs", () =>
    Effect.gen(function*() {
      const resource = Resource.make(uri, { handler: Db })
      const result = yield* Effect.provideService(Resource.respond(resource, uri), Db, "rows")
      assert.deepStrictEqual(result.contents, [{ uri, text: "rows" }])
    }))
})

describe("what cannot be read", () => {
  it.effect("has no contents, and so is not there", () =>
    Effect.gen(function*() {
      const empty = Resource.make(uri, { handler: Effect.succeed({ contents: [] }) })
      assert.deepStrictEqual(yield* reasonOf(empty), new McpError.ResourceNotFound({ uri }))
      const none = Resource.make(uri, { success: Schema.NullOr(Schema.String), handler: Effect.succeed(null) })
      assert.deepStrictEqual(yield* reasonOf(none), new McpError.ResourceNotFound({ uri }))
    }))

  it.effect("is refused as its handler refuses it", () =>
    Effect.gen(function*() {
      const refusing = Resource.make(uri, { handler: Effect.fail(McpError.invalidParams("no")) })
      assert.deepStrictEqual(yield* reasonOf(refusing), new McpError.InvalidParams({ message: "no" }))
    }))

  it.effect("is refused with the words of a question that had no answer", () =>
    Effect.gen(function*() {
      const asking = Resource.make(uri, {
        handler: Effect.fail(AskError.make(new AskError.Declined({ key: "sure" })))
      })
      assert.deepStrictEqual(
        yield* reasonOf(asking),
        new McpError.InvalidRequest({ message: "The user declined \"sure\"." })
      )
    }))

  it.effect("is a bug when its value does not fit", () =>
    Effect.gen(function*() {
      const success = Schema.Struct({ a: Schema.Finite })
      const defect = yield* defectOf(Resource.make(uri, { success, handler: Effect.succeed({ a: "1" } as never) }))
      assert.instanceOf(defect, DefinitionError.DefinitionError)
      assert.include(defect.message, "settings returned what its schema does not allow: a:")
      const number = yield* defectOf(Resource.make(uri, { handler: Effect.succeed(1 as never) }))
      assert.instanceOf(number, DefinitionError.DefinitionError)
      const content = Effect.succeed({ contents: [{ text: 1 }] } as never)
      assert.instanceOf(yield* defectOf(Resource.make(uri, { handler: content })), DefinitionError.DefinitionError)
    }))
})

describe("run", () => {
  it.effect("gives what the handler gives, with its own errors", () =>
    Effect.gen(function*() {
      const success = Schema.Struct({ a: Schema.FiniteFromString })
      assert.deepStrictEqual(yield* Resource.run(Resource.make(uri, { success, handler: Effect.succeed({ a: 1 }) })), {
        a: 1
      })
      const asked = AskError.make(new AskError.Dismissed({ key: "k" }))
      assert.strictEqual(yield* Effect.flip(Resource.run(Resource.make(uri, { handler: Effect.fail(asked) }))), asked)
    }))

  it.effect("fails where what was read cannot be served", () =>
    Effect.gen(function*() {
      const wrong = Resource.make(uri, {
        success: Schema.Struct({ a: Schema.Finite }),
        handler: Effect.succeed({ a: NaN })
      })
      const error = yield* Effect.flip(Resource.run(wrong))
      assert.instanceOf(error, DefinitionError.DefinitionError)
      assert.strictEqual(error.reason._tag, "InvalidOutput")
    }))
})

describe("what never changes", () => {
  it.effect("is text, with its size in bytes", () =>
    Effect.gen(function*() {
      const resource = Resource.text(uri, "caf\u00e9", { title: "Caf\u00e9" })
      assert.deepStrictEqual(Resource.describe(resource), {
        uri,
        name: "settings",
        title: "Caf\u00e9",
        mimeType: "text/plain",
        size: 5
      })
      assert.deepStrictEqual((yield* respond(resource)).contents, [{ uri, mimeType: "text/plain", text: "caf\u00e9" }])
      assert.strictEqual(Resource.text(uri, "# A", { mimeType: "text/markdown" }).mimeType, "text/markdown")
    }))

  it.effect("is bytes, with their number", () =>
    Effect.gen(function*() {
      const resource = Resource.bytes(uri, new Uint8Array([1, 2, 3]), { name: "n" })
      assert.deepStrictEqual(Resource.describe(resource), {
        uri,
        name: "n",
        mimeType: "application/octet-stream",
        size: 3
      })
      assert.deepStrictEqual((yield* respond(resource)).contents, [
        { uri, mimeType: "application/octet-stream", blob: "AQID" }
      ])
    }))
})
