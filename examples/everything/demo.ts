/**
 * A readable exchange with the everything server, in both eras: what is sent, what comes back. It talks to the server of
 * `npm start` if that runs, and to one of its own if not. Pass a URL to talk to another.
 */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"

interface Reply {
  readonly status: number
  readonly session: string | null
  readonly messages: ReadonlyArray<any>
}

const send = async (url: string, message: any, headers: Record<string, string> = {}): Promise<Reply> => {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      ...headers
    },
    body: JSON.stringify({ jsonrpc: "2.0", ...message })
  })
  const text = await response.text()
  const messages = text === "" ? [] : response.headers.get("content-type") === "text/event-stream"
    ? text.split("\n").filter((line) => /^data: ./.test(line)).map((line) => JSON.parse(line.slice(6)))
    : [JSON.parse(text)]
  return { status: response.status, session: response.headers.get("mcp-session-id"), messages }
}

const show = (message: any, { messages, status }: Reply) => {
  const { _meta, ...params } = message.params ?? {}
  console.log(`\u2192 ${message.method} ${JSON.stringify(params)}`)
  if (messages.length === 0) console.log(`\u2190 ${status}`)
  for (const { error, method, params, result } of messages) {
    const body = JSON.stringify(error ?? result ?? params)
    console.log(`\u2190 ${method ?? (error === undefined ? "result" : "error")} ${shorten(body)}`)
  }
  console.log()
}

const shorten = (text: string) => text.length > 160 ? `${text.slice(0, 160)}\u2026` : text

const stateful = async (url: string) => {
  console.log("2025-11-25: a session\n")
  let headers: Record<string, string> = {}
  const exchange = async (message: any) => {
    const reply = await send(url, message, headers)
    show(message, reply)
    if (reply.session !== null) headers = { "mcp-session-id": reply.session, "mcp-protocol-version": "2025-11-25" }
    return reply.messages.at(-1)
  }
  await exchange({
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "demo", version: "1.0.0" } }
  })
  await exchange({ method: "notifications/initialized" })
  const { result: { tools } } = await exchange({ id: 2, method: "tools/list" })
  assert.ok(tools.length > 10)
  const sum = await exchange({ id: 3, method: "tools/call", params: { name: "add", arguments: { a: 40, b: 2 } } })
  assert.equal(sum.result.content[0].text, "42")
  const refused = await exchange({ id: 4, method: "tools/call", params: { name: "add", arguments: { a: "40" } } })
  assert.equal(refused.result.isError, true)
  await exchange({
    id: 5,
    method: "tools/call",
    params: { name: "test_tool_with_progress", _meta: { progressToken: "p" } }
  })
  const read = await exchange({ id: 6, method: "resources/read", params: { uri: "test://template/7/data" } })
  assert.equal(JSON.parse(read.result.contents[0].text).id, "7")
  const words = { arg1: "hello", arg2: "world" }
  const prompt = await exchange({
    id: 7,
    method: "prompts/get",
    params: { name: "test_prompt_with_arguments", arguments: words }
  })
  assert.match(prompt.result.messages[0].content.text, /arg1='hello', arg2='world'/)
}

const stateless = async (url: string) => {
  console.log("2026-07-28: each request for itself\n")
  let id = 0
  const exchange = async (method: string, params: any = {}) => {
    const message = {
      id: ++id,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
          "io.modelcontextprotocol/clientInfo": { name: "demo", version: "1.0.0" }
        }
      }
    }
    const reply = await send(url, message, {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(params.name === undefined ? undefined : { "mcp-name": params.name })
    })
    show(message, reply)
    return reply.messages.at(-1)
  }
  const { result } = await exchange("server/discover")
  assert.ok(result.supportedVersions.includes("2026-07-28"))
  const sum = await exchange("tools/call", { name: "add", arguments: { a: 40, b: 2 } })
  assert.equal(sum.result.structuredContent, 42)
  // A question ends the call; the same call with the answer goes on.
  const call = { name: "test_input_required_result_elicitation" }
  const asked = await exchange("tools/call", call)
  assert.equal(asked.result.inputRequests.user_name.method, "elicitation/create")
  const inputResponses = { user_name: { action: "accept", content: { name: "Ada" } } }
  const greeting = await exchange("tools/call", { ...call, inputResponses, requestState: asked.result.requestState })
  assert.equal(greeting.result.content[0].text, "Hello, Ada!")
  const unknown = await exchange("tools/call", { name: "no_such_tool" })
  assert.equal(unknown.error.code, -32602)
}

const answers = (url: string) => fetch(url).then(() => true, () => false)

const ownServer = async () => {
  const child = spawn(process.execPath, [...process.execArgv, `${import.meta.dirname}/server.ts`, "http"], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "ignore", "pipe"]
  })
  const [line] = await once(child.stderr, "data")
  const url = /http:\/\/\S+/.exec(String(line))![0]
  child.stderr.resume()
  return { url, stop: () => child.kill() }
}

const started = process.argv[2] ?? "http://127.0.0.1:8000/mcp"
const server = await answers(started) ? { url: started, stop: () => true } : await ownServer()
console.log(`Talking to ${server.url}\n`)
try {
  await stateful(server.url)
  await stateless(server.url)
} finally {
  server.stop()
}
