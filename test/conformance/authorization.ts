/** The suite's mode for authorization servers, against examples/oauth-server: its user is played here. */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Check } from "./judge.ts"
import { freePort, root, start } from "./program.ts"

export const wanted = ["authorization-server-metadata-endpoint", "authorization-code-grant"]

const prefix = "authorization-server-"

/** Goes where it is sent, as a browser would: the server asks its user nothing. */
const visit = async (url: string): Promise<void> => {
  const response = await fetch(url, { redirect: "manual" })
  await response.text()
  const location = response.headers.get("location")
  if (location !== null) await fetch(new URL(location, url)).then((page) => page.text())
}

const runSuite = (args: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    const limit = setTimeout(() => child.kill("SIGKILL"), 60_000)
    let output = ""
    let hasVisited = false
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const url = /^(http:\S+\/authorize\?\S+)\s/mu.exec(output)?.[1]
      // It listens for the answer when it says so.
      if (hasVisited || url === undefined || !output.includes("Callback server started")) return
      hasVisited = true
      visit(url).catch((error: unknown) => output += String(error))
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
    child.on("close", () => {
      clearTimeout(limit)
      resolve(output)
    })
  })

export interface Found {
  readonly checks: ReadonlyMap<string, ReadonlyArray<Check>>
  readonly problems: ReadonlyArray<string>
}

export const run = async (suite: string, directory: string): Promise<Found> => {
  fs.rmSync(path.join(root, directory), { recursive: true, force: true })
  const server = await start("/.well-known/oauth-authorization-server", "examples/oauth-server/server.ts")
  const { origin } = new URL(server.url)
  const output = await runSuite([
    path.join(suite, "dist/index.js"),
    "authorization",
    ...["--url", origin],
    ...["--client-id", "example"],
    ...["--resource", `${origin}/mcp`],
    ...["--port", String(await freePort())],
    ...["-o", directory]
  ])
  const problems = server.hasDied() ? ["authorization: the server died"] : []
  server.stop()
  const checks = new Map<string, ReadonlyArray<Check>>()
  for (const name of fs.existsSync(path.join(root, directory)) ? fs.readdirSync(path.join(root, directory)) : []) {
    const scenario = new RegExp(`^${prefix}(.+)-\\d{4}-\\d\\d-\\d\\dT[\\d-]+Z$`, "u").exec(name)?.[1]
    if (scenario === undefined) continue
    checks.set(scenario, JSON.parse(fs.readFileSync(path.join(root, directory, name, "checks.json"), "utf8")))
  }
  if (checks.size === 0) problems.push(`authorization: the suite ran nothing\n${output.trim()}`)
  return { checks, problems }
}
