/** The server of README, as it stands there and after the one command that bundles it. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { fences } from "../docs/fences.ts"
import { root, run } from "./program.ts"

const readme = fs.readFileSync(path.join(root, "README.md"), "utf8")
const out = path.join(root, ".out")
fs.mkdirSync(out, { recursive: true })
// Inside the repository, so that the package's own name resolves.
const directory = fs.mkdtempSync(path.join(out, "readme-"))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

const server = fences("README.md", readme).find(({ name }) => name === "server.ts")!
fs.writeFileSync(path.join(directory, "server.ts"), server.code)

const clientInfo = { name: "readme", version: "1.0.0" }
const messages = [
  { id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo } },
  { id: 2, method: "tools/call", params: { name: "greet", arguments: { name: "Ada" } } }
]
const input = messages.map((message) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`).join("")

const greets = async (file: string) => {
  const { code, outlived, stderr, stdout } = await run(path.join(directory, file), { input })
  assert.strictEqual(code, 0, stderr)
  assert.isFalse(outlived)
  const answers = stdout.trim().split("\n").map((line) => JSON.parse(line))
  assert.deepStrictEqual(answers.find(({ id }) => id === 2).result.content, [{ type: "text", text: "Hello, Ada!" }])
}

describe("the server of README", () => {
  it("greets", () => greets("server.ts"), 40_000)

  it("greets when it is bundled", async () => {
    const [command, ...args] = /^npx (esbuild .+)$/m.exec(readme)![1]!.split(" ")
    assert.include(args, "--outfile=server.mjs")
    execFileSync(path.join(root, "node_modules/.bin", command!), [
      ...args,
      "--conditions=fastmcp-effect/source",
      "--log-level=error"
    ], { cwd: directory, timeout: 30_000 })
    await greets("server.mjs")
  }, 80_000)
})
