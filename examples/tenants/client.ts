/** Calls as people of two companies, and exits with 1 if one of them finds anything of the other's. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tenants from "fastmcp-effect/tenants/Tenants"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import assert from "node:assert/strict"
import { make } from "./server.ts"

const lines: Array<string> = []

await Effect.gen(function*() {
  const context = yield* Layer.build(make((line) => lines.push(line)))
  const as = (token: string, headers: { readonly [name: string]: string } = {}) =>
    McpTest.client(Layer.succeedContext(context), { headers: { authorization: `Bearer ${token}`, ...headers } })
  const add = (client: McpTest.Client, text: string) =>
    Effect.map(client.callTool("add_note", { text }), ({ structuredContent }) => structuredContent)
  const names = (client: McpTest.Client) => Effect.map(client.listTools, (tools) => tools.map(({ name }) => name))

  const ann = yield* as("ann")
  const bob = yield* as("bob")
  assert.deepEqual(yield* add(ann, "milk"), { count: 1, signedWith: "acme" })
  assert.deepEqual(yield* add(bob, "tea"), { count: 1, signedWith: "glob" })
  assert.deepEqual(yield* names(ann), ["add_note", "report"])
  assert.deepEqual(yield* names(bob), ["add_note"])

  // Cy is of both, and says which; Bob says what is not so.
  const cy = yield* as("cy", { "x-org": "acme" })
  assert.deepEqual(yield* add(cy, "eggs"), { count: 2, signedWith: "acme" })
  const refused = yield* Effect.flip(as("bob", { "x-org": "acme" }))
  assert.match(refused.message, /does not belong to the tenant/)

  // A new key, say: whoever comes next finds a new server.
  const { release } = yield* Effect.provideContext(Tenants.Tenants, context)
  yield* release("acme")
  assert.deepEqual(yield* add(ann, "milk"), { count: 1, signedWith: "acme" })
}).pipe(Effect.scoped, Effect.runPromise)

assert.deepEqual(lines.slice(0, 4), ["open acme", "open globex", "close acme", "open acme"])
assert.deepEqual(lines.slice(4).toSorted(), ["close acme", "close globex"])
console.log(lines.join(", "))
