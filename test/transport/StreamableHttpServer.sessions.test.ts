/** Sessions of the stateful era over HTTP: whose they are, how they end, and what races with their end. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Identity from "fastmcp-effect/context/Identity"
import * as wires from "../server/wires.ts"
import * as scripted from "./scripted.ts"
import * as stores from "./stores.ts"

const { call, end, get, idsOf, initialize, lastIdOf, messageOf, open, said } = scripted

const echo = call("echo", "say x")

/** A node that a test can stop. */
const stoppable = (options: Parameters<typeof scripted.node>[0], services?: Parameters<typeof scripted.node>[1]) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const node = yield* Scope.provide(scripted.node(options, services), scope)
    return { node, stop: Scope.close(scope, Exit.void) }
  })

describe("a session", () => {
  it.effect("that is ended cancels what is in flight, ends its streams, and forgets its events", () =>
    Effect.gen(function*() {
      const { events, stores: services } = yield* stores.stand()
      const node = yield* scripted.node({}, services)
      const session = open(node)
      const posts = [node.send(call("a", "forever"), session), node.send(call("b", "say x", "forever"), session)]
      const closed = node.send(call("c", "close", "forever"), session)
      yield* wires.turns()
      const streams = [get(node, session), get(node, session, lastIdOf(closed))]
      assert.strictEqual(end(node, session).status, 204)
      assert.isTrue(streams.every(({ isOver }) => isOver))
      yield* wires.until(() => posts.every(({ isOver }) => isOver))
      yield* wires.until(() => node.probe.events.length === 6)
      for (const name of ["a", "b", "c"]) assert.include(node.probe.events, `${name} Cancelled User`)
      assert.deepStrictEqual([...posts, ...streams].map(said), [[], ["x"], [], []])
      for (const post of [...posts, closed]) {
        for (const id of idsOf(post)) {
          const key = { session: session["mcp-session-id"]!, stream: id.split(".")[0]! }
          assert.isTrue(Exit.isFailure(yield* Effect.exit(events.last(key))), id)
        }
      }
    }))

  it.effect("ends once, of two who end it", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const node = yield* scripted.node({}, stand.stores)
      for (const when of ["before", "after"] as const) {
        const session = open(node)
        stand.hold(when)
        const both = [end(node, session), end(node, session)]
        stand.go()
        yield* wires.until(() => both.every(({ isOver }) => isOver))
        assert.sameMembers(both.map(scripted.statusOf), [204, 404])
      }
    }))

  it.effect("expires without a request or a connection, and everything of it is let go", () =>
    Effect.gen(function*() {
      const { events, sessions, stores: services } = yield* stores.stand()
      const node = yield* scripted.node({ sessionIdle: "10 minutes" }, services)
      const session = open(node)
      const lost = node.send(call("a", "say x", "forever"), session)
      yield* wires.turns()
      lost.disconnect()
      yield* TestClock.adjust("9 minutes")
      assert.deepStrictEqual(node.probe.events, ["a started"])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(node.probe.events, ["a started", "a Cancelled User"])
      assert.strictEqual(yield* sessions.size, 0)
      const key = { session: session["mcp-session-id"]!, stream: lastIdOf(lost).split(".")[0]! }
      assert.isTrue(Exit.isFailure(yield* Effect.exit(events.last(key))))
      for (const post of [node.send(echo, session), get(node, session), end(node, session)]) {
        assert.strictEqual(post.status, 404)
      }
    }))

  it.effect("that is used does not expire", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ sessionIdle: "10 minutes" })
      const session = open(node)
      for (let i = 0; i < 10; i++) {
        yield* TestClock.adjust("9 minutes")
        assert.strictEqual(node.send(wires.request("Stateful", i, "ping"), session).status, 200)
      }
    }))

  it.effect("with an open connection does not expire, and lives its full time after the last one", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ sessionIdle: "10 minutes" })
      for (
        const connect of [get, ({ send }: wires.Http, session: scripted.Headers) => send(call("a", "forever"), session)]
      ) {
        const session = open(node)
        const connection = connect(node, session)
        // At any moment between two of the server's looks at its sessions.
        for (const wait of ["37 minutes", "61 minutes", "3 minutes", "104 seconds"] as const) {
          yield* TestClock.adjust(wait)
          assert.isFalse(connection.isOver)
        }
        connection.disconnect()
        yield* TestClock.adjust("9 minutes")
        assert.strictEqual(node.send(wires.request("Stateful", "p", "ping"), session).status, 200)
        yield* TestClock.adjust("12 minutes")
        assert.strictEqual(node.send(wires.request("Stateful", "p", "ping"), session).status, 404)
      }
    }))

  it.effect("is its caller's alone: for everybody else there is none of that id", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const ann = { principal: "ann" }
      const session = open(node, undefined, ann)
      const post = node.send(call("a", "say x", "close", "wait go"), session, ann)
      yield* wires.turns()
      for (const other of [{ principal: "bob" }, { principal: "" }, { principal: "ANN" }, {}]) {
        for (
          const refused of [
            node.send(echo, session, other),
            node.send(wires.notification("notifications/cancelled", { requestId: "a" }), session, other),
            node.send({ jsonrpc: "2.0", id: 1, result: {} }, session, other),
            node.send([wires.notification("notifications/cancelled", { requestId: "a" })], session, other),
            get(node, session, undefined, other),
            get(node, session, lastIdOf(post), other),
            end(node, session, other)
          ]
        ) {
          assert.deepStrictEqual([refused.status, messageOf(refused)], [
            404,
            messageOf(node.send(echo, { "mcp-session-id": "x" }))
          ])
        }
      }
      // And whoever is known has no share in the session of somebody who is not.
      assert.strictEqual(node.send(echo, open(node), ann).status, 404)
      assert.deepStrictEqual(node.probe.events, ["a started"])
      const resumed = get(node, session, lastIdOf(post), ann)
      node.probe.open("go")
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual(said(resumed), ["a = say x, close, wait go"])
    }))

  it.effect("is not begun under an id that a client brings", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const fixed = { "mcp-session-id": "0123456789abcdef0123456789abcdef" }
      const post = node.send(initialize(), fixed)
      assert.deepStrictEqual([post.status, post.headers["mcp-session-id"]], [404, undefined])
      assert.strictEqual(node.send(echo, fixed).status, 404)
      // Nor does a second initialize make another one of it.
      const session = open(node)
      const again = node.send(initialize(), session)
      assert.match(messageOf(again), /already/u)
      assert.isUndefined(again.headers["mcp-session-id"])
    }))

  it.effect("answers each request as the one who sent that request", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const as = (subject: string): wires.SendOptions => ({
        principal: "everybody",
        context: Context.make(Identity.CurrentIdentity, Identity.make({ subject }))
      })
      const session = open(node, undefined, as("ann"))
      const slow = node.send(call("a", "wait go", "who"), session, as("bob"))
      const fast = node.send(call("b", "who"), session, as("cleo"))
      const nobody = node.send(call("c", "who"), session, { principal: "everybody" })
      const alone = node.send(scripted.stateless("d", "who"), {}, as("dan"))
      node.probe.open("go")
      yield* wires.until(() => slow.isOver)
      assert.deepStrictEqual([slow, fast, nobody, alone].flatMap(said), [
        "a = wait go, bob",
        "b = cleo",
        "c = nobody",
        "d = dan"
      ])
    }))

  it.effect("of a known caller is one of so many at most, and the server's sessions are, too", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ maxSessionsPerCaller: 2, maxSessions: 4 })
      const [ann, bob] = [{ principal: "ann" }, { principal: "bob" }]
      const own = open(node, undefined, ann)
      open(node, undefined, ann)
      const refused = node.send(initialize(), {}, ann)
      assert.deepStrictEqual(
        [refused.status, refused.headers["retry-after"], refused.headers["mcp-session-id"]],
        [503, "1", undefined]
      )
      assert.match(messageOf(refused), /2 sessions/u)
      open(node, undefined, bob)
      open(node)
      const full = node.send(initialize())
      assert.deepStrictEqual([full.status, full.headers["retry-after"]], [503, "1"])
      assert.match(messageOf(full), /4 sessions/u)
      end(node, own, ann)
      assert.strictEqual(node.send(initialize(), {}, ann).status, 200)
      assert.strictEqual(node.send(initialize(), {}, bob).status, 503)
    }))

  it.effect("that expired makes room", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ maxSessions: 1, sessionIdle: "10 minutes" })
      open(node)
      assert.strictEqual(node.send(initialize()).status, 503)
      yield* TestClock.adjust("12 minutes")
      assert.strictEqual(node.send(initialize()).status, 200)
    }))

  it.effect("of 2025-03-26 answers a batch in one, as a stream where something comes before, and resumes it", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node()
      const session = open(node, "2025-03-26")
      const quick = node.send([call("a", "count"), wires.request("Stateful", "p", "ping")], session)
      assert.strictEqual(quick.headers["content-type"], "application/json")
      assert.sameMembers((JSON.parse(quick.body) as Array<wires.Frame>).map(({ id }) => id), ["a", "p"])
      const slow = node.send([call("b", "say 1", "wait go"), call("c", "wait go", "say 2")], session)
      yield* wires.turns()
      slow.disconnect()
      node.probe.open("go")
      yield* wires.turns()
      const resumed = get(node, session, lastIdOf(slow))
      yield* wires.until(() => resumed.isOver)
      const [saidLater, answers] = wires.eventsOf(resumed.body).map(({ data }) => JSON.parse(data!))
      assert.strictEqual(saidLater.params.data, "2")
      assert.sameMembers((answers as Array<wires.Frame>).map(({ id }) => id), ["b", "c"])
      const told = node.send([wires.notification("notifications/initialized")], session)
      assert.deepStrictEqual([told.status, told.body], [202, ""])
      const cancelled = node.send([call("d", "forever"), call("e", "count")], session)
      node.send([wires.notification("notifications/cancelled", { requestId: "d" })], session)
      yield* wires.until(() => cancelled.isOver)
      assert.deepStrictEqual((JSON.parse(cancelled.body) as Array<wires.Frame>).map(({ id }) => id), ["e"])
    }))
})

