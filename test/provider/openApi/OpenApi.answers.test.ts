/** What the API answers, as its callers get it; and what it is shown to be let in. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import type { JsonObject } from "fastmcp-effect/protocol/JsonRpc"
import * as McpError from "fastmcp-effect/protocol/McpError"
import type * as OpenApi from "fastmcp-effect/provider/OpenApi"
import * as OpenApiFailure from "fastmcp-effect/provider/OpenApiFailure"
import type * as McpTest from "fastmcp-effect/testing/McpTest"
import { api, type Asked, connected, documentOf } from "./support.ts"

const responses = (schema: JsonObject, type = "application/json") => ({
  responses: { 200: { description: "ok", content: { [type]: { schema } } } }
})

const pet = { type: "object", required: ["name"], properties: { name: { type: "string" } } }

/** One call of an operation that is answered so. */
const called = (
  answer: (asked: Asked) => Response | "unreachable" | Promise<Response>,
  operation: JsonObject = responses(pet),
  options: Partial<OpenApi.Options> = {},
  test: McpTest.Options = {}
) =>
  Effect.gen(function*() {
    const served = api(answer)
    const method = operation.method === undefined ? "get" : String(operation.method)
    const client = yield* connected(
      {
        document: documentOf({ "/pet": { [method]: { operationId: "pet", ...operation } } }),
        ...options
      },
      served,
      test
    )
    const [tool] = yield* client.listTools
    return { tool: tool!, result: yield* client.callTool("pet"), asked: served.asked }
  })

/** The same, as the error that it is to who knows its schema. */
const failed = (...args: Parameters<typeof called>) =>
  Effect.flatMap(called(...args), ({ asked, result }) => {
    assert.strictEqual(result.isError, true)
    const contract = Tool.make("pet", { success: Tool.Result, failure: OpenApiFailure.OpenApiFailure })
    return Effect.map(Effect.flip(Tool.decodeResult(contract, result)), (error) => {
      assert.instanceOf(error, OpenApiFailure.OpenApiFailure)
      assert.deepStrictEqual(result.content, [{ type: "text", text: error.message }])
      return { reason: (error as OpenApiFailure.OpenApiFailure).reason, message: error.message, result, asked }
    })
  })

