import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import type * as StreamableHttpServer from "fastmcp-effect/transport/StreamableHttpServer"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as tools from "./tools.ts"
import * as wires from "./wires.ts"

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

const setup = (options: StreamableHttpServer.Options = {}, probe = tools.makeProbe()) =>
  Effect.gen(function*() {
    const context = yield* wires.build(tools.server(probe))
    return yield* Effect.provideContext(wires.http(options), context)
  })

const initialize = wires.request("Stateful", 0, "initialize", {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "x", version: "1" }
})

const open = (http: wires.Http) => ({ "mcp-session-id": http.send(initialize).headers["mcp-session-id"] })

const echo = wires.call("Stateful", 1, "echo", { text: "x" })

const codeOf = (post: wires.Post) => (JSON.parse(post.body) as wires.Frame).error?.code

describe("sessions over HTTP", () => {
  it.effect("begin with initialize, whose answer alone carries the id", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const first = http.send(initialize)
      assert.strictEqual(first.status, 200)
      const id = first.headers["mcp-session-id"]
      assert.isDefined(id)
      const next = http.send(echo, { "mcp-session-id": id })
      assert.strictEqual(next.status, 200)
      assert.isUndefined(next.headers["mcp-session-id"])
    }))

  it.effect("have ids of visible ASCII with 128 random bits, no two alike", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const ids = Array.from({ length: 1000 }, () => open(http)["mcp-session-id"]!)
      assert.lengthOf(new Set(ids), 1000)
      for (const id of ids) assert.match(id, /^[\x21-\x7e]{32,}$/u)
      // Every digit turns up in every place: nothing in an id counts or stands still.
      for (let place = 0; place < ids[0]!.length; place++) assert.lengthOf(new Set(ids.map((id) => id[place])), 16)
    }))

  it.effect("are not begun by an initialize that was refused", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send(wires.request("Stateful", 0, "initialize", { protocolVersion: 1 }))
      assert.strictEqual(codeOf(post), -32602)
      assert.isUndefined(post.headers["mcp-session-id"])
    }))

  it.effect("are asked for with 400 where the header is missing, with the id of the request", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const post = http.send(echo)
      assert.deepStrictEqual([post.status, codeOf(post), JSON.parse(post.body).id], [400, -32600, 1])
      assert.strictEqual(http.send(wires.notification("notifications/initialized")).status, 400)
      assert.strictEqual(http.send({ jsonrpc: "2.0", id: 1, result: {} }).status, 400)
    }))

  it.effect("nobody knows are 404, with the id of the request", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      open(http)
      for (const id of ["", "nobody", "constructor", "__proto__", "0".repeat(32)]) {
        const post = http.send(echo, { "mcp-session-id": id })
        assert.deepStrictEqual([post.status, JSON.parse(post.body).id], [404, 1], id)
        assert.strictEqual(http.send("", { "mcp-session-id": id }, { method: "DELETE" }).status, 404)
      }
    }))

  it.effect("end with DELETE, which cancels what is in flight, and are 404 from then on", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const http = yield* setup({}, probe)
      const session = open(http)
      const post = http.send(wires.call("Stateful", 1, "never"), session)
      const ended = http.send("", session, { method: "DELETE" })
      assert.deepStrictEqual([ended.status, ended.body], [204, ""])
      yield* wires.until(() => probe.events.includes("never Cancelled User"))
      yield* wires.until(() => post.isOver)
      assert.strictEqual(http.send(echo, session).status, 404)
      assert.strictEqual(http.send("", session, { method: "DELETE" }).status, 404)
      assert.strictEqual(http.send(wires.notification("notifications/initialized"), session).status, 404)
    }))

  it.effect("accept notifications and responses with 202 and no body", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const session = open(http)
      for (const message of [wires.notification("notifications/initialized"), { jsonrpc: "2.0", id: 9, result: {} }]) {
        const post = http.send(message, session)
        assert.deepStrictEqual([post.status, post.body], [202, ""])
      }
    }))

  it.effect("answer with the version header, without it, and refuse one nobody speaks", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const session = open(http)
      assert.strictEqual(http.send(echo, session).status, 200)
      assert.strictEqual(http.send(echo, { ...session, "mcp-protocol-version": "2025-11-25" }).status, 200)
      for (const version of ["2099-01-01", "", "x"]) {
        const post = http.send(echo, { ...session, "mcp-protocol-version": version })
        assert.deepStrictEqual([post.status, JSON.parse(post.body).id], [400, 1])
        assert.deepStrictEqual(JSON.parse(post.body).error.data.supported, Revisions.versions)
      }
    }))

  it.effect("keep their log level to themselves", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const [quiet, loud] = [open(http), open(http)]
      http.send(wires.request("Stateful", 1, "logging/setLevel", { level: "emergency" }), quiet)
      for (const [session, logs] of [[quiet, 0], [loud, 1]] as const) {
        const post = http.send(wires.call("Stateful", 2, "logs"), session)
        yield* wires.until(() => post.isOver)
        assert.lengthOf(post.body.match(/notifications\/message/gu) ?? [], logs)
      }
    }))

  it.effect("are not needed, made or touched by stateless requests beside them", () =>
    Effect.gen(function*() {
      const probe = tools.makeProbe()
      const http = yield* setup({}, probe)
      const session = open(http)
      const stateful = http.send(wires.call("Stateful", 1, "wait"), session)
      // The same id, the same moment, another era.
      const stateless = http.send(wires.call("Stateless", 1, "wait"))
      const both = http.send(wires.call("Stateless", 1, "echo", { text: "x" }), session)
      assert.deepStrictEqual([both.status, both.headers["mcp-session-id"]], [200, undefined])
      const strange = http.send(wires.call("Stateless", 1, "echo", { text: "x" }), { "mcp-session-id": "nobody" })
      assert.strictEqual(strange.status, 200)
      yield* Deferred.succeed(probe.gate, undefined)
      yield* wires.until(() => stateful.isOver && stateless.isOver)
      assert.isUndefined(stateless.headers["mcp-session-id"])
      assert.isUndefined(JSON.parse(stateful.body).result.resultType)
      assert.strictEqual(JSON.parse(stateless.body).result.resultType, "complete")
    }))

  it.effect("are 1,000 at most where the server says so, and each one that ends makes room", () =>
    Effect.gen(function*() {
      const http = yield* setup({ maxSessions: 1000 })
      const sessions = Array.from({ length: 1000 }, () => open(http))
      const refused = http.send(initialize)
      assert.deepStrictEqual([refused.status, codeOf(refused), JSON.parse(refused.body).id], [503, 503, 0])
      // The ones that are open work on, and the stateless era needs no room.
      assert.strictEqual(http.send(echo, sessions[0]).status, 200)
      assert.strictEqual(http.send(wires.call("Stateless", 1, "echo", { text: "x" })).status, 200)
      for (const session of sessions) assert.strictEqual(http.send("", session, { method: "DELETE" }).status, 204)
      const again = Array.from({ length: 1000 }, () => open(http))
      assert.isTrue(again.every((session) => session["mcp-session-id"] !== undefined))
      assert.strictEqual(http.send(initialize).status, 503)
    }))

  it.effect("that end are freed", () =>
    Effect.gen(function*() {
      const http = yield* setup()
      const cycle = () => {
        for (let i = 0; i < 1000; i++) {
          const session = open(http)
          http.send(echo, session)
          http.send("", session, { method: "DELETE" })
        }
      }
      cycle()
      collectGarbage()
      const before = process.memoryUsage().heapUsed
      cycle()
      cycle()
      cycle()
      collectGarbage()
      // A session kept would be two kilobytes at least; 3,000 of them, six megabytes.
      assert.isBelow(process.memoryUsage().heapUsed - before, 3 << 20)
    }))
})
