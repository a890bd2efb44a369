/** One session on two nodes, as behind an address that sends each request to another: each has a server of its own. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type * as StreamableHttpServer from "fastmcp-effect/transport/StreamableHttpServer"
import * as wires from "../server/wires.ts"
import * as scripted from "./scripted.ts"
import * as stores from "./stores.ts"

const { answerTo, call, end, get, idsOf, initialize, initialized, lastIdOf, open, questions, said } = scripted

const list = "tools/list_changed"

const nodes = (options: StreamableHttpServer.Options = {}) =>
  Effect.gen(function*() {
    const stand = yield* stores.stand({ isShared: true })
    return {
      stand,
      a: yield* scripted.node(options, stand.stores),
      b: yield* scripted.node(options, stand.stores)
    }
  })

/** A session opened on one node, and known to both. */
const opened = (options?: StreamableHttpServer.Options) =>
  Effect.gen(function*() {
    const both = yield* nodes(options)
    const session = open(both.a)
    yield* wires.until(() => both.b.send(wires.request("Stateful", "known", "ping"), session).status === 200)
    return { ...both, session }
  })

const textOf = (post: wires.Post) => said(post).at(-1)!

describe("on two nodes a session", () => {
  it.effect("is one, whichever of them each step goes to", () =>
    Effect.gen(function*() {
      const { a, b } = yield* nodes()
      const begun = a.send(initialize())
      const session = { "mcp-session-id": begun.headers["mcp-session-id"] }
      assert.strictEqual(b.send(initialized, session).status, 202)
      const asking = a.send(call("ask", "ask it"), session)
      yield* wires.turns()
      const [question] = questions(asking)
      assert.strictEqual(b.send(answerTo(question!, "red"), session).status, 202)
      yield* wires.until(() => asking.isOver)
      assert.strictEqual(textOf(asking), "ask = red")
      assert.strictEqual(textOf(b.send(call("count", "count"), session)), "count = 1")
      assert.strictEqual(textOf(a.send(call("counted", "counted"), session)), "counted = 1")
      assert.strictEqual(end(b, session).status, 204)
      for (const node of [a, b]) assert.strictEqual(node.send(call("late", "who"), session).status, 404)
    }))

  it.effect("asks questions under ids that no other node's have", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const asking = [a, b, a, b].map((node, i) => node.send(call(`${i}`, "ask it"), session))
      yield* wires.turns()
      const asked = asking.map((post) => questions(post)[0]!)
      assert.lengthOf(new Set(asked.map(({ id }) => id)), 4)
      // Each is answered at the other node, and the answers must not be taken for each other's.
      asked.forEach((question, i) => (i % 2 === 0 ? b : a).send(answerTo(question, `c${i}`), session))
      yield* wires.until(() => asking.every(({ isOver }) => isOver))
      assert.deepStrictEqual(asking.map(textOf), ["0 = c0", "1 = c1", "2 = c2", "3 = c3"])
    }))

  it.effect("that was let go of and taken up again asks under new ids, on new streams", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened({ sessionIdle: "2 minutes" })
      const before = a.send(call("1", "ask it"), session)
      yield* wires.turns()
      const [old] = questions(before)
      a.send(answerTo(old!, "red"), session)
      yield* wires.until(() => before.isOver)
      // It lives on at the other node, while this one has forgotten it.
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(b.send(wires.request("Stateful", i, "ping"), session).status, 200)
      }
      const after = a.send(call("2", "ask it"), session)
      yield* wires.turns()
      a.send(answerTo(old!, "stale"), session)
      b.send(answerTo(old!, "stale"), session)
      yield* wires.turns()
      assert.isFalse(after.isOver)
      a.send(answerTo(questions(after)[0]!, "blue"), session)
      yield* wires.until(() => after.isOver)
      assert.strictEqual(textOf(after), "2 = blue")
      assert.lengthOf(new Set([...idsOf(before), ...idsOf(after)]), 6)
      const whole = get(b, session, idsOf(after)[0])
      yield* wires.until(() => whole.isOver)
      assert.strictEqual(textOf(whole), "2 = blue")
    }))

  it.effect("is cancelled at the other node, and nowhere else", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const other = { "mcp-session-id": open(a)["mcp-session-id"] }
      const post = a.send(call("x", "forever"), session)
      const same = a.send(call("x", "forever"), other)
      const more = a.send(call("y", "forever"), session)
      const cancel = wires.notification("notifications/cancelled", { requestId: "x" })
      assert.strictEqual(b.send(cancel, session).status, 202)
      yield* wires.until(() => post.isOver)
      assert.deepStrictEqual(a.probe.events, ["x started", "x started", "y started", "x Cancelled User"])
      assert.deepStrictEqual([said(post), same.isOver, more.isOver], [[], false, false])
    }))

  it.effect("hears at one of what changed at the other", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const stream = get(b, session)
      yield* a.change
      yield* wires.turns()
      assert.deepStrictEqual(said(stream), [list])
      yield* b.change
      yield* wires.turns()
      assert.deepStrictEqual(said(stream), [list, list])
      assert.strictEqual(new Set(idsOf(stream)).size, 3)
      stream.disconnect()
      yield* a.change
      const back = get(a, session, lastIdOf(stream))
      yield* wires.turns()
      assert.deepStrictEqual(said(back), [list])
    }))

  it.effect("subscribes at one and hears of what is updated at the other, until it unsubscribes anywhere", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const stream = get(a, session)
      const uri = scripted.watched
      b.send(wires.request("Stateful", 1, "resources/subscribe", { uri }), session)
      yield* wires.turns()
      yield* a.server.resourceUpdated(uri)
      yield* wires.turns()
      assert.deepStrictEqual(said(stream), [`resource ${uri}`])
      yield* b.server.resourceUpdated(uri)
      yield* wires.turns()
      assert.deepStrictEqual(said(stream), [`resource ${uri}`, `resource ${uri}`])
      a.send(wires.request("Stateful", 2, "resources/unsubscribe", { uri }), session)
      yield* wires.turns()
      yield* b.server.resourceUpdated(uri)
      yield* a.server.resourceUpdated(uri)
      yield* wires.turns()
      assert.lengthOf(said(stream), 2)
    }))

  it.effect("resumes at one a stream of a request the other still works on", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const post = a.send(call("x", "say 1", "close", "say 2", "wait go", "ask it", "say 3"), session)
      yield* wires.turns()
      const resumed = get(b, session, lastIdOf(post))
      yield* wires.turns()
      assert.deepStrictEqual([said(resumed), resumed.isOver], [["2"], false])
      a.probe.open("go")
      yield* wires.until(() => questions(resumed).length === 1)
      b.send(answerTo(questions(resumed)[0]!, "red"), session)
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual(said(resumed), [
        "2",
        "elicitation/create",
        "3",
        "x = say 1, close, say 2, wait go, red, say 3"
      ])
      const again = get(a, session, idsOf(post)[0])
      yield* wires.until(() => again.isOver)
      assert.deepStrictEqual(said(again).slice(0, 2), ["1", "2"])
    }))

  it.effect("tells at one who has seen all of a stream the other has ended not to come back", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const post = a.send(call("a", "say 1", "forever"), session)
      yield* wires.until(() => idsOf(post).length > 1)
      const early = get(b, session, lastIdOf(post))
      yield* wires.until(() => early.status === 200)
      b.send(wires.notification("notifications/cancelled", { requestId: "a" }), session)
      yield* wires.until(() => early.isOver)
      const late = get(b, session, lastIdOf(post))
      yield* wires.until(() => late.isOver)
      assert.strictEqual(late.status, 204)
      const missed = get(b, session, idsOf(post)[0])
      yield* wires.until(() => missed.isOver)
      assert.deepStrictEqual([missed.status, said(missed)], [200, ["1"]])
    }))

  it.effect("names no two events alike, whichever node they come from", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const posts = Array.from({ length: 40 }, (_, i) => [a, b][i % 2]!.send(call(`${i}`, "say x", "say y"), session))
      yield* wires.until(() => posts.every(({ isOver }) => isOver))
      const ids = posts.flatMap(idsOf)
      assert.lengthOf(ids, 160)
      assert.lengthOf(new Set(ids), 160)
    }))

  it.effect("keeps its values for both, and loses no update of either", () =>
    Effect.gen(function*() {
      const { a, b, session, stand } = yield* opened()
      a.send(call("first", "count"), session)
      assert.strictEqual(textOf(b.send(call("read", "counted"), session)), "read = 1")
      stand.hold("before", "store.replace")
      const posts = Array.from({ length: 20 }, (_, i) => [a, b][i % 2]!.send(call(`${i}`, "count"), session))
      stand.go()
      yield* wires.until(() => posts.every(({ isOver }) => isOver))
      assert.sameMembers(
        posts.map((post) => Number(textOf(post).split(" = ")[1])),
        Array.from({ length: 20 }, (_, i) => i + 2)
      )
      for (const node of [a, b]) assert.strictEqual(textOf(node.send(call("read", "counted"), session)), "read = 21")
    }))

  it.effect("sees in a handler at one what a handler at the other wrote meanwhile", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const post = a.send(call("slow", "counted", "wait go", "counted", "count"), session)
      b.send(call("fast", "count", "count"), session)
      a.probe.open("go")
      yield* wires.until(() => post.isOver)
      assert.strictEqual(textOf(post), "slow = 0, wait go, 2, 3")
    }))

  it.effect("has its log level in force at both", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      a.send(wires.request("Stateful", 1, "logging/setLevel", { level: "emergency" }), session)
      assert.deepStrictEqual(said(b.send(call("quiet", "say x"), session)), ["quiet = say x"])
      b.send(wires.request("Stateful", 2, "logging/setLevel", { level: "debug" }), session)
      const loud = a.send(call("loud", "say x"), session)
      yield* wires.until(() => loud.isOver)
      assert.deepStrictEqual(said(loud), ["x", "loud = say x"])
    }))

  it.effect("that is ended at one is ended at the other: requests, streams, everything", () =>
    Effect.gen(function*() {
      const { a, b, session, stand } = yield* opened()
      const posts = [a.send(call("x", "forever"), session), a.send(call("y", "say 1", "forever"), session)]
      const closed = a.send(call("z", "close", "ask it"), session)
      yield* wires.turns()
      const streams = [get(a, session), get(b, session, lastIdOf(closed))]
      assert.strictEqual(end(b, session).status, 204)
      yield* wires.until(() => [...posts, ...streams].every(({ isOver }) => isOver))
      yield* wires.until(() => a.probe.events.length === 6)
      for (const name of ["x", "y", "z"]) assert.include(a.probe.events, `${name} Cancelled User`)
      for (const node of [a, b]) {
        for (const post of [node.send(call("late", "who"), session), get(node, session), end(node, session)]) {
          assert.strictEqual(post.status, 404)
        }
      }
      const asked = stand.asked.length
      yield* a.change
      yield* b.change
      yield* wires.turns()
      assert.lengthOf(stand.asked, asked)
    }))

  it.effect("is ended once, by two who end it at two nodes", () =>
    Effect.gen(function*() {
      const { a, b, session, stand } = yield* opened()
      stand.hold()
      const both = [end(a, session), end(b, session)]
      stand.go()
      yield* wires.until(() => both.every(({ isOver }) => isOver))
      assert.sameMembers(both.map(scripted.statusOf), [204, 404])
    }))

  it.effect("is its caller's alone at both", () =>
    Effect.gen(function*() {
      const { a, b } = yield* nodes()
      const session = open(a, undefined, { principal: "ann" })
      for (const node of [a, b]) {
        for (const other of [{ principal: "bob" }, {}]) {
          assert.strictEqual(node.send(call("x", "who"), session, other).status, 404)
          assert.strictEqual(get(node, session, undefined, other).status, 404)
          assert.strictEqual(end(node, session, other).status, 404)
        }
      }
      assert.strictEqual(b.send(call("x", "who"), session, { principal: "ann" }).status, 200)
    }))

  it.effect("lives on at one when the other stops", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand({ isShared: true })
      const scope = yield* Scope.make()
      const a = yield* Scope.provide(scripted.node({}, stand.stores), scope)
      const b = yield* scripted.node({}, stand.stores)
      const session = open(a)
      const post = a.send(call("x", "say 1", "close", "forever"), session)
      yield* wires.turns()
      const resumed = get(b, session, lastIdOf(post))
      yield* Scope.close(scope, Exit.void)
      // What was in flight has ended with its node, and its client is told.
      yield* wires.until(() => resumed.isOver)
      assert.match(textOf(resumed), /Shutdown/u)
      assert.strictEqual(b.send(call("y", "count"), session).status, 200)
      const stream = get(b, session)
      yield* b.change
      yield* wires.turns()
      assert.deepStrictEqual(said(stream), [list])
    }))

  it.effect("expires when neither is asked for it", () =>
    Effect.gen(function*() {
      const { a, b, session, stand } = yield* opened({ sessionIdle: "10 minutes" })
      const stream = get(a, session)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(b.send(wires.request("Stateful", 1, "ping"), session).status, 200)
      stream.disconnect()
      yield* TestClock.adjust("11 minutes")
      assert.strictEqual(yield* stand.sessions.size, 0)
      for (const node of [a, b]) assert.strictEqual(get(node, session).status, 404)
    }))
})

