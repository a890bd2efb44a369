import { assert, describe, it } from "@effect/vitest"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as models from "./models.ts"

const revision = Revisions.v2025_11_25
const projected = (method: string, result: object) => models.projected(revision, method, result)

describe("a peer of 2025-11-25", () => {
  it("reads the model as it is, uncopied", () => {
    const results = {
      "initialize": models.initialized,
      "tools/list": { tools: [models.tool] },
      "tools/call": {
        content: [models.text, models.image, models.audio, models.embedded, models.link],
        structuredContent: { a: 1 }
      },
      "prompts/list": { prompts: [models.prompt] },
      "prompts/get": { messages: [{ role: "user", content: models.link }] },
      "resources/list": { resources: [models.resource] },
      "resources/templates/list": { resourceTemplates: [models.template] },
      "resources/read": { contents: [models.embedded.resource] }
    }
    for (const [method, result] of Object.entries(results)) assert.strictEqual(projected(method, result), result)
    assert.strictEqual(models.asked(revision, "sampling/createMessage", models.sampling), models.sampling)
  })

  it("reads no output schema that is not of an object, and structured content of that kind as text", () => {
    const { outputSchema: _, ...tool } = models.tool
    assert.deepStrictEqual(projected("tools/list", { tools: [{ ...tool, outputSchema: { type: "array" } }] }), {
      tools: [tool]
    })
    assert.deepStrictEqual(projected("tools/call", { content: [], structuredContent: [1], isError: true }), {
      content: [{ type: "text", text: "[1]" }],
      isError: true
    })
    for (const structuredContent of [null, 5, "a", false]) {
      const text = JSON.stringify(structuredContent)
      assert.deepStrictEqual(projected("tools/call", { content: [], structuredContent }), {
        content: [{ type: "text", text }]
      })
    }
  })

  it("reads a property's schema that is true or false as the object that means the same", () => {
    const schema = (...properties: Array<unknown>) => ({
      type: "object",
      properties: Object.fromEntries(properties.map((property, index) => [`p${index}`, property]))
    })
    assert.deepStrictEqual(
      projected("tools/list", {
        tools: [{ name: "a", inputSchema: schema(true, false, { type: "null" }), outputSchema: schema(true) }]
      }),
      {
        tools: [{ name: "a", inputSchema: schema({}, { not: {} }, { type: "null" }), outputSchema: schema({}) }]
      }
    )
  })

  it("samples with tools, whose results are objects or text", () => {
    const result = { type: "tool_result", toolUseId: "1", content: [], structuredContent: 5 }
    const said = { type: "tool_result", toolUseId: "1", content: [{ type: "text", text: "5" }] }
    assert.deepStrictEqual(
      models.asked(revision, "sampling/createMessage", {
        ...models.sampling,
        tools: [{ ...models.tool, outputSchema: { type: "array" } }],
        messages: [{ role: "user", content: result }, { role: "user", content: [result] }]
      }),
      {
        ...models.sampling,
        tools: [{ ...models.tool, outputSchema: undefined }].map(({ outputSchema: _, ...tool }) => tool),
        messages: [{ role: "user", content: said }, { role: "user", content: [said] }]
      }
    )
  })

  it("is told when what a URL was opened for is done, and is the only one", () =>
    assert.deepStrictEqual(
      Revisions.all.filter(({ serverNotifications }) => "notifications/elicitation/complete" in serverNotifications),
      [revision]
    ))

  it("can do what it declares", () => {
    const declared = { sampling: {}, elicitation: { url: {} } }
    assert.strictEqual(revision.clientCapabilities(declared), declared)
  })
})
