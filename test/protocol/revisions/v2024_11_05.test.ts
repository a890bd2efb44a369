import { assert, describe, it } from "@effect/vitest"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as models from "./models.ts"

const revision = Revisions.v2024_11_05
const projected = (method: string, result: object) => models.projected(revision, method, result)

describe("a peer of 2024-11-05", () => {
  it("sends one message at a time and is asked for pings, roots and sampling", () => {
    assert.isFalse(revision.batches)
    assert.strictEqual(revision.era, "Stateful")
    assert.deepStrictEqual(Object.keys(revision.serverRequests), ["ping", "roots/list", "sampling/createMessage"])
    assert.deepStrictEqual(revision.inputRequests, {})
  })

  it("reads a server's name and version, and no completions among its capabilities, though the method is there", () => {
    const { completions: _, ...capabilities } = models.capabilities
    assert.deepStrictEqual(projected("initialize", models.initialized), {
      protocolVersion: "as agreed",
      capabilities,
      serverInfo: { name: "acme", version: "1.0.0" },
      instructions: "Be nice"
    })
    assert.property(revision.requests, "completion/complete")
  })

  it("reads a tool's name, description and input schema", () =>
    assert.deepStrictEqual(projected("tools/list", { tools: [models.tool], nextCursor: "2" }), {
      tools: [{ name: "add", description: "Adds", inputSchema: models.tool.inputSchema }],
      nextCursor: "2"
    }))

  it("reads a title where a tool, a prompt, an argument, a resource or a template has no description", () => {
    const { description: _, ...tool } = models.tool
    const { description: __, ...prompt } = { ...models.prompt, arguments: [{ name: "who", title: "Who" }] }
    const { description: ___, ...resource } = models.resource
    const { description: ____, ...template } = models.template
    assert.strictEqual(projected("tools/list", { tools: [tool] }).tools[0].description, "Add")
    assert.deepStrictEqual(projected("prompts/list", { prompts: [prompt] }).prompts, [
      { name: "greet", description: "Greet", arguments: [{ name: "who", description: "Who" }] }
    ])
    assert.strictEqual(projected("resources/list", { resources: [resource] }).resources[0].description, "Report")
    assert.strictEqual(
      projected("resources/templates/list", { resourceTemplates: [template] }).resourceTemplates[0].description,
      "Files"
    )
  })

  it("reads a prompt without titles, icons and metadata", () =>
    assert.deepStrictEqual(projected("prompts/list", { prompts: [models.prompt] }), {
      prompts: [{
        name: "greet",
        description: "Greets",
        arguments: [{ name: "who", description: "Whom to greet", required: true }]
      }]
    }))

  it("reads a resource and a template without titles, icons, metadata and the date of the last change", () => {
    const annotations = { audience: ["user"], priority: 0.5 }
    assert.deepStrictEqual(projected("resources/list", { resources: [models.resource] }), {
      resources: [{
        uri: "file:///report.pdf",
        name: "report.pdf",
        description: "Of last year",
        mimeType: "application/pdf",
        size: 12,
        annotations
      }]
    })
    assert.deepStrictEqual(projected("resources/templates/list", { resourceTemplates: [models.template] }), {
      resourceTemplates: [{
        uriTemplate: "file:///{name}",
        name: "files",
        description: "All files",
        mimeType: "text/plain",
        annotations
      }]
    })
  })

  it("reads what a resource contains, without its metadata and its freshness", () =>
    assert.deepStrictEqual(
      projected("resources/read", {
        contents: [models.embedded.resource, { uri: "file:///b", blob: "aGk=" }],
        cacheHints: { ttlMs: 1, cacheScope: "public" },
        _meta: { a: 1 }
      }),
      {
        contents: [{ uri: "file:///a", mimeType: "text/plain", text: "a" }, { uri: "file:///b", blob: "aGk=" }],
        _meta: { a: 1 }
      }
    ))

  it("reads that there was audio, and where a link leads, as text, in results and in prompts", () => {
    const annotations = { audience: ["user"], priority: 0.5 }
    const blocks = [models.text, models.image, models.audio, models.embedded, models.link]
    const expected = [
      { type: "text", text: "hello", annotations },
      { type: "image", data: "aGk=", mimeType: "image/png", annotations },
      {
        type: "text",
        text: "[audio, audio/wav, 5 bytes, which this client's revision of MCP cannot carry]",
        annotations
      },
      { type: "resource", resource: { uri: "file:///a", mimeType: "text/plain", text: "a" }, annotations },
      { type: "text", text: models.linkInWords, annotations }
    ]
    assert.deepStrictEqual(projected("tools/call", { content: blocks, isError: false, _meta: { a: 1 } }), {
      content: expected,
      isError: false,
      _meta: { a: 1 }
    })
    assert.deepStrictEqual(
      projected("prompts/get", {
        description: "d",
        messages: blocks.map((content) => ({ role: "user", content }))
      }),
      { description: "d", messages: expected.map((content) => ({ role: "user", content })) }
    )
  })

  it("reads structured content as text, once", () => {
    const structuredContent = { a: [1], b: null }
    const json = { type: "text", text: "{\"a\":[1],\"b\":null}" }
    const indented = { type: "text", text: JSON.stringify(structuredContent, null, 2) }
    const summary = { type: "text", text: "{ one" }
    const of = (...content: Array<object>) => projected("tools/call", { content, structuredContent }).content
    assert.deepStrictEqual(of(), [json])
    assert.deepStrictEqual(of(json), [json])
    assert.deepStrictEqual(of(indented), [indented])
    assert.deepStrictEqual(of(summary), [summary, json])
    const word = { type: "text", text: "done" }
    assert.deepStrictEqual(projected("tools/call", { content: [word], structuredContent: "done" }), { content: [word] })
  })

  it("reads progress without its message", () => {
    const params = { progressToken: 1, progress: 1, total: 2, _meta: { a: 1 } }
    assert.deepStrictEqual(
      revision.projectNotification!("notifications/progress", { ...params, message: "half" }),
      params
    )
    const message = { level: "info", data: { message: "kept" } }
    assert.strictEqual(revision.projectNotification!("notifications/message", message), message)
  })

  it("samples from messages of one text or image each, without tools", () =>
    assert.deepStrictEqual(
      models.asked(revision, "sampling/createMessage", {
        ...models.sampling,
        messages: [...models.sampling.messages, { role: "user", content: models.audio }, { role: "user", content: [] }]
      }),
      {
        maxTokens: 10,
        systemPrompt: "Be brief",
        includeContext: "thisServer",
        messages: [
          { role: "user", content: { type: "text", text: "one" } },
          { role: "user", content: { type: "text", text: "two" } },
          { role: "assistant", content: { type: "text", text: "Tool call 1: add {\"a\":1}" } },
          { role: "user", content: { type: "text", text: "Tool call 1 failed with:" } },
          { role: "user", content: { type: "text", text: "no" } },
          { role: "user", content: { type: "text", text: "Resource: file:///a\n\na" } },
          {
            role: "user",
            content: { type: "text", text: "Resource: file:///b\nType: image/png\nSize: 2 bytes, not shown" }
          },
          { role: "user", content: { type: "text", text: "Resource: c\nURI: file:///c" } },
          { role: "user", content: { type: "text", text: "{\"why\":\"no\"}" } },
          {
            role: "user",
            content: {
              type: "text",
              text: "[audio, audio/wav, 5 bytes, which this client's revision of MCP cannot carry]",
              annotations: { audience: ["user"], priority: 0.5 }
            }
          }
        ]
      }
    ))

  it("cannot be asked for forms or with tools, whatever it declares; its sampling takes context", () =>
    assert.deepStrictEqual(
      revision.clientCapabilities({
        roots: { listChanged: true },
        sampling: { tools: {} },
        elicitation: { form: {} },
        experimental: { a: {} },
        extensions: { "acme.example/clock": {} }
      }),
      {
        roots: { listChanged: true },
        sampling: { context: {} },
        experimental: { a: {} },
        extensions: { "acme.example/clock": {} }
      }
    ))
})
