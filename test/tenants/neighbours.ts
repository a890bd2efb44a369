/**
 * What others notice of one tenant. Fifty tenants call a tool that takes ten milliseconds, now and then, while by turns
 * nothing else happens, a tenant's server fails to build for each of its requests, or a tenant sends far more than it may
 * have worked on. For comparison the same flood comes to one server for all, with as many places as the tenants have
 * together.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Tenants from "fastmcp-effect/tenants/Tenants"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import * as Memory from "fastmcp-effect/transport/Memory"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as support from "./support.ts"

export interface Measured {
  readonly count: number
  readonly p50: number
  readonly p99: number
  /**
   * The middle one of the 99th percentiles of each turn, by that of the calm turn before it: what else the machine is
   * doing is much the same in both.
   */
  readonly ratio: number
  /** Of one processor, in all. */
  readonly busy: number
  /** What the disturbing tenant got. */
  readonly disturbed: string
}

/** Milliseconds of a turn, and before it counts. */
const turn = 500
const settling = 100
/** And after it. */
const ending = 50

/** Requests a second. */
const flood = 4000
const knocks = 200

const work = Tool.make("work", { handler: () => Effect.sleep(10) })

const serverOf = (tenant: string, concurrency: number) =>
  McpServer.layer({ ...support.info(tenant), tools: [work], concurrency })

export const run = Effect.fnUntraced(function*({ rounds, tenants }: {
  readonly tenants: number
  readonly rounds: number
}) {
  const names = Array.from({ length: tenants / 2 }, (_, index) => `tenant${index}`)
  const each = 8
  const separate = yield* Layer.build(
    Tenants.layer({
      tenant: Tenants.claim("org"),
      maxRequests: 64,
      server: (tenant) =>
        tenant === "broken"
          ? Layer.effectDiscard(Effect.fail("no database")).pipe(Layer.provideMerge(serverOf(tenant, each)))
          : serverOf(tenant, each)
    }).pipe(Layer.provide(Logger.layer([])))
  )
  const together = yield* Layer.build(
    McpServer.layer({ ...support.info("all"), tools: [work], concurrency: each * 4, maxRequests: 64 * tenants })
  )
  const kinds = ["calm", "a server that fails to build", "a flood", "one server for all"] as const
  const samples = new Map<string, Array<Array<number>>>(kinds.map((kind) => [kind, []]))
  const got = new Map<string, { answered: number; refused: number }>(
    kinds.map((kind) => [kind, { answered: 0, refused: 0 }])
  )
  /** Microseconds. */
  const spent = new Map<string, number>(kinds.map((kind) => [kind, 0]))
  let current: { readonly kind: string; readonly counts: boolean } | undefined
  let isOver = false

  const clientsOf = (context: Context.Context<Receiver.Receiver>) =>
    Effect.forEach(names, (tenant) => McpTest.client(Layer.succeedContext(context), { identity: support.of(tenant) }))
  const apart = yield* clientsOf(separate)
  const joint = yield* clientsOf(together)
  yield* Effect.forEach([...apart, ...joint], (client) => client.callTool("work"), { concurrency: "unbounded" })

  const caller = (index: number) =>
    Effect.gen(function*() {
      yield* Effect.sleep(index)
      while (!isOver) {
        const now = current
        if (now !== undefined) {
          const start = performance.now()
          const client = now.kind === "one server for all" ? joint[index]! : apart[index]!
          const exit = yield* Effect.exit(client.callTool("work"))
          if (current === now && now.counts) {
            if (Exit.isFailure(exit)) return yield* Effect.die(new Error(`${names[index]} was refused`))
            samples.get(now.kind)!.at(-1)!.push(performance.now() - start)
          }
        }
        yield* Effect.sleep(30 + index % 7)
      }
    })

  /** Sends frames and reads no more of the answers than whether they are errors. */
  const disturber = Effect.fnUntraced(function*(context: Context.Context<Receiver.Receiver>, tenant: string) {
    const { frames, send } = yield* Effect.provideContext(
      Memory.connectAs({ context: Identity.context(support.of(tenant)) }),
      context
    )
    yield* Effect.forkScoped(Effect.forever(Effect.map(Queue.take(frames), (frame) => {
      const counted = got.get(current?.kind ?? "calm")!
      if (frame.includes("\"error\"")) counted.refused++
      else counted.answered++
    })))
    let last = 0
    return (perSecond: number, millis: number) =>
      Effect.gen(function*() {
        const start = performance.now()
        let sent = 0
        while (performance.now() - start < millis) {
          const due = (performance.now() - start) / 1000 * perSecond
          // What it falls behind by it leaves out: a flood is so much a second, whatever became of the last one.
          for (let count = 0; sent < due && count < perSecond / 100; count++, sent++) send(frameOf(++last))
          sent = Math.max(sent, Math.floor(due))
          yield* Effect.sleep(2)
        }
      })
  })
  const disturb = {
    "calm": (_: number) => Effect.void,
    "a server that fails to build": ((knock) => (millis: number) => knock(knocks, millis))(
      yield* disturber(separate, "broken")
    ),
    "a flood": ((pour) => (millis: number) => pour(flood, millis))(yield* disturber(separate, "flooding")),
    "one server for all": ((pour) => (millis: number) => pour(flood, millis))(yield* disturber(together, "flooding"))
  }

  const callers = yield* Effect.forkChild(
    Effect.all(names.map((_, index) => caller(index)), { concurrency: "unbounded", discard: true })
  )
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      samples.get(kind)!.push([])
      current = { kind, counts: false }
      const before = process.cpuUsage()
      const disturbing = yield* Effect.forkChild(disturb[kind](settling + turn))
      yield* Effect.sleep(settling)
      current = { kind, counts: true }
      yield* Effect.sleep(turn)
      current = undefined
      yield* Effect.sleep(ending)
      disturbing.interruptUnsafe()
      const { system, user } = process.cpuUsage(before)
      spent.set(kind, spent.get(kind)! + system + user)
    }
  }
  isOver = true
  yield* Effect.sleep(ending)
  callers.interruptUnsafe()
  const calm = samples.get("calm")!
  return Object.fromEntries(kinds.map((kind): [string, Measured] => {
    const turns = samples.get(kind)!
    const all = turns.flat()
    const { answered, refused } = got.get(kind)!
    return [kind, {
      count: all.length,
      p50: at(all, 0.5),
      p99: at(all, 0.99),
      ratio: at(turns.map((turn, index) => at(turn, 0.99) / at(calm[index]!, 0.99)), 0.5),
      busy: spent.get(kind)! / (1000 * (settling + turn + ending) * rounds),
      disturbed: `it had ${answered} answers, and was refused ${refused} times`
    }]
  }))
})

const at = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? NaN

const frameOf = (id: number) =>
  JSON.stringify({
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: {
      name: "work",
      arguments: {},
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}
      }
    }
  })
