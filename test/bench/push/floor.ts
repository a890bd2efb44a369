/**
 * The floor of what a server says beside its replies: bare `node:http` that writes events, and knows no protocol.
 * Usage: floor progress PORT | floor changes PORT
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { uris } from "./data.ts"

const events = { "content-type": "text/event-stream", "cache-control": "no-cache" }

const event = (message: object): string => `event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", ...message })}\n\n`

const read = (request: IncomingMessage, done: (message: any) => void) => {
  let body = ""
  request.setEncoding("utf8")
  request.on("data", (chunk: string) => body += chunk)
  request.on("end", () => done(JSON.parse(body)))
}

const textResult = (text: string) => ({ content: [{ type: "text", text }] })

const progress = (message: any, response: ServerResponse) => {
  const { _meta: { progressToken }, arguments: { a, b } } = message.params
  response.writeHead(200, events)
  response.write(event({ method: "notifications/progress", params: { progressToken, progress: 1, total: 2 } }))
  response.end(event({ id: message.id, result: textResult(String(a + b)) }))
}

const streams: Array<ServerResponse> = []

const open = (response: ServerResponse) => {
  response.writeHead(200, events).flushHeaders()
  streams.push(response)
}

const publish = (message: any, response: ServerResponse) => {
  for (const uri of uris) {
    const text = event({ method: "notifications/resources/updated", params: { uri } })
    for (const stream of streams) stream.write(text)
  }
  const out = JSON.stringify({ jsonrpc: "2.0", id: message.id, result: textResult("published") })
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(out) }).end(out)
}

const [, , what, port] = process.argv
createServer((request, response) => {
  if (request.method === "GET") return open(response)
  read(request, (message) => {
    if (what === "progress") progress(message, response)
    else if (message.method === "subscriptions/listen") open(response)
    else publish(message, response)
  })
}).listen(Number(port), "127.0.0.1")