describe("a server that stops", () => {
  it.effect("refuses who comes, lets who is there finish, and ends every stream", () =>
    Effect.gen(function*() {
      const { node, stop } = yield* stoppable({ grace: "10 seconds" })
      const session = open(node)
      const posts = [
        node.send(call("a", "wait go"), session),
        node.send(call("b", "say x", "wait go"), session),
        node.send(call("c", "say x", "forever"), session),
        node.send(scripted.stateless("d", "wait go")),
        node.send(scripted.stateless("e", "say x", "forever"))
      ]
      const lost = node.send(call("f", "say x", "forever"), session)
      yield* wires.turns()
      lost.disconnect()
      const streams = [get(node, session), get(node, session, lastIdOf(lost))]
      const stopping = yield* Effect.forkChild(stop)
      yield* wires.turns()
      const late = [node.send(call("late"), session), node.send(initialize()), get(node, session), end(node, session)]
      for (const post of [...late, node.send(scripted.stateless("late"))]) {
        assert.deepStrictEqual([post.status, post.headers["retry-after"]], [503, "1"])
      }
      node.probe.open("go")
      yield* wires.turns()
      assert.deepStrictEqual(posts.map(({ isOver }) => isOver), [true, true, false, true, false])
      yield* TestClock.adjust("10 seconds")
      yield* wires.until(() => stopping.pollUnsafe() !== undefined)
      for (const post of [...posts, ...streams]) assert.isTrue(post.isOver)
      assert.deepStrictEqual(said(posts[1]!), ["x", "b = say x, wait go"])
      for (const post of [posts[2]!, posts[4]!]) assert.match(said(post).at(-1)!, /Shutdown/u)
      assert.include(node.probe.events, "f Cancelled Shutdown")
      assert.deepStrictEqual(said(streams[1]!).at(-1), said(posts[2]!).at(-1)!)
      assert.strictEqual(node.send(scripted.stateless("later")).status, 503)
    }))

  it.effect("takes in what those wait for who are in flight: an answer, a cancel", () =>
    Effect.gen(function*() {
      const { node, stop } = yield* stoppable({ grace: "10 seconds" })
      const session = open(node)
      const [asking, endless] = [node.send(call("a", "ask it"), session), node.send(call("b", "forever"), session)]
      yield* wires.turns()
      const stopping = yield* Effect.forkChild(stop)
      yield* wires.turns()
      assert.strictEqual(node.send(scripted.answerTo(scripted.questions(asking)[0]!, "red"), session).status, 202)
      const cancel = wires.notification("notifications/cancelled", { requestId: "b" })
      assert.strictEqual(node.send(cancel, session).status, 202)
      yield* wires.until(() => stopping.pollUnsafe() !== undefined)
      assert.strictEqual(said(asking).at(-1), "a = red")
      assert.isTrue(endless.isOver)
    }))

  it.effect("waits for what a slow store still has to take", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const { node, stop } = yield* stoppable({ grace: "10 seconds" }, stand.stores)
      const session = open(node)
      const post = node.send(call("a", "say x", "wait go"), session)
      yield* wires.turns()
      const stopping = yield* Effect.forkChild(stop)
      stand.hold()
      node.probe.open("go")
      yield* wires.turns()
      assert.isFalse(post.isOver)
      stand.go()
      yield* wires.until(() => stopping.pollUnsafe() !== undefined)
      assert.deepStrictEqual(said(post), ["x", "a = say x, wait go"])
      assert.isTrue(post.isOver)
    }))

  it.effect("starts nothing for who asked its store before", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const { node, stop } = yield* stoppable({ grace: "10 seconds" }, stand.stores)
      const session = open(node)
      const busy = node.send(call("a", "wait go"), session)
      stand.hold()
      const late = [node.send(call("late"), session), get(node, session), end(node, session)]
      const stopping = yield* Effect.forkChild(stop)
      yield* wires.turns()
      stand.go()
      yield* wires.until(() => late.every(({ isOver }) => isOver))
      assert.deepStrictEqual(late.map(scripted.statusOf), [503, 503, 503])
      node.probe.open("go")
      yield* wires.until(() => stopping.pollUnsafe() !== undefined)
      assert.deepStrictEqual(said(busy), ["a = wait go"])
      assert.notInclude(node.probe.events, "late started")
    }))

  it.effect("leaves no fiber behind, whatever was going on", () =>
    Effect.gen(function*() {
      const { node, stop } = yield* stoppable({})
      for (let i = 0; i < 5; i++) {
        const session = open(node)
        node.send(call("a", "forever"), session)
        node.send(call("b", "say x", "forever"), session)
        const closed = node.send(call("c", "close", "ask it"), session)
        const lost = node.send(call("d", "say x", "wait go"), session)
        yield* wires.turns()
        lost.disconnect()
        get(node, session)
        get(node, session, lastIdOf(closed))
        get(node, session, lastIdOf(lost)).congest(true)
        node.send(scripted.stateless("e", "say x", "forever"))
        if (i % 2 === 0) end(node, session)
      }
      yield* wires.turns()
      const stopping = yield* Effect.forkChild(stop)
      yield* TestClock.adjust("1 second")
      yield* wires.until(() => stopping.pollUnsafe() !== undefined)
    }))
})

