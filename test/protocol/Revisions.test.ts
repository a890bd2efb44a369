import { assert, describe, it } from "@effect/vitest"
import * as Revisions from "fastmcp-effect/protocol/Revisions"

describe("the revisions", () => {
  it("are five, newest first, and each is found by its date", () => {
    assert.deepStrictEqual(Revisions.versions, [...Revisions.versions].sort().reverse())
    assert.deepStrictEqual(Revisions.versions, ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
    for (const revision of Revisions.all) assert.strictEqual(Revisions.select(revision.version), revision)
    assert.isUndefined(Revisions.select("2025-01-01"))
  })

  it("open with initialize up to 2025-11-25, and do so exactly in the stateful era", () => {
    assert.strictEqual(Revisions.latestStateful.version, "2025-11-25")
    for (const { era, requests, version } of Revisions.all) {
      assert.strictEqual(era, version <= "2025-11-25" ? "Stateful" : "Stateless")
      assert.strictEqual("initialize" in requests, era === "Stateful")
    }
  })

  it("ask a client in one way each: on the connection, or in place of a result", () => {
    for (const { era, inputRequests, serverRequests } of Revisions.all) {
      assert.deepStrictEqual(era === "Stateful" ? inputRequests : serverRequests, {})
      assert.property(era === "Stateful" ? serverRequests : inputRequests, "roots/list")
    }
  })
})
