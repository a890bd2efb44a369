import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { until } from "../server/wires.ts"
import { type Client, type Frame, type Id, settle } from "./client.ts"
import { errorOf, isNotification, notificationsOf, progressOf, resultOf } from "./frames.ts"
import { extraTool, levels, type Probe, secret } from "./server.ts"
import { verifies } from "./verifies.ts"

/** A call of `waits` that has begun. */
const waiting = (client: Client, probe: Probe, token?: string) =>
  Effect.gen(function*() {
    const meta = token === undefined ? undefined : { progressToken: token }
    const before = started(probe)
    const id = client.start("tools/call", { name: "waits", arguments: {} }, meta === undefined ? {} : { meta })
    yield* until(() => started(probe) === before + 1, () => "the tool began")
    if (token !== undefined) yield* until(() => progressOf(client.frames, token).length === 1, () => "its progress")
    return id
  })

const started = ({ events }: Probe) => events.filter((event) => event === "waits started").length

const interrupted = (probe: Probe) =>
  until(() => probe.events.includes("waits interrupted"), () => `an interruption among ${probe.events.join()}`)

const about = (frames: ReadonlyArray<Frame>, id: Id) =>
  frames.filter((frame) => frame.id === id || frame.params?.requestId === id)

verifies("cancellation:stops", (client, { probe }) =>
  Effect.gen(function*() {
    const id = yield* waiting(client, probe, "token")
    client.cancel(id)
    yield* interrupted(probe)
    yield* Deferred.succeed(probe.gate, undefined)
    yield* settle
    assert.deepStrictEqual(about(client.frames, id), [])
    resultOf(yield* client.call("echo", { text: "still here" }))
  }))

verifies("cancellation:silence", (client, { probe }) =>
  Effect.gen(function*() {
    const id = yield* waiting(client, probe, "token")
    const before = client.frames.length
    client.cancel(id)
    yield* settle
    yield* Deferred.succeed(probe.gate, undefined)
    yield* settle
    assert.deepStrictEqual(client.frames.slice(before), [])
  }))

verifies("cancellation:disconnect", (client, { probe }) =>
  Effect.gen(function*() {
    const id = yield* waiting(client, probe, "token")
    const post = yield* client.post(id)
    post.disconnect()
    yield* interrupted(probe)
    assert.deepStrictEqual(about(client.frames, id), [])
  }))

verifies("cancellation:disconnect-is-none", (client, { probe }) =>
  Effect.gen(function*() {
    const id = yield* waiting(client, probe, "token")
    const post = yield* client.post(id)
    post.disconnect()
    yield* settle
    yield* Deferred.succeed(probe.gate, undefined)
    yield* until(() => probe.events.includes("waits ended"), () => `an end among ${probe.events.join()}`)
  }))

verifies("cancellation:races", (client, { probe }) =>
  Effect.gen(function*() {
    const { id } = yield* client.call("echo", { text: "done" })
    const before = client.frames.length
    for (const requestId of [id, "never asked", 4_711]) client.notify("notifications/cancelled", { requestId })
    client.notify("notifications/cancelled", {})
    yield* settle
    assert.deepStrictEqual(client.frames.slice(before), [])
    // An id may be cancelled before and after its request, and is its own again.
    const next = yield* waiting(client, probe)
    client.notify("notifications/cancelled", { requestId: id })
    yield* Deferred.succeed(probe.gate, undefined)
    resultOf(yield* client.answer(next))
  }))

const listen = (client: Client, notifications: object) =>
  Effect.gen(function*() {
    const id = client.start("subscriptions/listen", { notifications })
    yield* until(() => ofSubscription(client, id).length > 0, () => "an acknowledgement")
    return id
  })

const subscriptionId = "io.modelcontextprotocol/subscriptionId"

const ofSubscription = ({ frames }: Client, id: Id): ReadonlyArray<Frame> =>
  frames.filter(({ params }) => params?._meta?.[subscriptionId] === id)

