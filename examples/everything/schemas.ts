/** What the schemas of tools can say. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Tool } from "fastmcp-effect"
import * as ToolSchema from "fastmcp-effect/definition/ToolSchema"

const add = Tool.make("add", {
  description: "Adds two numbers",
  parameters: {
    a: Schema.Finite.annotate({ description: "The first number" }),
    b: Schema.Finite.annotate({ description: "The second number" })
  },
  success: Schema.Finite,
  annotations: { readOnlyHint: true, idempotentHint: true },
  handler: ({ a, b }) => Effect.succeed(a + b)
})

const mirroredHeader = Tool.make("test_x_mcp_header", {
  description: "Has an argument that clients of 2026-07-28 mirror into the header Mcp-Param-Region",
  parameters: { region: Schema.optionalKey(Schema.String.annotate({ "x-mcp-header": "Region" })) },
  success: Schema.String,
  handler: ({ region = "none" }) => Effect.succeed(`Region: ${region}`)
})

interface Contact {
  readonly name?: string
  readonly phone?: string
  readonly email?: string
}

const jsonSchema = Tool.make("json_schema_2020_12_tool", {
  description: "Is described by a JSON Schema of its own, every keyword of which a client sees",
  parameters: ToolSchema.fromJsonSchema<Contact>({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: {
      address: {
        $anchor: "addressDef",
        type: "object",
        properties: { street: { type: "string" }, city: { type: "string" } }
      }
    },
    properties: {
      name: { type: "string" },
      address: { $ref: "#/$defs/address" },
      contactMethod: { type: "string", enum: ["phone", "email"] },
      phone: { type: "string" },
      email: { type: "string" }
    },
    allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
    if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
    then: { required: ["phone"] },
    else: { required: ["email"] },
    additionalProperties: false
  }),
  success: Schema.String,
  handler: ({ email, name = "Somebody", phone }) => Effect.succeed(`${name} is reached at ${phone ?? email}`)
})

const arrayOutput = Tool.make("sep_2106_array_output_tool", {
  description: "Succeeds with a list; to clients before 2026-07-28 it says so in text alone",
  success: Schema.Array(Schema.Struct({ city: Schema.String, celsius: Schema.Finite })),
  handler: () => Effect.succeed([{ city: "Oslo", celsius: 4 }, { city: "Lima", celsius: 19.5 }])
})

const primitiveOutput = Tool.make("sep_2106_primitive_output_tool", {
  description: "Succeeds with a number",
  success: Schema.Int,
  handler: () => Effect.succeed(42)
})

export const all = [add, mirroredHeader, jsonSchema, arrayOutput, primitiveOutput] as const
