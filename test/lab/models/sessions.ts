/**
 * Sessions over HTTP on two nodes with shared stores, and streams that are taken up again, at whichever node. Ada calls,
 * loses her connections, comes back, takes calls back and ends her session; Eve knows its id.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as EventStore from "fastmcp-effect/session/EventStore"
import * as SessionError from "fastmcp-effect/session/SessionError"
import * as SessionMailbox from "fastmcp-effect/session/SessionMailbox"
import * as SessionStore from "fastmcp-effect/session/SessionStore"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as Admission from "fastmcp-effect/transport/Admission"
import * as assert from "node:assert"
import type { Model } from "../model.ts"

/** Longer than any letter between nodes takes. */
const long = 5000

/** One call of Ada's: what it says, how long it takes, where she stops reading, and when she takes it back. */
const Step = Schema.Struct({
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
  says: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
  pause: Schema.Literals([0, 0, 3, 15, long]),
  stopsAfter: Schema.Literals([-1, 0, 1, 2]),
  cancelAfter: Schema.Literals([-1, -1, 10, 25])
})

type Step = typeof Step.Type

interface Record {
  begun: number
  ended: Exit.Exit<unknown, unknown> | undefined
}

const serve = (records: Map<number, Record>) => {
  const count = Tool.make("count", {
    parameters: { n: Schema.Int, says: Schema.Int, pause: Schema.Int },
    success: Schema.Int,
    handler: ({ n, pause, says }) => {
      const record = records.get(n)!
      return Effect.gen(function*() {
        record.begun++
        for (let said = 1; said <= says; said++) {
          yield* Progress.report(said)
          yield* Effect.sleep(pause)
        }
        yield* Effect.sleep(pause)
        return n
      }).pipe(Effect.onExit((exit) =>
        Effect.sync(() => {
          record.ended = exit
        })
      ))
    }
  })
  return McpServer.layer({ name: "counting", version: "1.0.0", tools: [count], requestTimeout: "1 hour" })
}

/** A caller is who it says it is. */
const admission = Layer.succeed(Admission.Admission, {
  admit: ({ header }) =>
    Effect.succeed({
      _tag: "Admitted",
      context: Context.empty(),
      principal: header("authorization"),
      expiresAt: Infinity
    }),
  challenge: () => ({}),
  documents: new Map()
})

const stores = Effect.gen(function*() {
  const unavailable = () => SessionError.make(new SessionError.Unavailable({ store: "store" }))
  const sessions = yield* Lab.store(SessionStore.layerMemory, {
    name: "sessions",
    service: SessionStore.SessionStore,
    unavailable
  })
  const letters = yield* Lab.store(SessionMailbox.layerMemory, {
    name: "letters",
    service: SessionMailbox.SessionMailbox,
    unavailable
  })
  const events = yield* Lab.store(EventStore.layerMemory(), {
    name: "events",
    service: EventStore.EventStore,
    unavailable
  })
  return Layer.mergeAll(sessions.layer, letters.layer, events.layer)
})

interface Event {
  readonly id: string
  readonly data: string
}

interface Answer {
  readonly status: number
  readonly session: string | undefined
  /** What came, whole events only. */
  readonly events: ReadonlyArray<Event>
  /** A body that is no stream. */
  readonly body: string
}

/** One request, as its caller makes it; it stops reading after so many events. */
const ask = (
  caller: string,
  method: "POST" | "GET" | "DELETE",
  headers: { readonly [name: string]: string },
  body: object | undefined,
  stopsAfter = -1
) =>
  Effect.gen(function*() {
    const client = yield* HttpClient.HttpClient
    const request = HttpClientRequest.make(method)("http://localhost/mcp").pipe(
      HttpClientRequest.setHeaders({
        accept: method === "GET" ? "text/event-stream" : "application/json, text/event-stream",
        authorization: caller,
        "mcp-protocol-version": "2025-11-25",
        ...headers
      }),
      (request) =>
        body === undefined ? request : HttpClientRequest.bodyText(request, JSON.stringify(body), "application/json")
    )
    const response = yield* client.execute(request)
    const events: Array<Event> = []
    let text = ""
    const isStream = response.headers["content-type"] === "text/event-stream"
    yield* Stream.decodeText(response.stream).pipe(
      Stream.runForEach((piece) => {
        text += piece
        if (!isStream) return Effect.void
        const blocks = text.split("\n\n")
        text = blocks.pop()!
        for (const block of blocks) {
          const event = { id: field(block, "id"), data: field(block, "data") }
          if (event.id !== "" || event.data !== "") events.push(event)
        }
        return stopsAfter >= 0 && events.length > stopsAfter ? Effect.fail("enough") : Effect.void
      }),
      Effect.ignore
    )
    return {
      status: response.status,
      session: response.headers["mcp-session-id"],
      events,
      body: isStream ? "" : text
    } satisfies Answer
  })

