import { assert, describe, it } from "@effect/vitest"
import * as Sse from "effect/encoding/Sse"
import * as eventStream from "../../../src/transport/internal/eventStream.ts"
import * as random from "../../server/random.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

const oneByOne = (text: string) => Array.from(bytes(text), (byte) => new Uint8Array([byte]))

interface Read {
  /** `type: data`; `<over>` for one that was too large. */
  readonly events: ReadonlyArray<string>
  readonly lastEventId: string | undefined
  readonly retry: number | undefined
}

const read = (
  chunks: ReadonlyArray<Uint8Array>,
  maxBytes = 1000,
  options: { readonly lastEventId?: string; readonly retry?: number } = {}
): Read => {
  const events: Array<string> = []
  const stream = eventStream.make({
    maxBytes,
    onEvent: (data, type) => events.push(`${type}: ${data}`),
    onOversize: () => events.push("<over>"),
    ...options
  })
  for (const chunk of chunks) stream.push(chunk)
  return { events, lastEventId: stream.lastEventId(), retry: stream.retry() }
}

/** The same of the whole text and of each of its bytes. */
const both = (text: string, maxBytes?: number): Read => {
  const whole = read([bytes(text)], maxBytes)
  assert.deepStrictEqual(read(oneByOne(text), maxBytes), whole)
  return whole
}

