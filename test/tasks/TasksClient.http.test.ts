/** A client's tasks over HTTP, on a clock that runs. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as NodeHttp from "fastmcp-effect/node/NodeHttp"
import * as NodeStreamableHttpClient from "fastmcp-effect/node/NodeStreamableHttpClient"
import type * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as TasksClient from "fastmcp-effect/tasks/TasksClient"
import * as Leaks from "fastmcp-effect/testing/Leaks"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { alone, asked } from "./support.ts"

const questions = Tool.make("questions", {
  parameters: { n: Schema.Int },
  success: Schema.String,
  task: "required",
  handler: ({ n }) => Effect.map(asked, ({ which, who }) => `${n} ${who.name} ${which.color}`)
})

const user = ClientHandlers.elicitation({
  form: ({ message }) => Effect.succeed(ClientHandlers.accept(message === "Who?" ? { name: "Ada" } : { color: "red" }))
})

const connect = (url: string | URL, revision: Revisions.Version, options: TasksClient.Options = {}) =>
  Effect.map(
    Layer.build(
      McpClient.layer({ revision, extensions: [TasksClient.extension(options)] }).pipe(
        Layer.provide([NodeStreamableHttpClient.layer({ url }), user])
      )
    ),
    (context) => Context.get(context, McpClient.McpClient)
  )

const textOf = ({ content: [block] }: { readonly content: ReadonlyArray<any> }) => block.text

describe("TasksClient over HTTP", () => {
  for (const revision of ["2026-07-28", "2025-11-25"] as const) {
    it.live(`fifty calls at once that are tasks and ask, and one that is interrupted, in ${revision}`, () =>
      Leaks.check(Effect.gen(function*() {
        const known = yield* Deferred.make<void>()
        const stopped = yield* Deferred.make<void>()
        const endless = Tool.make("endless", {
          task: "required",
          handler: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined))
        })
        const context = yield* Layer.build(
          NodeHttp.layer({ port: 0, grace: "200 millis" }).pipe(
            Layer.provideMerge(alone([questions, endless], { pollInterval: "100 millis" }))
          )
        )
        const client = yield* connect(Context.get(context, NodeHttp.Address).url, revision, {
          onCreated: (_, { name }) => name === "endless" ? Deferred.succeed(known, undefined) : Effect.void
        })
        const texts = yield* Effect.forEach(
          Array.from({ length: 50 }, (_, n) => n),
          (n) => Effect.map(client.callTool("questions", { n }), textOf),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(texts, Array.from({ length: 50 }, (_, n) => `${n} Ada red`))

        const tasks = TasksClient.make(client)
        const created = yield* tasks.create("questions", { n: 1 })
        if (created._tag === "Result") return assert.fail("no task")
        const waiting = yield* Effect.forkChild(created.task.result, { startImmediately: true })
        const states = yield* Stream.runCollect(created.task.updates)
        assert.strictEqual(states.at(-1)?.status, "completed")
        assert.strictEqual(textOf(yield* Fiber.join(waiting)), "1 Ada red")

        const call = yield* Effect.forkChild(client.callTool("endless"), { startImmediately: true })
        yield* Deferred.await(known)
        yield* Fiber.interrupt(call)
        yield* Deferred.await(stopped)
      })))
  }

  for (const revision of ["2026-07-28", "2025-11-25"] as const) {
    it.live(`a task whose client was killed while its user thought is there for the next client, in ${revision}`, () =>
      Leaks.check(Effect.gen(function*() {
        const context = yield* Layer.build(
          NodeHttp.layer({ port: 0, grace: "200 millis" }).pipe(
            Layer.provideMerge(alone([questions], { pollInterval: "100 millis" }))
          )
        )
        const { url } = Context.get(context, NodeHttp.Address)
        const taskId = yield* Effect.promise(async () => {
          const child = spawn(process.execPath, [
            "--conditions=fastmcp-effect/source",
            fileURLToPath(new URL("kill/client.ts", import.meta.url)),
            String(url),
            revision
          ], { stdio: ["ignore", "pipe", "inherit"] })
          let said = ""
          for await (const chunk of child.stdout) {
            said += String(chunk)
            if (said.includes("asked")) break
          }
          child.kill("SIGKILL")
          await once(child, "exit")
          return said.split("\n")[0]!
        })
        const client = yield* connect(url, revision)
        const task = TasksClient.make(client).resume(taskId)
        assert.strictEqual((yield* task.get).status, "input_required")
        assert.strictEqual(textOf(yield* task.result), "7 Ada red")
      })))
  }

  it.live("names the task in a header of each request about it (2026-07-28)", () =>
    Leaks.check(Effect.gen(function*() {
      const seen: Array<{ readonly method: string; readonly name: unknown; readonly isDeclared: boolean }> = []
      const times = { createdAt: "2026-07-28T00:00:00Z", lastUpdatedAt: "2026-07-28T00:00:00Z", ttlMs: null }
      const task = { taskId: "tö", pollIntervalMs: 100, ...times }
      const results: { readonly [method: string]: () => object } = {
        "server/discover": () => ({
          supportedVersions: ["2026-07-28"],
          capabilities: { tools: {}, extensions: { "io.modelcontextprotocol/tasks": {} } },
          ttlMs: 0,
          cacheScope: "private"
        }),
        "tools/call": () => ({ ...task, resultType: "task", status: "working" }),
        "tasks/get": () =>
          seen.filter(({ method }) => method === "tasks/get").length === 1
            ? { ...task, status: "input_required", inputRequests: { who: question } }
            : { ...task, status: "completed", result: { content: [{ type: "text", text: "echoed" }] } },
        "tasks/update": () => ({}),
        "tasks/cancel": () => ({})
      }
      const question = {
        method: "elicitation/create",
        params: {
          mode: "form",
          message: "Who?",
          requestedSchema: { type: "object", properties: { name: { type: "string" } } }
        }
      }
      const server = yield* Effect.acquireRelease(
        Effect.callback<Http.Server>((resume) => {
          const server = Http.createServer(async (request, response) => {
            const { id, method, params } = JSON.parse(await text(request))
            const { "mcp-method": named, "mcp-name": name } = request.headers
            assert.strictEqual(named, method)
            const { extensions } = params._meta["io.modelcontextprotocol/clientCapabilities"]
            seen.push({ method, name, isDeclared: "io.modelcontextprotocol/tasks" in extensions })
            response.setHeader("content-type", "application/json")
            const made = results[method]
            response.statusCode = made === undefined ? 404 : 200
            response.end(JSON.stringify({
              jsonrpc: "2.0",
              id,
              ...made === undefined
                ? { error: { code: -32601, message: "Method not found" } }
                : { result: { resultType: "complete", ...made() } }
            }))
          }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) =>
          Effect.promise(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())))
      )
      const { port } = server.address() as AddressInfo
      const client = yield* connect(`http://127.0.0.1:${port}/mcp`, "2026-07-28")
      // What the suite's pull request 405 looks for: a call whose result is fetched with `tasks/get`.
      assert.strictEqual(textOf(yield* client.callTool("long_running_echo", { message: "x" })), "echoed")
      yield* TasksClient.make(client).resume("tö").cancel
      const about = seen.filter(({ method }) => method.startsWith("tasks/"))
      assert.deepStrictEqual(about.map(({ method }) => method), [
        "tasks/get",
        "tasks/update",
        "tasks/get",
        "tasks/cancel"
      ])
      for (const { name } of about) assert.strictEqual(name, "=?base64?dMO2?=")
      assert.isTrue(seen.every(({ isDeclared }) => isDeclared))
    })))
})
