/**
 * Starts a server, has it begin a task, and kills it in the middle; the next server goes on with the task, and the client
 * gets its result. Exits with 1 if a cake is not whole, or a step was done twice.
 */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { createInterface } from "node:readline"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "tasks-"))
const env = {
  ...process.env,
  TASKS: path.join(directory, "tasks.db"),
  BOOK: path.join(directory, "book")
}

/** A server, and requests of 2026-07-28 to it with the extension declared. */
const start = () => {
  const server = spawn(process.execPath, [...process.execArgv, path.join(import.meta.dirname, "server.ts")], {
    env,
    stdio: ["pipe", "pipe", "inherit"]
  })
  const answers = new Map<number, (message: any) => void>()
  createInterface({ input: server.stdout }).on("line", (line) => {
    const message = JSON.parse(line)
    answers.get(message.id)?.(message)
  })
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {
      elicitation: { form: {} },
      extensions: { "io.modelcontextprotocol/tasks": {} }
    }
  }
  const request = async (method: string, params: object): Promise<any> => {
    const id = answers.size + 1
    const answered = new Promise<any>((resolve) => answers.set(id, resolve))
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta } })}\n`)
    const { error, result } = await answered
    assert.equal(error, undefined)
    return result
  }
  const end = async (how: () => void) => {
    how()
    await once(server, "exit")
  }
  return { request, kill: () => end(() => server.kill("SIGKILL")), stop: () => end(() => server.stdin.end()) }
}

type Server = ReturnType<typeof start>

/** Looks, as often as the server likes, until the task is so. */
const until = async (server: Server, taskId: string, test: (task: any) => boolean): Promise<any> => {
  while (true) {
    const task = await server.request("tasks/get", { taskId })
    if (test(task)) return task
    await new Promise((resolve) => setTimeout(resolve, task.pollIntervalMs))
  }
}

const first = start()
const { taskId } = await first.request("tools/call", { name: "bake", arguments: { cake: "a cheesecake" } })
const { inputRequests } = await until(first, taskId, ({ status }) => status === "input_required")
console.log(inputRequests.icing.params.message)
await first.request("tasks/update", {
  taskId,
  inputResponses: { icing: { action: "accept", content: { icing: "lemon" } } }
})
const { statusMessage } = await until(first, taskId, ({ statusMessage }) => statusMessage !== undefined)
console.log(`the server is killed at ${statusMessage}`)
await first.kill()

const second = start()
const { result, status } = await until(second, taskId, ({ status }) => status === "completed" || status === "failed")
assert.equal(status, "completed", JSON.stringify(result))
assert.equal(result.content[0].text, "a cheesecake with lemon")
const done = fs.readFileSync(env.BOOK, "utf8").trim().split("\n")
assert.deepEqual(done, ["an oven for a cheesecake", ...[1, 2, 3, 4, 5].map((n) => `layer ${n}`), "lemon"])
console.log(`${result.content[0].text}, by two servers, and each step once`)

await second.stop()
fs.rmSync(directory, { recursive: true })
