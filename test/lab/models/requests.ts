/**
 * The life of a request: two peers, one of each era, write on the wire what the seed says, and count what comes back.
 * Handlers succeed, fail, die, ask, go beyond their deadline and are cancelled, two at a time.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Ask from "fastmcp-effect/context/Ask"
import * as Progress from "fastmcp-effect/context/Progress"
import * as Roots from "fastmcp-effect/context/Roots"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as JsonRpc from "fastmcp-effect/protocol/JsonRpc"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as ClientTransport from "fastmcp-effect/transport/ClientTransport"
import * as assert from "node:assert"
import type { Model } from "../model.ts"

const Fate = Schema.Literals(["succeed", "fail", "die", "ask"])

/** One call: when, by whom, what becomes of it, and when it is taken back. */
const Step = Schema.Struct({
  peer: Schema.Literals(["old", "new"]),
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
  fate: Fate,
  millis: Schema.Literals([0, 1, 5, 20, 150]),
  says: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
  cleanup: Schema.Literals([0, 0, 3, 60_000]),
  cancelAfter: Schema.Literals([-1, -1, 0, 4, 8, 20])
})

type Step = typeof Step.Type

/** What happened to a call within its handler. */
interface Record {
  begun: number
  cleaned: number
  tooMany: boolean
  /** It has heard that nobody answers, as if its request were there no more. */
  revived: boolean
  ended: Exit.Exit<unknown, unknown> | undefined
}

const limit = 2

const serve = (records: Map<number, Record>, gate: Set<Deferred.Deferred<void>>) => {
  const running = new Set<Record>()
  const run = (record: Record) => {
    running.add(record)
    if (running.size > limit) record.tooMany = true
  }
  const work = Tool.make("work", {
    parameters: {
      n: Schema.Int,
      fate: Fate,
      millis: Schema.Int,
      says: Schema.Int,
      cleanup: Schema.Int
    },
    success: Schema.Int,
    failure: Schema.String,
    handler: ({ cleanup, fate, millis, n, says }) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const record = records.get(n)!
          record.begun++
          run(record)
          return record
        }),
        (record) =>
          Effect.gen(function*() {
            for (let said = 1; said <= says; said++) {
              yield* Progress.report(said)
              yield* Effect.sleep(millis / (says + 1))
            }
            yield* Effect.sleep(millis / (says + 1))
            if (fate === "fail") return yield* Effect.fail("no")
            if (fate === "die") return yield* Effect.die(new Error("broken"))
            if (fate === "ask") {
              // Whoever waits for its client gives its turn away meanwhile.
              running.delete(record)
              yield* Effect.catch(Ask.one("roots", Roots.list), ({ reason }) =>
                Effect.sync(() => {
                  if (reason._tag === "Unavailable") record.revived = true
                }))
              run(record)
            }
            return n
          }),
        (record, exit) =>
          Effect.andThen(
            Effect.suspend(() => {
              running.delete(record)
              return Effect.sleep(cleanup)
            }),
            Effect.sync(() => {
              record.cleaned++
              record.ended = exit
            })
          )
      )
  })
  /** Goes on only when as many as may run are there at once. */
  const meet = Tool.make("meet", {
    handler: () =>
      Effect.gen(function*() {
        const mine = yield* Deferred.make<void>()
        gate.add(mine)
        if (gate.size === limit) { for (const one of gate) yield* Deferred.succeed(one, undefined) }
        yield* Deferred.await(mine)
      })
  })
  return McpServer.layer({
    name: "server",
    version: "1.0.0",
    tools: [work, meet],
    concurrency: limit,
    requestTimeout: "100 millis",
    askTimeout: "30 millis"
  })
}

const versions = { old: "2025-11-25", new: "2026-07-28" } as const

