/** Mounts of mounts: how deep, that none goes in a circle, and what is left of a budget at each step. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as RequestContext from "fastmcp-effect/context/RequestContext"
import * as Budget from "fastmcp-effect/core/Budget"
import * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Provider from "fastmcp-effect/definition/Provider"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Mount from "fastmcp-effect/provider/Mount"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"
import * as Randoms from "../server/random.ts"
import { call, prefixed, running, serving, textOf, tool, toolNames } from "./support.ts"

const named = (name: string, ...tools: ReadonlyArray<ReturnType<typeof tool>>) =>
  running(McpServer.layer({ name, version: "1.0.0", tools }))

const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, DefinitionError.DefinitionError)
    return error
  })

describe("a mount of a mount", () => {
  it.effect("answers through both, and follows through both", () =>
    Effect.gen(function*() {
      const inner = yield* named("inner", tool("deep"))
      const middle = yield* named("middle")
      yield* middle.server.add(Mount.live(inner.server))
      const client = yield* McpTest.client(serving(Mount.live(middle.server)))
      assert.strictEqual(yield* call(client, "deep"), "deep")
      yield* inner.server.add(tool("later"))
      yield* McpTest.settle
      assert.deepStrictEqual(yield* toolNames(client), ["deep", "later"])
      assert.strictEqual(yield* call(client, "later"), "later")
    }))

  it.effect("is refused beyond ten, with the way it would go", () =>
    Effect.gen(function*() {
      const servers = yield* Effect.forEach(Array.from({ length: 12 }, (_, i) => `s${i}`), (name) => named(name))
      // From the middle outwards, so that both ends count.
      const order = [5, 6, 4, 7, 3, 8, 2, 9, 1, 0]
      for (const i of order) yield* servers[i]!.server.add(Mount.live(servers[i + 1]!.server))
      const below = yield* reasonOf(servers[10]!.server.add(Mount.live(servers[11]!.server)))
      assert.strictEqual(below.reason._tag, "MountTooDeep")
      assert.include(below.message, "10 deep")
      assert.include(below.message, "s0 > s1 > s2")
      yield* servers[10]!.server.add(tool("deepest"))
      yield* McpTest.settle
      const client = yield* McpTest.client(servers[0]!.layer)
      assert.strictEqual(yield* call(client, "deepest"), "deepest")
    }))

  it.effect("as each was when it was mounted goes ten deep, too, and a request goes no further", () =>
    Effect.gen(function*() {
      let current = yield* named("s", tool("deepest"))
      for (let i = 0; i < 10; i++) {
        const next = yield* named("s")
        yield* next.server.add(Mount.snapshot(current.server))
        current = next
      }
      assert.strictEqual(yield* Effect.flatMap(McpTest.client(current.layer), (c) => call(c, "deepest")), "deepest")
      const beyond = yield* named("s")
      yield* beyond.server.add(Mount.snapshot(current.server))
      const client = yield* McpTest.client(beyond.layer)
      assert.include((yield* Effect.flip(client.callTool("deepest"))).message, "10 mounts")
    }))
})

describe("a cycle of mounts", () => {
  it.effect("is refused when it is closed, and shows the way round", () =>
    Effect.gen(function*() {
      const [a, b, c] = [yield* named("a", tool("ta")), yield* named("b", tool("tb")), yield* named("c", tool("tc"))]
      yield* a.server.add(Mount.live(b.server))
      yield* b.server.add(Mount.live(c.server))
      const { message, reason } = yield* reasonOf(c.server.add(Mount.live(a.server)))
      assert.deepInclude(reason, { _tag: "MountCycle", path: ["c", "a", "b", "c"] })
      assert.include(message, "c > a > b > c")
      const itself = yield* reasonOf(a.server.add(Mount.live(a.server)))
      assert.deepInclude(itself.reason, { _tag: "MountCycle", path: ["a", "a"] })
      // Nothing of what was refused is left.
      const client = yield* McpTest.client(c.layer)
      assert.deepStrictEqual(yield* toolNames(client), ["tc"])
    }))

  it.effect("is refused also through a transform, before there is anything in it, and not once it is open", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* named("a"), yield* named("b")]
      const scope = yield* Scope.make()
      yield* Scope.provide(a.server.add(prefixed("b_", Mount.live(b.server))), scope)
      const { reason } = yield* reasonOf(b.server.add(prefixed("a_", Mount.live(a.server))))
      assert.deepInclude(reason, { _tag: "MountCycle", path: ["b", "a", "b"] })
      yield* Scope.close(scope, Exit.void)
      yield* b.server.add(prefixed("a_", Mount.live(a.server)))
      yield* a.server.add(tool("ta"))
      yield* McpTest.settle
      const client = yield* McpTest.client(b.layer)
      assert.deepStrictEqual(yield* toolNames(client), ["a_ta"])
    }))

  it.effect("that comes up within a provider stops that provider, and what it had stays", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* named("a", tool("ta")), yield* named("b", tool("tb"))]
      yield* a.server.add(Mount.live(b.server))
      const grown = yield* reasonOf(
        b.server.add(Provider.merge(Provider.fromDefinitions(tool("other")), Mount.live(a.server)))
      )
      assert.strictEqual(grown.reason._tag, "MountCycle")
      const client = yield* McpTest.client(a.layer)
      assert.deepStrictEqual(yield* toolNames(client), ["ta", "tb"])
    }))

  it.effect("is none where a server has what the other one had", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* named("a", tool("ta")), yield* named("b", tool("tb"))]
      yield* a.server.add(Mount.snapshot(b.server))
      yield* b.server.add(prefixed("a_", Mount.snapshot(a.server)))
      const client = yield* McpTest.client(b.layer)
      assert.deepStrictEqual(yield* toolNames(client), ["tb", "a_ta", "a_tb"])
      assert.deepStrictEqual([yield* call(client, "a_ta"), yield* call(client, "a_tb")], ["ta", "tb"])
    }))
})

// ----------------------------------------------------------------------------
// budgets
// ----------------------------------------------------------------------------

/** A tool of a server that uses time and cost, then calls others: beside it, or of servers mounted in its own. */
interface Hop {
  readonly name: string
  readonly timeout: number | undefined
  readonly sleep: number
  readonly cost: number
  readonly calls: ReadonlyArray<Hop | { readonly server: Server }>
}

