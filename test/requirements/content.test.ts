import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { until } from "../server/wires.ts"
import { type Client, settle } from "./client.ts"
import { base64, names } from "./definitions/content.ts"
import { errorOf, notificationsOf, resultOf } from "./frames.ts"
import { verifies } from "./verifies.ts"

const capabilities = (client: Client) =>
  Effect.gen(function*() {
    return resultOf(client.initialized ?? (yield* client.request("server/discover"))).capabilities
  })

const listed = (client: Client, list: "resources" | "prompts") =>
  Effect.map(client.request(`${list}/list`), (frame): ReadonlyArray<any> => resultOf(frame)[list])

const sameForAll = (list: "resources" | "prompts") =>
(
  client: Client,
  { another }: { another: (options: { capabilities: object }) => Effect.Effect<Client, never, any> }
) =>
  Effect.gen(function*() {
    const before = yield* listed(client, list)
    assert.isAbove(before.length, 1)
    yield* client.request("resources/read", { uri: "fixture://text" })
    yield* client.request("prompts/get", { name: "media" })
    yield* client.call("echo", { text: "x" })
    const capable = yield* another({ capabilities: { sampling: {}, elicitation: {}, roots: {} } })
    assert.deepStrictEqual(yield* listed(client, list), before)
    assert.deepStrictEqual(yield* listed(capable, list), before)
  })

verifies("resources:capability", (client) =>
  Effect.gen(function*() {
    assert.isObject((yield* capabilities(client)).resources)
  }))

verifies("resources:list", (client) =>
  Effect.gen(function*() {
    const resources = yield* listed(client, "resources")
    const uris = resources.map(({ uri }) => uri)
    assert.includeMembers(uris, ["fixture://text", "fixture://bytes"])
    for (const { name } of resources) assert.isString(name)
    assert.strictEqual(resources.find(({ uri }) => uri === "fixture://bytes").mimeType, "image/png")
  }))

verifies("resources:list:same-for-all", sameForAll("resources"))

verifies("resources:templates", (client) =>
  Effect.gen(function*() {
    const { resourceTemplates } = resultOf(yield* client.request("resources/templates/list"))
    const files = resourceTemplates.find(({ name }: { name: string }) => name === "files")
    assert.strictEqual(files.uriTemplate, "fixture://files/{name}")
    const { contents } = resultOf(yield* client.request("resources/read", { uri: "fixture://files/a.txt" }))
    assert.deepStrictEqual(contents, [{ uri: "fixture://files/a.txt", mimeType: "text/plain", text: "the file a.txt" }])
  }))