describe("an answer", () => {
  it.effect("in JSON is text and structure, and its schema is listed", () =>
    Effect.gen(function*() {
      const { result, tool } = yield* called(() => Response.json({ name: "Rex" }))
      assert.deepStrictEqual(result.content, [{ type: "text", text: "{\"name\":\"Rex\"}" }])
      assert.deepStrictEqual(result.structuredContent, { name: "Rex" })
      assert.deepStrictEqual(tool.outputSchema, { type: "object", anyOf: [pet, {}] })
    }))

  for (const value of [{ nom: "Rex" }, ["Rex"], null, "Rex"]) {
    it.effect(`that is not what the document says reaches its caller: ${JSON.stringify(value)}`, () =>
      Effect.gen(function*() {
        const { result } = yield* called(() => Response.json(value))
        assert.isUndefined(result.isError)
        assert.deepStrictEqual(result.content, [{ type: "text", text: JSON.stringify(value) }])
        // Whoever checks it finds an object, which is all that is listed for sure.
        assert.isTrue(typeof result.structuredContent === "object" && !Array.isArray(result.structuredContent))
      }))
  }

  it.effect("that is not what the document says is a failure where that is wanted, and is in it", () =>
    Effect.gen(function*() {
      const checked = { outputs: "checked" } as const
      const { result, tool } = yield* called(() => Response.json({ name: "Rex" }), responses(pet), checked)
      assert.deepStrictEqual(result.structuredContent, { name: "Rex" })
      assert.deepStrictEqual(tool.outputSchema, pet)
      const { message, reason } = yield* failed(() => Response.json({ nom: "Rex" }), responses(pet), checked)
      assert.deepStrictEqual(reason._tag === "Unexpected" && [reason.body, reason.issues[0]?.path], [
        { nom: "Rex" },
        ["name"]
      ])
      assert.include(message, "{\"nom\":\"Rex\"}")
    }))

  it.effect("says nothing of its form where that is not wanted, or too long", () =>
    Effect.gen(function*() {
      for (const options of [{ outputs: "none" }, { maxOutputSchema: 10 }] as const) {
        const { result, tool } = yield* called(() => Response.json({ name: "Rex" }), responses(pet), options)
        assert.isUndefined(tool.outputSchema)
        assert.deepStrictEqual(result.structuredContent, { name: "Rex" })
      }
    }))

  it.effect("that is a list is one in the revision that has lists, and text before", () =>
    Effect.gen(function*() {
      const list = responses({ type: "array", items: pet })
      const now = yield* called(() => Response.json([]), list, {}, { revision: "2026-07-28" })
      assert.deepStrictEqual(now.result.structuredContent, [])
      const before = yield* called(() => Response.json([]), list, {}, { revision: "2025-06-18" })
      assert.isUndefined(before.tool.outputSchema)
      assert.deepStrictEqual(before.result.content, [{ type: "text", text: "[]" }])
    }))

  it.effect("leaves out what only goes in", () =>
    Effect.gen(function*() {
      const schema = {
        type: "object",
        properties: { name: { type: "string" }, secret: { type: "string", writeOnly: true } }
      }
      const { tool } = yield* called(() => Response.json({}), responses(schema), { outputs: "checked" })
      assert.deepStrictEqual(tool.outputSchema, { type: "object", properties: { name: { type: "string" } } })
    }))

  it.effect("with numbers that JavaScript cannot hold has them in its text", () =>
    Effect.gen(function*() {
      const { result } = yield* called(() =>
        new Response("{\"id\": 12345678901234567890}", { headers: { "content-type": "application/json" } })
      )
      assert.deepStrictEqual(result.content, [{ type: "text", text: "{\"id\": 12345678901234567890}" }])
    }))

  it.effect("of nothing says so", () =>
    Effect.gen(function*() {
      const { result, tool } = yield* called(() => new Response(null, { status: 204 }), {
        method: "delete",
        responses: { 204: { description: "gone" } }
      })
      assert.isUndefined(tool.outputSchema)
      assert.deepStrictEqual(result, { ...result, content: [{ type: "text", text: "Status 204, and nothing else" }] })
    }))

  const bytes = new Uint8Array([1, 2, 3])
  for (
    const [type, block] of [
      ["text/plain; charset=utf-8", { type: "text", text: "\u0001\u0002\u0003" }],
      ["application/xml", { type: "text", text: "\u0001\u0002\u0003" }],
      ["application/json", { type: "text", text: "\u0001\u0002\u0003" }],
      ["image/png", { type: "image", data: "AQID", mimeType: "image/png" }],
      ["audio/wav", { type: "audio", data: "AQID", mimeType: "audio/wav" }],
      ["application/zip", {
        type: "resource",
        resource: { uri: "openapi:///pet", mimeType: "application/zip", blob: "AQID" }
      }]
    ] as const
  ) {
    it.effect(`of type ${type} is a block of type ${block.type}`, () =>
      Effect.gen(function*() {
        const { result } = yield* called(
          () => new Response(bytes, { headers: { "content-type": type } }),
          responses({}, type)
        )
        assert.deepStrictEqual(result.content, [block])
      }))
  }

  it.effect("is asked for in the types that the document has, JSON first", () =>
    Effect.gen(function*() {
      const { asked } = yield* called(() => Response.json({}), {
        responses: { 200: { description: "ok", content: { "text/csv": {}, "application/hal+json": {} } } }
      })
      assert.strictEqual(asked[0]?.headers.accept, "application/hal+json, text/csv")
    }))
})

