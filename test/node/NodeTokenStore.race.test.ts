import { assert, it } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as NodeTokenStore from "fastmcp-effect/node/NodeTokenStore"
import * as AuthorizationCode from "fastmcp-effect/oauth/client/AuthorizationCode"
import * as OAuthClient from "fastmcp-effect/oauth/client/OAuthClient"
import * as UserAgent from "fastmcp-effect/oauth/client/UserAgent"
import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { refusal } from "../oauth/client/world.ts"
import { documentAt } from "./wellKnown.ts"

const redirectUri = "http://127.0.0.1:4711/callback"

/** An authorization server that gives out each refresh token once, and a server that takes its newest token alone. */
const serve = async () => {
  let last = 0
  let refreshes = 0
  let good = ""
  /** Milliseconds it thinks over a refresh; who has gone meanwhile has not refreshed. */
  let thinks = 50
  let onRefresh = () => {}
  const server = http.createServer(async (request, response) => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const url = new URL(request.url!, origin)
    const json = (body: unknown, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
    let body = ""
    for await (const chunk of request) body += chunk
    const document = documentAt(origin, url.pathname)
    if (document !== undefined) return json(document)
    switch (url.pathname) {
      case "/register":
        return json({ client_id: "client" }, 201)
      case "/authorize":
        return response.writeHead(302, { location: `${redirectUri}?code=x&state=${url.searchParams.get("state")}` })
          .end()
      case "/token": {
        const params = new URLSearchParams(body)
        const isRefresh = params.get("grant_type") === "refresh_token"
        if (isRefresh) {
          onRefresh()
          const left = new Promise<boolean>((resolve) => response.once("close", () => resolve(true)))
          const isGone = await Promise.race([left, new Promise((resolve) => setTimeout(resolve, thinks))])
          if (isGone) return
          if (params.get("refresh_token") !== good) return json({ error: "invalid_grant" }, 400)
          refreshes++
        }
        good = `refresh-${++last}`
        return json({
          access_token: `access-${last}`,
          token_type: "Bearer",
          expires_in: 3600,
          refresh_token: good
        })
      }
      case "/mcp":
        return response.writeHead(request.headers.authorization === `Bearer access-${last}` ? 200 : 401).end()
      default:
        return response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    refreshes: () => refreshes,
    /** Settles when the next refresh has come in. */
    asked: () =>
      new Promise<void>((resolve) => {
        onRefresh = resolve
      }),
    thinkFor: (ms: number) => {
      thinks = ms
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}

/** Logs in, so that there is a token in the directory. */
const logIn = (directory: string, address: string) =>
  Effect.gen(function*() {
    const client = yield* OAuthClient.make({ address: new URL(address), grant: AuthorizationCode.make() })
    yield* client.refused(refusal(undefined))
  }).pipe(
    Effect.scoped,
    Effect.provide([
      NodeTokenStore.layer({ directory }),
      NodeSafeFetch.layer({ allowLoopback: true }),
      SecureRandom.layerWebCrypto,
      Layer.provide(UserAgent.layerHeadless({ redirectUri }), FetchHttpClient.layer)
    ]),
    Effect.runPromise
  )

interface Program {
  readonly child: ChildProcess
  /** Waits for a line that begins like this. */
  readonly says: (what: string) => Promise<string>
}

const start = (directory: string, address: string): Program => {
  const child = spawn(
    process.execPath,
    ["--conditions=fastmcp-effect/source", `${import.meta.dirname}/tokenProcess.ts`, directory, address],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, NODE_COMPILE_CACHE: path.resolve(import.meta.dirname, "../../node_modules/.cache/tokens") }
    }
  )
  let text = ""
  const waiting = new Set<() => void>()
  const look = () => [...waiting].forEach((look) => look())
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk
    look()
  })
  let hasEnded = false
  child.once("close", () => {
    hasEnded = true
    look()
  })
  return {
    child,
    says: (what) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = text.split("\n").slice(0, -1).find((line) => line.startsWith(what))
          if (line !== undefined) resolve(line)
          else if (hasEnded) reject(new Error(`a program ended that was to say ${what}: ${text}`))
        }
        waiting.add(look)
        look()
      })
  }
}

/** They all have the one token that is good. */
const work = async (address: string, programs: ReadonlyArray<Program>, round: number) => {
  const said = await Promise.all(programs.map(({ says }) => says(`token ${round} `)))
  const answers = await Promise.all(
    said.map((line) => fetch(address, { headers: { authorization: `Bearer ${line.split(" ")[2]}` } }))
  )
  assert.deepStrictEqual(answers.map(({ status }) => status), said.map(() => 200))
}

it(
  "of twenty programs one refreshes their token and all work, also when that one is killed in the middle",
  async () => {
    const there = await serve()
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "race-"))
    await logIn(directory, there.address)
    const programs = Array.from({ length: 21 }, () => start(directory, there.address))
    const go = () => programs.forEach(({ child }) => child.stdin!.write("go\n"))
    try {
      await Promise.all(programs.map(({ says }) => says("ready")))
      go()
      await work(there.address, programs, 1)
      assert.strictEqual(there.refreshes(), 1)

      there.thinkFor(60_000)
      const asked = there.asked()
      go()
      const killed = await Promise.race(
        programs.map((program) => program.says("asks 2 ").then(() => program))
      )
      await asked
      there.thinkFor(50)
      killed.child.kill("SIGKILL")
      await work(there.address, programs.filter((program) => program !== killed), 2)
      assert.strictEqual(there.refreshes(), 2)
    } finally {
      for (const { child } of programs) child.kill("SIGKILL")
      there.close()
      fs.rmSync(directory, { recursive: true })
    }
  },
  30_000
)
