/** The server that clients are tested with: each definition does what it says, in both eras. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as ClientHandlers from "fastmcp-effect/client/ClientHandlers"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as FakeModel from "fastmcp-effect/testing/FakeModel"
import * as Fixtures from "fastmcp-effect/testing/Fixtures"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as Memory from "fastmcp-effect/transport/Memory"

for (const revision of ["2025-11-25", "2026-07-28"] as const) {
  describe(`in ${revision} a client of the fixtures`, () => {
    const logged: Array<string> = []
    const model = FakeModel.make({ asked: { text: "Why?" }, answer: FakeModel.says("Because.") })
    const layer = McpClient.layer({ revision }).pipe(
      Layer.provide(Memory.layer),
      Layer.provide(Fixtures.layer),
      Layer.provide([
        model.layer,
        ClientHandlers.elicitation({ form: () => Effect.succeed(ClientHandlers.accept({ name: "Ada" })) }),
        ClientHandlers.log({ level: "debug", receive: ({ level }) => Effect.sync(() => void logged.push(level)) })
      ])
    )
    const test = <A, E>(name: string, body: (client: McpClient.Client) => Effect.Effect<A, E>) =>
      it.effect(name, () => Effect.provide(McpClient.McpClient.use(body), layer))

    test("calls what works", (client) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* client.call(Fixtures.echo, { text: "hi" }), "hi")
        assert.deepStrictEqual(yield* client.call(Fixtures.add, { a: 1, b: 2 }), { sum: 3 })
      }))

    test("gets each failure as it is", (client) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* Effect.flip(client.call(Fixtures.fail, { why: "so" })), { why: "so" })
        assert.include((yield* Effect.flip(client.call(Fixtures.refuse, {}))).message, "refuses every request")
        const crashed = yield* Effect.flip(client.call(Fixtures.crash, {}))
        assert.notInclude(crashed.message, "throws")
      }))

    test("waits for what is slow, cancels what never ends, and hears of progress", (client) =>
      Effect.gen(function*() {
        const told: Array<number> = []
        const slow = yield* Effect.forkChild(client.call(Fixtures.slow, { millis: 5000 }))
        const never = yield* Effect.forkChild(client.call(Fixtures.never, {}))
        const count = yield* Effect.forkChild(
          client.call(Fixtures.count, { to: 3 }, { onProgress: ({ progress }) => told.push(progress) })
        )
        yield* Lab.settle
        for (let second = 0; second < 5; second++) {
          yield* TestClock.adjust("1 second")
          yield* Lab.settle
        }
        yield* Fiber.join(slow)
        assert.strictEqual(yield* Fiber.join(count), 3)
        assert.deepStrictEqual(told, [1, 2, 3])
        yield* Fiber.interrupt(never)
      }))

    test("answers for its user and its model", (client) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* client.call(Fixtures.askUser, {}), "Hello, Ada!")
        assert.strictEqual(yield* client.call(Fixtures.askModel, { question: "Why?" }), "Because.")
        yield* model.verify
      }))

    test("hears what is logged", (client) =>
      Effect.gen(function*() {
        logged.length = 0
        yield* client.call(Fixtures.log, { message: "hi" })
        yield* Lab.settle
        assert.deepStrictEqual(logged, ["debug", "info", "warning", "error", "critical"])
      }))

    test("reads, completes and gets prompts", (client) =>
      Effect.gen(function*() {
        const read = (uri: string) => Effect.map(client.readResource(uri), ({ contents }) => contents[0]!)
        assert.deepInclude(yield* read("fixture:///text"), { text: "A text." })
        assert.property(yield* read("fixture:///bytes"), "blob")
        assert.deepInclude(yield* read("fixture:///numbered/7"), { text: "Number 7." })
        yield* Effect.flip(read("fixture:///gone"))
        const completed = yield* client.complete({
          ref: { type: "ref/prompt", name: "greet" },
          argument: { name: "language", value: "Es" }
        })
        assert.deepStrictEqual(completed.values, ["Esperanto"])
        assert.lengthOf((yield* client.getPrompt("greet", { name: "Ada" })).messages, 2)
        yield* Effect.flip(client.getPrompt("broken"))
      }))
  })
}
