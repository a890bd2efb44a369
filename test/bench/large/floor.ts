/**
 * The floor of the large loads: reads the request, and writes bytes that were prepared before the first one came.
 * Usage: floor list | floor report
 */
import { records, tools } from "./data.ts"

interface Request {
  readonly id: number
  readonly params: { readonly arguments: { readonly page: number } }
}

type Answer = (request: Request) => ReadonlyArray<Uint8Array>

const list = (): Answer => {
  const inputSchema = {
    type: "object",
    properties: { account: { type: "string" }, limit: { type: "number" } },
    required: ["account", "limit"]
  }
  const rest = Buffer.from(JSON.stringify({ tools: tools.map((tool) => ({ ...tool, inputSchema })) }) + "}\n")
  return ({ id }) => [Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":`), rest]
}

const report = (): Answer => {
  const hole = 1_234_567_890_123
  const structuredContent = { page: hole, records }
  const result = { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent }
  const [start, middle, end] = (JSON.stringify(result) + "}\n").split(String(hole))
  const [between, rest] = [Buffer.from(middle!), Buffer.from(end!)]
  return ({ id, params: { arguments: { page } } }) => [
    Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${start}${page}`),
    between,
    Buffer.from(String(page)),
    rest
  ]
}

const answer = process.argv[2] === "list" ? list() : report()
let rest = ""
process.stdin.setEncoding("utf8")
process.stdin.on("data", (chunk: string) => {
  const lines = (rest + chunk).split("\n")
  rest = lines.pop()!
  for (const line of lines) process.stdout.write(Buffer.concat(answer(JSON.parse(line))))
})
