/** Arguments of a tool, as the API gets them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import { api, connected, documentOf, ok } from "./support.ts"

const array = { type: "array", items: { type: "string" } }
const object = { type: "object", properties: { R: { type: "integer" }, G: { type: "integer" } } }
const colors = ["blue", "black"]
const color = { R: 100, G: 200 }

/** What one parameter becomes. */
const sent = (path: string, parameter: JsonObject, value: unknown) =>
  Effect.gen(function*() {
    const served = api()
    const client = yield* connected({
      document: documentOf({ [path]: { get: { operationId: "get", parameters: [parameter], ...ok } } })
    }, served)
    const result = yield* client.callTool("get", { color: value as never })
    assert.isUndefined(result.isError, JSON.stringify(result))
    const [{ headers, url }] = served.asked as [typeof served.asked[number]]
    return { path: url.pathname.slice("/v1".length), query: url.search, headers }
  })

// The examples of OpenAPI's own table, where it has one.
const rows: ReadonlyArray<readonly [place: string, style: string, explode: boolean, value: unknown, expected: string]> =
  [
    ["path", "simple", false, "blue", "/blue"],
    ["path", "simple", false, colors, "/blue,black"],
    ["path", "simple", false, color, "/R,100,G,200"],
    ["path", "simple", true, colors, "/blue,black"],
    ["path", "simple", true, color, "/R=100,G=200"],
    ["path", "label", false, "blue", "/.blue"],
    ["path", "label", false, colors, "/.blue,black"],
    ["path", "label", false, color, "/.R,100,G,200"],
    ["path", "label", true, colors, "/.blue.black"],
    ["path", "label", true, color, "/.R=100.G=200"],
    ["path", "matrix", false, "blue", "/;color=blue"],
    ["path", "matrix", false, colors, "/;color=blue,black"],
    ["path", "matrix", false, color, "/;color=R,100,G,200"],
    ["path", "matrix", true, colors, "/;color=blue;color=black"],
    ["path", "matrix", true, color, "/;R=100;G=200"],
    ["query", "form", false, "blue", "?color=blue"],
    ["query", "form", false, colors, "?color=blue,black"],
    ["query", "form", false, color, "?color=R,100,G,200"],
    ["query", "form", true, colors, "?color=blue&color=black"],
    ["query", "form", true, color, "?R=100&G=200"],
    ["query", "spaceDelimited", false, colors, "?color=blue%20black"],
    ["query", "spaceDelimited", false, color, "?color=R%20100%20G%20200"],
    ["query", "pipeDelimited", false, colors, "?color=blue%7Cblack"],
    ["query", "pipeDelimited", false, color, "?color=R%7C100%7CG%7C200"],
    ["query", "deepObject", true, color, "?color%5BR%5D=100&color%5BG%5D=200"],
    ["header", "simple", false, "blue", "blue"],
    ["header", "simple", false, colors, "blue,black"],
    ["header", "simple", false, color, "R,100,G,200"],
    ["header", "simple", true, color, "R=100,G=200"],
    ["cookie", "form", false, "blue", "color=blue"],
    ["cookie", "form", false, colors, "color=blue,black"],
    ["cookie", "form", false, color, "color=R,100,G,200"]
  ]

const schemaOf = (value: unknown) =>
  Array.isArray(value) ? array : typeof value === "object" ? object : { type: "string" }