describe("a refusal", () => {
  it.effect("is a failure with the API's own words", () =>
    Effect.gen(function*() {
      const { message, reason } = yield* failed(() => Response.json({ code: 7, why: "name" }, { status: 422 }))
      assert.deepStrictEqual(reason, new OpenApiFailure.Refused({ status: 422, body: { code: 7, why: "name" } }))
      assert.strictEqual(message, "The API answered with status 422: {\"code\":7,\"why\":\"name\"}")
    }))

  it.effect("in text is text, and a long one is cut", () =>
    Effect.gen(function*() {
      const { reason } = yield* failed(() => new Response("x".repeat(1 << 20), { status: 500 }))
      assert.strictEqual(reason._tag === "Refused" && String(reason.body).length, 16 << 10)
    }))

  it.effect("says when to ask again, in seconds or by the clock", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("Wed, 21 Oct 2026 07:28:00 GMT"))
      for (const [value, seconds] of [["7", 7], ["Wed, 21 Oct 2026 07:29:30 GMT", 90], ["soon", undefined]] as const) {
        const { message, reason } = yield* failed(
          () => new Response(null, { status: 429, headers: { "retry-after": value } })
        )
        assert.strictEqual(reason._tag === "Refused" && reason.retryAfter, seconds)
        assert.strictEqual(
          message,
          `The API answered with status 429 (too many requests)${
            seconds === undefined ? "" : `; ask again in ${seconds} s`
          }`
        )
      }
    }))

  it.effect("is one, too, where the HTTP client fails on it", () =>
    Effect.gen(function*() {
      const served = api(() => Response.json({ why: "no" }, { status: 403 }))
      const strict = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, HttpClient.filterStatusOk))
        .pipe(
          Layer.provide(served.layer)
        )
      const client = yield* connected({
        document: documentOf({ "/pet": { get: { operationId: "pet", ...responses(pet) } } })
      }, {
        layer: strict
      })
      const result = yield* client.callTool("pet")
      assert.include(JSON.stringify(result.content), "status 403")
    }))

  it.effect("of a connection says nothing of where it would have led", () =>
    Effect.gen(function*() {
      const { reason, result } = yield* failed(() => "unreachable")
      assert.deepStrictEqual(reason, new OpenApiFailure.Unreachable({ code: "ECONNREFUSED" }))
      assert.notMatch(JSON.stringify(result), /10\.0\.0\.7|api\.example/u)
    }))
})