verifies("cancellation:server-sent", { grace: "5 seconds" }, (client, { probe }) =>
  Effect.gen(function*() {
    const listening = yield* listen(client, { toolsListChanged: true })
    const slow = client.start("tools/call", { name: "slow", arguments: {} })
    yield* until(() => probe.events.includes("slow started"), () => "the tool began")
    // The server gives the call up by itself, and that is not the client's to hear as a cancellation.
    yield* TestClock.adjust("2 seconds")
    yield* client.answer(slow)
    assert.deepStrictEqual(notificationsOf(client.frames, "notifications/cancelled"), [])
    const open = yield* waiting(client, probe)
    // Over stdio the server waits for the call before it goes.
    const time = Effect.andThen(settle, TestClock.adjust("1 minute"))
    yield* Effect.all([client.close, time], { concurrency: "unbounded" })
    const cancelled = notificationsOf(client.frames, "notifications/cancelled").map(({ params }) => params.requestId)
    for (const id of cancelled) assert.strictEqual(id, listening)
    assert.notInclude(cancelled, open)
  }))

verifies("cancellation:own-questions", { capabilities: { sampling: {} } }, (client) =>
  Effect.gen(function*() {
    const questions = () => client.frames.filter(({ id, method }) => method !== undefined && id !== undefined)
    const call = client.start("tools/call", { name: "asksModelTwice", arguments: {} })
    yield* until(() => questions().length === 1, () => "the first question")
    const [first] = questions()
    const content = { type: "text", text: "one" }
    client.send({ jsonrpc: "2.0", id: first!.id, result: { role: "assistant", content, model: "m" } })
    yield* until(() => questions().length === 2, () => "the second question")
    client.cancel(call)
    yield* settle
    const cancelled = notificationsOf(client.frames, "notifications/cancelled").map(({ params }) => params.requestId)
    // The first is answered, the call is not the server's, and so there is one left to cancel.
    assert.deepStrictEqual(cancelled, [questions()[1]!.id])
  }))

verifies("progress:token", (client) =>
  Effect.gen(function*() {
    for (const progressToken of ["text", "7", 7, 0]) {
      const before = client.frames.length
      yield* client.call("steps", {}, { meta: { progressToken } })
      const sent = notificationsOf(client.frames.slice(before), "notifications/progress")
      assert.isAbove(sent.length, 1)
      for (const { params } of sent) assert.strictEqual(params.progressToken, progressToken)
    }
  }))

verifies("progress:increases", (client) =>
  Effect.gen(function*() {
    yield* client.call("steps", {}, { meta: { progressToken: "t" } })
    const steps = progressOf(client.frames, "t")
    assert.deepStrictEqual(steps, [1, 2, 2.5, 3])
  }))

verifies("progress:active", (client, { probe }) =>
  Effect.gen(function*() {
    const before = client.frames.length
    yield* client.call("steps")
    assert.deepStrictEqual(notificationsOf(client.frames.slice(before), "notifications/progress"), [])
    const first = yield* waiting(client, probe, "one")
    const second = yield* waiting(client, probe, "two")
    yield* Deferred.succeed(probe.gate, undefined)
    yield* client.answer(first)
    yield* client.answer(second)
    assert.deepStrictEqual(progressOf(client.frames, "one"), [1, 2])
    assert.deepStrictEqual(progressOf(client.frames, "two"), [1, 2])
    assert.lengthOf(notificationsOf(client.frames, "notifications/progress"), 4)
  }))

verifies("progress:ends", (client, { probe }) =>
  Effect.gen(function*() {
    resultOf(yield* client.call("late", {}, { meta: { progressToken: "t" } }))
    const before = client.frames.length
    assert.deepStrictEqual(progressOf(client.frames, "t"), [1])
    yield* Deferred.succeed(probe.gate, undefined)
    yield* until(() => probe.events.includes("late ended"), () => "the end of what went on")
    yield* settle
    assert.deepStrictEqual(client.frames.slice(before), [])
  }))

verifies("ping", (client) =>
  Effect.gen(function*() {
    assert.deepStrictEqual(resultOf(yield* client.request("ping")), {})
  }))

const logLevel = "io.modelcontextprotocol/logLevel"

const levelsOf = (frames: ReadonlyArray<Frame>) =>
  notificationsOf(frames, "notifications/message").map(({ params }) => params.level)

