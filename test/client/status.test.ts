import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as wires from "./wire.ts"

const server = Layer.orDie(McpServer.layer({ name: "acme", version: "1.0.0" }))

const statuses = (client: McpClient.Client) =>
  Effect.map(Stream.runCollect(client.status), (all) => all.map(({ _tag }) => _tag))

describe("the status of a client", () => {
  for (const revision of ["2026-07-28", "2025-11-25"] as const) {
    it.effect(`tells of a connection that is lost and found again, and ends with the client (${revision})`, () =>
      Effect.gen(function*() {
        const wire = wires.make(server)
        const scope = yield* Scope.make()
        const client = yield* Effect.provide(McpClient.make({ revision }).pipe(Scope.provide(scope)), wire.layer)
        const seen = yield* Effect.forkChild(statuses(client), { startImmediately: true })
        const changes = yield* Effect.forkChild(Stream.runDrain(client.changes()))
        const notifications = yield* Effect.forkChild(Stream.runDrain(client.notifications))
        wire.cut()
        yield* McpTest.settle
        yield* TestClock.adjust("1 second")
        yield* McpTest.settle
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* Fiber.join(seen), ["Connected", "Reconnecting", "Connected", "Closed"])
        yield* Fiber.join(changes)
        yield* Fiber.join(notifications)
        assert.deepStrictEqual(yield* statuses(client), ["Closed"])
      }))
  }

  it.effect("says why it has given up, and calls say the same", () =>
    Effect.gen(function*() {
      const wire = wires.make(server)
      const client = yield* Effect.provide(McpClient.make({ reconnect: Schedule.recurs(2) }), wire.layer)
      wire.isDown = true
      wire.cut()
      const all = yield* Stream.runCollect(client.status)
      assert.deepStrictEqual(all.map(({ _tag }) => _tag), ["Reconnecting", "Closed"])
      const last = all.at(-1)!
      assert.strictEqual(
        last._tag === "Closed" ? last.error.message : undefined,
        "Cannot reach the wire: it is down"
      )
      assert.strictEqual((yield* Effect.flip(client.ping())).message, "Cannot reach the wire: it is down")
      yield* Stream.runDrain(client.changes())
      assert.strictEqual(wire.attempts, 3)
    }).pipe(Effect.scoped))
})
