/** Streams of a session: what is told on which, and how a client that lost one comes back to it. */
import { assert, describe, it } from "@effect/vitest"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as EventStore from "fastmcp-effect/session/EventStore"
import * as wires from "../server/wires.ts"
import * as scripted from "./scripted.ts"

const { answerTo, call, end, get, idsOf, lastIdOf, open, questions, said } = scripted

/** The revisions with sessions, and of those the one whose clients know that a stream may be closed and resumed. */
const stateful = (Revisions.versions as ReadonlyArray<Revisions.Version>).filter((version) => version !== "2026-07-28")
const polling: Revisions.Version = "2025-11-25"

const list = "tools/list_changed"

const subscribe = (node: scripted.Node, session: scripted.Headers, uri = scripted.watched) =>
  node.send(wires.request("Stateful", `subscribe ${uri}`, "resources/subscribe", { uri }), session)

describe("a GET stream", () => {
  for (const revision of stateful) {
    it.effect(`in ${revision} is told once of each change, with an id`, () =>
      Effect.gen(function*() {
        const node = yield* scripted.node()
        const session = open(node, revision)
        const stream = get(node, session)
        assert.deepStrictEqual([stream.status, stream.headers["content-type"]], [200, "text/event-stream"])
        subscribe(node, session)
        yield* node.change
        yield* node.server.resourceUpdated(scripted.watched)
        yield* node.server.resourceUpdated("test:///other")
        yield* wires.turns()
        assert.deepStrictEqual(said(stream), [list, `resource ${scripted.watched}`])
        const ids = idsOf(stream)
        assert.lengthOf(new Set(ids), revision === polling ? 3 : 2)
        assert.isFalse(stream.isOver)
      }))

    it.effect(`in ${revision} ${revision === polling ? "begins with" : "has no"} event that only names a position`, () =>
      Effect.gen(function*() {
        const node = yield* scripted.node({ retryInterval: "7 seconds" })
        const session = open(node, revision)
        const [stream, post] = [get(node, session), node.send(call("a", "say x"), session)]
        yield* wires.turns()
        for (const { body } of [stream, post]) {
          const first = wires.eventsOf(body)[0]
          if (revision === polling) {
            assert.deepStrictEqual([first!.data, first!.retry, first!.event], ["", "7000", undefined])
            assert.match(first!.id!, /^\w+\.0$/u)
          } else {
            assert.notInclude(body, "retry:")
            assert.notInclude(body, "data: \n")
          }
        }
      }))
  }

  it.effect("is the only one to be told what answers no request", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const stream = get(node, session)
      const post = node.send(call("a", "say x", "wait go"), session)
      yield* node.change
      yield* wires.turns()
      node.probe.open("go")
      yield* wires.until(() => post.isOver)
      assert.deepStrictEqual(said(stream), [list])
      assert.deepStrictEqual(said(post), ["x", "a = say x, wait go"])
    }))

  it.effect("carries nothing of another session", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const [one, two] = [open(node), open(node)]
      const streams = [get(node, one), get(node, two)]
      subscribe(node, one)
      node.send(call("a", "say x"), one)
      yield* node.server.resourceUpdated(scripted.watched)
      yield* wires.turns()
      assert.deepStrictEqual(streams.map(said), [[`resource ${scripted.watched}`], []])
    }))

  it.effect("that is opened late is told once of each thing that happened before", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      subscribe(node, session)
      for (let i = 0; i < 5; i++) {
        yield* node.change
        yield* node.server.resourceUpdated(scripted.watched)
      }
      yield* wires.turns()
      const stream = get(node, session)
      yield* wires.turns()
      assert.deepStrictEqual(said(stream), [list, `resource ${scripted.watched}`])
      const again = get(node, session)
      yield* wires.turns()
      assert.deepStrictEqual(said(again), [])
    }))

  it.effect("is ended by a second one, which is told what comes from then on", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const first = get(node, session)
      yield* node.change
      yield* wires.turns()
      const second = get(node, session)
      assert.isTrue(first.isOver)
      yield* node.change
      yield* wires.turns()
      assert.deepStrictEqual([first, second].map(said), [[list], [list]])
      // Who is gone already must not take the new one along.
      first.disconnect()
      yield* node.change
      yield* wires.turns()
      assert.deepStrictEqual(said(second), [list, list])
      assert.isFalse(second.isOver)
    }))

  it.effect("goes on after the last event its client has seen", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const first = get(node, session)
      yield* node.change
      yield* wires.turns()
      const id = lastIdOf(first)
      yield* node.change
      yield* node.change
      yield* wires.turns()
      first.disconnect()
      const second = get(node, session, id)
      yield* wires.turns()
      assert.deepStrictEqual(idsOf(second), [id, ...idsOf(first).slice(-2)])
      assert.isFalse(second.isOver)
      yield* node.change
      yield* wires.turns()
      assert.deepStrictEqual(said(second), [list, list, list])
    }))

  it.effect("of a client that was away is told once of what it has missed", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const first = get(node, session)
      yield* wires.turns()
      first.disconnect()
      for (let i = 0; i < 1000; i++) yield* node.change
      const second = get(node, session, lastIdOf(first))
      yield* wires.turns()
      assert.deepStrictEqual(said(second), [list])
    }))

  it.effect("is kept alive by comments, which stop while its reader stands still", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ keepAlive: "9 seconds", stallTimeout: "1 hour" })
      const stream = get(node, open(node))
      const comments = () => stream.body.split("\n\n").filter((event) => event.startsWith(":")).length
      yield* TestClock.adjust("90 seconds")
      assert.isAtLeast(comments(), 6)
      assert.isAtMost(comments(), 10)
      stream.congest(true)
      const before = comments()
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual(comments(), before)
      stream.congest(false)
      yield* TestClock.adjust("20 seconds")
      assert.isAbove(comments(), before)
    }))

  it.effect("on which nothing was said for hours still tells, and can be resumed", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const post = node.send(call("a", "close", "wait go"), session)
      const first = get(node, session)
      const resumed = get(node, session, lastIdOf(post))
      yield* TestClock.adjust("5 hours")
      yield* node.change
      node.probe.open("go")
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual([first, resumed].map(said), [[list], ["a = close, wait go"]])
      const id = idsOf(first)[0]
      first.disconnect()
      const second = get(node, session, id)
      yield* wires.turns()
      assert.deepStrictEqual(said(second), [list])
    }))

  it.effect("whose reader stands still is told once of each change when it reads again", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ stallTimeout: "1 hour" })
      const session = open(node)
      const stream = get(node, session)
      yield* node.change
      yield* wires.turns()
      stream.congest(true)
      for (let i = 0; i < 1000; i++) yield* node.change
      yield* wires.turns()
      assert.deepStrictEqual(said(stream), [list])
      stream.congest(false)
      yield* TestClock.adjust("20 seconds")
      yield* wires.turns()
      assert.deepStrictEqual(said(stream), [list, list])
    }))
})

