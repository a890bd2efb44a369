/** Lists the prompts and gets them, with right and with wrong arguments; exits with 1 if anything is not so. */
import * as Effect from "effect/Effect"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { Desk } from "./server.ts"

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  await Effect.gen(function*() {
    const client = yield* McpTest.client(Desk, { revision })

    const [proverb, review] = yield* client.listPrompts
    assert.equal(proverb!.arguments, undefined)
    assert.deepEqual(review!.arguments!.map(({ name, required }) => [name, required]), [
      ["code", true],
      ["comments", true],
      ["language", false]
    ])

    const said = yield* client.getPrompt("proverb")
    assert.deepEqual(said.messages, [
      { role: "user", content: { type: "text", text: "Tell me a proverb that fits this conversation." } }
    ])

    const { messages } = yield* client.getPrompt("review", { code: "fn main() {}", comments: "3", language: "rust" })
    assert.deepEqual(messages.map(({ content, role }) => [role, content.type]), [
      ["user", "text"],
      ["user", "resource"],
      ["assistant", "text"]
    ])

    const refused = yield* Effect.flip(client.getPrompt("review", { comments: "many", lang: "rust" }))
    assert.equal(refused.reason._tag, "InvalidParams")
    for (const name of ["code", "comments", "lang"]) assert.match(refused.message, new RegExp(`\\b${name}:`))
  }).pipe(Effect.scoped, Effect.runPromise)
  console.log(`${revision}: two prompts, three messages`)
}