describe("a parameter", () => {
  for (const [place, style, explode, value, expected] of rows) {
    it.effect(`in ${place} as ${style}${explode ? ", exploded," : ""} is ${expected} for ${JSON.stringify(value)}`, () =>
      Effect.gen(function*() {
        const found = yield* sent(place === "path" ? "/{color}" : "/", {
          name: "color",
          in: place,
          required: true,
          style,
          explode,
          schema: schemaOf(value)
        }, value)
        assert.strictEqual(
          place === "path"
            ? found.path
            : place === "query"
            ? found.query
            : found.headers[place === "header" ? "color" : "cookie"],
          expected
        )
      }))
  }

  for (
    const [style, expected] of [["form", "?color=blue&color=black"], ["pipeDelimited", "?color=blue%7Cblack"]] as const
  ) {
    it.effect(`explodes by default as its style ${style} does`, () =>
      Effect.gen(function*() {
        const { query } = yield* sent("/", { name: "color", in: "query", style, schema: array }, colors)
        assert.strictEqual(query, expected)
      }))
  }

  it.effect("with JSON for its content is one piece of JSON", () =>
    Effect.gen(function*() {
      const parameter = { name: "color", in: "query", content: { "application/json": { schema: object } } }
      const { query } = yield* sent("/", parameter, color)
      assert.strictEqual(decodeURIComponent(query), "?color={\"R\":100,\"G\":200}")
    }))

  it.effect("keeps reserved characters where the document allows them, and no others", () =>
    Effect.gen(function*() {
      const value = "a/b?c:d&e#f+g%20h é"
      const free = yield* sent(
        "/",
        { name: "color", in: "query", allowReserved: true, schema: { type: "string" } },
        value
      )
      assert.strictEqual(free.query, "?color=a/b?c:d%26e%23f%2Bg%20h%20%C3%A9")
      const strict = yield* sent("/", { name: "color", in: "query", schema: { type: "string" } }, value)
      assert.strictEqual(new URLSearchParams(strict.query).get("color"), value)
      assert.notInclude(strict.query.slice("?color=".length), "/")
    }))

  it.effect("in a query that has objects within lists is written with their keys", () =>
    Effect.gen(function*() {
      const { query } = yield* sent("/", { name: "color", in: "query", style: "deepObject", schema: {} }, {
        in: [{ lt: 5, any: ["x", "y"] }]
      })
      assert.strictEqual(
        decodeURIComponent(query),
        "?color[in][0][lt]=5&color[in][0][any][0]=x&color[in][0][any][1]=y"
      )
    }))
})

describe("a value in a path", () => {
  const path = { name: "color", in: "path", required: true, schema: { type: "string" } }
  const attempt = (value: unknown, route = "/pets/{color}/toys") =>
    Effect.gen(function*() {
      const served = api()
      const client = yield* connected({
        document: documentOf({ [route]: { get: { operationId: "get", parameters: [path], ...ok } } })
      }, served)
      const result = yield* client.callTool("get", { color: value as never })
      return { result, asked: served.asked.map(({ url }) => url.pathname) }
    })

  for (const value of ["..", ".", "../admin", "a/../../admin", "..\\admin", "%2e%2e", "", "a\0b"]) {
    it.effect(`is refused where it would lead elsewhere: ${JSON.stringify(value)}`, () =>
      Effect.gen(function*() {
        const { asked, result } = yield* attempt(value)
        assert.strictEqual(result.isError, true)
        assert.deepStrictEqual(asked, [])
      }))
  }

  it.effect("is refused where two of them would lead elsewhere together", () =>
    Effect.gen(function*() {
      const served = api()
      const at = (name: string) => ({ name, in: "path", required: true, schema: { type: "string" } })
      const client = yield* connected({
        document: documentOf({ "/x/{a}{b}/y": { get: { operationId: "get", parameters: [at("a"), at("b")], ...ok } } })
      }, served)
      const result = yield* client.callTool("get", { a: ".", b: "." })
      assert.strictEqual(result.isError, true)
      assert.deepStrictEqual(served.asked, [])
    }))

  for (const value of ["a/b", "a b", "a?b#c", "..a", "größe", "100%"]) {
    it.effect(`stays one segment: ${JSON.stringify(value)}`, () =>
      Effect.gen(function*() {
        const { asked } = yield* attempt(value)
        assert.deepStrictEqual(asked.map((path) => path.split("/").map(decodeURIComponent)), [
          ["", "v1", "pets", value, "toys"]
        ])
      }))
  }
})

describe("a path", () => {
  it.effect("goes out without its fragment, and with its query before others", () =>
    Effect.gen(function*() {
      const served = api()
      const a = { name: "a", in: "query", schema: { type: "string" } }
      const client = yield* connected({
        document: documentOf({
          "/x#add": { get: { operationId: "add", parameters: [a], ...ok } },
          "/x?action=drop": { get: { operationId: "drop", parameters: [a], ...ok } }
        })
      }, served)
      yield* client.callTool("add", { a: "1" })
      yield* client.callTool("drop", { a: "1" })
      assert.deepStrictEqual(served.asked.map(({ url }) => url.pathname + url.search + url.hash), [
        "/v1/x?a=1",
        "/v1/x?action=drop&a=1"
      ])
    }))
})