describe("on two nodes a letter", () => {
  it.effect("of the end of a session cannot be posted by its client", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const post = a.send(call("x", "wait go"), session)
      for (const text of ["{\"ended\":true}", "[{\"ended\":true}]", "{\"jsonrpc\":\"2.0\",\"id\":9,\"ended\":true}"]) {
        b.send(text, session)
      }
      yield* wires.turns()
      a.probe.open("go")
      yield* wires.until(() => post.isOver)
      assert.strictEqual(textOf(post), "x = wait go")
    }))

  it.effect("carries answers and cancels to sessions of the same client alone", () =>
    Effect.gen(function*() {
      const { a, b, session } = yield* opened()
      const evil = open(b)
      const post = a.send(call("x", "ask it"), session)
      yield* wires.turns()
      b.send(answerTo(questions(post)[0]!, "evil"), evil)
      b.send(wires.notification("notifications/cancelled", { requestId: "x" }), evil)
      yield* wires.turns()
      assert.isFalse(post.isOver)
      b.send(answerTo(questions(post)[0]!, "red"), session)
      yield* wires.until(() => post.isOver)
      assert.strictEqual(textOf(post), "x = red")
    }))

  it.effect("starts nothing: requests do not travel in it", () =>
    Effect.gen(function*() {
      const { a, b, stand } = yield* nodes()
      const session = open(a, "2025-03-26")
      const post = b.send([
        { jsonrpc: "2.0", id: "nobody", result: {} },
        call("once", "count"),
        wires.notification("notifications/cancelled", { requestId: "nobody" })
      ], session)
      yield* wires.until(() => post.isOver)
      yield* wires.turns()
      assert.include(stand.asked, "mailbox.post")
      assert.deepStrictEqual([a.probe.events, b.probe.events], [[], ["once started", "once Ok"]])
    }))
})
