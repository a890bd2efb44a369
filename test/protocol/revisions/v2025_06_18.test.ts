import { assert, describe, it } from "@effect/vitest"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as models from "./models.ts"

const revision = Revisions.v2025_06_18
const projected = (method: string, result: object) => models.projected(revision, method, result)

const form = (
  properties: McpSchema.ElicitFormParams["requestedSchema"]["properties"],
  required?: ReadonlyArray<string>
): McpSchema.ElicitFormParams => ({
  mode: "form",
  message: "Who are you?",
  requestedSchema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties,
    ...(required === undefined ? undefined : { required })
  }
})

const asked = (params: McpSchema.ElicitParams) => models.asked(revision, "elicitation/create", params)

const lift = revision.serverRequests["elicitation/create"]!.lift!

const accept = (params: McpSchema.ElicitParams, content?: object) =>
  (lift({ action: "accept", ...(content === undefined ? undefined : { content }) }, params) as any).content

describe("a peer of 2025-06-18", () => {
  it("reads a server's title, and neither its icons nor its description nor its website", () =>
    assert.deepStrictEqual(projected("initialize", models.initialized).serverInfo, {
      name: "acme",
      version: "1.0.0",
      title: "Acme"
    }))

  it("reads titles and metadata of tools, prompts, resources and templates, and no icons", () => {
    const lists = [
      ["tools/list", "tools", models.tool],
      ["prompts/list", "prompts", models.prompt],
      ["resources/list", "resources", models.resource],
      ["resources/templates/list", "resourceTemplates", models.template]
    ] as const
    for (const [method, key, { icons: _, ...rest }] of lists) {
      assert.deepStrictEqual(projected(method, { [key]: [{ ...rest, icons: _ }] }), { [key]: [rest] })
    }
  })

  it("reads links, and no icons on them", () => {
    const { icons: _, ...link } = models.link
    assert.deepStrictEqual(projected("tools/call", { content: [models.link, models.audio, models.embedded] }), {
      content: [link, models.audio, models.embedded]
    })
  })

  it("reads structured content that is an object, and any other as text", () => {
    const object = { content: [models.text], structuredContent: { a: 1 } }
    assert.strictEqual(projected("tools/call", object), object)
    assert.deepStrictEqual(projected("tools/call", { content: [], structuredContent: [1] }), {
      content: [{ type: "text", text: "[1]" }]
    })
  })

  it("samples without tools, and its parts are whole", () => {
    const params = models.asked(revision, "sampling/createMessage", models.sampling)
    assert.notProperty(params, "tools")
    assert.notProperty(params, "toolChoice")
    assert.lengthOf(params.messages, 9)
    assert.deepStrictEqual(
      revision.clientCapabilities({ sampling: { tools: {} }, elicitation: { form: {}, url: {} } }),
      { sampling: { context: {} }, elicitation: {} }
    )
  })
})

