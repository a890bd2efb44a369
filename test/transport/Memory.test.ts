import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Memory from "fastmcp-effect/transport/Memory"
import * as tools from "../server/tools.ts"
import * as wires from "../server/wires.ts"

describe("Memory", () => {
  it.effect("answers each connection by itself", () =>
    Effect.gen(function*() {
      const context = yield* wires.build(tools.server())
      const [one, two] = yield* Effect.provideContext(Effect.all([Memory.connect, Memory.connect]), context)
      one.send(JSON.stringify(wires.call("Stateless", 1, "echo", { text: "one" })))
      two.send(JSON.stringify(wires.call("Stateless", 1, "echo", { text: "two" })))
      assert.include(yield* Queue.take(two.frames), "\"two\"")
      assert.include(yield* Queue.take(one.frames), "\"one\"")
      assert.strictEqual(yield* Queue.size(one.frames), 0)
    }))

  it.effect("delivers in order, and in a turn of its own", () =>
    Effect.gen(function*() {
      const context = yield* wires.build(tools.server())
      const wire = yield* Effect.provideContext(Memory.connect, context)
      for (let id = 0; id < 100; id++) wire.send(JSON.stringify(wires.call("Stateless", id, "echo", { text: "x" })))
      assert.strictEqual(yield* Queue.size(wire.frames), 0)
      for (let id = 0; id < 100; id++) assert.strictEqual(JSON.parse(yield* Queue.take(wire.frames)).id, id)
    }))

  it.effect("cancels what is in flight when it closes, waits for its finalizers, and ends its frames", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const context = yield* wires.build(tools.server(probe))
      const scope = yield* Scope.make()
      const wire = yield* Effect.provideContext(Memory.connect, context).pipe(Scope.provide(scope))
      wire.send(JSON.stringify(wires.call("Stateless", 1, "never")))
      yield* wires.until(() => probe.events.length === 1)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(probe.events, ["never started", "never Cancelled User"])
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Queue.take(wire.frames))))
      // Nobody reads it any more.
      wire.send(JSON.stringify(wires.call("Stateless", 2, "never")))
      yield* wires.turns()
      assert.lengthOf(probe.events, 2)
    }))
})