describe("the answer to a POST", () => {
  it.effect("is JSON where it is the only message, whatever the session could resume", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const post = node.send(call("a", "wait go"), open(node))
      node.probe.open("go")
      yield* wires.until(() => post.isOver)
      assert.strictEqual(post.headers["content-type"], "application/json")
      assert.deepStrictEqual(said(post), ["a = wait go"])
    }))

  for (const [era, message] of [["stateful", call], ["stateless", scripted.stateless]] as const) {
    it.effect(`becomes a stream where it takes long, kept alive by comments: ${era} era`, () =>
      Effect.gen(function*() {
        const node = yield* scripted.node({ keepAlive: "15 seconds" })
        const session = era === "stateful" ? open(node) : {}
        const post = node.send(message("a", "wait go"), session)
        yield* TestClock.adjust("14 seconds")
        assert.strictEqual(post.status, 0)
        yield* TestClock.adjust("6 seconds")
        assert.deepStrictEqual([post.status, post.headers["content-type"]], [200, "text/event-stream"])
        assert.strictEqual(post.headers["mcp-session-id"], undefined)
        yield* TestClock.adjust("60 seconds")
        assert.isAtLeast(post.body.match(/^:/gmu)!.length, 3)
        post.congest(true)
        const before = post.body
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(post.body, before)
        post.congest(false)
        node.probe.open("go")
        yield* wires.until(() => post.isOver)
        assert.deepStrictEqual(said(post), ["a = wait go"])
      }))
  }

  it.effect("has ids in sessions alone", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const post = node.send(scripted.stateless("a", "say x"))
      yield* wires.until(() => post.isOver)
      assert.deepStrictEqual(said(post), ["x", "a = say x"])
      assert.notMatch(post.body, /^(id|retry):/mu)
    }))

  it.effect("has ids that no other event of the session has", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const posts = Array.from({ length: 50 }, (_, i) => node.send(call(`${i}`, "say x", "say y"), session))
      posts.push(get(node, session))
      yield* node.change
      yield* wires.until(() => posts.slice(0, 50).every(({ isOver }) => isOver))
      const ids = posts.flatMap(idsOf)
      assert.lengthOf(new Set(ids), ids.length)
      for (const id of ids) assert.match(id, /^[\w-]+\.\d+$/u)
    }))
})