verifies("logging:capability", (client) =>
  Effect.gen(function*() {
    const told = client.initialized ?? (yield* client.request("server/discover"))
    assert.isObject(resultOf(told).capabilities.logging)
  }))

verifies("logging:level", (client) =>
  Effect.gen(function*() {
    for (const [index, level] of levels.entries()) {
      assert.deepStrictEqual(resultOf(yield* client.request("logging/setLevel", { level })), {})
      const before = client.frames.length
      resultOf(yield* client.call("logs"))
      assert.deepStrictEqual(levelsOf(client.frames.slice(before)), levels.slice(index))
    }
  }))

verifies("logging:level:invalid", (client) =>
  Effect.gen(function*() {
    const answer = client.isStateless
      ? yield* client.call("logs", {}, { meta: { [logLevel]: "loud" } })
      : yield* client.request("logging/setLevel", { level: "loud" })
    errorOf(answer, -32602)
  }))

verifies("logging:asked", (client) =>
  Effect.gen(function*() {
    resultOf(yield* client.call("logs"))
    assert.deepStrictEqual(levelsOf(client.frames), [])
    resultOf(yield* client.call("logs", {}, { meta: { [logLevel]: "error" } }))
    assert.deepStrictEqual(levelsOf(client.frames), ["error", "critical", "alert", "emergency"])
    resultOf(yield* client.call("logs"))
    assert.lengthOf(levelsOf(client.frames), 4)
    assert.notInclude(client.output(), secret)
  }))

verifies("logging:stream", (client, { probe }) =>
  Effect.gen(function*() {
    const listening = yield* listen(client, { toolsListChanged: true })
    const beside = yield* waiting(client, probe, "beside")
    const logging = client.start("tools/call", { name: "logs", arguments: {} }, { meta: { [logLevel]: "debug" } })
    resultOf(yield* client.answer(logging))
    yield* Deferred.succeed(probe.gate, undefined)
    yield* client.answer(beside)
    const on = (id: Id) => Effect.map(client.post(id), ({ frames }) => levelsOf(frames).length)
    assert.deepStrictEqual(
      [yield* on(listening), yield* on(beside), yield* on(logging)],
      [0, 0, levels.length]
    )
  }))

const lists = ["tools", "resources", "prompts"] as const

verifies("pagination:cursor:invalid", (client) =>
  Effect.gen(function*() {
    for (const list of lists) {
      errorOf(yield* client.request(`${list}/list`, { cursor: "nobody gave this out" }), -32602)
    }
  }))

/** All pages of a list. */
const pages = (client: Client, method: string) =>
  Effect.gen(function*() {
    const found: Array<any> = [resultOf(yield* client.request(method))]
    while (found.at(-1).nextCursor !== undefined) {
      assert.isBelow(found.length, 50)
      found.push(resultOf(yield* client.request(method, { cursor: found.at(-1).nextCursor })))
    }
    return found
  })

verifies("pagination:walk", { server: { pageSize: 2 } }, (client, { another }) =>
  Effect.gen(function*() {
    const twin = yield* another()
    for (const list of [...lists, "resources/templates"]) {
      const key = list === "resources/templates" ? "resourceTemplates" : list
      const found = yield* pages(client, `${list}/list`)
      const names = found.flatMap((page) => page[key].map(({ name }: { name: string }) => name))
      assert.strictEqual(new Set(names).size, names.length)
      assert.isTrue(found.slice(0, -1).every((page) => page[key].length === 2))
      assert.deepStrictEqual((yield* pages(twin, `${list}/list`)).flatMap((page) => page[key]).length, names.length)
      if (list === "tools") assert.isAbove(found.length, 5)
    }
  }))

verifies("subscriptions:acknowledged", (client, { server }) =>
  Effect.gen(function*() {
    const id = client.start("subscriptions/listen", { notifications: { toolsListChanged: true } })
    // A change at the same moment waits its turn.
    yield* Effect.scoped(server.add(extraTool))
    yield* until(() => ofSubscription(client, id).length > 0, () => "an acknowledgement")
    const [first] = ofSubscription(client, id)
    assert.strictEqual(first!.method, "notifications/subscriptions/acknowledged")
    assert.deepStrictEqual(first!.params.notifications, { toolsListChanged: true })
  }))