const envelope = {
  "io.modelcontextprotocol/protocolVersion": versions.new,
  "io.modelcontextprotocol/clientInfo": { name: "new", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {}
}

/** Who writes on the wire by hand. */
interface Peer {
  readonly request: (id: number, method: string, params: JsonRpc.JsonObject) => void
  readonly cancel: (id: number) => void
  readonly answers: (id: number) => ReadonlyArray<JsonRpc.Response>
  readonly progress: (id: number) => ReadonlyArray<number>
}

const connect = (name: keyof typeof versions, servers: Lab.Servers) =>
  Effect.gen(function*() {
    const version = versions[name]
    const responses: Array<JsonRpc.Response> = []
    const told: Array<{ readonly id: unknown; readonly progress: number }> = []
    let connection: ClientTransport.Connection | undefined
    const send = (frame: object, more: { readonly id?: number; readonly method?: string } = {}) =>
      connection!.send({ frame: JSON.stringify({ jsonrpc: "2.0", ...frame }), version, ...more })
    const listener: ClientTransport.Listener = {
      receive: (message) => {
        if (message._tag === "Response") responses.push(message)
        else if (message._tag === "Notification" && message.method === "notifications/progress") {
          told.push({ id: message.params!["progressToken"], progress: message.params!["progress"] as number })
        } else if (message._tag === "Request" && Number(message.id) % 2 === 0) {
          send({ id: message.id, result: { roots: [] } })
        }
      },
      failed: () => {},
      closed: () => {}
    }
    const connecting = Effect.gen(function*() {
      const transport = yield* ClientTransport.ClientTransport
      connection = yield* transport.connect(listener)
    })
    yield* Lab.node(name, Layer.provide(Layer.effectDiscard(connecting), Lab.link(servers)))
    const peer: Peer = {
      request: (id, method, params) =>
        send({
          id,
          method,
          params: { ...params, _meta: { progressToken: id, ...(name === "new" ? envelope : undefined) } }
        }, { id, method }),
      cancel: (id) => send({ method: "notifications/cancelled", params: { requestId: id } }),
      answers: (id) => responses.filter((response) => response.id === id),
      progress: (id) => told.filter((each) => each.id === id).map(({ progress }) => progress)
    }
    if (name === "old") {
      send({
        id: 0,
        method: "initialize",
        params: {
          protocolVersion: version,
          capabilities: { roots: {} },
          clientInfo: { name, version: "1" }
        }
      }, { id: 0, method: "initialize" })
      yield* Effect.sleep(30)
      send({ method: "notifications/initialized" })
    }
    return peer
  })

const isCancelled = (record: Record | undefined) =>
  record?.ended !== undefined && Exit.isFailure(record.ended) && Cause.hasInterruptsOnly(record.ended.cause)

export const requests: Model = {
  name: "requests",
  holds: "each request has one answer, one that was taken back has none, and what it held is free again",
  system: Effect.gen(function*() {
    const records = new Map<number, Record>()
    const gate = new Set<Deferred.Deferred<void>>()
    const server = yield* Lab.node("server", serve(records, gate))
    const peers = { old: yield* connect("old", server), new: yield* connect("new", server) }
    const steps = yield* Lab.steps("call", Arbitrary.schema(Step), 8)
    yield* Effect.forEach(steps, (step, index) => call(peers[step.peer], index + 1, step, records), {
      concurrency: "unbounded",
      discard: true
    })
    // Longer than any finalizer is waited for, and shorter than some take.
    yield* Effect.sleep("40 seconds")

    // Both turns are free: two that wait for each other meet.
    peers.new.request(100, "tools/call", { name: "meet", arguments: {} })
    peers.old.request(100, "tools/call", { name: "meet", arguments: {} })
    yield* Effect.sleep("1 minute")
    for (const { answers } of [peers.new, peers.old]) {
      const [answer, ...more] = answers(100)
      assert.ok(
        more.length === 0 && answer?.error === undefined && answer?.result?.["isError"] !== true,
        "turns are free"
      )
    }

    steps.forEach(({ cancelAfter, peer, says }, index) => {
      const n = index + 1
      const record = records.get(n)!
      const answers = peers[peer].answers(n)
      assert.ok(answers.length <= 1, "no request is answered twice")
      if (cancelAfter < 0) assert.ok(answers.length === 1, "each request is answered")
      else if (isCancelled(record)) assert.ok(answers.length === 0, "what was taken back has no answer")
      assert.ok(record.begun <= 1, "a handler runs once")
      assert.ok(record.cleaned === record.begun, "what a handler began it ends, once")
      assert.ok(!record.revived || peer === "new", "a handler that is cancelled does not go on without its answer")
      assert.ok(!record.tooMany, "no more run at once than may")
      const said = peers[peer].progress(n)
      assert.deepStrictEqual(said, [1, 2].slice(0, said.length), "progress comes in order")
      if (record.ended !== undefined && Exit.isSuccess(record.ended) && cancelAfter < 0) {
        assert.ok(said.length === says, "all progress comes before the answer")
      }
    })
  }),
  options: { journal: { capacity: 2000, fibers: false } }
}

const call = (peer: Peer, n: number, step: Step, records: Map<number, Record>) =>
  Effect.gen(function*() {
    const { at, cancelAfter, cleanup, fate, millis, says } = step
    records.set(n, { begun: 0, cleaned: 0, tooMany: false, revived: false, ended: undefined })
    yield* Effect.sleep(at)
    peer.request(n, "tools/call", { name: "work", arguments: { n, fate, millis, says, cleanup } })
    if (cancelAfter < 0) return
    yield* Effect.sleep(cancelAfter)
    peer.cancel(n)
  })