describe("a stream that is resumed", () => {
  it.effect("after its handler closed the connection brings what was said meanwhile and the answer, once, and ends", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const post = node.send(call("a", "say 1", "close", "say 2", "wait go", "say 3"), session)
      yield* wires.turns()
      assert.isTrue(post.isOver)
      assert.deepStrictEqual(said(post), ["1"])
      const resumed = get(node, session, lastIdOf(post))
      yield* wires.turns()
      assert.deepStrictEqual(said(resumed), ["2"])
      assert.isFalse(resumed.isOver)
      node.probe.open("go")
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual(said(resumed), ["2", "3", "a = say 1, close, say 2, wait go, say 3"])
      assert.deepStrictEqual(said(post), ["1"])
    }))

  it.effect("from the event that only named its position brings all of it", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const post = node.send(call("a", "close", "wait go", "say 1"), session)
      yield* wires.turns()
      assert.deepStrictEqual([idsOf(post).length, post.isOver], [1, true])
      const resumed = get(node, session, lastIdOf(post))
      node.probe.open("go")
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual(said(resumed), ["1", "a = close, wait go, say 1"])
      assert.strictEqual(idsOf(resumed)[0], idsOf(post)[0])
    }))

  it.effect("while its first connection is open takes it over", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const post = node.send(call("a", "say 1", "wait one", "say 2", "wait two", "say 3"), session)
      yield* wires.turns()
      const first = get(node, session, lastIdOf(post))
      assert.isTrue(post.isOver)
      node.probe.open("one")
      yield* wires.turns()
      const second = get(node, session, lastIdOf(first))
      assert.isTrue(first.isOver)
      node.probe.open("two")
      yield* wires.until(() => second.isOver)
      assert.deepStrictEqual(
        [post, first, second].map(said),
        [["1"], ["2"], ["3", "a = say 1, wait one, say 2, wait two, say 3"]]
      )
    }))

  it.effect("twice at once goes on in one of the two", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const post = node.send(call("a", "say 1", "close", "wait go", "say 2"), session)
      yield* wires.turns()
      const both = [get(node, session, lastIdOf(post)), get(node, session, lastIdOf(post))]
      node.probe.open("go")
      yield* wires.until(() => both.every(({ isOver }) => isOver))
      assert.deepStrictEqual(both.map(said), [[], ["2", "a = say 1, close, wait go, say 2"]])
    }))

  it.effect("by the client that lost its connection is still the same request", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const post = node.send(call("a", "say 1", "wait go", "ask it", "say 2"), session)
      yield* wires.turns()
      post.disconnect()
      node.probe.open("go")
      yield* wires.turns()
      assert.deepStrictEqual(node.probe.events, ["a started"])
      // It was asked while nobody was there, and answers once it is back.
      const resumed = get(node, session, lastIdOf(post))
      yield* wires.turns()
      const [question] = questions(resumed)
      assert.strictEqual(question!.method, "elicitation/create")
      assert.strictEqual(node.send(answerTo(question!, "red"), session).status, 202)
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual(said(resumed), ["elicitation/create", "2", "a = say 1, wait go, red, say 2"])
      assert.deepStrictEqual(node.probe.events, ["a started", "a Ok"])
    }))

  it.effect("after its end brings the rest and ends, for as long as it is kept", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const post = node.send(call("a", "say 1", "close", "say 2"), session)
      yield* wires.until(() => node.probe.events.includes("a Ok"))
      yield* TestClock.adjust("4 minutes")
      for (let times = 0; times < 2; times++) {
        const resumed = get(node, session, lastIdOf(post))
        yield* wires.until(() => resumed.isOver)
        assert.deepStrictEqual(said(resumed), ["2", "a = say 1, close, say 2"])
      }
      const whole = get(node, session, idsOf(post)[0])
      yield* wires.until(() => whole.isOver)
      assert.deepStrictEqual(said(whole), ["1", "2", "a = say 1, close, say 2"])
      yield* TestClock.adjust("2 minutes")
      const late = get(node, session, lastIdOf(post))
      assert.strictEqual(late.status, 400)
      assert.match(scripted.messageOf(late), /send the request again/u)
    }))

  it.effect("has its answer delivered on none but the stream it was asked on", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const standalone = get(node, session)
      const post = node.send(call("a", "close", "wait go"), session)
      yield* wires.turns()
      const other = node.send(call("b", "say x", "wait go"), session)
      const resumed = get(node, session, lastIdOf(post))
      node.probe.open("go")
      yield* wires.until(() => resumed.isOver && other.isOver)
      assert.deepStrictEqual(
        [standalone, post, resumed, other].map(said),
        [[], [], ["a = close, wait go"], ["x", "b = say x, wait go"]]
      )
    }))

  it.effect("is kept alive, and ends with its session", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ keepAlive: "9 seconds" })
      const session = open(node)
      const post = node.send(call("a", "say 1", "close", "forever"), session)
      yield* wires.turns()
      const resumed = get(node, session, lastIdOf(post))
      yield* TestClock.adjust("60 seconds")
      assert.match(resumed.body, /^:/mu)
      assert.strictEqual(end(node, session).status, 204)
      assert.isTrue(resumed.isOver)
      yield* wires.until(() => node.probe.events.includes("a Cancelled User"))
      assert.deepStrictEqual(said(resumed), [])
    }))

  it.effect("holds back a handler that says more than its reader takes", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ stallTimeout: "1 hour" })
      const session = open(node)
      const count = 2000
      const say = Array.from({ length: count }, (_, i) => `say ${i}`)
      const post = node.send(call("a", "say first", "close", "wait go", ...say), session)
      yield* wires.turns()
      const resumed = get(node, session, lastIdOf(post))
      resumed.congest(true)
      node.probe.open("go")
      yield* wires.turns(2 * count)
      assert.notInclude(node.probe.events, "a Ok")
      resumed.congest(false)
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual(said(resumed).slice(0, count), say.map((step) => step.slice(4)))
    }))

  it.effect("is not closed by a handler where its client would take that for the end", () =>
    Effect.gen(function*() {
      for (const revision of stateful.filter((version) => version !== polling)) {
        const node = yield* scripted.node()
        const post = node.send(call("a", "say 1", "close", "wait go"), open(node, revision))
        yield* wires.turns()
        assert.isFalse(post.isOver)
        node.probe.open("go")
        yield* wires.until(() => post.isOver)
        assert.deepStrictEqual(said(post), ["1", "a = say 1, close, wait go"])
      }
      const node = yield* scripted.node()
      const post = node.send(scripted.stateless("a", "say 1", "close", "wait go"))
      yield* wires.turns()
      assert.isFalse(post.isOver)
      node.probe.open("go")
      yield* wires.until(() => post.isOver)
      assert.deepStrictEqual(said(post), ["1", "a = say 1, close, wait go"])
    }))
})