describe("the limits of a call", () => {
  it.effect("end it when its time is over", () =>
    Effect.gen(function*() {
      const asked = yield* Deferred.make<void>()
      const served = api(() => {
        Deferred.doneUnsafe(asked, Effect.void)
        return new Promise(() => {})
      })
      const client = yield* connected({
        document: documentOf({ "/pet": { get: { operationId: "pet", ...responses(pet) } } }),
        timeout: "5 seconds"
      }, served)
      const call = yield* Effect.forkChild(client.callTool("pet"), { startImmediately: true })
      yield* Deferred.await(asked)
      yield* TestClock.adjust("4 seconds")
      assert.isUndefined(call.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.include(JSON.stringify(yield* Fiber.join(call)), "The API has not answered within 5000 ms")
    }))

  it.effect("end it when there is more than is read, whatever is said of its size", () =>
    Effect.gen(function*() {
      const { reason } = yield* failed(() => new Response("x".repeat(11)), responses(pet), { maxBytes: 10 })
      assert.deepStrictEqual(reason, new OpenApiFailure.TooLarge({ limit: 10 }))
      const { result } = yield* called(() => new Response("x".repeat(10)), responses(pet), { maxBytes: 10 })
      assert.isUndefined(result.isError)
    }))
})

describe("an address elsewhere", () => {
  const to = (location: string) => (asked: Asked) =>
    asked.url.pathname === "/v1/pet"
      ? new Response(null, { status: 302, headers: { location } })
      : Response.json({ name: asked.url.pathname })

  it.effect("is followed where it is of the same origin, and only for what reads", () =>
    Effect.gen(function*() {
      const { result } = yield* called(to("/v2/pet"))
      assert.deepStrictEqual(result.structuredContent, { name: "/v2/pet" })
      const { asked, reason } = yield* failed(to("/v2/pet"), { method: "post", ...responses(pet) })
      assert.deepStrictEqual([reason._tag, asked.length], ["Redirected", 1])
    }))

  for (
    const location of ["https://other.example/pet", "http://api.example/pet", "http://169.254.169.254/", "file:///etc"]
  ) {
    it.effect(`is not followed to ${location}`, () =>
      Effect.gen(function*() {
        const { asked, reason } = yield* failed(to(location))
        assert.deepStrictEqual([reason._tag, asked.length], ["Redirected", 1])
      }))
  }

  it.effect("is not followed for ever", () =>
    Effect.gen(function*() {
      const { asked } = yield* failed(() => new Response(null, { status: 302, headers: { location: "/v1/pet" } }))
      assert.strictEqual(asked.length, 6)
    }))

  it.effect("is the answer where the document knows of it", () =>
    Effect.gen(function*() {
      const { asked, result } = yield* called(to("https://files.example/1"), {
        responses: { 302: { description: "where it is" } }
      })
      assert.deepStrictEqual(result.content, [{ type: "resource_link", uri: "https://files.example/1", name: "pet" }])
      assert.strictEqual(asked.length, 1)
    }))
})

describe("a credential", () => {
  const secret = Redacted.make("s3cret-k3y")
  const schemes = {
    header: { type: "apiKey", in: "header", name: "X-Key" },
    query: { type: "apiKey", in: "query", name: "key" },
    cookie: { type: "apiKey", in: "cookie", name: "key" },
    basic: { type: "http", scheme: "basic" },
    bearer: { type: "http", scheme: "bearer" },
    oauth: { type: "oauth2", flows: {} },
    oidc: { type: "openIdConnect", openIdConnectUrl: "https://id.example" },
    tls: { type: "mutualTLS" }
  }

  const asked = (
    security: ReadonlyArray<JsonObject>,
    credentials: OpenApi.Credentials<never> | undefined,
    answer: (asked: Asked) => Response = () => Response.json({}),
    test: McpTest.Options = {}
  ) =>
    Effect.gen(function*() {
      const served = api(answer)
      const client = yield* connected(
        {
          document: documentOf({
            "/pet": { get: { operationId: "pet", security, ...responses(pet) } },
            "/open": { get: { operationId: "open", security: [], ...responses(pet) } }
          }, { components: { securitySchemes: schemes } }),
          credentials
        },
        served,
        test
      )
      const tools = (yield* client.listTools).map(({ name }) => name)
      const result = tools.includes("pet") ? yield* client.callTool("pet") : undefined
      return { tools, result, asked: served.asked[0] }
    })

  for (
    const [scheme, place, expected] of [
      ["header", "x-key", "s3cret-k3y"],
      ["cookie", "cookie", "key=s3cret-k3y"],
      ["bearer", "authorization", "Bearer s3cret-k3y"],
      ["oauth", "authorization", "Bearer s3cret-k3y"],
      ["oidc", "authorization", "Bearer s3cret-k3y"],
      ["basic", "authorization", `Basic ${btoa("s3cret-k3y")}`]
    ] as const
  ) {
    it.effect(`for the scheme ${scheme} goes out as ${place}`, () =>
      Effect.gen(function*() {
        const { asked: one } = yield* asked([{ [scheme]: [] }], { [scheme]: secret })
        assert.strictEqual(one?.headers[place], expected)
      }))
  }

  it.effect("goes out in the query where the scheme is there", () =>
    Effect.gen(function*() {
      const { asked: one } = yield* asked([{ query: [] }], { query: secret })
      assert.strictEqual(one?.url.search, "?key=s3cret-k3y")
    }))

  it.effect("may be a name and a password", () =>
    Effect.gen(function*() {
      const { asked: one } = yield* asked([{ basic: [] }], { basic: { username: "ann", password: secret } })
      assert.strictEqual(one?.headers.authorization, `Basic ${btoa("ann:s3cret-k3y")}`)
    }))

  it.effect("goes out with the others that are wanted with it", () =>
    Effect.gen(function*() {
      const { asked: one } = yield* asked([{ header: [], bearer: [], tls: [] }], { header: secret, bearer: secret })
      assert.deepStrictEqual([one?.headers["x-key"], one?.headers.authorization], ["s3cret-k3y", "Bearer s3cret-k3y"])
    }))

  it.effect("is of the first alternative that there are credentials for, before none at all", () =>
    Effect.gen(function*() {
      const { asked: one } = yield* asked([{}, { header: [], basic: [] }, { oauth: [] }, { cookie: [] }], {
        header: secret,
        oauth: secret,
        cookie: secret
      })
      assert.deepStrictEqual([one?.headers.authorization, one?.headers["x-key"], one?.headers.cookie], [
        "Bearer s3cret-k3y",
        undefined,
        undefined
      ])
      const without = yield* asked([{}, { basic: [] }], { header: secret })
      assert.isUndefined(without.asked?.headers.authorization)
    }))

  it.effect("that is missing leaves its operations out, and others not", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* asked([{ basic: [] }], { header: secret })).tools, ["open"])
      assert.deepStrictEqual((yield* asked([{ basic: [] }], {})).tools, ["open"])
      assert.deepStrictEqual((yield* asked([{ basic: [] }], undefined)).tools, ["pet", "open"])
    }))

  it.effect("for a scheme that the document has not is an error", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(asked([], { haeder: secret }))
      assert.include(String(error), "haeder")
    }))

  it.effect("is got for each request, and may depend on who calls", () =>
    Effect.gen(function*() {
      let count = 0
      const ofCaller = Effect.map(Identity.CurrentIdentity, ({ subject }) => Redacted.make(`${subject}-${++count}`))
      const { asked: one } = yield* asked([{ bearer: [] }], { bearer: ofCaller }, undefined, {
        identity: Identity.make({ subject: "ann" })
      })
      assert.strictEqual(one?.headers.authorization, "Bearer ann-1")
    }))

  it.effect("that cannot be got is the failure that says so", () =>
    Effect.gen(function*() {
      const { asked: one, result } = yield* asked([{ bearer: [] }], {
        bearer: Effect.fail(OpenApiFailure.make(new OpenApiFailure.MissingCredentials({ text: "log in first" })))
      })
      assert.isUndefined(one)
      assert.include(JSON.stringify(result), "log in first")
    }))

  it.effect("of the caller is never passed on", () =>
    Effect.gen(function*() {
      const { asked: one } = yield* asked([{ bearer: [] }], undefined, undefined, {
        headers: { authorization: "Bearer callers-own", cookie: "a=callers-own" }
      })
      assert.notInclude(JSON.stringify([one?.headers, one?.url.href]), "callers-own")
    }))

  it.effect("is not in a refusal that says it again", () =>
    Effect.gen(function*() {
      const { result } = yield* asked(
        [{ header: [], query: [] }],
        { header: secret, query: secret },
        ({ headers, url }) => Response.json({ why: `bad key ${headers["x-key"]} at ${url.href}` }, { status: 401 })
      )
      assert.strictEqual(result?.isError, true)
      assert.notInclude(JSON.stringify(result), "s3cret-k3y")
    }))

  it.effect("is not in the spans of a request", () =>
    Effect.gen(function*() {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* Effect.withTracer(
        asked([{ header: [], query: [], cookie: [] }], { header: secret, query: secret, cookie: secret }),
        tracer
      )
      const attributes = spans.map(({ attributes }) => [...attributes])
      assert.include(JSON.stringify(attributes), "/v1/pet")
      assert.notInclude(JSON.stringify(attributes), "s3cret-k3y")
    }))
})

