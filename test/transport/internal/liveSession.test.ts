import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as tools from "../../server/tools.ts"
import * as wires from "../../server/wires.ts"

/** A session, and a request of it that has said something. */
const setup = (revision: string, name: string, args: object = {}) =>
  Effect.gen(function*() {
    const probe = tools.makeProbe()
    const http = yield* Effect.provideContext(wires.http(), yield* wires.build(tools.server(probe)))
    const opened = http.send(wires.request("Stateful", 0, "initialize", {
      protocolVersion: revision,
      capabilities: {},
      clientInfo: { name: "x", version: "1" }
    }))
    const session = { "mcp-session-id": opened.headers["mcp-session-id"] }
    const post = http.send(wires.call("Stateful", 1, name, args, { progressToken: "p" }), session)
    yield* wires.until(() => post.body.includes("notifications/progress"))
    const lastId = () => [...post.body.matchAll(/^id: (.+)$/gmu)].at(-1)![1]!
    const resume = (id: string) => http.send("", { ...session, "last-event-id": id }, { method: "GET" })
    return { http, lastId, post, probe, resume, session }
  })

describe("LiveSession", () => {
  for (const revision of ["2025-06-18", "2025-11-25"]) {
    it.effect(`tells who has seen all of a stream that has ended not to come back: ${revision}`, () =>
      Effect.gen(function*() {
        const { lastId, post, resume } = yield* setup(revision, "talk", { count: 2 })
        yield* wires.until(() => post.isOver)
        const all = resume(lastId())
        assert.deepStrictEqual([all.status, all.headers["content-type"], all.body], [204, "text/event-stream", ""])
        // Who has not seen the answer gets it.
        const [stream, position] = lastId().split(".")
        const missed = resume(`${stream}.${Number(position) - 1}`)
        assert.strictEqual(missed.status, 200)
        yield* wires.until(() => missed.isOver)
        assert.include(missed.body, "\"result\"")
      }))

    it.effect(`tells so whose request was cancelled, and not before: ${revision}`, () =>
      Effect.gen(function*() {
        const { http, lastId, post, probe, resume, session } = yield* setup(revision, "talkingNever")
        const early = resume(lastId())
        assert.deepStrictEqual([early.status, early.isOver], [200, false])
        http.send(wires.notification("notifications/cancelled", { requestId: 1 }), session)
        yield* wires.until(() => early.isOver)
        assert.isTrue(post.isOver)
        assert.deepStrictEqual(probe.events, ["talkingNever started", "talkingNever Cancelled User"])
        assert.strictEqual(resume(lastId()).status, 204)
      }))
  }
})