describe("a header", () => {
  it.effect("takes no line of its own from a value", () =>
    Effect.gen(function*() {
      const served = api()
      const client = yield* connected({
        document: documentOf({
          "/": {
            get: { operationId: "get", parameters: [{ name: "x-a", in: "header", schema: { type: "string" } }], ...ok }
          }
        })
      }, served)
      const result = yield* client.callTool("get", { "x-a": "a\r\nx-b: c" })
      assert.strictEqual(result.isError, true)
      assert.deepStrictEqual(served.asked, [])
    }))

  it.effect("that is HTTP's own is no argument", () =>
    Effect.gen(function*() {
      const names = ["Authorization", "Host", "Content-Type", "Accept", "Content-Length"]
      const client = yield* connected({
        document: documentOf({
          "/": {
            get: {
              operationId: "get",
              parameters: names.map((name) => ({ name, in: "header", required: true, schema: { type: "string" } })),
              ...ok
            }
          }
        })
      }, api())
      const [tool] = yield* client.listTools
      assert.deepStrictEqual(tool?.inputSchema.properties, {})
    }))
})

/** What a body of this type and schema becomes. */
const posted = (media: string, content: JsonObject, args: JsonObject, body: JsonObject = { required: true }) =>
  Effect.gen(function*() {
    const served = api()
    const client = yield* connected({
      document: documentOf({
        "/": { post: { operationId: "post", requestBody: { ...body, content: { [media]: content } }, ...ok } }
      })
    }, served)
    const [tool] = yield* client.listTools
    const result = yield* client.callTool("post", args)
    return { tool: tool!, result, asked: served.asked[0] }
  })

const note = {
  type: "object",
  required: ["text"],
  properties: {
    id: { type: "integer", readOnly: true },
    text: { type: "string" },
    tags: array,
    secret: { type: "string", writeOnly: true },
    place: object
  }
}

