import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ClientGroup from "fastmcp-effect/client/ClientGroup"
import * as NodeStdioClient from "fastmcp-effect/node/NodeStdioClient"
import { program, running } from "../transport/stdioServers.ts"

/** A server of 2025-11-25 with one tool, which never answers. */
const server = () =>
  program(`
    onLine(({ id, method }) => {
      if (method === "initialize") {
        say({ id, result: {
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: token, version: "1.0.0" }
        } })
      } else if (method === "tools/list") say({ id, result: { tools: [{ name: "hang", inputSchema: { type: "object" } }] } })
      else if (method === "server/discover") say({ id, error: { code: -32601, message: "Method not found" } })
    })
  `)

const entry = ({ token: _, ...options }: ReturnType<typeof server>) => ({ transport: NodeStdioClient.layer(options) })

describe("servers that are processes", () => {
  it.live("are one each, go when they are removed, come back when they die, and end with the group", () =>
    Effect.gen(function*() {
      const [one, other] = [server(), server()]
      const scope = yield* Scope.make()
      const group = yield* Scope.provide(
        ClientGroup.make({ servers: { one: entry(one), other: entry(other) } }),
        scope
      )
      const names = Effect.map(group.listTools(), ({ items }) => items.map(({ name }) => name))
      assert.deepStrictEqual(yield* names, ["one_hang", "other_hang"])
      assert.deepStrictEqual([running(one.token).length, running(other.token).length], [1, 1])

      const call = yield* Effect.forkChild(Effect.flip(group.callTool("one_hang")))
      yield* Effect.sleep("20 millis")
      yield* group.remove("one")
      assert.strictEqual((yield* Fiber.join(call)).reason._tag, "Closed")
      assert.deepStrictEqual(running(one.token), [])

      const [pid] = running(other.token)
      const back = yield* Deferred.make<void>()
      let hasLeft = false
      const watching = yield* Effect.forkChild(Stream.runForEach(group.stateChanges, ({ state }) => {
        if (state._tag === "Connecting") hasLeft = true
        return hasLeft && state._tag === "Ready" ? Deferred.succeed(back, undefined) : Effect.void
      }))
      yield* Effect.sleep("20 millis")
      process.kill(pid!, "SIGKILL")
      yield* Deferred.await(back)
      assert.deepStrictEqual(yield* names, ["other_hang"])
      assert.notInclude(running(other.token), pid!)
      assert.strictEqual(running(other.token).length, 1)

      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(watching)
      assert.deepStrictEqual(running(other.token), [])
    }))

  it.live("that cannot be started say so, and are not in the way of the others", () =>
    Effect.gen(function*() {
      const good = server()
      const group = yield* ClientGroup.make({
        servers: {
          bad: { transport: NodeStdioClient.layer({ command: "no-such-program-anywhere" }) },
          good: entry(good)
        }
      })
      const { items, problems } = yield* group.listTools()
      assert.deepStrictEqual(items.map(({ name }) => name), ["good_hang"])
      assert.deepStrictEqual(problems.map(({ server }) => server), ["bad"])
      assert.match(problems[0]!.error.message, /Cannot reach no-such-program-anywhere/u)
    }).pipe(Effect.scoped))
})
