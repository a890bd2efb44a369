import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ClientConfig from "fastmcp-effect/client/ClientConfig"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeClientConfig from "fastmcp-effect/node/NodeClientConfig"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

describe("the machine", () => {
  it.effect("is the one the process runs on, with its files", () =>
    Effect.gen(function*() {
      const machine = yield* ClientConfig.Machine
      assert.strictEqual(machine.home, os.homedir())
      assert.strictEqual(machine.folder, process.cwd())
      assert.include(["darwin", "linux", "win32"], machine.platform)
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "config-"))
      const file = path.join(folder, "mcp.json")
      const missing = yield* ClientConfig.load(file, { create: true })
      yield* ClientConfig.save(missing, `{"mcpServers":{"a":{"command":"x"}}}`)
      assert.deepStrictEqual((yield* ClientConfig.load(file)).servers.map(({ name }) => name), ["a"])
      fs.rmSync(folder, { recursive: true })
    }).pipe(Effect.provide(NodeClientConfig.layer)))

  it.live("reaches the servers of a file", () =>
    Effect.gen(function*() {
      const { servers } = yield* ClientConfig.parse(JSON.stringify({
        mcpServers: {
          shown: {
            command: process.execPath,
            args: ["--conditions=fastmcp-effect/source", `${import.meta.dirname}/../parity/clientServer.ts`]
          }
        }
      }))
      const server = yield* ClientConfig.resolve(servers[0]!)
      const client = yield* Effect.provide(McpClient.make(), NodeClientConfig.transport(server))
      assert.strictEqual(client.server().info?.name, "shown")
    }).pipe(Effect.scoped, Effect.provide(NodeClientConfig.layer)))
})