describe("a body", () => {
  it.effect("that is an object has its members among the arguments, less those that only come back", () =>
    Effect.gen(function*() {
      const { asked, tool } = yield* posted("application/json", { schema: note }, {
        text: "a",
        secret: "s",
        place: color
      })
      assert.deepStrictEqual(Object.keys(tool.inputSchema.properties as object), ["text", "tags", "secret", "place"])
      assert.deepStrictEqual(tool.inputSchema.required, ["text"])
      assert.deepStrictEqual(JSON.parse(asked!.body), { text: "a", secret: "s", place: color })
      assert.strictEqual(asked?.headers["content-type"], "application/json")
    }))

  it.effect("that is something else is one argument", () =>
    Effect.gen(function*() {
      const { asked, tool } = yield* posted("application/vnd.api+json", { schema: array }, { body: ["a"] })
      assert.deepStrictEqual(tool.inputSchema.required, ["body"])
      assert.strictEqual(asked?.body, "[\"a\"]")
      assert.strictEqual(asked?.headers["content-type"], "application/vnd.api+json")
    }))

  it.effect("whose document has one member or the other is one argument, and checked as such", () =>
    Effect.gen(function*() {
      const schema = { oneOf: [{ type: "object", required: ["a"], properties: { a: { type: "integer" } } }, array] }
      assert.strictEqual((yield* posted("application/json", { schema }, { body: { a: "1" } })).asked, undefined)
      assert.strictEqual((yield* posted("application/json", { schema }, { body: { a: 1 } })).asked?.body, "{\"a\":1}")
    }))

  it.effect("made of several schemas has the members of all", () =>
    Effect.gen(function*() {
      const schema = { allOf: [note, { type: "object", required: ["due"], properties: { due: { type: "string" } } }] }
      const { asked, tool } = yield* posted("application/json", { schema }, { text: "a", due: "now" })
      assert.deepStrictEqual(tool.inputSchema.required, ["text", "due"])
      assert.deepStrictEqual(JSON.parse(asked!.body), { text: "a", due: "now" })
    }))

  it.effect("that can have no members is no argument", () =>
    Effect.gen(function*() {
      const schema = { type: "object", properties: {}, additionalProperties: false }
      const { asked, tool } = yield* posted("application/x-www-form-urlencoded", { schema }, {}, {})
      assert.deepStrictEqual([tool.inputSchema.properties, asked?.body], [{}, ""])
      assert.isUndefined(asked?.headers["content-type"])
      assert.strictEqual((yield* posted("application/json", { schema }, {})).asked?.body, "{}")
    }))

  it.effect("that wants a member which is described nowhere gets it all the same", () =>
    Effect.gen(function*() {
      const schema = { ...object, required: ["kind"] }
      assert.isUndefined((yield* posted("application/json", { schema }, { R: 1 })).asked)
      const { asked } = yield* posted("application/json", { schema }, { R: 1, kind: ["any"] })
      assert.deepStrictEqual(JSON.parse(asked!.body), { R: 1, kind: ["any"] })
    }))

  it.effect("that may have other members gets them", () =>
    Effect.gen(function*() {
      const schema = { ...note, additionalProperties: { type: "integer" } }
      const { asked } = yield* posted("application/json", { schema }, { text: "a", other: 1 })
      assert.deepStrictEqual(JSON.parse(asked!.body), { text: "a", other: 1 })
      assert.isUndefined((yield* posted("application/json", { schema }, { text: "a", other: "1" })).asked)
    }))

  it.effect("that need not be there is not, and is whole if it is", () =>
    Effect.gen(function*() {
      const content = { schema: note }
      assert.strictEqual((yield* posted("application/json", content, {}, {})).asked?.body, "")
      assert.isUndefined((yield* posted("application/json", content, { tags: ["a"] }, {})).asked)
      const { asked } = yield* posted("application/json", content, { text: "a", tags: ["a"] }, {})
      assert.deepStrictEqual(JSON.parse(asked!.body), { text: "a", tags: ["a"] })
    }))

  it.effect("without any of its members is an empty one where there must be one", () =>
    Effect.gen(function*() {
      const { asked } = yield* posted("application/json", { schema: object }, {})
      assert.strictEqual(asked?.body, "{}")
    }))

  it.effect("as a form is written as the document says for each member", () =>
    Effect.gen(function*() {
      const { asked } = yield* posted("application/x-www-form-urlencoded", {
        schema: { type: "object", properties: { text: { type: "string" }, tags: array, place: object, deep: object } },
        encoding: { tags: { style: "spaceDelimited", explode: false }, deep: { style: "deepObject", explode: true } }
      }, { text: "a&b=c d", tags: ["x", "y"], place: color, deep: color })
      assert.deepStrictEqual([...new URLSearchParams(asked!.body)], [
        ["text", "a&b=c d"],
        ["tags", "x y"],
        ["place", "{\"R\":100,\"G\":200}"],
        ["deep[R]", "100"],
        ["deep[G]", "200"]
      ])
      assert.strictEqual(asked?.headers["content-type"], "application/x-www-form-urlencoded")
    }))

  it.effect("as a form repeats a member that is a list", () =>
    Effect.gen(function*() {
      const schema = { type: "object", properties: { tags: array } }
      const { asked } = yield* posted("application/x-www-form-urlencoded", { schema }, { tags: ["x", "y"] })
      assert.strictEqual(asked?.body, "tags=x&tags=y")
    }))

  it.effect("in parts has files, text and JSON in them", () =>
    Effect.gen(function*() {
      const binary = { type: "string", format: "binary" }
      const { asked, tool } = yield* posted("multipart/form-data", {
        schema: {
          type: "object",
          required: ["file"],
          properties: { file: binary, more: { type: "array", items: binary }, text: { type: "string" }, place: object }
        },
        encoding: { file: { contentType: "image/png" } }
      }, {
        file: { data: "AAEC", name: "a.png" },
        more: [{ text: "one", name: "1.txt" }, { text: "two" }],
        text: "a",
        place: color
      })
      const form = yield* Effect.promise(() =>
        new Response(asked!.body, { headers: { "content-type": asked!.headers["content-type"]! } }).formData()
      )
      const file = form.get("file") as File
      assert.deepStrictEqual([file.name, file.type, [
        ...new Uint8Array(yield* Effect.promise(() => file.arrayBuffer()))
      ]], [
        "a.png",
        "image/png",
        [0, 1, 2]
      ])
      const more = form.getAll("more") as Array<File>
      assert.deepStrictEqual(yield* Effect.promise(() => Promise.all(more.map((file) => file.text()))), ["one", "two"])
      assert.strictEqual(form.get("text"), "a")
      assert.deepStrictEqual(JSON.parse(yield* Effect.promise(() => (form.get("place") as File).text())), color)
      assert.deepStrictEqual(Object.keys((tool.inputSchema.properties as JsonObject).file as object), [
        "type",
        "properties",
        "anyOf"
      ])
    }))

  it.effect("of bytes is a file, and refused where it is none", () =>
    Effect.gen(function*() {
      const media = "application/octet-stream"
      const { asked } = yield* posted(media, {}, { body: { data: "aGk=" } })
      assert.deepStrictEqual([asked?.body, asked?.headers["content-type"]], ["hi", media])
      assert.isUndefined((yield* posted(media, {}, { body: { data: "*" } })).asked)
      const image = yield* posted("image/*", {}, { body: { data: "aGk=", mimeType: "image/webp" } })
      assert.strictEqual(image.asked?.headers["content-type"], "image/webp")
    }))

  it.effect("of text is text", () =>
    Effect.gen(function*() {
      const { asked } = yield* posted("text/plain", { schema: { type: "string" } }, { body: "hi" })
      assert.deepStrictEqual([asked?.body, asked?.headers["content-type"]], ["hi", "text/plain"])
    }))
})

