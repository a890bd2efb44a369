/** What a document becomes, what is left out of it, and what is wrong with it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import * as OpenApi from "fastmcp-effect/provider/OpenApi"
import * as document from "../../../src/provider/openApi/document.ts"
import { api, connected, documentOf, ok } from "./support.ts"

const inspect = (options: OpenApi.Options) => Effect.provide(OpenApi.inspect(options), api().layer)

const failure = (options: OpenApi.Options, served = api()) =>
  Effect.map(Effect.flip(Effect.provide(OpenApi.inspect(options), served.layer)), ({ message, reason }) => ({
    tag: reason._tag,
    message
  }))

const operation = (id: string | undefined, rest: JsonObject = {}) => ({
  ...(id === undefined ? undefined : { operationId: id }),
  ...ok,
  ...rest
})

const namesOf = (paths: JsonObject, options: Partial<OpenApi.Options> = {}) =>
  Effect.map(inspect({ document: documentOf(paths), ...options }), ({ served }) => served.map(({ name }) => name))

describe("a name", () => {
  it.effect("is the operation's id, less what no name may have", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* namesOf({ "/a": { get: operation("repos/get-content"), post: operation("Größe ändern!") } }),
        ["repos_get-content", "Gr_e_ndern"]
      )
    }))

  it.effect("is made of method and path where there is no id", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* namesOf({ "/pets/{id}/toys": { get: operation(undefined) } }), ["get_pets_id_toys"])
    }))

  it.effect("has 64 characters at most, and nobody else has it", () =>
    Effect.gen(function*() {
      const long = "a_very_long_name_that_goes_on_and_on_and_on_and_on_for_ever_and_ever"
      const paths = Object.fromEntries(["x", "y", "z"].map((end) => [`/${end}`, { get: operation(`${long}_${end}`) }]))
      const names = yield* namesOf(paths)
      assert.strictEqual(new Set(names).size, 3)
      assert.isTrue(names.every((name) => /^[A-Za-z0-9_-]{1,64}$/u.test(name)), names.join())
    }))

  it.effect("stays what it is when operations come before it and after it", () =>
    Effect.gen(function*() {
      const [alone] = yield* namesOf({ "/b": { get: operation("list") } })
      const [, marked] = yield* namesOf({ "/a": { get: operation("list") }, "/b": { get: operation("list") } })
      const [, , again] = yield* namesOf({
        "/0": { get: operation("other") },
        "/a": { get: operation("list") },
        "/b": { get: operation("list") }
      })
      assert.strictEqual(alone, "list")
      assert.notStrictEqual(marked, "list")
      assert.strictEqual(marked, again)
    }))

  it.effect("is the one that is given, which no other operation takes", () =>
    Effect.gen(function*() {
      const [first, second] = yield* namesOf(
        { "/a": { get: operation("pets") }, "/b": { get: operation("b") } },
        { names: { "GET /b": "pets" } }
      )
      assert.strictEqual(second, "pets")
      assert.notStrictEqual(first, "pets")
    }))

  it.effect("is refused that is none, is two's or is nobody's", () =>
    Effect.gen(function*() {
      const document = documentOf({ "/a": { get: operation("a"), post: operation("b") } })
      assert.strictEqual((yield* failure({ document, names: { a: "no name" } })).tag, "InvalidName")
      assert.strictEqual((yield* failure({ document, names: { a: "x", b: "x" } })).tag, "NameTaken")
      const { message, tag } = yield* failure({ document, names: { c: "x" } })
      assert.strictEqual(tag, "NotInDocument")
      assert.include(message, "\"a\", \"b\"")
    }))
})

describe("a tool", () => {
  const portrait = (method: string, rest: JsonObject = {}) =>
    Effect.gen(function*() {
      const client = yield* connected({
        document: documentOf({ "/": { [method]: operation("x", rest) } }),
        deprecated: true
      }, api())
      return (yield* client.listTools)[0]!
    })

  it.effect("says of itself what its method says", () =>
    Effect.gen(function*() {
      const hints = (yield* Effect.forEach(["get", "put", "post", "delete", "patch"], (method) => portrait(method)))
        .map((
          { annotations: { destructiveHint, idempotentHint, openWorldHint, readOnlyHint } = {} }
        ) => [readOnlyHint, destructiveHint, idempotentHint, openWorldHint])
      assert.deepStrictEqual(hints, [
        [true, undefined, undefined, true],
        [false, undefined, true, true],
        [false, false, undefined, true],
        [false, true, true, true],
        [false, undefined, undefined, true]
      ])
    }))

  it.effect("has the operation's words, and no more than there is room for", () =>
    Effect.gen(function*() {
      const tool = yield* portrait("get", {
        summary: "Short",
        description: `First. ${"More words. ".repeat(200)}`,
        tags: ["a"],
        deprecated: true
      })
      assert.strictEqual(tool.title, "Short")
      assert.isTrue(tool.description!.startsWith("Deprecated. First."))
      assert.isTrue(tool.description!.length <= 1024 && tool.description!.endsWith("."))
      assert.deepStrictEqual(tool._meta, { "fastmcp-effect/tags": ["a"] })
    }))
})

describe("routes", () => {
  const paths = {
    "/users": { get: operation("users", { tags: ["users"] }), post: operation("addUser", { tags: ["users"] }) },
    "/users/{id}": { get: operation("user", { tags: ["users"] }), delete: operation("dropUser") },
    "/search": {
      get: operation("search", { parameters: [{ name: "q", in: "query", required: true, schema: { type: "string" } }] })
    },
    "/admin/a/b": { get: operation("admin") }
  }

  it.effect("say what becomes a resource, a template, or nothing", () =>
    Effect.gen(function*() {
      const report = yield* inspect({
        document: documentOf(paths),
        name: "Our API",
        routes: [
          { path: "/admin/**", as: "exclude" },
          { methods: ["get"], as: "resource" },
          { methods: ["GET"], as: "template" }
        ]
      })
      assert.deepStrictEqual(report.served.map(({ as, name }) => [as, name]), [
        ["resource", "openapi://our-api/users"],
        ["tool", "addUser"],
        ["template", "openapi://our-api/users/{id}"],
        ["tool", "dropUser"],
        // It cannot be read without an argument.
        ["tool", "search"]
      ])
      assert.deepStrictEqual(report.leftOut.map(({ path, why }) => [path, why]), [["/admin/a/b", "route"]])
    }))

  it.effect("are taken in their order, and each has to fit whole", () =>
    Effect.gen(function*() {
      const kept = (routes: ReadonlyArray<OpenApi.Route>) => namesOf(paths, { routes })
      const all = ["users", "addUser", "user", "dropUser", "search", "admin"]
      assert.deepStrictEqual(yield* kept([{ as: "tool" }, { as: "exclude" }]), all)
      assert.deepStrictEqual(
        yield* kept([{ methods: ["GET"], tags: ["users"], as: "tool" }, { as: "exclude" }]),
        ["users", "user"]
      )
      assert.deepStrictEqual(yield* kept([{ operationId: /user$/iu, as: "tool" }, { as: "exclude" }]), [
        "addUser",
        "user",
        "dropUser"
      ])
      assert.deepStrictEqual(yield* kept([{ path: "/admin/*", as: "exclude" }]), all)
      assert.deepStrictEqual(yield* kept([{ path: "/users/{id}", as: "exclude" }]), [
        "users",
        "addUser",
        "search",
        "admin"
      ])
    }))
})

describe("what is left out", () => {
  const paths = {
    "/old": { get: operation("old", { deprecated: true }) },
    "/far": {
      get: operation("far", { parameters: [{ name: "a", in: "query", schema: { $ref: "https://a.example/b.json" } }] })
    },
    "/lost": { get: operation("lost", { parameters: [{ $ref: "#/components/parameters/none" }] }) },
    "/loop": { get: operation("loop", { parameters: [{ $ref: "#/components/parameters/loop" }] }) },
    "/item": { $ref: "./item.yaml" },
    "/body": { get: operation("body", { requestBody: { required: true, content: { "text/plain": {} } } }) },
    "/good": { get: operation("good") }
  }
  const rest = { components: { parameters: { loop: { $ref: "#/components/parameters/loop" } } } }

  it.effect("is told with the reason, and the rest is there", () =>
    Effect.gen(function*() {
      const { leftOut, served } = yield* inspect({ document: documentOf(paths, rest) })
      assert.deepStrictEqual(served.map(({ name }) => name), ["good"])
      assert.deepStrictEqual(leftOut.map(({ method, path, why }) => `${method} ${path} ${why}`), [
        "GET /old deprecated",
        "GET /far unusable",
        "GET /lost unusable",
        "GET /loop unusable",
        "* /item unusable",
        "GET /body unusable"
      ])
      assert.include(leftOut[1]!.reason, "other documents are not followed")
    }))

  it.effect("is said once in the log, in short", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      const logger = Logger.layer([Logger.make(({ message }) => lines.push(message))])
      yield* Effect.provide(connected({ document: documentOf(paths, rest) }, api()), logger)
      const said = lines.flat().filter((line) => String(line).includes("OpenApi.inspect"))
      assert.strictEqual(said.length, 1)
      assert.include(String(said[0]), "1 operations are served, 6 are left out (deprecated 1, unusable 5)")
    }))

  it.effect("is fetched from nowhere", () =>
    Effect.gen(function*() {
      const served = api()
      yield* Effect.provide(OpenApi.inspect({ document: documentOf(paths, rest) }), served.layer)
      assert.deepStrictEqual(served.asked, [])
    }))
})

describe("schemas", () => {
  const listed = (schema: JsonObject, components: JsonObject = {}, openapi = "3.1.0") =>
    Effect.gen(function*() {
      const client = yield* connected({
        document: documentOf(
          {
            "/": {
              post: operation("x", { requestBody: { required: true, content: { "application/json": { schema } } } })
            }
          },
          { openapi, components: { schemas: components } }
        )
      }, api())
      return (yield* client.listTools)[0]!.inputSchema
    })

  it.effect("of 3.0 are listed as JSON Schema 2020-12", () =>
    Effect.gen(function*() {
      const { properties } = yield* listed(
        {
          type: "object",
          properties: {
            a: { type: "string", nullable: true, example: "x" },
            b: { type: "integer", minimum: 1, exclusiveMinimum: true },
            c: { $ref: "#/components/schemas/Pet" }
          },
          discriminator: { propertyName: "a" }
        },
        { Pet: { type: "object", xml: { name: "pet" }, "x-mcp-header": "Pet" } },
        "3.0.3"
      )
      assert.deepStrictEqual(properties, {
        a: { type: ["string", "null"], examples: ["x"] },
        b: { type: "integer", exclusiveMinimum: 1 },
        c: { $ref: "#/$defs/Pet" }
      })
    }))

  it.effect("that refer to themselves do so in $defs, where only what is referred to is", () =>
    Effect.gen(function*() {
      const schema = yield* listed({ $ref: "#/components/schemas/Node" }, {
        Node: {
          type: "object",
          properties: { next: { $ref: "#/components/schemas/Node" }, leaf: { $ref: "#/components/schemas/Leaf" } }
        },
        Leaf: { type: "string" },
        Other: { type: "string" }
      })
      assert.deepStrictEqual(Object.keys(schema.$defs as object).toSorted(), ["Leaf", "Node"])
    }))

  it.effect("lose keywords that say something impossible, and nothing else", () =>
    Effect.gen(function*() {
      const { properties } = yield* listed({
        type: "object",
        properties: {
          a: { type: "any", pattern: "(?<!", minLength: -1, maxLength: 5 },
          b: { type: "string", enum: ["x", "x"], required: true, minimum: "1" },
          c: { type: "array", items: [{ type: "string" }] }
        }
      })
      assert.deepStrictEqual(properties, {
        a: { maxLength: 5 },
        b: { type: "string", enum: ["x"], minimum: 1 },
        c: { type: "array" }
      })
    }))

  it.effect("keep properties whose names are keywords", () =>
    Effect.gen(function*() {
      const names = ["example", "nullable", "readOnly", "$ref", "properties", "x-a", "discriminator", "required"]
      const { properties } = yield* listed(
        {
          type: "object",
          properties: Object.fromEntries(names.map((name) => [name, { type: "string" }]))
        },
        {},
        "3.0.0"
      )
      assert.strictEqual(Object.keys(properties as object).length, names.length)
    }))
})

describe("a document", () => {
  const yaml = [
    "openapi: 3.0.0",
    "info: { title: Test, version: '1' }",
    "servers: [{ url: https://a.example }]",
    "paths: { /a: { get: { responses: { '200': { description: ok } } } } }"
  ].join("\n")

  it.effect("is read as YAML, as JSON and as a value", () =>
    Effect.gen(function*() {
      const value = documentOf({ "/a": { get: operation("a") } })
      for (const document of [yaml, JSON.stringify(value), value]) {
        assert.strictEqual((yield* inspect({ document })).served.length, 1)
      }
    }))

  it.effect("of Swagger 2.0 is one of OpenAPI", () =>
    Effect.gen(function*() {
      const served = api()
      const client = yield* connected({
        document: {
          swagger: "2.0",
          info: { title: "Old", version: "1" },
          host: "old.example",
          basePath: "/api",
          schemes: ["https"],
          paths: {
            "/a": {
              post: {
                operationId: "a",
                consumes: ["application/x-www-form-urlencoded"],
                parameters: [
                  { name: "x", in: "formData", type: "string", required: true },
                  { name: "ids", in: "query", type: "array", items: { type: "integer" }, collectionFormat: "csv" }
                ],
                responses: { 200: { description: "ok" } }
              }
            }
          }
        }
      }, served)
      yield* client.callTool("a", { x: "1", ids: [1, 2] })
      const [{ body, url }] = served.asked as [typeof served.asked[number]]
      assert.deepStrictEqual([url.href, body], ["https://old.example/api/a?ids=1,2", "x=1"])
    }))

  it.effect("is left as it was", () =>
    Effect.gen(function*() {
      const document = documentOf({ "/a": { get: operation("a") } }, { openapi: "3.0.0" })
      const before = JSON.stringify(document)
      yield* inspect({ document })
      assert.strictEqual(JSON.stringify(document), before)
    }))

  it.effect("that is none is refused in words", () =>
    Effect.gen(function*() {
      for (
        const document of ["", "no document", "{", "a: [", "[]", "{}", "{\"openapi\":\"4.0.0\"}", "openapi: 3.1.0"]
      ) {
        assert.strictEqual((yield* failure({ document })).tag, "Unreadable", document)
      }
    }))

  it.effect("cannot be read without the library, which is named", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(document.read({}, () => Promise.reject(new Error("no module"))))
      assert.include(error.message, "npm install @scalar/openapi-parser")
    }))
})

describe("a document that is fetched", () => {
  const text = JSON.stringify({ ...documentOf({ "/a": { get: operation("a") } }), servers: [{ url: "/v2" }] })
  const from = (answer: string, options: Partial<OpenApi.Options> = {}, href = "https://docs.example/openapi.json") => {
    const served = api(({ url }) => url.pathname === "/openapi.json" ? new Response(answer) : Response.json({}))
    return { served, options: { document: new URL(href), ...options } }
  }

  it.effect("has its servers beside it", () =>
    Effect.gen(function*() {
      const { options, served } = from(text)
      const client = yield* connected(options, served)
      yield* client.callTool("a")
      assert.deepStrictEqual(served.asked.map(({ url }) => url.href), [
        "https://docs.example/openapi.json",
        "https://docs.example/v2/a"
      ])
    }))

  for (
    const href of [
      "http://docs.example/openapi.json",
      "https://10.0.0.1/openapi.json",
      "https://localhost/openapi.json"
    ]
  ) {
    it.effect(`is not fetched from ${href} unasked`, () =>
      Effect.gen(function*() {
        const { options, served } = from(text, {}, href)
        assert.strictEqual((yield* failure(options, served)).tag, "Unreachable")
        assert.deepStrictEqual(served.asked, [])
      }))
  }

  it.effect("is fetched from this machine where that is allowed", () =>
    Effect.gen(function*() {
      const { options, served } = from(text, { fetch: { allowLoopback: true } }, "http://localhost/openapi.json")
      const { served: [one] } = yield* Effect.provide(OpenApi.inspect(options), served.layer)
      assert.strictEqual(one?.name, "a")
    }))

  for (const url of ["https://169.254.169.254/", "http://localhost:8080/", "https://[::1]/"]) {
    it.effect(`does not send requests to ${url}`, () =>
      Effect.gen(function*() {
        const { options, served } = from(text.replace("\"/v2\"", JSON.stringify(url)))
        assert.strictEqual((yield* failure(options, served)).tag, "NoServer")
      }))
  }

  it.effect("that is not there is an error", () =>
    Effect.gen(function*() {
      const served = api(() => new Response("no", { status: 404 }))
      const { message, tag } = yield* failure({ document: new URL("https://docs.example/openapi.json") }, served)
      assert.deepStrictEqual([tag, message.includes("404")], ["Unreachable", true])
    }))
})

describe("the server of an API", () => {
  const called = (servers: ReadonlyArray<JsonObject>, options: Partial<OpenApi.Options> = {}) =>
    Effect.gen(function*() {
      const served = api()
      const client = yield* connected(
        { document: documentOf({ "/a": { get: operation("a") } }, { servers }), ...options },
        served
      )
      yield* client.callTool("a")
      return served.asked[0]?.url.href
    })

  it.effect("is the first that is encrypted, with its variables filled in", () =>
    Effect.gen(function*() {
      const servers = [{ url: "http://a.example" }, {
        url: "https://{region}.a.example/{base}/",
        variables: { region: { default: "eu", enum: ["eu", "us"] }, base: { default: "v1" } }
      }]
      assert.strictEqual(yield* called(servers), "https://eu.a.example/v1/a")
      assert.strictEqual(yield* called(servers, { variables: { region: "us" } }), "https://us.a.example/v1/a")
      const document = documentOf({ "/a": { get: operation("a") } }, { servers })
      assert.strictEqual((yield* failure({ document, variables: { region: "mars" } })).tag, "NoServer")
      assert.strictEqual((yield* failure({ document, variables: { planet: "mars" } })).tag, "NotInDocument")
    }))

  it.effect("is the one that is given, whatever the document says", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* called([], { url: "http://10.0.0.1:8080/base" }), "http://10.0.0.1:8080/base/a")
    }))

  it.effect("is an operation's own where it has one", () =>
    Effect.gen(function*() {
      const served = api()
      const client = yield* connected({
        document: documentOf({ "/a": { get: operation("a", { servers: [{ url: "https://b.example" }] }) } }, {
          servers: []
        })
      }, served)
      yield* client.callTool("a")
      assert.strictEqual(served.asked[0]?.url.href, "https://b.example/a")
    }))

  for (const servers of [[], [{ url: "/relative" }], [{ url: "http://a.example" }], [{ url: "ftp://a.example" }]]) {
    it.effect(`has to be said where the document has ${JSON.stringify(servers)}`, () =>
      Effect.gen(function*() {
        const { message, tag } = yield* failure({
          document: documentOf({ "/a": { get: operation("a") } }, { servers })
        })
        assert.strictEqual(tag, "NoServer")
        assert.include(message, "option url")
      }))
  }
})
