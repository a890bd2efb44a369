/**
 * The floor: no protocol, no validation, one constant shape. What JSON over this transport costs on Node at the least.
 * Usage: floor stdio | floor http PORT
 */
import { createServer } from "node:http"

interface Call {
  readonly id: number
  readonly params: { readonly arguments: { readonly a: number; readonly b: number } }
}

const answer = (message: Call): string => {
  const { a, b } = message.params.arguments
  return JSON.stringify({
    jsonrpc: "2.0",
    id: message.id,
    result: { content: [{ type: "text", text: String(a + b) }] }
  })
}

const stdio = () => {
  let rest = ""
  process.stdin.setEncoding("utf8")
  process.stdin.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop()!
    let out = ""
    for (const line of lines) out += answer(JSON.parse(line)) + "\n"
    if (out !== "") process.stdout.write(out)
  })
}

const http = (port: number) =>
  createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => body += chunk)
    request.on("end", () => {
      const out = answer(JSON.parse(body))
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(out) })
      response.end(out)
    })
  }).listen(port, "127.0.0.1")

if (process.argv[2] === "http") http(Number(process.argv[3]))
else stdio()
