import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as HeaderValue from "fastmcp-effect/protocol/HeaderValue"

const text = Arbitrary.map(Arbitrary.schema(Schema.String), (text) => text.toWellFormed())

describe("a value in a header", () => {
  it.prop("is read as it was written, and is what a header may carry", [text], ([value]) => {
    const header = HeaderValue.encode(value)
    assert.match(header, /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/u)
    assert.strictEqual(HeaderValue.decode(header), value)
  }, { arbitrary: { runs: 500, size: 30 } })

  it("is plain where it can be", () => {
    for (const value of ["", "a", "two words", "a=b?c", "=?base64", "=?base64?=", "=?BASE64?YQ==?="]) {
      assert.strictEqual(HeaderValue.encode(value), value)
      assert.strictEqual(HeaderValue.decode(value), value)
    }
  })

  it("is base64 between markers where it cannot", () => {
    const values: ReadonlyArray<readonly [value: string, header: string]> = [
      ["é", "=?base64?w6k=?="],
      [" a", "=?base64?IGE=?="],
      ["a ", "=?base64?YSA=?="],
      ["a\tb", "=?base64?YQli?="],
      ["a\r\nb", "=?base64?YQ0KYg==?="],
      ["\ufeffa", "=?base64?77u/YQ==?="],
      ["😀", "=?base64?8J+YgA==?="],
      ["=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="]
    ]
    for (const [value, header] of values) {
      assert.strictEqual(HeaderValue.encode(value), header)
      assert.strictEqual(HeaderValue.decode(header), value)
    }
  })

  it("is read without the white space around it", () => {
    assert.strictEqual(HeaderValue.decode(" \ta b\t "), "a b")
    assert.strictEqual(HeaderValue.decode(" =?base64?YQ==?= "), "a")
  })

  it("that a header may not carry, or that only says it is base64, is none", () => {
    for (const header of ["é", "a\u0000", "=?base64?YQ=?=", "=?base64?Y!==?=", "=?base64?YQ?=", "=?base64?_-__?="]) {
      assert.isUndefined(HeaderValue.decode(header), header)
    }
    // These bytes are not UTF-8.
    assert.isUndefined(HeaderValue.decode("=?base64?/w==?="))
  })

  it("between markers may be nothing", () => {
    assert.strictEqual(HeaderValue.decode("=?base64??="), "")
  })
})