describe("an event id is refused", () => {
  const resumable = Effect.gen(function*() {
    const node = yield* scripted.node()
    const session = open(node)
    const post = node.send(call("a", "say 1", "close", "wait go"), session)
    yield* wires.turns()
    return { node, session, id: lastIdOf(post) }
  })

  const malformed = [
    "",
    " ",
    "x",
    "1",
    ".",
    "1.",
    ".1",
    "1.-1",
    "1.1.1",
    "1.1e3",
    "1.0x10",
    "1.1 ",
    " 1.1",
    "1.٣",
    "../1.1",
    "1.99999999999999999999",
    `${"a".repeat(65)}.1`,
    "a\nevent: message\ndata: x.1",
    "a\r\nset-cookie: x.1",
    "__proto__.1",
    "1.1\u2028"
  ]
  it.effect("that is malformed: 400, and nothing of it is in the answer but as JSON", () =>
    Effect.gen(function*() {
      const { node, session } = yield* resumable
      for (const id of malformed) {
        const stream = get(node, session, id)
        assert.deepStrictEqual([stream.status, stream.headers["content-type"]], [400, "application/json"], id)
        assert.lengthOf(stream.body.split(/[\n\r]/u), 1)
        assert.include(scripted.messageOf(stream), JSON.stringify(id))
      }
    }))

  it.effect("of a stream nobody knows, or ahead of one: 400", () =>
    Effect.gen(function*() {
      const { id, node, session } = yield* resumable
      const [stream] = id.split(".")
      for (const unknown of [`${stream}.2`, `${stream}.999999999999999`, "zz.0", "toString.0", "constructor.1"]) {
        const resumed = get(node, session, unknown)
        assert.strictEqual(resumed.status, 400, unknown)
        assert.match(scripted.messageOf(resumed), /to resume/u)
      }
      // What was refused has not taken anything over.
      assert.strictEqual(get(node, session, id).status, 200)
    }))

  it.effect("of another session: 400, however well it is guessed", () =>
    Effect.gen(function*() {
      const { id, node, session } = yield* resumable
      const other = open(node)
      assert.strictEqual(get(node, other, id).status, 400)
      const own = node.send(call("b", "say mine", "close", "wait go"), other)
      yield* wires.turns()
      // Streams of two sessions may share a name, and never meet.
      const mine = get(node, other, idsOf(own)[0])
      const theirs = get(node, session, id)
      node.probe.open("go")
      yield* wires.until(() => mine.isOver && theirs.isOver)
      assert.deepStrictEqual(said(mine), ["mine", "b = say mine, close, wait go"])
      assert.deepStrictEqual(said(theirs), ["a = say 1, close, wait go"])
    }))

  it.effect("whose events are no longer all there: 410", () =>
    Effect.gen(function*() {
      const events = yield* Layer.build(EventStore.layerMemory({ maxEvents: 3 }))
      const node = yield* scripted.node({}, events as Context.Context<any>)
      const session = open(node)
      const post = node.send(call("a", "close", "say 1", "say 2", "say 3", "say 4", "wait go"), session)
      yield* wires.turns()
      const [stream] = lastIdOf(post).split(".")
      const trimmed = get(node, session, `${stream}.0`)
      assert.strictEqual(trimmed.status, 410)
      assert.match(scripted.messageOf(trimmed), /without a gap/u)
      const resumed = get(node, session, `${stream}.1`)
      node.probe.open("go")
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual(said(resumed).slice(0, 3), ["2", "3", "4"])
    }))

  it.effect("of a session that has ended: 404", () =>
    Effect.gen(function*() {
      const { id, node, session } = yield* resumable
      end(node, session)
      assert.strictEqual(get(node, session, id).status, 404)
      const next = open(node)
      assert.strictEqual(get(node, next, id).status, 400)
    }))
})