interface Server {
  readonly name: string
  readonly requestTimeout: number
  readonly costQuota: number | undefined
  readonly hop: Hop
}

/** What a hop found and left. */
interface Seen {
  readonly deadline: number
  readonly cost: number
}

const makeServer = (random: Randoms.Random, depth: number, names: { last: number }): Server => ({
  name: `server${++names.last}`,
  requestTimeout: 1000 + random.below(60_000),
  costQuota: random.chance(0.5) ? undefined : 50 + random.below(400),
  hop: makeHop(random, depth, names)
})

const makeHop = (random: Randoms.Random, depth: number, names: { last: number }): Hop => ({
  name: `tool${++names.last}`,
  timeout: random.chance(0.5) ? undefined : 500 + random.below(40_000),
  sleep: random.below(900),
  cost: random.below(20),
  calls: depth === 0 ? [] : Array.from({ length: random.below(3) }, () =>
    random.chance(0.5)
      ? makeHop(random, depth - 1, names)
      : { server: makeServer(random, depth - 1, names) })
})

const budgetNow = Effect.gen(function*() {
  const { cost } = yield* Budget.remaining
  const { deadline } = yield* Budget.CurrentBudget
  return { deadline, cost }
})

/** Complaints about what was found; and how many hops there were. */
const makeWatch = () => ({ complaints: [] as Array<string>, hops: 0 })

type Watch = ReturnType<typeof makeWatch>

/** What the one who calls has just before, for the one who is called. */
type Callers = Map<string, Seen>

const toolOf = (hop: Hop, watch: Watch, callers: Callers) =>
  Tool.make(hop.name, {
    success: Schema.String,
    ...(hop.timeout === undefined ? undefined : { timeout: hop.timeout }),
    handler: () =>
      Effect.gen(function*() {
        watch.hops++
        const say = (what: string, found: Seen, caller: Seen) =>
          watch.complaints.push(`${hop.name} ${what}: ${JSON.stringify({ found, caller })}`)
        const found = yield* budgetNow
        const caller = callers.get(hop.name)
        if (caller !== undefined && found.deadline > caller.deadline) say("has a later deadline", found, caller)
        if (caller !== undefined && found.cost > caller.cost) say("has more cost", found, caller)
        yield* Budget.spend(hop.cost)
        yield* Effect.sleep(hop.sleep)
        const { callTool } = yield* RequestContext.RequestContext
        let spent = hop.cost
        for (const next of hop.calls) {
          const before = yield* budgetNow
          const name = "server" in next ? next.server.hop.name : next.name
          callers.set(name, before)
          spent += Number(textOf(yield* callTool({ name })))
          const after = yield* budgetNow
          if (after.deadline > before.deadline) say("has more time than before a call", after, before)
          if (found.cost !== Infinity && after.cost > found.cost - spent) say("has not paid for a call", after, found)
        }
        return String(spent)
      }).pipe(Effect.orDie)
  })

/** A server with all that its hops call. */
const serve = (
  { costQuota, hop, name, requestTimeout }: Server,
  watch: Watch,
  callers: Callers
): Layer.Layer<McpServer.McpServer | Receiver.Receiver, DefinitionError.DefinitionError> => {
  const hops = (hop: Hop): ReadonlyArray<Hop> => [
    hop,
    ...hop.calls.flatMap((next) => "server" in next ? [] : hops(next))
  ]
  const beside = hops(hop)
  const below = beside.flatMap(({ calls }) => calls.flatMap((next) => "server" in next ? [next.server] : []))
  return below.reduce(
    (layer, server) =>
      McpServer.register(Mount.make(serve(server, watch, callers))).pipe(Layer.provideMerge(layer)) as typeof layer,
    McpServer.layer({
      name,
      version: "1.0.0",
      requestTimeout,
      ...(costQuota === undefined ? undefined : { budget: Budget.make({ costQuota }) }),
      tools: beside.map((hop) => toolOf(hop, watch, callers))
    }) as Layer.Layer<McpServer.McpServer | Receiver.Receiver, DefinitionError.DefinitionError>
  )
}

describe("a budget", () => {
  const seed = Randoms.seed()
  it.effect(`only shrinks, from hop to hop of any tree of calls and mounts (FUZZ_SEED=${seed})`, () =>
    Effect.gen(function*() {
      const random = Randoms.make(seed)
      let hops = 0
      for (let i = 0; i < 60; i++) {
        const watch = makeWatch()
        const root = makeServer(random, 4, { last: 0 })
        yield* Effect.scoped(Effect.gen(function*() {
          const client = yield* McpTest.client(serve(root, watch, new Map()))
          const fiber = yield* Effect.forkChild(client.callTool(root.hop.name))
          for (let second = 0; second < 90 && fiber.pollUnsafe() === undefined; second++) {
            yield* TestClock.adjust(Duration.seconds(1))
            yield* McpTest.settle
          }
          yield* Fiber.await(fiber)
        }))
        hops += watch.hops
        assert.deepStrictEqual(watch.complaints, [], `tree ${i}: ${JSON.stringify(root)}`)
      }
      assert.isAbove(hops, 60)
    }))
})
