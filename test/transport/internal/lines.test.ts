import { assert, describe, it } from "@effect/vitest"
import * as lines from "../../../src/transport/internal/lines.ts"
import * as random from "../../server/random.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

/** What comes out of a splitter for these chunks; `<over>` for a line that was too long. */
const split = (chunks: ReadonlyArray<Uint8Array>, maxBytes = 1000): ReadonlyArray<string> => {
  const out: Array<string> = []
  const input = lines.make({ maxBytes, onLine: (line) => out.push(line), onOversize: () => out.push("<over>") })
  for (const chunk of chunks) input.push(chunk)
  input.end()
  return out
}

const oneByOne = (text: string) => Array.from(bytes(text), (byte) => new Uint8Array([byte]))

describe("lines", () => {
  it("gives each line once, without its newline", () => {
    assert.deepStrictEqual(split([bytes("a\nbb\nccc\n")]), ["a", "bb", "ccc"])
    assert.deepStrictEqual(split(oneByOne("a\nbb\nccc\n")), ["a", "bb", "ccc"])
  })

  it("passes over empty lines, and keeps a carriage return that JSON does not mind", () => {
    assert.deepStrictEqual(split([bytes("\n\n\r\na\r\n\n")]), ["a\r"])
    assert.deepStrictEqual(split(oneByOne("\n\n\r\na\r\n\n")), ["a\r"])
  })

  it("gives what follows the last newline at the end", () => {
    assert.deepStrictEqual(split([bytes("a\nlast")]), ["a", "last"])
  })

  it("joins characters that were cut between two chunks", () => {
    assert.deepStrictEqual(split(oneByOne("{\"a\":\"é😀\"}\n")), ["{\"a\":\"é😀\"}"])
  })

  it("drops a byte order mark wherever the chunks begin", () => {
    assert.deepStrictEqual(split([bytes("\ufeffa\n\ufeffb\n")]), ["a", "b"])
    assert.deepStrictEqual(split(oneByOne("\ufeffa\n\ufeffb\n")), ["a", "b"])
  })

  it("counts bytes, not characters, against the limit", () => {
    for (const chunksOf of [oneByOne, (text: string) => [bytes(text)]]) {
      assert.deepStrictEqual(split(chunksOf("12345678\nok\n"), 8), ["12345678", "ok"])
      assert.deepStrictEqual(split(chunksOf("123456789\nok\n"), 8), ["<over>", "ok"])
      assert.deepStrictEqual(split(chunksOf("ééééé\nok\n"), 8), ["<over>", "ok"])
      assert.deepStrictEqual(split(chunksOf("éééé\nok\n"), 8), ["éééé", "ok"])
    }
  })

  it("tells of each line over the limit once, one after the other, and of one that never ends", () => {
    const long = "x".repeat(50)
    assert.deepStrictEqual(split([bytes(`${long}\n${long}\na\n${long}`)], 8), ["<over>", "<over>", "a", "<over>"])
    assert.deepStrictEqual(split(oneByOne(`${long}\n${long}\na\n${long}`), 8), ["<over>", "<over>", "a", "<over>"])
  })

  it("tells how a line over the limit began and ended, wherever the chunks are cut", () => {
    const line = Array.from({ length: 3000 }, (_, index) => index % 10).join("")
    for (const size of [1, 7, 511, 512, 513, 1000, 10_000]) {
      for (const text of [`${line}\n`, line, `a\n${line}\nb\n`]) {
        const told: Array<ReadonlyArray<string>> = []
        const input = lines.make({ maxBytes: 2000, onLine: () => {}, onOversize: (...edges) => told.push(edges) })
        for (let at = 0; at < text.length; at += size) input.push(bytes(text.slice(at, at + size)))
        input.end()
        assert.deepStrictEqual(told, [[line.slice(0, 512), line.slice(-512)]], `chunks of ${size}`)
      }
    }
    const short: Array<ReadonlyArray<string>> = []
    const input = lines.make({ maxBytes: 4, onLine: () => {}, onOversize: (...edges) => short.push(edges) })
    for (const chunk of oneByOne("12345\n")) input.push(chunk)
    input.push(bytes("678901\n"))
    assert.deepStrictEqual(short, [["12345", "12345"], ["678901", "678901"]])
  })

  it("does not depend on where the chunks are cut", () => {
    const seed = random.seed()
    const { below, pick } = random.make(seed)
    const parts = ["a", "{}", "\n", "\n", "\r\n", "é", "😀", "\ufeff", "x".repeat(30), "\\u0000", "\u2028"]
    const raw = [0xff, 0xc3, 0xf0, 0x9f, 0x80]
    for (let round = 0; round < 2000; round++) {
      const input = Array.from(
        { length: below(60) },
        () => below(10) === 0 ? Uint8Array.from({ length: 1 + below(3) }, () => pick(raw)) : bytes(pick(parts))
      )
      const whole = Uint8Array.from(input.flatMap((part) => [...part]))
      const chunks: Array<Uint8Array> = []
      for (let at = 0; at < whole.length;) {
        const next = at + 1 + below(20)
        chunks.push(whole.slice(at, next))
        at = next
      }
      const maxBytes = 1 + below(60)
      // Whole lines of at most the limit, each by itself: the plain reading of what a splitter does.
      const expected: Array<string> = []
      for (let start = 0; start < whole.length;) {
        const newline = whole.indexOf(0x0a, start)
        const end = newline === -1 ? whole.length : newline
        const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole.subarray(start, end))
        if (end - start > maxBytes) expected.push("<over>")
        else if (text !== "" && text !== "\r") expected.push(text.startsWith("\ufeff") ? text.slice(1) : text)
        start = end + 1
      }
      assert.deepStrictEqual(split(chunks, maxBytes), expected, `seed ${seed}, round ${round}, cut`)
      assert.deepStrictEqual(split([whole], maxBytes), expected, `seed ${seed}, round ${round}, whole`)
    }
  })

  it("holds no more than its limit, however long a line is and however small its pieces", () => {
    const maxBytes = 1 << 20
    const input = lines.make({ maxBytes, onLine: () => {}, onOversize: () => {} })
    const before = process.memoryUsage()
    const piece = new Uint8Array([0x78])
    for (let i = 0; i < maxBytes; i++) input.push(piece)
    const chunk = new Uint8Array(1 << 16).fill(0x78)
    for (let i = 0; i < 1000; i++) input.push(chunk)
    const after = process.memoryUsage()
    // One object for each byte would be a hundred times that.
    assert.isBelow(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed, 24 << 20)
  })
})
