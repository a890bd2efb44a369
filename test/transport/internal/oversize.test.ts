import { assert, describe, it } from "@effect/vitest"
import * as oversize from "../../../src/transport/internal/oversize.ts"
import * as random from "../../server/random.ts"

const read = (text: string, edge = 512) => oversize.read(text.slice(0, edge), text.slice(-edge))

const filler = "x".repeat(1000)

describe("oversize", () => {
  it("reads the id before the large member, and after it", () => {
    const expected = { id: 7, isResponse: true }
    assert.deepStrictEqual(read(`{"jsonrpc":"2.0","id":7,"result":{"text":"${filler}"}}`), expected)
    assert.deepStrictEqual(read(`{"result":{"text":"${filler}"},"jsonrpc":"2.0","id":7}`), expected)
    assert.deepStrictEqual(read(`{"error":{"code":1,"message":"${filler}"},"id":7,"jsonrpc":"2.0"}`), expected)
    assert.deepStrictEqual(read(` { "id" : 7 , "result" : [ "${filler}" ] }\r`), expected)
  })

  it("tells a request from an answer, wherever its method stands", () => {
    const expected = { id: "a\"b", isResponse: false }
    assert.deepStrictEqual(read(`{"id":"a\\"b","method":"ask","params":{"text":"${filler}"}}`), expected)
    assert.deepStrictEqual(read(`{"method":"ask","params":{"text":"${filler}"},"id":"a\\"b"}`), expected)
    assert.deepStrictEqual(read(`{"params":{"result":"${filler}"},"method":"ask","id":"a\\"b"}`), expected)
    assert.deepStrictEqual(read(`{"method":"tell","params":{"text":"${filler}"}}`), { id: null, isResponse: false })
  })

  it("takes no id that is within the message for that of the message", () => {
    const answer = { id: null, isResponse: true }
    assert.deepStrictEqual(read(`{"result":{"text":"${filler}","id":7}}`), answer)
    assert.deepStrictEqual(read(`{"result":{"text":"${filler}"},"note":",\\"id\\":7"}`), answer)
    assert.deepStrictEqual(read(`{"result":{"text":"${filler},\\"id\\":7}"}}`), answer)
    assert.deepStrictEqual(read(`{"result":["${filler}",{"a":1,"id":7}]}`), answer)
    assert.deepStrictEqual(read(`{"id":null,"result":{"text":"${filler}"}}`), answer)
  })

  it("says that it cannot tell of what is no message", () => {
    const nothing = { id: null, isResponse: false }
    for (
      const text of ["", filler, `{"${filler}`, `[{"id":1,"result":{"text":"${filler}"}}]`, `{"id":1.5,"result":{}}`]
    ) {
      assert.deepStrictEqual(read(text), nothing, text.slice(0, 30))
    }
  })

  it("says nothing wrong of any message", () => {
    const seed = random.seed()
    const { below, pick } = random.make(seed)
    const decoys = [",\"id\":1}", "{\"id\":2,", "\"result\":", "\\", "\"", "}", "é😀", "x".repeat(30)]
    const text = () => Array.from({ length: below(8) }, () => pick(decoys)).join("")
    const value = (depth: number): unknown => {
      switch (below(depth > 2 ? 3 : 5)) {
        case 0:
          return below(100)
        case 1:
          return text()
        case 2:
          return null
        case 3:
          return Array.from({ length: below(4) }, () => value(depth + 1))
        default:
          return Object.fromEntries(
            Array.from({ length: below(4) }, () => [pick(["id", "result", "method", text()]), value(depth + 1)])
          )
      }
    }
    let known = 0
    for (let round = 0; round < 5000; round++) {
      const isResponse = below(2) === 0
      const id = pick([below(100), text()])
      const members: Array<[string, unknown]> = [
        ["jsonrpc", "2.0"],
        ["id", id],
        ...(isResponse
          ? [[pick(["result", "error"]), value(0)] as [string, unknown]]
          : [["method", text()], ["params", value(0)]] as Array<[string, unknown]>)
      ]
      members.sort(() => below(2) - 0.5)
      const message = JSON.stringify(Object.fromEntries(members), null, pick([0, 1]))
      const told = read(message, 8 + below(200))
      if (told.id !== null) {
        known++
        assert.strictEqual(told.id, id, `seed ${seed}, round ${round}: ${message}`)
      }
      if (told.isResponse) assert.isTrue(isResponse, `seed ${seed}, round ${round}: ${message}`)
    }
    assert.isAbove(known, 1000)
  })
})