describe("a client that goes away", () => {
  it.effect("does not cancel in the stateful era, before or after the first event", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node)
      const [silent, talking] = [
        node.send(call("a", "wait go"), session),
        node.send(call("b", "say x", "wait go"), session)
      ]
      yield* wires.turns()
      silent.disconnect()
      talking.disconnect()
      yield* wires.turns()
      node.probe.open("go")
      yield* wires.until(() => node.probe.events.includes("b Ok"))
      assert.includeMembers(node.probe.events, ["a Ok", "b Ok"])
      // Nothing of the silent one can be resumed, for nobody knows an id.
      assert.deepStrictEqual([silent.status, silent.body], [0, ""])
    }))

  it.effect("cancels in the stateless era, before and after the first event", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const posts = [
        node.send(scripted.stateless("a", "forever")),
        node.send(scripted.stateless("b", "say x", "forever"))
      ]
      yield* wires.turns()
      for (const post of posts) post.disconnect()
      yield* wires.until(() => node.probe.events.length === 4)
      assert.includeMembers(node.probe.events, ["a Cancelled User", "b Cancelled User"])
    }))

  it.effect("before it could be told anything is asked nothing: the handler learns at once", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const post = node.send(call("a", "wait go", "ask it"), open(node))
      yield* wires.turns()
      post.disconnect()
      node.probe.open("go")
      yield* wires.until(() => node.probe.events.includes("a Panicked"))
    }))
})
