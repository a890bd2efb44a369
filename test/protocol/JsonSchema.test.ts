import { assert, describe, it } from "@effect/vitest"
import * as JsonSchema from "fastmcp-effect/protocol/JsonSchema"

const header = (name: unknown, type: unknown = "string") => ({ type, "x-mcp-header": name }) as never

const object = (properties: object) => ({ type: "object", properties }) as never

describe("the headers of an input schema", () => {
  it("are found where a chain of properties leads to them", () => {
    const schema = object({
      region: header("Region"),
      plain: { type: "string" },
      deep: object({ count: header("Count", "integer"), deeper: object({ flag: header("Is-On", "boolean") }) })
    })
    assert.deepStrictEqual(JsonSchema.headerParameters(schema), [
      { path: ["region"], header: "Region", type: "string" },
      { path: ["deep", "count"], header: "Count", type: "integer" },
      { path: ["deep", "deeper", "flag"], header: "Is-On", type: "boolean" }
    ])
  })

  it("are none where nothing is annotated, or there are no properties", () => {
    for (const schema of [{}, object({}), object({ a: true }), { type: "object", properties: [] }]) {
      assert.deepStrictEqual(JsonSchema.headerParameters(schema as never), [])
    }
  })

  it("have names a header may have", () => {
    for (const name of ["a", "A-1", "!#$%&'*+-.^_`|~"]) {
      assert.isArray(JsonSchema.headerParameters(object({ a: header(name) })))
    }
    for (const name of ["", "a b", "a:b", "é", "a\n", "a\u007f", 5, null, ["a"]]) {
      assert.isString(JsonSchema.headerParameters(object({ a: header(name) })), String(name))
    }
  })

  it("stand only on what can be mirrored", () => {
    for (const type of ["number", "object", "array", "null", { type: undefined }, ["string", "null"]]) {
      const problem = JsonSchema.headerParameters(object({ deep: object({ a: header("A", type) }) }))
      assert.isString(problem)
      assert.include(problem as string, "deep.a")
    }
  })

  it("are each there once, in whichever case", () => {
    const problem = JsonSchema.headerParameters(object({ a: header("Region"), b: object({ c: header("REGION") }) }))
    assert.include(problem as string, "REGION")
  })

  it("are refused where a chain of properties does not lead to them", () => {
    const annotated = { type: "string", "x-mcp-header": "A" }
    for (
      const at of [
        { items: annotated },
        { anyOf: [annotated] },
        { oneOf: [annotated] },
        { allOf: [object({ a: annotated })] },
        { not: annotated },
        { if: annotated },
        { additionalProperties: annotated },
        { prefixItems: [annotated] },
        { patternProperties: { a: annotated } }
      ]
    ) {
      assert.isString(JsonSchema.headerParameters(object({ a: at })), JSON.stringify(at))
    }
    const referred = { ...object({ a: { $ref: "#/$defs/A" } }) as object, $defs: { A: annotated } }
    assert.isString(JsonSchema.headerParameters(referred as never))
  })

  it("are not seen in what is a value and not a schema", () => {
    for (const key of ["default", "const", "examples", "enum"]) {
      const schema = object({ a: { type: "object", [key]: [{ "x-mcp-header": "A" }] } })
      assert.deepStrictEqual(JsonSchema.headerParameters(schema), [], key)
    }
    const named = object({ "x-mcp-header": { type: "string" } })
    assert.deepStrictEqual(JsonSchema.headerParameters(named), [])
  })
})

describe("the value at a path", () => {
  const value = { a: { b: [1], c: null, "": 0 }, d: "text" }

  it("is found through objects", () => {
    assert.deepStrictEqual(JsonSchema.valueAt(value, ["a", "b"]), [1])
    assert.strictEqual(JsonSchema.valueAt(value, ["a", "c"]), null)
    assert.strictEqual(JsonSchema.valueAt(value, ["a", ""]), 0)
    assert.strictEqual(JsonSchema.valueAt(value, []), value)
  })

  it("is undefined where the path leaves the value", () => {
    for (const path of [["x"], ["a", "b", "0"], ["a", "c", "x"], ["d", "length"], ["constructor"], ["a", "toString"]]) {
      assert.isUndefined(JsonSchema.valueAt(value, path), path.join("."))
    }
    assert.isUndefined(JsonSchema.valueAt(undefined, ["a"]))
    assert.isUndefined(JsonSchema.valueAt([{ a: 1 }], ["0"]))
  })
})