verifies("resources:uris", (client) =>
  Effect.gen(function*() {
    for (const { uri } of yield* listed(client, "resources")) {
      assert.match(uri, /^[A-Za-z][A-Za-z\d+.-]*:(?:[A-Za-z\d\-._~:/?#[\]@!$&'()*+,;=]|%[\dA-Fa-f]{2})+$/)
    }
  }))

verifies("resources:read:text", (client) =>
  Effect.gen(function*() {
    const { contents } = resultOf(yield* client.request("resources/read", { uri: "fixture://text" }))
    assert.deepStrictEqual(contents, [{ uri: "fixture://text", mimeType: "text/plain", text: "plain text" }])
  }))

verifies("resources:read:binary", (client) =>
  Effect.gen(function*() {
    const { contents } = resultOf(yield* client.request("resources/read", { uri: "fixture://bytes" }))
    assert.deepStrictEqual(contents, [{ uri: "fixture://bytes", mimeType: "image/png", blob: base64 }])
  }))

const missing = ["fixture://unknown", "fixture://files/none", "other://text"]

verifies("resources:read:missing", (client) =>
  Effect.gen(function*() {
    for (const uri of missing) {
      const { data } = errorOf(yield* client.request("resources/read", { uri }), -32602)
      assert.strictEqual(data.uri, uri)
    }
  }))

verifies("resources:read:missing-legacy", (client) =>
  Effect.gen(function*() {
    for (const uri of missing) {
      const { data } = errorOf(yield* client.request("resources/read", { uri }), -32002)
      assert.strictEqual(data.uri, uri)
    }
  }))

verifies("resources:read:validates", (client) =>
  Effect.gen(function*() {
    for (const uri of ["", "no scheme", "fixture://files/%zz", "fixture://files/", 7, null]) {
      errorOf(yield* client.request("resources/read", { uri }), -32602, -32002)
    }
    errorOf(yield* client.request("resources/read", {}), -32602)
  }))

verifies("resources:read:traversal", (client) =>
  Effect.gen(function*() {
    for (
      const name of ["..", "%2e%2e", "..%2fsecret", "%2e%2e%2fsecret", "a%2f..%2f..%2fsecret", "a%00b", "..%5csecret"]
    ) {
      const answer = yield* client.request("resources/read", { uri: `fixture://files/${name}` })
      errorOf(answer, -32602, -32002)
    }
  }))

verifies("resources:subscribe", (client, { server }) =>
  Effect.gen(function*() {
    assert.strictEqual((yield* capabilities(client)).resources.subscribe, true)
    const updated = () => notificationsOf(client.frames, "notifications/resources/updated")
    assert.deepStrictEqual(resultOf(yield* client.request("resources/subscribe", { uri: "fixture://text" })), {})
    yield* server.resourceUpdated("fixture://bytes")
    yield* server.resourceUpdated("fixture://text")
    yield* until(() => updated().length > 0, () => "an update")
    assert.deepStrictEqual(updated().map(({ params }) => params.uri), ["fixture://text"])
    assert.deepStrictEqual(resultOf(yield* client.request("resources/unsubscribe", { uri: "fixture://text" })), {})
    yield* server.resourceUpdated("fixture://text")
    yield* settle
    assert.lengthOf(updated(), 1)
  }))

verifies("prompts:capability", (client) =>
  Effect.gen(function*() {
    assert.isObject((yield* capabilities(client)).prompts)
  }))

verifies("prompts:list", (client) =>
  Effect.gen(function*() {
    const prompts = yield* listed(client, "prompts")
    const greet = prompts.find(({ name }) => name === "greet")
    assert.strictEqual(greet.description, "Greets somebody")
    assert.deepStrictEqual(
      greet.arguments.map(({ name, required }: any) => [name, required === true]),
      [["name", true], ["times", false]]
    )
  }))

verifies("prompts:list:same-for-all", sameForAll("prompts"))

const get = (client: Client, name: string, args?: object) =>
  client.request("prompts/get", { name, ...(args === undefined ? undefined : { arguments: args }) })

verifies("prompts:get", (client) =>
  Effect.gen(function*() {
    const { messages } = resultOf(yield* get(client, "greet", { name: "Ada", times: "2" }))
    const hello = { role: "user", content: { type: "text", text: "Hello, Ada" } }
    assert.deepStrictEqual(messages, [hello, hello])
  }))

verifies("prompts:get:unknown-name", (client) =>
  Effect.gen(function*() {
    for (const name of ["unknown", "Greet", "constructor"]) errorOf(yield* get(client, name), -32602)
  }))

verifies("prompts:get:validates", (client) =>
  Effect.gen(function*() {
    for (const args of [undefined, {}, { times: "2" }, { name: 1 }, { name: "Ada", times: "often" }]) {
      errorOf(yield* get(client, "greet", args), -32602)
    }
  }))

const media = (client: Client) =>
  Effect.map(
    get(client, "media"),
    (frame): ReadonlyArray<any> => resultOf(frame).messages.map(({ content }: any) => content)
  )

verifies("prompts:content:image", (client) =>
  Effect.gen(function*() {
    const image = (yield* media(client)).find(({ type }) => type === "image")
    assert.deepStrictEqual(image, { type: "image", data: base64, mimeType: "image/png" })
  }))

verifies("prompts:content:audio", (client) =>
  Effect.gen(function*() {
    const audio = (yield* media(client)).find(({ type }) => type === "audio")
    assert.deepStrictEqual(audio, { type: "audio", data: base64, mimeType: "audio/wav" })
  }))

verifies("prompts:content:resource", (client) =>
  Effect.gen(function*() {
    const embedded = (yield* media(client)).filter(({ type }) => type === "resource").map(({ resource }) => resource)
    assert.deepStrictEqual(embedded, [
      { uri: "fixture://text", mimeType: "text/plain", text: "plain text" },
      { uri: "fixture://bytes", mimeType: "image/png", blob: base64 }
    ])
  }))

const complete = (client: Client, ref: object, argument: object) =>
  client.request("completion/complete", { ref, argument })

const greet = { type: "ref/prompt", name: "greet" }

verifies("completion:capability", (client) =>
  Effect.gen(function*() {
    assert.isObject((yield* capabilities(client)).completions)
  }))

verifies("completion:values", (client) =>
  Effect.gen(function*() {
    const all = resultOf(yield* complete(client, greet, { name: "name", value: "" })).completion
    assert.deepStrictEqual(all.values, names.slice(0, 100))
    assert.strictEqual(all.total, names.length)
    assert.strictEqual(all.hasMore, true)
    const template = { type: "ref/resource", uri: "fixture://cities/{city}" }
    const some = resultOf(yield* complete(client, template, { name: "city", value: "ber" })).completion
    assert.deepStrictEqual(some.values, ["Berlin", "Bern"])
  }))

verifies("completion:validates", (client) =>
  Effect.gen(function*() {
    for (
      const [ref, argument] of [
        [{ type: "ref/prompt", name: "unknown" }, { name: "name", value: "" }],
        [{ type: "ref/unknown", name: "greet" }, { name: "name", value: "" }],
        [greet, { name: "unknown", value: "" }],
        [greet, { name: "name", value: 1 }],
        [greet, {}]
      ] as const
    ) {
      errorOf(yield* complete(client, ref, argument), -32602)
    }
    // Up to 2025-11-25 a template that is not there is a resource that is not there.
    const template = { type: "ref/resource", uri: "fixture://unknown/{x}" }
    errorOf(
      yield* complete(client, template, { name: "x", value: "" }),
      ...(client.isStateless ? [-32602] : [-32602, -32002])
    )
  }))
