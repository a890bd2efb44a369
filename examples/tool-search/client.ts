/** Finds a tool among hundreds and calls it, in both eras, and exits with 1 if it was another. */
import * as Effect from "effect/Effect"
import { Identity } from "fastmcp-effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Office } from "./server.ts"

const namesIn = ({ structuredContent }: { readonly structuredContent?: unknown }) =>
  (structuredContent as { readonly tools: ReadonlyArray<{ readonly name: string }> }).tools.map(({ name }) => name)

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const client = yield* McpTest.client(Office, { revision })
    const listed = yield* client.listTools
    assert.deepEqual(
      listed.map(({ name }) => name),
      ["search_tools", "call_tool", "who_am_i", "regex_search_tools", "regex_call_tool"]
    )

    const found = namesIn(yield* client.callTool("search_tools", { query: "agree to an invoice" }))
    assert.equal(found[0], "approve_invoice")
    const called = yield* client.callTool("call_tool", { name: found[0]!, arguments: { id: "17" } })
    assert.deepEqual(called.content, [{ type: "text", text: "approve invoice 17" }])

    const matched = namesIn(yield* client.callTool("regex_search_tools", { query: "^(delete|update)_(room|device)$" }))
    assert.deepEqual(matched, ["update_device", "update_room"])

    const admin = yield* McpTest.client(Office, {
      revision,
      identity: Identity.make({ subject: "ann", scopes: ["admin"] })
    })
    const more = namesIn(yield* admin.callTool("regex_search_tools", { query: "^(delete|update)_(room|device)$" }))
    assert.deepEqual(more, ["update_device", "delete_device", "update_room", "delete_room"])

    const refused = yield* client.callTool("regex_search_tools", { query: "(?=.*room)" })
    assert.equal(refused.isError, true)
    console.log(`${revision}: ${listed.length} tools are listed, and ${found[0]} is found among the others`)
  }).pipe(Effect.scoped, Effect.runPromise)
}
