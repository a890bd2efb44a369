/** What bounds the endpoint: addresses, requests and streams at a time, readers that stand still, pages of other origins. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as wires from "../server/wires.ts"
import * as scripted from "./scripted.ts"

const { call, end, get, lastIdOf, messageOf, open, said, stateless } = scripted

describe("an address", () => {
  it.effect("of as many characters as may be is answered, one more is 414", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ maxUrlLength: 100 })
      const url = "/mcp?".padEnd(100, "x")
      assert.strictEqual(node.send(stateless("a", "who"), {}, { url }).status, 200)
      for (const method of ["POST", "GET", "DELETE", "OPTIONS"]) {
        const post = node.send(stateless("a", "who"), {}, { url: `${url}x`, method })
        assert.strictEqual(post.status, 414)
        assert.match(messageOf(post), /100 characters/u)
      }
      const usual = yield* scripted.node()
      assert.strictEqual(usual.send(stateless("a", "who"), {}, { url: "/mcp?".padEnd(8192, "x") }).status, 200)
      assert.strictEqual(usual.send(stateless("a", "who"), {}, { url: "/mcp?".padEnd(8193, "x") }).status, 414)
    }))
})

describe("requests and streams", () => {
  it.effect("at a time are as many as may be, one more is 503, and each that ends makes room", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ maxOpen: 3 })
      const session = open(node)
      const kinds = [
        () => node.send(call("a", "wait a"), session),
        () => node.send(call("b", "say x", "wait b"), session),
        () => get(node, session)
      ]
      const posts = kinds.map((kind) => kind())
      yield* wires.turns()
      for (const refused of [node.send(stateless("x", "who")), get(node, session), node.send(scripted.initialize())]) {
        assert.deepStrictEqual([refused.status, refused.headers["retry-after"]], [503, "1"])
        assert.match(messageOf(refused), /3 requests and streams/u)
      }
      node.probe.open("a")
      yield* wires.until(() => posts[0]!.isOver)
      const next = node.send(stateless("c", "say x", "forever"))
      assert.strictEqual(node.send(stateless("x", "who")).status, 503)
      next.disconnect()
      yield* wires.turns()
      // Who takes a stream over needs no more room than who had it.
      const again = node.send(stateless("d", "wait d"))
      posts[2]!.disconnect()
      assert.strictEqual(get(node, session).status, 200)
      node.probe.open("d")
      yield* wires.until(() => again.isOver)
      assert.strictEqual(node.send(stateless("x", "who")).status, 200)
    }))

  it.effect("that are over take no room, whatever became of them", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ maxOpen: 5 })
      for (let i = 0; i < 40; i++) {
        const session = open(node)
        const closing = node.send(call("a", "close", `wait ${i}`), session)
        const lost = node.send(call("b", "say x", `wait ${i}`), session)
        const silent = node.send(call("c", `wait ${i}`), session)
        yield* wires.turns(20)
        lost.disconnect()
        silent.disconnect()
        const resumed = get(node, session, lastIdOf(closing))
        node.probe.open(String(i))
        yield* wires.until(() => resumed.isOver)
        const standalone = get(node, session)
        if (i % 2 === 0) standalone.disconnect()
        const cut = node.send(stateless("d", "say x", "forever"))
        yield* wires.turns(20)
        cut.disconnect()
        const early = node.send(stateless("e", "forever"))
        early.disconnect()
        end(node, session)
      }
      yield* wires.turns()
      // If any of all these still counted, there would be no room for five at once.
      const five = Array.from({ length: 5 }, (_, i) => node.send(stateless(`${i}`, "wait end")))
      assert.deepStrictEqual(five.map(scripted.statusOf), [0, 0, 0, 0, 0])
      node.probe.open("end")
      yield* wires.until(() => five.every(({ isOver }) => isOver))
    }))
})

describe("a reader that stands still", () => {
  for (
    const [what, begin] of [
      [
        "of a stateless answer",
        (node: scripted.Node) => node.send(stateless("a", "say x", "wait go", "say y", "wait never"))
      ],
      [
        "of an answer in a session",
        (node: scripted.Node) => node.send(call("a", "say x", "wait go", "say y", "wait never"), open(node))
      ]
    ] as const
  ) {
    it.effect(`${what} is cut after a time, and not while it reads now and then`, () =>
      Effect.gen(function*() {
        const node = yield* scripted.node({ stallTimeout: "30 seconds", keepAlive: "15 seconds" })
        const post = begin(node)
        yield* wires.turns()
        for (let i = 0; i < 10; i++) {
          post.congest(true)
          yield* TestClock.adjust("24 seconds")
          post.congest(false)
          yield* TestClock.adjust("6 seconds")
          assert.isFalse(post.isCut)
        }
        post.congest(true)
        node.probe.open("go")
        yield* TestClock.adjust("29 seconds")
        assert.isFalse(post.isCut)
        yield* TestClock.adjust("7 seconds")
        assert.isTrue(post.isCut)
        yield* wires.turns()
        // In the stateless era that cancels; in a session the client may come back.
        assert.deepStrictEqual(
          node.probe.events,
          what === "of a stateless answer" ? ["a started", "a Cancelled User"] : ["a started"]
        )
      }))
  }

  it.effect("of a GET stream is cut after a time, and finds what it has missed when it comes back", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ stallTimeout: "30 seconds" })
      const session = open(node)
      const stream = get(node, session)
      yield* node.change
      yield* wires.turns()
      stream.congest(true)
      yield* node.change
      yield* TestClock.adjust("40 seconds")
      assert.isTrue(stream.isCut)
      const again = get(node, session, lastIdOf(stream))
      yield* wires.turns()
      assert.deepStrictEqual(said(again), ["tools/list_changed"])
    }))

  it.effect("holds its handler back, and no more than a little is kept for it", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ stallTimeout: "1 hour" })
      const steps = Array.from({ length: 1000 }, (_, i) => `say ${i}`)
      for (
        const [name, post] of [
          ["a", node.send(call("a", "wait a", ...steps), open(node))],
          ["b", node.send(stateless("b", "wait b", ...steps))]
        ] as const
      ) {
        yield* TestClock.adjust("20 seconds")
        post.congest(true)
        node.probe.open(name)
        yield* wires.turns(2000)
        assert.isAtMost(said(post).length, 2)
        post.congest(false)
        yield* wires.until(() => post.isOver)
        assert.lengthOf(said(post), 1001)
      }
    }))
})

describe("pages of other origins", () => {
  const preflight = (node: scripted.Node, origin: string, asked: string) =>
    node.send("", {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": asked
    }, { method: "OPTIONS" })
  const mine = "https://app.example"

  it.effect("may not read anything unless the server says so", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ allowedOrigins: [mine] })
      const post = node.send(stateless("a", "who"), { origin: mine })
      assert.strictEqual(post.status, 200)
      for (const name of Object.keys(post.headers)) assert.notMatch(name, /^access-control/u)
      assert.strictEqual(preflight(node, mine, "content-type").status, 405)
    }))

  it.effect("that may are told so in answers, streams and refusals, with the headers they need to see", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ allowedOrigins: [mine], cors: true })
      const opened = node.send(scripted.initialize(), { origin: mine })
      const session = { "mcp-session-id": opened.headers["mcp-session-id"] }
      const answers = [
        opened,
        node.send(stateless("a", "who"), { origin: mine }),
        node.send(stateless("b", "say x", "forever"), { origin: mine }),
        node.send("nonsense", { origin: mine }),
        node.send(stateless("c", "who"), { origin: mine, accept: "text/html" }),
        get(node, { ...session, origin: mine }),
        get(node, { ...session, origin: mine }, "x"),
        end(node, { ...session, origin: mine })
      ]
      yield* wires.turns()
      for (const { headers, status } of answers) {
        assert.deepStrictEqual([headers["access-control-allow-origin"], headers.vary], [mine, "Origin"], String(status))
        assert.match(headers["access-control-expose-headers"]!, /Mcp-Session-Id/u)
      }
      assert.isUndefined(node.send(stateless("d", "who")).headers["access-control-allow-origin"])
      const local = node.send(stateless("d", "who"), { origin: "http://localhost:3000" })
      assert.strictEqual(local.headers["access-control-allow-origin"], "http://localhost:3000")
    }))

  it.effect("may send what the protocol has, and nothing else", () =>
    Effect.gen(function*() {
      const node = yield* scripted.node({ allowedOrigins: [mine], cors: true })
      const wanted = [
        "Content-Type",
        "Authorization",
        "Last-Event-ID",
        "Mcp-Session-Id",
        "Mcp-Protocol-Version",
        "Mcp-Method",
        "Mcp-Name",
        "Mcp-Param-Region"
      ]
      const evil = ["X-Evil", "Cookie", "Mcp-Param-", "Mcp-Param-a b", "Mcp-Param-a\r\nset-cookie: x", "Host", ""]
      const answer = preflight(node, mine, [...wanted, ...evil].join(", "))
      assert.deepStrictEqual([answer.status, answer.body], [204, ""])
      assert.strictEqual(answer.headers["access-control-allow-origin"], mine)
      assert.strictEqual(answer.headers["access-control-allow-headers"], wanted.join(", "))
      assert.strictEqual(answer.headers["access-control-allow-methods"], "GET, POST, DELETE")
      assert.isUndefined(answer.headers["access-control-allow-credentials"])
    }))

  it.effect("that are foreign stay out, and are not let in to read even that", () =>
    Effect.gen(function*() {
      for (const cors of [true, false]) {
        const node = yield* scripted.node({ allowedOrigins: [mine], cors })
        const session = open(node)
        for (
          const origin of [
            "https://evil.example",
            "null",
            "https://app.example.evil.example",
            `${mine}:444`,
            `${mine}/`
          ]
        ) {
          for (
            const refused of [
              node.send(stateless("a", "who"), { origin }),
              node.send(scripted.initialize(), { origin }),
              get(node, { ...session, origin }),
              end(node, { ...session, origin }),
              preflight(node, origin, "content-type")
            ]
          ) {
            assert.strictEqual(refused.status, 403, origin)
            for (const name of Object.keys(refused.headers)) assert.notMatch(name, /^access-control/u)
          }
        }
        const rebound = node.send(stateless("a", "who"), { host: "evil.example", origin: mine })
        assert.strictEqual(rebound.status, 403)
        assert.deepStrictEqual(node.probe.events, [])
      }
    }))
})