describe("with a store that takes its time", () => {
  it.effect("a client that goes away during initialize leaves no session and nobody who listens", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const node = yield* scripted.node({}, stand.stores)
      for (const when of ["before", "after"] as const) {
        stand.hold(when)
        const post = node.send(initialize())
        post.disconnect()
        stand.go()
        yield* wires.turns()
        assert.strictEqual(post.status, 0)
        assert.strictEqual(yield* stand.sessions.size, 0)
      }
      const before = stand.asked.length
      yield* node.change
      yield* wires.turns()
      assert.lengthOf(stand.asked, before)
    }))

  it.effect("initialize is answered with its session however long that takes", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const node = yield* scripted.node({ keepAlive: "1 second" }, stand.stores)
      stand.hold()
      const post = node.send(initialize())
      yield* TestClock.adjust("20 seconds")
      stand.go()
      yield* wires.until(() => post.isOver)
      assert.strictEqual(post.status, 200)
      assert.strictEqual(
        node.send(wires.request("Stateful", 1, "ping"), { "mcp-session-id": post.headers["mcp-session-id"] }).status,
        200
      )
    }))

  it.effect("a client that goes away before its stream has begun leaves nobody who reads for it", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const { node, stop } = yield* stoppable({ sessionIdle: "10 minutes" }, stand.stores)
      const session = open(node)
      stand.hold()
      const stream = get(node, session)
      stream.disconnect()
      stand.go()
      yield* wires.turns()
      const asked = stand.asked.length
      yield* node.change
      yield* wires.turns()
      assert.lengthOf(stand.asked, asked)
      yield* TestClock.adjust("11 minutes")
      assert.strictEqual(yield* stand.sessions.size, 0)
      yield* stop
    }))

  it.effect("what is told on a lost connection is in order, and whole", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const node = yield* scripted.node({}, stand.stores)
      const session = open(node)
      stand.hold()
      const post = node.send(call("a", "say 1", "say 2", "wait go", "say 3"), session)
      yield* wires.turns()
      stand.go()
      yield* wires.until(() => post.body !== "" && lastIdOf(post).endsWith(".2"))
      stand.hold()
      node.probe.open("go")
      yield* wires.turns()
      post.disconnect()
      const resumed = get(node, session, lastIdOf(post))
      stand.go()
      yield* wires.until(() => resumed.isOver)
      assert.deepStrictEqual(said(resumed), ["3", "a = say 1, say 2, wait go, say 3"])
      assert.deepStrictEqual(said(post), ["1", "2"])
    }))

  it.effect("an answer is delivered once, though its client comes back while it is being kept", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const node = yield* scripted.node({}, stand.stores)
      const session = open(node)
      const post = node.send(call("a", "say 1", "wait go"), session)
      yield* wires.turns()
      stand.hold("before", "events.append")
      node.probe.open("go")
      yield* wires.until(() => node.probe.events.includes("a Ok"))
      const resumed = get(node, session, lastIdOf(post))
      stand.go()
      yield* wires.until(() => post.isOver && resumed.isOver)
      assert.deepStrictEqual([post, resumed].map(said), [["1"], ["a = say 1, wait go"]])
    }))

  it.effect("a request that races with the end of its session leaves nothing behind", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const { node, stop } = yield* stoppable({ sessionIdle: "10 minutes" }, stand.stores)
      for (const when of ["before", "after"] as const) {
        const session = open(node)
        stand.hold(when)
        const raced = [
          node.send(call("a", "say x", "forever"), session),
          get(node, session),
          end(node, session),
          node.send(call("b", "say x"), session),
          get(node, session)
        ]
        stand.go()
        yield* wires.until(() => raced[2]!.isOver)
        yield* TestClock.adjust("30 minutes")
        yield* wires.turns()
        for (const post of raced) assert.isTrue(post.isOver)
        assert.strictEqual(yield* stand.sessions.size, 0)
        assert.strictEqual(node.send(echo, session).status, 404)
      }
      yield* stop
    }))

  it.effect("a request that found its session before the end of it does not take it up again", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand({ isShared: true })
      const node = yield* scripted.node({}, stand.stores)
      const session = open(node)
      const id = session["mcp-session-id"]!
      stand.hold("after", "store.get")
      const raced = [node.send(call("a", "say x", "forever"), session), get(node, session)]
      // Another process ends it while the answers that it is there are on their way.
      yield* stand.sessions.remove(id)
      yield* stand.mailbox.post({ session: id, text: "{\"ended\":true}" })
      stand.go()
      yield* wires.turns()
      assert.deepStrictEqual(raced.map(scripted.statusOf), [404, 404])
      assert.deepStrictEqual(node.probe.events, [])
    }))

  it.effect("that does not answer: 503, and requests without a session are answered as ever", () =>
    Effect.gen(function*() {
      const stand = yield* stores.stand()
      const node = yield* scripted.node({}, stand.stores)
      const session = open(node)
      stand.fail(true)
      for (const post of [node.send(echo, session), get(node, session), end(node, session), node.send(initialize())]) {
        assert.deepStrictEqual([post.status, post.headers["retry-after"]], [503, "1"])
      }
      assert.strictEqual(node.send(scripted.stateless("a", "who")).status, 200)
      stand.fail(false)
      const post = node.send(call("b", "say 1", "wait go"), session)
      yield* wires.turns()
      stand.fail(true)
      node.probe.open("go")
      yield* wires.until(() => post.isOver)
      // It cannot be kept, and is written all the same.
      assert.deepStrictEqual(said(post), ["1", "b = say 1, wait go"])
    }))
})