verifies("subscriptions:opt-in", (client, { server }) =>
  Effect.gen(function*() {
    const nothing = yield* listen(client, {})
    const prompts = yield* listen(client, { promptsListChanged: true })
    const tools = yield* listen(client, { toolsListChanged: true })
    yield* Effect.scoped(server.add(extraTool))
    yield* until(() => ofSubscription(client, tools).length > 1, () => "the change")
    yield* settle
    assert.lengthOf(ofSubscription(client, nothing), 1)
    assert.lengthOf(ofSubscription(client, prompts), 1)
    const methods = ofSubscription(client, tools).slice(1).map(({ method }) => method)
    assert.deepStrictEqual([...new Set(methods)], ["notifications/tools/list_changed"])
  }))

verifies("subscriptions:id", (client, { server }) =>
  Effect.gen(function*() {
    const before = client.frames.length
    const number = yield* listen(client, { toolsListChanged: true })
    const text = client.start("subscriptions/listen", { notifications: { toolsListChanged: true } }, { id: "listen" })
    yield* until(() => ofSubscription(client, text).length > 0, () => "an acknowledgement")
    yield* Effect.scoped(server.add(extraTool))
    yield* until(
      () => ofSubscription(client, number).length > 1 && ofSubscription(client, text).length > 1,
      () => "both changes"
    )
    for (const frame of client.frames.slice(before).filter(isNotification)) {
      assert.include([number, text], frame.params._meta[subscriptionId])
    }
  }))

verifies("subscriptions:closed", { grace: "5 seconds" }, (client) =>
  Effect.gen(function*() {
    const id = yield* listen(client, { toolsListChanged: true })
    yield* client.close
    assert.strictEqual(resultOf(yield* client.answer(id))._meta[subscriptionId], id)
    assert.strictEqual(client.frames.at(-1)!.id, id)
  }))

verifies("subscriptions:own-stream", (client, { probe, server }) =>
  Effect.gen(function*() {
    const listening = yield* listen(client, { toolsListChanged: true })
    const first = yield* waiting(client, probe, "one")
    const second = yield* waiting(client, probe, "two")
    yield* Effect.scoped(server.add(extraTool))
    yield* until(() => ofSubscription(client, listening).length > 1, () => "the change")
    yield* Deferred.succeed(probe.gate, undefined)
    yield* client.answer(first)
    yield* client.answer(second)
    for (const [id, token] of [[first, "one"], [second, "two"]] as const) {
      const { frames } = yield* client.post(id)
      assert.lengthOf(frames, 3)
      assert.deepStrictEqual(progressOf(frames, token), [1, 2])
      assert.strictEqual(frames[2]!.id, id)
    }
    const { frames } = yield* client.post(listening)
    assert.deepStrictEqual(frames.filter(({ method }) => method === "notifications/progress"), [])
  }))

const assertHints = (result: any) => {
  assert.strictEqual(result.resultType, "complete")
  assert.isTrue(Number.isInteger(result.ttlMs) && result.ttlMs >= 0, `ttlMs is ${result.ttlMs}`)
  assert.include(["public", "private"], result.cacheScope)
}

const hinted = (...requests: ReadonlyArray<readonly [method: string, params?: object]>) => (client: Client) =>
  Effect.gen(function*() {
    for (const [method, params] of requests) assertHints(resultOf(yield* client.request(method, params)))
  })

verifies("caching:hints", hinted(["server/discover"], ["tools/list"]))

verifies("caching:hints:prompts", hinted(["prompts/list"]))

verifies(
  "caching:hints:resources",
  hinted(["resources/list"], ["resources/templates/list"], ["resources/read", { uri: "fixture://text" }])
)

verifies("caching:scope", { server: { pageSize: 2 } }, (client) =>
  Effect.gen(function*() {
    const found = yield* pages(client, "tools/list")
    assert.isAbove(found.length, 5)
    for (const page of found) {
      assertHints(page)
      assert.strictEqual(page.cacheScope, found[0].cacheScope)
    }
  }))
