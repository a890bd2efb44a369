import { assert, describe, it } from "@effect/vitest"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Pending from "../../src/core/Pending.ts"

describe("what is pending under a key", () => {
  it("is there until it is taken, once", () => {
    const pending = new Pending.Keyed<string | number, { readonly n: number }>()
    pending.set(1, { n: 1 })
    pending.set("1", { n: 2 })
    assert.strictEqual(pending.size, 2)
    assert.deepStrictEqual(pending.get(1), { n: 1 })
    assert.deepStrictEqual(pending.take(1), { n: 1 })
    assert.isUndefined(pending.take(1))
    assert.isFalse(pending.has(1))
    assert.isTrue(pending.has("1"))
  })

  it("makes room for another under its key", () => {
    const pending = new Pending.Keyed<string, { readonly n: number }>()
    pending.set("a", { n: 1 })
    pending.set("a", { n: 2 })
    assert.strictEqual(pending.size, 1)
    assert.deepStrictEqual(pending.get("a"), { n: 2 })
  })

  it("may be taken while somebody goes through all of it, in the order it came", () => {
    const pending = new Pending.Keyed<number, { readonly n: number }>()
    for (const n of [3, 1, 2]) pending.set(n, { n })
    assert.deepStrictEqual(pending.values().map(({ n }) => pending.take(n)), [{ n: 3 }, { n: 1 }, { n: 2 }])
    assert.strictEqual(pending.size, 0)
  })
})

describe("what is pending without a key", () => {
  it("is there as often as it was added, and leaves once for each", () => {
    const pending = new Pending.Unkeyed<object>()
    const value = {}
    const leave = pending.add(value)
    pending.add(value)
    assert.deepStrictEqual(pending.values(), [value, value])
    leave()
    leave()
    assert.strictEqual(pending.size, 1)
    assert.deepStrictEqual(pending.values(), [value])
  })
})

describe("what was pending", () => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as (options?: { readonly type: "minor" }) => void
  const old = () => getHeapSpaceStatistics().find((space) => space.space_name === "old_space")!.space_used_size

  /** Megabytes that have grown old of 40,000 values, 64 of them there at a time. */
  const grown = (come: (n: number, value: object) => void, go: (n: number) => void): number => {
    for (let n = 0; n < 4; n++) come(n, {})
    // Twice, so that the table is old.
    collect()
    collect()
    const before = old()
    for (let n = 4; n < 40_000; n++) {
      come(n, Array.from({ length: 100 }, () => ({})))
      if (n >= 64) go(n - 64)
      if (n % 4000 === 0) collect({ type: "minor" })
    }
    return (old() - before) / 1e6
  }

  it("does not grow old with its table", () => {
    const keyed = new Pending.Keyed<number, object>()
    assert.isBelow(grown((n, value) => keyed.set(n, value), (n) => keyed.take(n)), 10)
    const unkeyed = new Pending.Unkeyed<object>()
    const leaves: Array<Pending.Leave> = []
    assert.isBelow(grown((_, value) => leaves.push(unkeyed.add(value)), () => leaves.shift()!()), 20)
  })

  it("would in a Map: the reason not to use one", () => {
    const map = new Map<number, object>()
    assert.isAbove(grown((n, value) => map.set(n, value), (n) => map.delete(n)), 40)
  })
})
