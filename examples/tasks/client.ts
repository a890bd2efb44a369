/**
 * Starts a server, has it begin a task, and kills it in the middle. The next server goes on with the task, and the client
 * gets its result as if nothing had been; and so does another client, by the task's id. Exits with 1 if a cake is not
 * whole, or a step was done twice.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "tasks-"))
const env = {
  TASKS: path.join(directory, "tasks.db"),
  BOOK: path.join(directory, "book"),
  PROCESS: path.join(directory, "process")
}

const user = ClientHandlers.elicitation({
  form: ({ message }) => Effect.as(Effect.log(message), ClientHandlers.accept({ icing: "lemon" }))
})

const client = McpClient.layer({ extensions: [TasksClient.extension()] }).pipe(
  Layer.provide([
    user,
    NodeStdioClient.layer({
      command: process.execPath,
      args: [...process.execArgv, path.join(import.meta.dirname, "server.ts")],
      env,
      stderr: "inherit"
    })
  ])
)

const bakery = Effect.map(McpClient.McpClient, (client) => TasksClient.make(client))

const bake = Effect.gen(function*() {
  const tasks = yield* bakery
  const created = yield* tasks.create("bake", { cake: "a cheesecake" })
  assert.equal(created._tag, "Task")
  if (created._tag !== "Task") return ""
  const { task } = created
  const waiting = yield* Effect.forkChild(task.result)
  yield* Stream.runForEach(
    Stream.takeUntil(task.updates, ({ statusMessage }) => statusMessage !== undefined),
    ({ status, statusMessage = status }) => Effect.log(statusMessage)
  )
  yield* Effect.log("the server is killed")
  process.kill(Number(fs.readFileSync(env.PROCESS, "utf8")), "SIGKILL")
  const { content } = yield* Fiber.join(waiting)
  assert.deepEqual(content, [{ type: "text", text: "a cheesecake with lemon" }])
  const done = fs.readFileSync(env.BOOK, "utf8").trim().split("\n")
  assert.deepEqual(done, ["an oven for a cheesecake", ...[1, 2, 3, 4, 5].map((n) => `layer ${n}`), "lemon"])
  yield* Effect.log("a cheesecake with lemon, by two servers, and each step once")
  return task.id
})

const fetchAgain = (id: string) =>
  Effect.gen(function*() {
    const { content } = yield* (yield* bakery).resume(id).result
    assert.deepEqual(content, [{ type: "text", text: "a cheesecake with lemon" }])
    yield* Effect.log("and once more, by a client that has only its id")
  })

Effect.provide(bake, client).pipe(
  Effect.flatMap((id) => Effect.provide(fetchAgain(id), Layer.fresh(client))),
  Effect.ensuring(Effect.sync(() => fs.rmSync(directory, { recursive: true }))),
  NodeRuntime.runMain
)
