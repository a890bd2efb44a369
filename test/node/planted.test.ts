/** What is secret of a login stays so over sockets and in files, with a server that breaks in ways that only those can. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ClientAuth from "fastmcp-effect/client/ClientAuth"
import * as LoopbackRedirect from "fastmcp-effect/node/LoopbackRedirect"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import * as NodeTokenStore from "fastmcp-effect/node/NodeTokenStore"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as fs from "node:fs"
import * as Net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { assertUnheard, overheard } from "../support/overheard.ts"
import * as clientWires from "../transport/clientWires.ts"
import { documentAt } from "./wellKnown.ts"

const code = "Pl4ntedC0de"

const access = "Pl4ntedAccessT0ken"

const refresh = "Pl4ntedRefreshT0ken"

const respond = (body: unknown, status = "200 OK", headers = "") => {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  return `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\nconnection: close\r\n${headers}\r\n${text}`
}

const token = respond({ access_token: access, token_type: "Bearer", expires_in: 3600, refresh_token: refresh })

/** What its token endpoint does in place of an answer: it writes this, and closes the connection. */
const tokenAnswers = [
  // A header that cannot be read: the error of the client carries what comes after it.
  `HTTP/1.1 200 OK\r\nx bad: ${access}\r\n\r\n{"access_token":"${access}","refresh_token":"${refresh}"}`,
  `${access} ${refresh}`,
  token.slice(0, -5),
  "",
  token
]

/** Speaks HTTP well enough, and takes down what it is told. */
const serve = Effect.acquireRelease(
  Effect.promise(() =>
    new Promise<{ origin: string; told: Set<string>; answers: Array<string>; close: () => void }>((resolve) => {
      const told = new Set<string>()
      const answers = [...tokenAnswers]
      const sockets = new Set<Net.Socket>()
      const server = Net.createServer((socket) => {
        sockets.add(socket)
        let request = ""
        socket.on("error", () => {}).on("data", (chunk) => {
          request += String(chunk)
          const [head, body = ""] = request.split("\r\n\r\n")
          const length = Number(/content-length: (\d+)/iu.exec(head!)?.[1] ?? 0)
          if (!request.includes("\r\n\r\n") || body.length < length) return
          for (
            const [, value] of `${head}${body}`.matchAll(/(?:code_verifier|authorization: Bearer)[= ]([\w.~-]+)/giu)
          ) {
            told.add(value!)
          }
          socket.end(answer(head!.split(" ")[1]!))
        })
      })
      const answer = (target: string): string => {
        const { port } = server.address() as Net.AddressInfo
        const origin = `http://127.0.0.1:${port}`
        const { pathname, searchParams } = new URL(target, origin)
        const document = documentAt(origin, pathname)
        if (document !== undefined) return respond(document)
        switch (pathname) {
          case "/register":
            return respond({ client_id: "app" }, "201 Created")
          case "/authorize": {
            const back = new URL(searchParams.get("redirect_uri")!)
            const state = searchParams.get("state")!
            told.add(state)
            back.search = new URLSearchParams({ code, state }).toString()
            return respond("", "302 Found", `location: ${back.href}\r\n`)
          }
          case "/token":
            return answers.shift() ?? token
          default:
            return respond("", "401 Unauthorized", "www-authenticate: Bearer\r\n")
        }
      }
      server.listen(0, "127.0.0.1", () =>
        resolve({
          origin: `http://127.0.0.1:${(server.address() as Net.AddressInfo).port}`,
          told,
          answers,
          close: () => {
            server.close()
            for (const socket of sockets) socket.destroy()
          }
        }))
    })
  ),
  ({ close }) => Effect.sync(close)
)

it.live("what is secret of a login is found nowhere", () =>
  Effect.scoped(Effect.gen(function*() {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "planted-"))
    yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(directory, { recursive: true })))
    const there = yield* serve
    const auth = () =>
      Layer.provide(
        ClientAuth.browser(),
        Layer.mergeAll(
          NodeSafeFetch.layer({ allowLoopback: true }),
          NodeTokenStore.layer({ directory }),
          LoopbackRedirect.layer({
            tell: () => Effect.void,
            open: (url) => Effect.promise(() => fetch(url).then(() => {}))
          })
        )
      )
    const ask = Effect.gen(function*() {
      const client = yield* clientWires.connect(yield* ClientTransport.ClientTransport)
      client.ask(1, clientWires.stateless)
      while (client.told.length === 0) yield* Effect.sleep(5)
      yield* Effect.logDebug("asked", client.errors, ...client.errors.map(({ reason }) => reason))
      return client.errors.length
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.provide(NodeStreamableHttpClient.layer({ url: `${there.origin}/mcp` }), auth()), {
        local: true
      })
    )
    const { exit, said } = yield* overheard(Effect.gen(function*() {
      for (const _ of tokenAnswers) assert.isAbove(yield* ask, 0)
      const files = fs.readdirSync(directory).filter((name) => name.endsWith(".json")).map((name) =>
        path.join(directory, name)
      )
      assert.isTrue(files.some((file) => fs.readFileSync(file, "utf8").includes(access)))
      for (const file of files) fs.writeFileSync(file, fs.readFileSync(file, "utf8").slice(0, -20))
      assert.isAbove(yield* ask, 0)
      // What cannot be read at all.
      for (const file of files) {
        fs.rmSync(file)
        fs.mkdirSync(file)
      }
      assert.isAbove(yield* ask, 0)
      there.close()
      assert.isAbove(yield* ask, 0)
    }))
    yield* exit
    assert.isAbove(there.told.size, 10)
    assertUnheard(said, [code, access, refresh, ...there.told])
  })))
