/**
 * Clients that do not behave: they vanish, stop halfway through a request, never read, or open sessions and forget them.
 * Afterwards the server has the memory and the fibers it had before.
 */
import * as Net from "node:net"
import { fileURLToPath } from "node:url"
import { type Started, startServer } from "./process.ts"

interface Stats {
  readonly heapUsed: number
  readonly rss: number
  readonly fibers: number
  readonly sockets: number
}

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const statsOf = async ({ port }: Started): Promise<Stats> => {
  const response = await fetch(`http://127.0.0.1:${port}/stats`, { headers: { connection: "close" } })
  return await response.json() as Stats
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)

const body = (message: object) => JSON.stringify({ jsonrpc: "2.0", ...message })

const initialize = body({
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "soak", version: "1.0.0" } }
})

const meta = (era: "stateful" | "stateless") => ({
  progressToken: "t",
  ...(era === "stateless"
    ? {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {}
    }
    : undefined)
})

const call = (name: string, era: "stateful" | "stateless") =>
  body({ id: 1, method: "tools/call", params: { name, arguments: {}, _meta: meta(era) } })

const head = (port: number, length: number, more: ReadonlyArray<string> = []) =>
  [
    "POST /mcp HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    "content-type: application/json",
    "accept: application/json, text/event-stream",
    `content-length: ${length}`,
    ...more,
    "",
    ""
  ].join("\r\n")

const modern = (name: string) => ["mcp-protocol-version: 2026-07-28", "mcp-method: tools/call", `mcp-name: ${name}`]

const connect = (port: number): Promise<Net.Socket> =>
  new Promise((resolve, reject) => {
    const socket = Net.connect(port, "127.0.0.1", () => resolve(socket))
    socket.once("error", reject)
    socket.on("error", () => {})
  })

const openSession = async (port: number): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: initialize
  })
  await response.arrayBuffer()
  const session = response.headers.get("mcp-session-id")
  if (session === null) throw new Error(`no session: ${response.status}`)
  return session
}

/** Does something many times, a few at once. */
const many = async (count: number, atOnce: number, f: (index: number) => Promise<void>) => {
  let next = 0
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < count) await f(next++)
  }))
}

/** Each begins, and ends badly. The sockets that it leaves open are told. */
const misdeeds: ReadonlyArray<{
  readonly name: string
  readonly count: number
  readonly run: (port: number, count: number) => Promise<ReadonlyArray<Net.Socket>>
}> = [
  {
    name: "vanish in the middle of a call, stateless",
    count: 2000,
    run: async (port, count) => {
      await many(count, 50, async () => {
        const socket = await connect(port)
        const text = call("never", "stateless")
        socket.write(head(port, text.length, modern("never")) + text)
        await new Promise((resolve) => socket.once("data", resolve))
        socket.destroy()
      })
      return []
    }
  },
  {
    name: "vanish in the middle of a call, in a session",
    count: 2000,
    run: async (port, count) => {
      const session = await openSession(port)
      await many(count, 50, async (index) => {
        const socket = await connect(port)
        const text = call("never", "stateful").replace("\"id\":1", `"id":${index + 1}`)
        socket.write(head(port, text.length, [`mcp-session-id: ${session}`]) + text)
        await new Promise((resolve) => socket.once("data", resolve))
        socket.destroy()
      })
      return []
    }
  },
  {
    name: "half-open: headers that never end",
    count: 500,
    run: (port, count) =>
      Promise.all(Array.from({ length: count }, async () => {
        const socket = await connect(port)
        socket.write("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n")
        return socket
      }))
  },
  {
    name: "a body that never ends",
    count: 500,
    run: (port, count) =>
      Promise.all(Array.from({ length: count }, async () => {
        const socket = await connect(port)
        socket.write(`${head(port, 1000)}{"jsonrpc":`)
        return socket
      }))
  },
  {
    name: "a reader that never reads, stateless",
    count: 50,
    run: (port, count) =>
      Promise.all(Array.from({ length: count }, async () => {
        const socket = await connect(port)
        socket.pause()
        const text = call("flood", "stateless")
        socket.write(head(port, text.length, modern("flood")) + text)
        return socket
      }))
  },
  {
    name: "a reader that never reads, in a session",
    count: 50,
    run: (port, count) =>
      Promise.all(Array.from({ length: count }, async () => {
        const session = await openSession(port)
        const socket = await connect(port)
        socket.pause()
        const text = call("flood", "stateful")
        socket.write(head(port, text.length, [`mcp-session-id: ${session}`]) + text)
        return socket
      }))
  },
  {
    name: "a GET stream that is never read or closed",
    count: 200,
    run: (port, count) =>
      Promise.all(Array.from({ length: count }, async () => {
        const session = await openSession(port)
        const socket = await connect(port)
        socket.pause()
        socket.write(
          `GET /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nmcp-session-id: ${session}\r\n\r\n`
        )
        await sleep(1)
        socket.destroy()
        return socket
      }))
  },
  {
    name: "idle sessions",
    count: 10_000,
    run: async (port, count) => {
      await many(count, 50, async () => {
        await openSession(port)
      })
      return []
    }
  }
]

/** Times out, expires and is collected. */
const longEnough = 14_000

export const run = async (): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  const server = await startServer(fileURLToPath(new URL("soakServer.ts", import.meta.url)), ["--expose-gc"])
  try {
    // Once for what is built on first use.
    for (const { run } of misdeeds) for (const socket of await run(server.port, 20)) socket.destroy()
    await sleep(longEnough)
    const before = await statsOf(server)
    console.log(`before: heap ${megabytes(before.heapUsed)} MB, ${before.fibers} fibers, ${before.sockets} sockets`)
    for (const { count, name, run } of misdeeds) {
      const sockets = await run(server.port, count)
      await sleep(1000)
      const during = await statsOf(server)
      await sleep(longEnough)
      for (const socket of sockets) socket.destroy()
      await sleep(200)
      const after = await statsOf(server)
      const grown = after.heapUsed - before.heapUsed
      console.log(
        `${name}, ${count}: heap ${megabytes(during.heapUsed)} MB and ${during.fibers} fibers meanwhile, `
          + `${megabytes(after.heapUsed)} MB and ${after.fibers} fibers afterwards`
      )
      if (after.fibers !== before.fibers) failures.push(`${name}: ${after.fibers} fibers, ${before.fibers} before`)
      if (after.sockets > before.sockets) failures.push(`${name}: ${after.sockets} sockets, ${before.sockets} before`)
      if (grown > 3e6) failures.push(`${name}: ${megabytes(grown)} MB more than before`)
    }
    const answer = await fetch(`http://127.0.0.1:${server.port}/health`)
    if (answer.status !== 200) failures.push(`health: ${answer.status}`)
  } finally {
    const code = await server.stop()
    if (code !== 0) failures.push(`the server ended with ${code}`)
  }
  return failures
}
