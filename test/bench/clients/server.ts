/**
 * What clients are measured against: a JSON echo that also answers what opens a conversation, and knows no more of the
 * protocol. It costs next to nothing, so that what is seen is the client.
 * Usage: server stdio - ERA | server http PORT ERA
 */
import { createServer } from "node:http"

interface Message {
  readonly id?: number | string
  readonly method: string
  readonly params?: { readonly arguments?: { readonly a: number; readonly b: number } }
}

const [, , mode, port, era] = process.argv

const isModern = era === "2026-07-28"

const serverInfo = { name: "floor", version: "1.0.0" }

/** What 2026-07-28 has in every result, and in those that may be kept. */
const complete = isModern ? { resultType: "complete", _meta: { "io.modelcontextprotocol/serverInfo": serverInfo } } : {}
const kept = isModern ? { ...complete, ttlMs: 0, cacheScope: "private" } : complete

const capabilities = { tools: {} }

const tools = [{
  name: "add",
  description: "Add two numbers",
  inputSchema: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"]
  }
}]

const resultOf = ({ method, params }: Message): object | undefined => {
  switch (method) {
    case "tools/call": {
      const { a, b } = params!.arguments!
      return { content: [{ type: "text", text: String(a + b) }], ...complete }
    }
    case "tools/list":
      return { tools, ...kept }
    case "initialize":
      return isModern ? undefined : { protocolVersion: era, capabilities, serverInfo }
    case "server/discover":
      return isModern ? { supportedVersions: [era], capabilities, ...kept } : undefined
    default:
      return undefined
  }
}

/** Undefined for a notification. */
const answer = (text: string): string | undefined => {
  const message: Message = JSON.parse(text)
  if (message.id === undefined) return undefined
  const result = resultOf(message)
  return JSON.stringify({
    jsonrpc: "2.0",
    id: message.id,
    ...(result === undefined ? { error: { code: -32601, message: `Method not found: ${message.method}` } } : { result })
  })
}

const stdio = () => {
  let rest = ""
  process.stdin.setEncoding("utf8")
  process.stdin.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop()!
    let out = ""
    for (const line of lines) {
      const text = answer(line)
      if (text !== undefined) out += text + "\n"
    }
    if (out !== "") process.stdout.write(out)
  })
}

const http = (port: number) =>
  createServer((request, response) => {
    if (request.method !== "POST") return response.writeHead(405).end()
    let body = ""
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => body += chunk)
    request.on("end", () => {
      const out = answer(body)
      if (out === undefined) return response.writeHead(202).end()
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(out) })
      response.end(out)
    })
  }).listen(port, "127.0.0.1")

if (mode === "http") http(Number(port))
else stdio()
