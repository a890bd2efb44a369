/** The example that has everything under the command line of the MCP Inspector, a client of its own. */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as harness from "./harness.ts"
import type { Inspection } from "./inspections.ts"

const home = mkdtempSync(join(tmpdir(), "inspector-"))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const run = async (...args: ReadonlyArray<string>) => {
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: home, ...harness.compiled },
    timeout: 90_000,
    killSignal: "SIGKILL"
  })
  return JSON.parse(stdout)
}

const inspectAll = (runs: ReadonlyArray<ReadonlyArray<string>>): Promise<ReadonlyArray<Inspection>> =>
  run(harness.pathOf("inspections.ts"), JSON.stringify(runs))

/** As somebody types it. */
const inspect = (...args: ReadonlyArray<string>) =>
  run(
    harness.pathOf("../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"),
    "--cli",
    ...args
  )

/** The first is typed; one process does the others, to save time. */
const methods = {
  "tools/list": [],
  "tools/call": ["--tool-name", "add", "--tool-arg", "a=1.5", "b=2"],
  "resources/list": [],
  "resources/read": ["--uri", "test://template/7/data"],
  "prompts/list": [],
  "prompts/get": ["--prompt-name", "test_prompt_with_arguments", "--prompt-args", "arg1=a", "arg2=b"]
} as const

const ways = ["Streamable HTTP", "Streamable HTTP in 2026-07-28", "HTTP+SSE", "stdio"] as const

let target: harness.HttpTarget
let found: ReadonlyArray<ReadonlyArray<Inspection>>
let failures: ReadonlyArray<Inspection>

beforeAll(async () => {
  target = await harness.startEverything()
  // Many start at once, on however few cores.
  const patience = ["--connect-timeout", "60000"]
  const mcp = [String(target.url), "--transport", "http", ...patience]
  const modern = [...mcp, "--protocol-era", "modern"]
  const sse = [String(new URL("/sse", target.url)), "--transport", "sse", ...patience]
  const cache = Object.entries(harness.compiled).flatMap(([name, value]) => ["-e", `${name}=${value}`])
  const stdio = [process.execPath, ...harness.everythingArgs, "stdio", ...cache, ...patience]
  const others = (target: ReadonlyArray<string>) =>
    Object.entries(methods).slice(1).map(([method, args]) => [...target, "--method", method, ...args])
  const failing = [
    [...mcp, "--method", "tools/call", "--tool-name", "test_error_handling"],
    [...mcp, "--method", "resources/read", "--uri", "test://nowhere"]
  ]
  const [overHttp, overStdio, ...typed] = await Promise.all([
    inspectAll([mcp, modern, sse].flatMap(others).concat(failing)),
    inspectAll(others(stdio)),
    ...[mcp, modern, sse, stdio].map((target) => inspect(...target, "--method", "tools/list"))
  ])
  const count = Object.keys(methods).length - 1
  found = typed.map((output, index) => [
    { output, error: undefined },
    ...index === 3 ? overStdio! : overHttp!.slice(index * count, (index + 1) * count)
  ])
  failures = overHttp!.slice(3 * count)
}, 100_000)

afterAll(async () => {
  target?.signal("SIGKILL")
  await target?.ended
})

for (const [index, way] of ways.entries()) {
  describe(`the MCP Inspector over ${way}`, () => {
    const isStateful = way !== "Streamable HTTP in 2026-07-28"

    const outputOf = (method: keyof typeof methods) => {
      const { error, output } = found[index]![Object.keys(methods).indexOf(method)]!
      expect(error).toBeUndefined()
      return output
    }

    it("lists tools", () => {
      const { tools } = outputOf("tools/list")
      expect(tools[0]).toMatchObject({ name: "test_simple_text", inputSchema: { type: "object" } })
      expect(tools.map(({ name }: any) => name)).toContain("test_reconnection")
    })

    it("calls a tool with arguments", () => {
      const { content, structuredContent } = outputOf("tools/call")
      expect(content).toEqual([{ type: "text", text: "3.5" }])
      expect(structuredContent).toBe(isStateful ? undefined : 3.5)
    })

    it("lists resources and reads one", () => {
      expect(outputOf("resources/list").resources.slice(0, 3)).toMatchObject([
        { uri: "test://static-text", mimeType: "text/plain", size: 48 },
        { uri: "test://static-binary", mimeType: "image/png" },
        { uri: "test://watched-resource" }
      ])
      const [{ text, ...content }] = outputOf("resources/read").contents
      expect(content).toEqual({ uri: "test://template/7/data", mimeType: "application/json" })
      expect(JSON.parse(text)).toMatchObject({ id: "7" })
    })

    it("lists prompts and gets one for its arguments", () => {
      expect(outputOf("prompts/list").prompts.map(({ name }: any) => name)).toContain("test_prompt_with_arguments")
      expect(outputOf("prompts/get").messages).toEqual([
        { role: "user", content: { type: "text", text: "Prompt with arguments: arg1='a', arg2='b'" } }
      ])
    })
  })
}

describe("the MCP Inspector", () => {
  it("fails where a tool fails, and where there is nothing to read", () => {
    const [tool, resource] = failures as [Inspection, Inspection]
    expect(tool.output).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("intentionally") }] })
    expect(tool.error).toContain("isError")
    expect(resource.error).toContain("test://nowhere")
  })
})