/** The standard's algorithm, on the whole text at once. */
const reference = (text: string): Read => {
  const events: Array<string> = []
  let data: string | undefined
  let type = ""
  let id: string | undefined
  let lastEventId: string | undefined
  let retry: number | undefined
  const lines = text.replace(/^\ufeff/u, "").split(/\r\n|\r|\n/u)
  // The last has no end.
  for (const line of lines.slice(0, -1)) {
    if (line === "") {
      lastEventId = id === "" ? undefined : id
      if (data !== undefined) events.push(`${type === "" ? "message" : type}: ${data}`)
      data = undefined
      type = ""
      continue
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/su.exec(line)!
    if (field === "data") data = data === undefined ? value : `${data}\n${value}`
    if (field === "event") type = value
    // oxlint-disable-next-line no-control-regex -- what it looks for
    if (field === "id" && !/[\0-\x08\x0a-\x1f\x7f]/u.test(value)) id = value
    if (field === "retry" && /^\d+$/u.test(value)) retry = Math.min(Number(value), 2 ** 31 - 1)
  }
  return { events, lastEventId, retry }
}

describe("eventStream", () => {
  it("gives each event once it is whole, with its type, or as a message", () => {
    assert.deepStrictEqual(both("data: a\n\nevent: ping\ndata: b\n\ndata: c\n\n").events, [
      "message: a",
      "ping: b",
      "message: c"
    ])
    assert.deepStrictEqual(both("data: a\n\ndata: cut off").events, ["message: a"])
    assert.deepStrictEqual(both("data: cut off\n").events, [])
  })

  it("takes each of the three line ends, also across two chunks", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      assert.deepStrictEqual(both(`data: a${end}data: b${end}${end}event: x${end}data: c${end}${end}`).events, [
        "message: a\nb",
        "x: c"
      ])
    }
    assert.deepStrictEqual(read([bytes("data: a\r"), bytes("\ndata: b\r"), bytes("\n\r"), bytes("\n")]).events, [
      "message: a\nb"
    ])
    assert.deepStrictEqual(read([bytes("data: a\r"), bytes("\r"), bytes("data: b\n\n")]).events, [
      "message: a",
      "message: b"
    ])
  })

  it("drops a byte order mark at the beginning, and no other", () => {
    assert.deepStrictEqual(both("\ufeffdata: a\n\n\ufeffdata: b\n\ndata: \ufeffc\n\n").events, [
      "message: a",
      "message: \ufeffc"
    ])
  })

  it("joins characters that were cut between two chunks", () => {
    assert.deepStrictEqual(both("data: é😀\n\n").events, ["message: é😀"])
  })

  it("passes over comments and fields it does not know, and takes one space after the colon", () => {
    assert.deepStrictEqual(both(": still here\n\n:\n\nother: x\n\ndata:a\ndata:  b\ndatum: c\ndata\n\n").events, [
      "message: a\n b\n"
    ])
  })

  it("tells of an event whose data is empty, and not of one that has none", () => {
    assert.deepStrictEqual(both("id: 1\ndata: \n\nevent: x\n\nid: 2\n\n"), {
      events: ["message: "],
      lastEventId: "2",
      retry: undefined
    })
  })

  it("knows the id of the last event that is whole, with data or without", () => {
    assert.strictEqual(both("id: 1\ndata: a\n\n").lastEventId, "1")
    assert.strictEqual(both("id: 1\n\n").lastEventId, "1")
    assert.strictEqual(both("id: 1\n\nid: 2\ndata: cut off\n").lastEventId, "1")
    assert.strictEqual(both("id: 1\n\ndata: a\n\n").lastEventId, "1")
    assert.strictEqual(both("id: 1\n\nid\n\n").lastEventId, undefined)
    assert.strictEqual(both("id: 1\n\nid: a\0b\n\n").lastEventId, "1")
    assert.strictEqual(both("id: 1\n\nid: a\x01b\n\n").lastEventId, "1")
    assert.strictEqual(both("id: é😀\n\n").lastEventId, "é😀")
  })

  it("goes on from where an earlier connection ended", () => {
    const before = { lastEventId: "7", retry: 20 }
    assert.deepStrictEqual(read([], 1000, before), { events: [], ...before })
    assert.deepStrictEqual(read([bytes("data: a\n\n")], 1000, before), { events: ["message: a"], ...before })
    assert.deepStrictEqual(read([bytes("id: 8\nretry: 30\n\n")], 1000, before), {
      events: [],
      lastEventId: "8",
      retry: 30
    })
  })

  it("takes how long to wait from digits alone, and no longer than a timer can", () => {
    assert.strictEqual(both("retry: 500\n").retry, 500)
    assert.strictEqual(both("retry: 0\n\n").retry, 0)
    for (const text of ["-1", "1.5", "1e3", " 1", "", "x"]) {
      assert.strictEqual(both(`retry: 7\nretry: ${text}\n`).retry, 7, text)
    }
    assert.strictEqual(both(`retry: ${"9".repeat(400)}\n`).retry, 2 ** 31 - 1)
  })

  it("counts bytes of data, not characters, against the limit", () => {
    assert.deepStrictEqual(both("data: 12345678\n\n", 8).events, ["message: 12345678"])
    assert.deepStrictEqual(both("data:12345678\n\n", 8).events, ["message: 12345678"])
    assert.deepStrictEqual(both("data: éééé\n\n", 8).events, ["message: éééé"])
    assert.deepStrictEqual(both("data: 1234\ndata: 567\n\n", 8).events, ["message: 1234\n567"])
    for (const text of ["data: 123456789", "data: ééééé", "data: 1234\ndata: 5678"]) {
      assert.deepStrictEqual(both(`${text}\n\ndata: ok\n\n`, 8).events, ["<over>", "message: ok"], text)
    }
    // Only data counts.
    assert.deepStrictEqual(both(`data: 12345678\n: a comment\nid: ${"1".repeat(100)}\n\n`, 8).events, [
      "message: 12345678"
    ])
  })

  it("discards an event over the limit to its end, in whatever pieces it comes, and keeps its id", () => {
    const long = "x".repeat(500)
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = `id: 1${end}data: ${long}${end}data: ${long}${end}event: lost${end}${end}data: ok${end}${end}`
      for (const size of [1, 2, 3, 7, 100, 10_000]) {
        const all = bytes(text)
        const chunks = Array.from(
          { length: Math.ceil(all.length / size) },
          (_, at) => all.subarray(at * size, (at + 1) * size)
        )
        const { events, lastEventId } = read(chunks, 8)
        assert.deepStrictEqual(events, ["<over>", "message: ok"])
        assert.strictEqual(lastEventId, "1")
      }
    }
  })

  it("tells of it as soon as it is too large, and at its end how it began and ended", () => {
    const json = `{"id":1,"result":{"text":"${"x".repeat(3000)}"},"jsonrpc":"2.0","id":2}`
    const expected = `over, ${json.slice(0, 506)} … ${json.slice(-512)}, message ok`
    for (const size of [1, 7, 100, 600, 2000, 10_000]) {
      for (const rest of ["", "\nid: 5", "\nevent: x\n: comment"]) {
        const told: Array<string> = []
        const { lastEventId, push } = eventStream.make({
          maxBytes: 1000,
          onEvent: (data, type) => told.push(`${type} ${data}`),
          onOversize: () => told.push("over"),
          onDiscarded: (head, tail) => told.push(`${head} … ${tail}`)
        })
        const all = bytes(`id: 4\ndata: ${json}${rest}`)
        for (let at = 0; at < all.length; at += size) push(all.subarray(at, at + size))
        assert.deepStrictEqual(told, ["over"])
        push(bytes("\n\ndata: ok\n\n"))
        assert.strictEqual(told.join(", "), expected, `${size} ${rest}`)
        assert.strictEqual(lastEventId(), "4")
      }
    }
  })

  it("bounds comments and other fields as well", () => {
    const { events } = read([bytes(": "), bytes("x".repeat(3000)), bytes("\n\ndata: ok\n\n")], 1000)
    assert.deepStrictEqual(events, ["<over>", "message: ok"])
  })

  it("reads any text in any pieces as the standard's algorithm reads the whole, and as Effect's parser does", () => {
    const seed = random.seed()
    const { below, pick } = random.make(seed)
    const parts = [
      "data",
      "data: ",
      "data:",
      "event: ",
      "id: ",
      "id",
      "retry: ",
      ": ",
      ":",
      " ",
      "\n",
      "\n",
      "\n\n",
      "\r\n",
      "\r\n\r\n",
      "\r",
      "é",
      "😀",
      "\ufeff",
      "\0",
      "12",
      "{}",
      "x".repeat(30)
    ]
    for (let round = 0; round < 3000; round++) {
      const text = Array.from({ length: below(30) }, () => pick(parts)).join("")
      const all = bytes(text)
      const chunks: Array<Uint8Array> = []
      for (let at = 0; at < all.length;) {
        const size = 1 + below(8)
        chunks.push(all.subarray(at, at + size))
        at += size
      }
      const got = read(chunks)
      const where = `seed ${seed}, round ${round}: ${JSON.stringify(text)}`
      assert.deepStrictEqual(got, reference(text), where)
      const events: Array<string> = []
      const parser = Sse.makeParser((event) => {
        if (event._tag === "Event") events.push(`${event.event}: ${event.data}`)
      })
      parser.feed(text)
      assert.deepStrictEqual(got.events, events, where)
    }
  })

  it("holds no more than its limit, however large an event is and however small its pieces", () => {
    const maxBytes = 1 << 20
    const { push } = eventStream.make({ maxBytes, onEvent: () => {} })
    push(bytes("data: "))
    const before = process.memoryUsage()
    const piece = new Uint8Array([0x78])
    for (let i = 0; i < maxBytes; i++) push(piece)
    const chunk = new Uint8Array(1 << 16).fill(0x78)
    for (let i = 0; i < 1000; i++) push(chunk)
    const after = process.memoryUsage()
    assert.isBelow(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed, 24 << 20)
  })
})