const field = (block: string, name: string): string =>
  block.split("\n").flatMap((line) => line.startsWith(`${name}:`) ? [line.slice(name.length + 1).trim()] : []).join(
    "\n"
  )

const nobody: Answer = { status: 0, session: undefined, events: [], body: "" }

/** All that came of one call, over however many connections. */
interface Told {
  readonly events: Array<Event>
  body: string
  /** It was lost before there was anything to come back with. */
  isLost: boolean
  /** The stream has ended, and its client was told so. */
  isOver: boolean
}

const isAnswer = ({ data }: Event) => data.includes("\"result\"") || data.includes("\"error\"")

export const sessions: Model = {
  name: "sessions",
  holds: "what is said on a stream comes once and in order, over whichever node, and a session is its caller's",
  system: Effect.gen(function*() {
    const records = new Map<number, Record>()
    const endpoint = Layer.provide(Lab.httpServer(serve(records)), [yield* stores, admission])
    const nodes = yield* Effect.forEach(["a", "b"], (name) => Lab.node(name, endpoint))
    const users = {
      ada: yield* Lab.node("ada", Lab.httpClient(nodes)),
      eve: yield* Lab.node("eve", Lab.httpClient(nodes))
    }
    const as = (
      name: keyof typeof users,
      ...[method, headers, body, stopsAfter]: [
        method: "POST" | "GET" | "DELETE",
        headers: { readonly [name: string]: string },
        body?: object,
        stopsAfter?: number
      ]
    ) => Effect.orElseSucceed(users[name].run(ask(name, method, headers, body, stopsAfter)), () => nobody)

    const opened = yield* as("ada", "POST", {}, {
      jsonrpc: "2.0",
      id: 0,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "ada", version: "1" } }
    })
    const session = opened.session!
    assert.ok(session !== undefined, "there is a session")
    const mine = { "mcp-session-id": session }
    yield* as("ada", "POST", mine, { jsonrpc: "2.0", method: "notifications/initialized" })
    const calling = (n: number, says: number, pause: number) => ({
      jsonrpc: "2.0",
      id: n,
      method: "tools/call",
      params: { name: "count", arguments: { n, says, pause }, _meta: { progressToken: n } }
    })
    const cancelling = (n: number) => ({
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params: { requestId: n }
    })

    /** Calls, and comes back for the rest until there is none. */
    const call = (n: number, { at, pause, says, stopsAfter }: Step) =>
      Effect.gen(function*() {
        yield* Effect.sleep(at)
        const told: Told = { events: [], body: "", isLost: false, isOver: false }
        const first = yield* as("ada", "POST", mine, calling(n, says, pause), stopsAfter)
        told.body = first.body
        told.events.push(...first.events)
        for (let times = 0; told.body === "" && !told.events.some(isAnswer) && times < 20; times++) {
          const last = told.events.findLast(({ id }) => id !== "")
          if (last === undefined) {
            told.isLost = true
            break
          }
          yield* Effect.sleep(3)
          const answer = yield* as("ada", "GET", { ...mine, "last-event-id": last.id })
          told.events.push(...answer.events.filter(({ data }) => data !== ""))
          if (answer.status === 204) {
            told.isOver = true
            break
          }
        }
        return told
      })
    /** Whether it ran, was taken back, and goes on. */
    const cancel = (n: number, { at, cancelAfter }: Step) =>
      Effect.gen(function*() {
        if (cancelAfter < 0) return false
        yield* Effect.sleep(at + cancelAfter)
        const record = records.get(n)!
        const runs = record.begun > 0
        const { status } = yield* as("ada", "POST", mine, cancelling(n))
        yield* Effect.sleep(long / 10)
        return runs && status === 202 && record.ended === undefined
      })

    const steps = yield* Lab.steps("call", Arbitrary.schema(Step), 4)
    steps.forEach((_, index) => records.set(index + 1, { begun: 0, ended: undefined }))
    const done = yield* Effect.forEach(
      steps,
      (step, index) => Effect.all([call(index + 1, step), cancel(index + 1, step)], { concurrency: "unbounded" }),
      { concurrency: "unbounded" }
    )

    done.forEach(([told, goesOn], index) => {
      const n = index + 1
      const { cancelAfter, says } = steps[index]!
      const record = records.get(n)!
      const spoken = told.events.filter(({ data }) => data !== "")
      const ids = spoken.map(({ id }) => id)
      assert.ok(new Set(ids).size === ids.length, "no event comes twice")
      assert.ok(spoken.filter(isAnswer).length <= 1, "there is one answer")
      const progress = spoken.filter((event) => !isAnswer(event)).map(({ data }) => JSON.parse(data).params.progress)
      const all = [1, 2, 3].slice(0, says)
      assert.deepStrictEqual(progress, all.slice(0, progress.length), "what is said comes in order, with no gap")
      assert.ok(record.begun <= 1, "a call runs once")
      assert.ok(!goesOn, "what was taken back stops, wherever it runs")
      if (told.isLost) return
      assert.ok(
        told.isOver || told.body !== "" || spoken.some(isAnswer),
        "whoever comes back hears when nothing follows"
      )
      const wasCancelled = record.ended !== undefined && Exit.isFailure(record.ended)
      if (cancelAfter < 0) assert.ok(spoken.some(isAnswer) || told.body !== "", "each call has its answer")
      if (spoken.some(isAnswer)) {
        assert.ok(!wasCancelled, "what was taken back has no answer")
        assert.ok(progress.length === says, "nothing is missing before the answer")
      }
    })

    // A session is its caller's.
    const [last] = done.flatMap(([{ events }]) => events).filter(({ id }) => id !== "")
    records.set(50, { begun: 0, ended: undefined })
    const tried = yield* Effect.all([
      as("eve", "POST", mine, calling(50, 0, 0)),
      as("eve", "GET", last === undefined ? mine : { ...mine, "last-event-id": last.id }, undefined, 0),
      as("eve", "DELETE", mine)
    ])
    for (const { events, status } of tried) {
      assert.ok((status === 404 || status === 0) && events.length === 0, "a session is its caller's")
    }
    assert.ok(records.get(50)!.begun === 0, "nothing runs in a session of another")

    // It ends while calls begin in it.
    const late = [60, 61]
    for (const n of late) records.set(n, { begun: 0, ended: undefined })
    const begun = yield* Effect.forkChild(Effect.forEach(
      late,
      (n) => as("ada", "POST", mine, calling(n, 0, 3_600_000)),
      { concurrency: "unbounded" }
    ))
    yield* Effect.sleep(yield* Lab.draw("end", Arbitrary.schema(Schema.Literals([0, 3, 6, 9, 12]))))
    for (let times = 0; times < 10; times++) {
      const { status } = yield* as("ada", "DELETE", mine)
      if (status !== 0 && status !== 503) break
    }
    yield* Effect.sleep("1 minute")
    for (const n of late) {
      const { begun, ended } = records.get(n)!
      assert.ok(begun === 0 || ended !== undefined, "nothing goes on in a session that has ended")
    }
    yield* Fiber.interrupt(begun)
    const { status } = yield* as("ada", "POST", mine, calling(70, 0, 0))
    assert.ok(status === 404, "a session that has ended has ended")
  }),
  options: {
    faults: [
      Faults.delay({ link: "*>ada", chance: 0.1, max: 20, until: 200 }),
      Faults.cut({ link: "*>ada", chance: 0.08, from: 60, until: 200 }),
      Faults.delay({ link: "*>events", chance: 0.1, max: 20, until: 200 })
    ],
    journal: { capacity: 2000, fibers: false }
  }
}
