/** What a server is to its extensions: calls over no connection, methods without an end, a wrapper around clients' calls. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Elicitation from "fastmcp-effect/context/Elicitation"
import * as Identity from "fastmcp-effect/context/Identity"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as Extension from "fastmcp-effect/server/Extension"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { capabilities, id, info, method, serve } from "./extended.ts"

describe("an extension that is attached", () => {
  const answerOf = (fingerprint: string): Extension.RecordedAnswer => ({
    fingerprint,
    result: { action: "accept", content: { text: "recorded" } }
  })

  const ask = Elicitation.form({ text: Schema.String }, { message: "What?" })

  /** What is kept is told, and a question that is open ends the run. */
  const makeRecord = (answers: Extension.Record["answers"], seen: Array<string>) =>
    Effect.map(Deferred.make<{ readonly [key: string]: Extension.RecordedQuestion }>(), (waits) => ({
      waits,
      record: {
        answers,
        steps: { known: ["kept"] },
        isFresh: () => true,
        beyond: Effect.sync(() => void seen.push("beyond")),
        begin: (key) => Effect.sync(() => void seen.push(`begin ${key}`)),
        keep: (key, result) => Effect.sync(() => void seen.push(`keep ${key} ${JSON.stringify(result)}`)),
        failed: (key) => Effect.sync(() => void seen.push(`failed ${key}`)),
        wait: (questions) => Effect.andThen(Deferred.succeed(waits, questions), Effect.never)
      } satisfies Extension.Record
    }))

  const told = Tool.make("told", {
    success: Schema.String,
    handler: () =>
      Effect.gen(function*() {
        const { subject } = yield* Identity.CurrentIdentity
        const { sessionId, taskId } = yield* RequestContext.RequestContext
        const known = yield* Ask.once("known", Effect.die("again"))
        yield* Effect.ignore(Ask.once("bad", Effect.fail("no")))
        const fresh = yield* Ask.once("fresh", Effect.succeed(1))
        const { text } = yield* Ask.one("text", ask)
        return [subject, taskId, sessionId, known, fresh, text].join(" ")
      })
  })

  const inner = Tool.make("inner", { scopes: ["a"], handler: () => Effect.void })

  const attached = Effect.gen(function*() {
    const host = yield* Deferred.make<Extension.Host>()
    const seen: Array<string> = []
    const extension = Extension.make({
      id,
      attach: (given) => Effect.asVoid(Deferred.succeed(host, given)),
      wrap: ({ tool }, next) => Effect.andThen(Effect.sync(() => void seen.push(`wrap ${tool?.name}`)), next)
    })
    yield* serve(extension, {}, { tools: [told, inner] })
    return { host: yield* Deferred.await(host), seen }
  })

  const call = (
    record: Extension.Record,
    name = "told",
    identity = Identity.make({ subject: "ada", scopes: ["a"] })
  ) => ({
    params: { name, arguments: {} },
    revision: Revisions.v2026_07_28,
    client: { info: undefined, capabilities: { elicitation: { form: {} } } },
    meta: {},
    identity,
    taskId: "t1",
    record,
    reportProgress: () => Effect.void
  })

  it.effect("calls tools over no connection, with what is recorded, and keeps the rest", () =>
    Effect.gen(function*() {
      const { host, seen } = yield* attached
      assert.deepStrictEqual(host.serverInfo, info)
      const first = yield* makeRecord({}, seen)
      const run = yield* Effect.forkChild(host.call(call(first.record)))
      const { text } = yield* Deferred.await(first.waits)
      assert.deepInclude(text, { method: "elicitation/create" })
      yield* Fiber.interrupt(run)
      assert.deepStrictEqual(seen, ["wrap told", "begin bad", "failed bad", "begin fresh", "keep fresh [1]"])
      seen.length = 0
      const second = yield* makeRecord({ text: answerOf(text!.fingerprint) }, seen)
      assert.deepStrictEqual(yield* host.call(call(second.record)), {
        content: [{ type: "text", text: "ada t1  kept 1 recorded" }]
      })
      assert.strictEqual(seen.at(-1), "beyond")
      const third = yield* makeRecord({ text: answerOf("another question") }, seen)
      assert.propertyVal(yield* host.call(call(third.record)), "isError", true)
    }))

  it.effect("is refused what a client would be refused", () =>
    Effect.gen(function*() {
      const { host, seen } = yield* attached
      const { record } = yield* makeRecord({}, seen)
      const missing = yield* Effect.flip(host.call(call(record, "missing")))
      assert.strictEqual(missing.reason._tag, "ToolNotFound")
      const forbidden = yield* Effect.flip(host.call(call(record, "inner", Identity.make({ subject: "eve" }))))
      assert.strictEqual(forbidden.reason._tag, "InsufficientScope")
    }))

  it.effect("wraps the calls of clients, and not those of handlers", () =>
    Effect.gen(function*() {
      const free = Tool.make("free", { handler: () => Effect.void })
      const calling = Tool.make("calling", { handler: () => Effect.asVoid(Tool.call(free, {})) })
      const seen: Array<unknown> = []
      const extension = Extension.make({
        id,
        wrap: ({ tool }, next) => Effect.andThen(Effect.sync(() => void seen.push(tool?.name)), next)
      })
      const client = yield* serve(extension, {}, { tools: [free, calling] })
      yield* client.call(calling, {})
      assert.deepStrictEqual(seen, ["calling"])
    }))
})

describe("a method that has no end of its own", () => {
  it.effect("is not ended by the server's time", () =>
    Effect.gen(function*() {
      const extension = Extension.make({
        id,
        methods: {
          "clock/wait": method(() => Effect.as(Effect.sleep("1 hour"), { a: 1 }), { isOpenEnded: true }),
          "clock/short": method(() => Effect.as(Effect.sleep("1 hour"), { a: 1 }))
        }
      })
      const client = yield* serve(extension)
      const [wait, short] = yield* Effect.forEach(["clock/wait", "clock/short"], (name) =>
        Effect.forkChild(Effect.exit(client.request(name))))
      yield* McpTest.settle
      yield* TestClock.adjust("59 minutes")
      assert.isUndefined(wait!.pollUnsafe())
      assert.isTrue(Exit.isFailure(yield* Fiber.join(short!)))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(wait!)))
    }))
})

describe("an extension of one era", () => {
  it.effect("is announced there alone", () =>
    Effect.gen(function*() {
      const extension = Extension.make({ id, eras: ["Stateless"] })
      assert.deepStrictEqual((yield* capabilities(extension, "2026-07-28")).extensions, { [id]: {} })
      assert.isUndefined((yield* capabilities(extension, "2025-11-25")).extensions)
    }))
})