describe("a form, for a client of 2025-06-18", () => {
  it("has neither a mode nor a dialect, and only the keywords of the time", () =>
    assert.deepStrictEqual(
      asked(form({
        name: { type: "string", title: "Name", description: "Yours", minLength: 1, maxLength: 9, pattern: "a" },
        mail: { type: "string", format: "email" },
        age: { type: "integer", minimum: 0, maximum: 9, multipleOf: 1 },
        sure: { type: "boolean", default: true }
      }, ["name", "sure"])),
      {
        message: "Who are you?",
        requestedSchema: {
          type: "object",
          properties: {
            name: { type: "string", title: "Name", description: "Yours", minLength: 1, maxLength: 9 },
            mail: { type: "string", format: "email" },
            age: { type: "integer", minimum: 0, maximum: 9 },
            sure: { type: "boolean", default: true }
          },
          required: ["name", "sure"]
        }
      }
    ))

  it("says a default in the description, and takes it for what was left empty", () => {
    const params = form({
      name: { type: "string", description: "Yours.", default: "John" },
      age: { type: "integer", default: 30 },
      color: { type: "string", oneOf: [{ const: "r", title: "Red" }], default: "r" },
      other: { type: "string" }
    }, ["name", "other"])
    assert.deepStrictEqual(asked(params).requestedSchema, {
      type: "object",
      properties: {
        name: { type: "string", description: "Yours. (If left empty: John)" },
        age: { type: "integer", description: "(If left empty: 30)" },
        color: { type: "string", description: "(If left empty: Red)", enum: ["r"], enumNames: ["Red"] },
        other: { type: "string" }
      },
      required: ["other"]
    })
    assert.deepStrictEqual(accept(params, { name: "", other: "" }), { name: "John", age: 30, color: "r", other: "" })
    assert.deepStrictEqual(accept(params, { name: "Ann", age: 0 }), { name: "Ann", age: 0, color: "r" })
  })

  it("has a titled choice as values and names", () => {
    const params = form({
      plain: { type: "string", enum: ["a", "b"] },
      named: { type: "string", oneOf: [{ const: "a", title: "A" }, { const: "b", title: "B" }] },
      old: { type: "string", enum: ["a", "b"], enumNames: ["A"] }
    })
    assert.deepStrictEqual(asked(params).requestedSchema.properties, {
      plain: { type: "string", enum: ["a", "b"] },
      named: { type: "string", enum: ["a", "b"], enumNames: ["A", "B"] },
      old: { type: "string", enum: ["a", "b"], enumNames: ["A", "b"] }
    })
    assert.deepStrictEqual(accept(params, { named: "b" }), { named: "b" })
  })

  it("has a multiple choice as checkboxes, of which the checked ones are the answer", () => {
    const params = form({
      "colors": {
        type: "array",
        title: "Colors",
        description: "You like.",
        minItems: 1,
        maxItems: 2,
        items: { anyOf: [{ const: "r", title: "Red" }, { const: "g", title: "Green" }] },
        default: ["g"]
      },
      "days": { type: "array", items: { type: "string", enum: ["mon"] }, maxItems: 1 },
      "days.mon": { type: "string" }
    }, ["colors", "days"])
    assert.deepStrictEqual(asked(params).requestedSchema, {
      type: "object",
      properties: {
        "colors.r": {
          type: "boolean",
          title: "Colors: Red",
          description: "You like. (Choose 1 to 2.)",
          default: false
        },
        "colors.g": {
          type: "boolean",
          title: "Colors: Green",
          description: "You like. (Choose 1 to 2.)",
          default: true
        },
        "days.mon_": { type: "boolean", title: "days: mon", description: "(Choose at most 1.)" },
        "days.mon": { type: "string" }
      }
    })
    assert.deepStrictEqual(accept(params, { "colors.r": true, "colors.g": true, "days.mon_": true, "days.mon": "x" }), {
      "colors": ["r", "g"],
      "days": ["mon"],
      "days.mon": "x"
    })
    assert.deepStrictEqual(accept(params, { "colors.r": false }), { colors: [], days: [] })
    assert.deepStrictEqual(accept(params), { colors: ["g"], days: [] })
    assert.deepStrictEqual(accept(form({ a: { type: "array", items: { type: "string", enum: [] } } }), {}), {})
    assert.strictEqual(
      asked(form({ a: { type: "array", items: { type: "string", enum: ["b"] }, minItems: 2 } }))
        .requestedSchema.properties["a.b"].description,
      "(Choose at least 2.)"
    )
  })

  it("is not confused by fields that every object has", () =>
    assert.deepStrictEqual(
      accept(form({ constructor: { type: "string", default: "a" }, toString: { type: "number" } }), {}),
      { constructor: "a" }
    ))

  it("shows a URL as text, with nothing to fill in", () => {
    const params = { mode: "url" as const, message: "Pay", url: "https://acme.example/pay", elicitationId: "1" }
    assert.deepStrictEqual(asked(params), {
      message: "Pay\nhttps://acme.example/pay",
      requestedSchema: { type: "object", properties: {} }
    })
    assert.deepStrictEqual(lift({ action: "accept", content: { a: 1 } }, params), {
      action: "accept",
      content: { a: 1 }
    })
  })

  it("passes on what is no accepted form as it came", () => {
    const params = form({ name: { type: "string", default: "a" } })
    for (const answer of [{ action: "decline" }, { action: "accept", content: 1 }, "no", null, undefined]) {
      assert.strictEqual(lift(answer, params), answer)
    }
  })
})
