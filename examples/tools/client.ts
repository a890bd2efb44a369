/** Calls each tool, by its contract where there is one, in both eras; exits with 1 if an answer is not the expected one. */
import * as Effect from "effect/Effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { area, count, find, NoSuchInvoice, Office, shout } from "./server.ts"

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const client = yield* McpTest.client(Office, { revision })

    const listed = yield* client.listTools
    assert.deepEqual(listed.map(({ name }) => name), [
      "find_invoice",
      "count_invoices",
      "scan_invoice",
      "area",
      "shout",
      "roll"
    ])

    // By contract the success is the decoded value and the failure the declared one ...
    const invoice = yield* client.call(find, { number: 7 })
    assert.equal(invoice.due.getUTCFullYear(), 2026)
    assert.deepEqual(yield* Effect.flip(client.call(find, { number: 8 })), new NoSuchInvoice({ number: 8 }))
    assert.equal(yield* client.call(count, {}), 1)

    // ... and this is what crossed.
    const raw = yield* client.callTool("find_invoice", { number: 7 })
    assert.deepEqual(raw.structuredContent, { number: 7, due: "2026-12-01T00:00:00.000Z", total: 99.5 })
    const failed = yield* client.callTool("find_invoice", { number: 8 })
    assert.equal(failed.isError, true)
    assert.deepEqual(failed.content, [{ type: "text", text: "There is no invoice 8" }])

    const scan = yield* client.callTool("scan_invoice")
    assert.deepEqual(scan.content.map(({ type }) => type), ["text", "image", "resource_link"])

    assert.equal(yield* client.call(area, { width: 2, height: 3, unit: "km" }), "6 km²")
    const byDefault = yield* client.callTool("area", { width: 2, height: 3 })
    assert.deepEqual(byDefault.content, [{ type: "text", text: "6 m²" }])
    const negative = yield* client.callTool("area", { width: -2, height: 3 })
    assert.equal(negative.isError, true)

    assert.equal(yield* client.call(shout, { text: "hello" }), "HELLO!")
    const unknownKey = yield* client.callTool("shout", { text: "hello", volume: 11 })
    assert.equal(unknownKey.isError, true)

    const roll = yield* client.callTool("roll", { sides: 20 })
    assert.deepEqual(roll.content, [{ type: "text", text: "20" }])
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: six tools, four libraries of schemas`)
}
