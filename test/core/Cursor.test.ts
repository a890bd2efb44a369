import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Schema from "effect/Schema"
import * as Cursor from "../../src/core/Cursor.ts"

const text = Arbitrary.schema(Schema.String)
const order = Arbitrary.schema(Schema.Int)

describe("a cursor", () => {
  it.prop("is read back by its own kind alone", [text, text, order], ([kind, other, after]) => {
    const cursor = Cursor.encode(kind, after)
    assert.strictEqual(Cursor.decode(kind, cursor), after === 0 ? 0 : after)
    if (other !== kind && other.isWellFormed() && kind.isWellFormed()) {
      assert.isUndefined(Cursor.decode(other, cursor))
    }
  })

  it("is safe in a URL, and says nothing to whoever reads it", () => {
    const cursor = Cursor.encode("tools?>~", 12345)
    assert.match(cursor, /^[\w-]+$/)
    assert.notInclude(cursor, "tools")
  })

  it.prop("is not any text somebody made up", [text], ([made]) => {
    assert.isUndefined(Cursor.decode("tools", made))
  })

  it("has one spelling", () => {
    const made = [
      "",
      "1:tools:5",
      ...["1:tools:05", "1:tools:5.0", "1:tools:0x5", "1:tools: 5", "1:tools:", "1:tools:NaN", "1:tools:Infinity"]
        .map((text) => Base64Url.encode(text)),
      ...["2:tools:5", "tools:5", "1:tools:5:5", "1:tools:-0", "5"].map((text) => Base64Url.encode(text)),
      Base64Url.encode(new Uint8Array([0xff, 0xfe])),
      `${Cursor.encode("tools", 5)}=`,
      `${Cursor.encode("tools", 5)} `
    ]
    for (const cursor of made) assert.isUndefined(Cursor.decode("tools", cursor), cursor)
    assert.strictEqual(Cursor.decode("tools", Cursor.encode("tools", 5)), 5)
  })
})

describe("paginate", () => {
  const entries = (...orders: ReadonlyArray<number>) => orders.map((order) => ({ order }))

  const walk = (all: ReadonlyArray<{ readonly order: number }>, pageSize: number) => {
    const pages: Array<ReadonlyArray<number>> = []
    let after: number | undefined
    do {
      const page = Cursor.paginate(all, { after, pageSize })
      pages.push(page.items.map(({ order }) => order))
      after = page.next
    } while (after !== undefined)
    return pages
  }

  it("goes through all of the entries, and the last page has no next", () => {
    assert.deepStrictEqual(walk(entries(1, 2, 5, 8, 9), 2), [[1, 2], [5, 8], [9]])
    assert.deepStrictEqual(walk(entries(1, 2, 5, 8), 2), [[1, 2], [5, 8]])
    assert.deepStrictEqual(walk([], 2), [[]])
  })

  it("is one page when nothing is asked", () => {
    assert.deepStrictEqual(Cursor.paginate(entries(1, 2, 3)), { items: entries(1, 2, 3), next: undefined })
  })

  it("makes headway with a page size that makes no sense", () => {
    for (const pageSize of [0, -3, 0.5]) assert.deepStrictEqual(walk(entries(1, 2), pageSize), [[1], [2]])
    assert.deepStrictEqual(walk(entries(1, 2, 3), 2.9), [[1, 2], [3]])
  })

  it("neither repeats nor skips an entry when others come and go between two pages", () => {
    const { items, next } = Cursor.paginate(entries(1, 2, 3, 4, 5), { pageSize: 2 })
    assert.deepStrictEqual(items, entries(1, 2))
    assert.deepStrictEqual(Cursor.paginate(entries(3, 4, 5), { after: next, pageSize: 2 }).items, entries(3, 4))
    assert.deepStrictEqual(Cursor.paginate(entries(1, 4, 5), { after: next, pageSize: 2 }).items, entries(4, 5))
    assert.deepStrictEqual(Cursor.paginate(entries(0, 1, 2, 3, 6), { after: next, pageSize: 2 }).items, entries(3, 6))
  })

  it.prop(
    "covers any entries once and in order, whatever the page size",
    [Arbitrary.schema(Schema.Array(Schema.Int)), Arbitrary.schema(Schema.Literals([1, 2, 3, 7]))],
    ([orders, pageSize]) => {
      const sorted = [...new Set(orders)].sort((a, b) => a - b)
      assert.deepStrictEqual(walk(entries(...sorted), pageSize).flat(), sorted)
    }
  )

  it("does not look at every entry to find its place", () => {
    let reads = 0
    const all = Array.from({ length: 1000 }, (_, index) => ({
      get order() {
        reads++
        return index
      }
    }))
    const page = Cursor.paginate(all, { after: 700, pageSize: 1 })
    assert.isBelow(reads, 20)
    assert.strictEqual(page.next, 701)
  })
})
