/** Reads the handbook, asks for what it may not have, and changes a file and a module under the running server. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Memory from "fastmcp-effect/transport/Memory"
import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { desk } from "./server.ts"

// Beside this file, so that the modules find their packages.
const root = fs.mkdtempSync(path.join(import.meta.dirname, ".copy-"))
process.once("exit", () => fs.rmSync(root, { recursive: true, force: true }))

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  const copy = path.join(root, revision)
  const at = (file: string) => path.join(copy, file)
  for (const folder of ["handbook", "tools"]) {
    fs.cpSync(path.join(import.meta.dirname, folder), at(folder), { recursive: true })
  }
  fs.symlinkSync("/etc", at("handbook/etc"))

  await Effect.gen(function*() {
    const client = yield* McpClient.make({ revision, cache: false })
    const textOf = (uri: string) =>
      Effect.map(
        client.readResource(uri),
        ({ contents: [content] }) => content !== undefined && "text" in content ? content.text : ""
      )
    const euros = Effect.map(
      client.callTool("convert", { amount: 10, currency: "dollar" }),
      ({ content: [block] }) => block !== undefined && "text" in block ? block.text : ""
    )

    const uris = (yield* client.listResources()).map(({ uri }) => uri)
    assert.deepEqual(uris, ["docs://handbook/guide/returns.md", "docs://handbook/intro.md"])
    assert.match(yield* textOf("docs://handbook/guide/returns.md"), /^# Returns/)
    assert.equal(yield* textOf("docs://handbook/intro.md?offset=2&limit=8"), "Handbook")

    for (const path of [".env", "guide/draft.md", "etc/hostname", "..%2Fserver.ts", "%2e%2e/server.ts"]) {
      const refused = yield* Effect.flip(client.readResource(`docs://handbook/${path}`))
      assert.match(refused.message, /not found/i)
    }

    // What is saved while the server runs is there soon.
    const soon = Schedule.max([Schedule.spaced("50 millis"), Schedule.recurs(200)])
    fs.writeFileSync(at("handbook/new.md"), "# New")
    const listed = Effect.map(client.listResources(), (all) => all.some(({ name }) => name === "new.md"))
    yield* Effect.retry(Effect.filterOrFail(listed, (isListed) => isListed), soon)
    assert.equal(yield* textOf("docs://handbook/new.md"), "# New")
    assert.equal(yield* euros, "9")
    fs.writeFileSync(at("tools/lib/rates.ts"), "export const euro = { dollar: 0.8 }\n")
    yield* Effect.retry(Effect.filterOrFail(euros, (found) => found === "8"), soon)
  }).pipe(
    Effect.scoped,
    Effect.provide(Memory.layer.pipe(Layer.provide(desk({ handbook: at("handbook"), tools: at("tools") })))),
    Effect.runPromise
  )
  console.log(`${revision}: two files, three secrets kept, and a tool that was changed while it was served`)
}
