import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as jsonc from "jsonc-parser"
import * as configTree from "../../../src/client/internal/configTree.ts"
import * as jsonText from "../../../src/client/internal/jsonText.ts"
import * as written from "./written.ts"

const json = jsonText.make(jsonc)
const seed = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 })))

const read = (text: string) => configTree.plain(Result.getOrThrow(json.read(text))!)

const documentOf = (seed: number) => {
  const choice = written.choiceOf(seed)
  const servers = written.object(choice, 2)
  const text = written.asJson(choice, { ...written.object(choice, 1), mcpServers: servers })
  return { all: read(text) as object, choice, servers, text, value: written.value(choice, 3) }
}

const prop = (name: string, run: (document: ReturnType<typeof documentOf>) => void) =>
  it.effect.prop(name, { seed }, ({ seed }) => Effect.sync(() => run(documentOf(seed))), { arbitrary: { runs: 200 } })

describe("a value in JSON with comments", () => {
  prop("is there once it is put under a new name, and gone without a trace when it is removed", (document) => {
    const { all, servers, text, value } = document
    const put = json.put(text, ["mcpServers", "new"], value)
    assert.deepStrictEqual(read(put), { ...all, mcpServers: { ...servers, new: value } })
    assert.strictEqual(json.remove(put, ["mcpServers", "new"]), text)
    assert.deepStrictEqual(written.jsonComments(put), written.jsonComments(text))
  })

  prop("is another one once that is put in its place, and no other has changed", (document) => {
    const { all, choice, servers, text, value } = document
    for (const name of Object.keys(servers).filter(() => choice.chance(50))) {
      const put = json.put(text, ["mcpServers", name], value)
      assert.deepStrictEqual(read(put), { ...all, mcpServers: { ...servers, [name]: value } })
      assert.strictEqual(json.put(put, ["mcpServers", name], value), put)
    }
  })

  prop("leaves the others when it is removed or renamed", (document) => {
    const { all, servers, text } = document
    for (const [name, value] of Object.entries(servers)) {
      const { [name]: _, ...others } = servers
      assert.deepStrictEqual(read(json.remove(text, ["mcpServers", name])), { ...all, mcpServers: others })
      const renamed = json.rename(text, ["mcpServers", name], "a \"new\" one")
      assert.deepStrictEqual(read(renamed), { ...all, mcpServers: { ...others, "a \"new\" one": value } })
      assert.strictEqual(json.rename(renamed, ["mcpServers", "a \"new\" one"], name).length, text.length)
    }
  })

  it("is written as the file is: its indentation, its line ends, on one line, with a comma at the end or none", () => {
    const put = (text: string) => json.put(text, ["s", "n"], { c: "x", a: ["1"] })
    assert.strictEqual(
      put("{\r\n\t\"s\": {\r\n\t\t\"m\": 1,\r\n\t},\r\n}\r\n"),
      "{\r\n\t\"s\": {\r\n\t\t\"m\": 1,\r\n\t\t\"n\": {\r\n\t\t\t\"c\": \"x\",\r\n\t\t\t\"a\": [\r\n\t\t\t\t\"1\"\r\n\t\t\t]\r\n\t\t},\r\n\t},\r\n}\r\n"
    )
    assert.strictEqual(put(`{"s":{"m":1}}`), `{"s":{"m":1,"n":{"c":"x","a":["1"]}}}`)
    assert.strictEqual(put(`{ "s": {} }`), `{ "s": {"n": {"c": "x", "a": ["1"]}} }`)
    const fresh = `{\n  "s": {\n    "n": {\n      "c": "x",\n      "a": [\n        "1"\n      ]\n    }\n  }\n}\n`
    assert.strictEqual(put(""), fresh)
    assert.strictEqual(put("{}\n"), fresh)
    assert.strictEqual(put("// mine\n"), `// mine\n${fresh}`)
    assert.strictEqual(put("{\n  \"s\": null\n}\n"), fresh)
  })

  it("goes behind the comment of the one above, and leaves its own behind", () => {
    const text = `{\n  "s": {\n    // about a\n    "a": 1 // of a\n    // the end\n  }\n}\n`
    const put = json.put(text, ["s", "b"], 2)
    assert.strictEqual(put, text.replace(`1 // of a\n`, `1, // of a\n    "b": 2\n`))
    assert.strictEqual(
      json.remove(put, ["s", "a"]),
      `{\n  "s": {\n    // about a\n    // of a\n    "b": 2\n    // the end\n  }\n}\n`
    )
  })

  it("that has not changed keeps its comments, item by item", () => {
    const text = `{\n  "a": [\n    "-y", // yes\n    "x"\n  ],\n  "e": { /* k */ "K": "1" }\n}\n`
    assert.strictEqual(json.put(text, ["a"], ["-y", "z", "q"]), text.replace(`"x"\n`, `"z",\n    "q"\n`))
    assert.strictEqual(json.put(text, ["e"], { K: "2", L: "3" }), text.replace(`"1"`, `"2", "L": "3"`))
  })

  it("is removed as often as it is there, and renamed everywhere", () => {
    const text = `{"s":{"a":1,"b":2,"a":3}}`
    assert.strictEqual(json.remove(text, ["s", "a"]), `{"s":{"b":2}}`)
    assert.strictEqual(json.rename(text, ["s", "a"], "c"), `{"s":{"c":1,"b":2,"c":3}}`)
    assert.strictEqual(json.put(text, ["s", "a"], 4), `{"s":{"a":1,"b":2,"a":4}}`)
  })
})

describe("a text that is no JSON", () => {
  const faultOf = (text: string) => {
    const result = json.read(text)
    return Result.isFailure(result) ? result.failure : undefined
  }

  it("says where, and what to do", () => {
    assert.deepStrictEqual(faultOf(`{ a: 1 }`)?.text.includes("double quotes"), true)
    assert.deepStrictEqual(faultOf(`{ "a": 1 "b": 2 }`), { offset: 9, text: "a comma is expected here" })
    assert.deepStrictEqual(faultOf(`{ "a": 1`), { offset: 8, text: "a } is missing" })
    assert.strictEqual(
      faultOf(String.raw`{ "a": "C:\Users" }`)?.text,
      "this escape is unknown; a backslash is written \\\\, also in Windows paths"
    )
    assert.match(faultOf("[".repeat(200_000))!.text, /nested too deeply|missing/)
  })
})