describe("arguments", () => {
  it.effect("that have one name in several places are told apart", () =>
    Effect.gen(function*() {
      const served = api()
      const client = yield* connected({
        document: documentOf({
          "/{id}": {
            put: {
              operationId: "put",
              parameters: [
                { name: "id", in: "path", required: true, schema: { type: "string" } },
                { name: "id", in: "query", schema: { type: "string" } }
              ],
              requestBody: {
                required: true,
                content: { "application/json": { schema: { type: "object", properties: { id: { type: "string" } } } } }
              },
              ...ok
            }
          }
        })
      }, served)
      const result = yield* client.callTool("put", { id: "body", id__path: "path", id__query: "query" })
      assert.isUndefined(result.isError)
      const [{ body, url }] = served.asked as [typeof served.asked[number]]
      assert.deepStrictEqual([url.pathname, url.search, body], ["/v1/path", "?id=query", "{\"id\":\"body\"}"])
    }))

  it.effect("have names that models are let to say, and go out under their own", () =>
    Effect.gen(function*() {
      const served = api()
      const query = (name: string) => ({ name, in: "query", schema: { type: "string" } })
      const client = yield* connected({
        document: documentOf({
          "/": { get: { operationId: "get", parameters: ["filter[name]", "$top", "filter name"].map(query), ...ok } }
        })
      }, served)
      const [tool] = yield* client.listTools
      const keys = Object.keys(tool!.inputSchema.properties as object)
      assert.isTrue(keys.every((key) => /^[A-Za-z0-9_.-]{1,64}$/u.test(key)), keys.join())
      yield* client.callTool("get", Object.fromEntries(keys.map((key, index) => [key, String(index)])))
      assert.deepStrictEqual([...served.asked[0]!.url.searchParams], [["filter[name]", "0"], ["$top", "1"], [
        "filter name",
        "2"
      ]])
    }))

  it.effect("that do not fit are refused before anything is sent", () =>
    Effect.gen(function*() {
      const served = api()
      const client = yield* connected({
        document: documentOf({
          "/": {
            get: {
              operationId: "get",
              parameters: [{ name: "limit", in: "query", required: true, schema: { type: "integer", maximum: 10 } }],
              ...ok
            }
          }
        })
      }, served)
      for (const args of [{}, { limit: "1" }, { limit: 11 }]) {
        assert.strictEqual((yield* client.callTool("get", args)).isError, true)
      }
      assert.deepStrictEqual(served.asked, [])
      assert.isUndefined((yield* client.callTool("get", { limit: 10 })).isError)
    }))

  it.effect("of a path's own belong to each of its operations, which may say otherwise", () =>
    Effect.gen(function*() {
      const client = yield* connected({
        document: documentOf({
          "/{id}": {
            parameters: [
              { name: "id", in: "path", required: true, schema: { type: "string" } },
              { name: "a", in: "query", schema: { type: "string" } }
            ],
            get: { operationId: "get", parameters: [{ name: "a", in: "query", schema: { type: "integer" } }], ...ok }
          }
        })
      }, api())
      const [tool] = yield* client.listTools
      assert.deepStrictEqual(tool?.inputSchema.properties, { id: { type: "string" }, a: { type: "integer" } })
    }))
})