describe("a resource", () => {
  const paths = {
    "/pets": { get: { operationId: "pets", ...responses({}) } },
    "/pets/{id}/photo": {
      get: {
        operationId: "photo",
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "integer" } }],
        ...responses({}, "image/png")
      }
    }
  }
  const routes = [{ methods: ["GET"], as: "resource" }, { methods: ["GET"], as: "template" }] as const
  const reading = (answer: (asked: Asked) => Response) =>
    Effect.gen(function*() {
      const served = api(answer)
      const client = yield* connected({ document: documentOf(paths), name: "pets", routes }, served, {
        revision: "2025-11-25"
      })
      return { client, asked: served.asked }
    })

  it.effect("is read by its URI", () =>
    Effect.gen(function*() {
      const { client } = yield* reading(({ url }) => Response.json([url.pathname]))
      const uri = "openapi://pets/pets"
      assert.deepStrictEqual((yield* client.listResources).map(({ mimeType, name, uri }) => [uri, name, mimeType]), [
        [uri, "pets", "application/json"]
      ])
      assert.deepStrictEqual((yield* client.readResource(uri)).contents, [
        { uri, mimeType: "application/json", text: "[\"/v1/pets\"]" }
      ])
    }))

  it.effect("of a template is read with what its URI holds, once that fits", () =>
    Effect.gen(function*() {
      const { asked, client } = yield* reading(() =>
        new Response(new Uint8Array([1, 2, 3]), { headers: { "content-type": "image/png" } })
      )
      const [template] = yield* client.listResourceTemplates
      assert.strictEqual(template?.uriTemplate, "openapi://pets/pets/{id}/photo")
      const uri = "openapi://pets/pets/7/photo"
      assert.deepStrictEqual((yield* client.readResource(uri)).contents, [{ uri, mimeType: "image/png", blob: "AQID" }])
      for (const id of ["x", "..", "%2e%2e"]) {
        yield* Effect.flip(client.readResource(`openapi://pets/pets/${id}/photo`))
      }
      assert.deepStrictEqual(asked.map(({ url }) => url.pathname), ["/v1/pets/7/photo"])
    }))

  for (const [status, code] of [[404, -32002], [429, 429], [503, 503], [400, -32000]] as const) {
    it.effect(`that is answered with status ${status} is an error of code ${code}`, () =>
      Effect.gen(function*() {
        const { client } = yield* reading(() => new Response("no", { status, headers: { "retry-after": "2" } }))
        const error = yield* Effect.flip(client.readResource("openapi://pets/pets"))
        assert.strictEqual(McpError.code(error.reason, "Stateful"), code)
      }))
  }
})
