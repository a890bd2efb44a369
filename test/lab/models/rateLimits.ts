/** Four servers count together: whatever the network does, no more runs than the limit lets through. */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as RateLimit from "fastmcp-effect/middleware/RateLimit"
import * as RateLimitStore from "fastmcp-effect/middleware/RateLimitStore"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import { assert } from "vitest"
import type { Model } from "../model.ts"

const limit = 3
const windowMillis = 700
const burst = 2

const algorithms = ["fixed-window", "sliding-window", "token-bucket"] as const

interface Taken {
  readonly algorithm: RateLimitStore.Algorithm
  readonly at: number
  readonly cost: number
}

/** By the time of the store, which is what a window is judged by. */
const watched = (taken: Array<Taken>) =>
  Layer.effect(
    RateLimitStore.RateLimitStore,
    Effect.gen(function*() {
      const { take } = yield* RateLimitStore.RateLimitStore
      return {
        take: (key, rule, cost) =>
          Effect.gen(function*() {
            const verdict = yield* take(key, rule, cost)
            const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
            if (verdict.isTaken) taken.push({ algorithm: rule.algorithm, at, cost })
            return verdict
          })
      }
    })
  ).pipe(Layer.provide(RateLimitStore.layerMemory()))

const spent = (taken: ReadonlyArray<{ readonly cost: number }>): number =>
  taken.reduce((sum, { cost }) => sum + cost, 0)

const checks: { readonly [A in RateLimitStore.Algorithm]: (taken: ReadonlyArray<Taken>) => void } = {
  "sliding-window": (taken) => {
    for (const { at } of taken) {
      const inWindow = taken.filter((other) => other.at >= at && other.at < at + windowMillis)
      assert.isAtMost(spent(inWindow), limit, "no time as long as the window has more than the limit")
    }
  },
  "fixed-window": (taken) => {
    let rest = taken
    while (rest.length > 0) {
      const end = rest[0]!.at + windowMillis
      assert.isAtMost(spent(rest.filter(({ at }) => at < end)), limit, "no window has more than the limit")
      rest = rest.filter(({ at }) => at >= end)
    }
  },
  "token-bucket": (taken) => {
    for (const [from, first] of taken.entries()) {
      for (const [to, last] of taken.entries()) {
        if (to < from) continue
        const most = burst + limit * (last.at - first.at) / windowMillis
        assert.isAtMost(
          spent(taken.slice(from, to + 1)),
          most + 1e-6,
          "no more than the bucket holds and what comes in"
        )
      }
    }
  }
}

const step = Arbitrary.schema(Schema.Struct({
  algorithm: Schema.Literals(algorithms),
  node: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
  cost: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 })),
  pause: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 250 }))
}))

/** A tool for each algorithm; a call costs what it says. */
const tools = (ran: (algorithm: RateLimitStore.Algorithm, cost: number) => void) =>
  algorithms.map((algorithm) =>
    Tool.make(algorithm, {
      parameters: { cost: Schema.Int },
      handler: ({ cost }) => Effect.sync(() => ran(algorithm, cost))
    })
  )

const limits = algorithms.map((algorithm) =>
  RateLimit.make({
    algorithm,
    limit,
    window: windowMillis,
    ...(algorithm === "token-bucket" ? { burst } : undefined),
    per: ({ tool }) => tool?.name === algorithm ? "all" : undefined,
    cost: ({ params }) => (params as { readonly arguments: { readonly cost: number } }).arguments.cost,
    methods: ["tools/call"],
    name: "shared"
  })
)

const system = Effect.gen(function*() {
  const taken: Array<Taken> = []
  const ran: Array<Pick<Taken, "algorithm" | "cost">> = []
  const unpaid: Array<string> = []
  const { layer } = yield* Lab.store(watched(taken), {
    name: "counts",
    service: RateLimitStore.RateLimitStore,
    unavailable: () => new RateLimitStore.RateLimitUnavailable({}),
    drift: 0.001
  })
  const server = McpServer.layer({
    name: "acme",
    version: "1.0.0",
    tools: tools((algorithm, cost) => {
      ran.push({ algorithm, cost })
      const of = (one: { readonly algorithm: string }) => one.algorithm === algorithm
      if (spent(ran.filter(of)) > spent(taken.filter(of))) unpaid.push(algorithm)
    }),
    middleware: limits
  })
  const nodes = yield* Effect.forEach(
    [0, 1, 2, 3],
    (index) => Lab.node(`s${index}`, Layer.provide(server, layer), { skew: index * 1000 - 1500 })
  )
  const clients = yield* Effect.forEach(nodes, (node) => Lab.client(`c${node.name}`, node, { requestTimeout: 1000 }))
  yield* Effect.forEach(
    yield* Lab.steps("call", step, 16),
    ({ algorithm, cost, node, pause }, index) =>
      Effect.sleep(index * 40 + pause).pipe(
        Effect.andThen(clients[node]!.callTool(algorithm, { cost })),
        Effect.ignore
      ),
    { concurrency: "unbounded" }
  )
  assert.deepStrictEqual(unpaid, [], "what runs has been let through")
  for (const algorithm of algorithms) checks[algorithm](taken.filter((one) => one.algorithm === algorithm))
})

export const rateLimits: Model = {
  name: "rateLimits",
  holds: "rate limits are kept by four nodes together",
  options: {
    spans: false,
    journal: { fibers: false },
    faults: [
      Faults.fail({ link: "*>counts", chance: 0.03 }),
      Faults.loseAnswer({ link: "*>counts", chance: 0.03 }),
      Faults.delay({ link: "*>counts", chance: 0.2, max: 60 }),
      Faults.drop({ link: "*>s1", chance: 0.05, from: 50 })
    ]
  },
  system
}
