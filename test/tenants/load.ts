/**
 * Random calls of many tenants at once, in both eras, while servers are released and built again. Each handler looks at
 * what it has got, before and after it gave way to others: the pool, the caller and the argument are of one tenant, and
 * the pool is still there.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Prompt from "fastmcp-effect/definition/Prompt"
import * as ResourceTemplate from "fastmcp-effect/definition/ResourceTemplate"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Tenants from "fastmcp-effect/tenants/Tenants"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as random from "../server/random.ts"
import * as support from "./support.ts"

export interface Load {
  readonly tenants: number
  /** In all. */
  readonly calls: number
  /** Servers at one time. */
  readonly maximum: number
  /** Calls at one time: as many tenants are busy at most. */
  readonly workers: number
  readonly random: random.Random
}

interface Pool {
  readonly tenant: string
  isThere: boolean
}

class Own extends Context.Service<Own, Pool>()("test/tenants/load/Own") {}

/** What was wrong, and what it took. */
export const run = Effect.fnUntraced(function*({ calls, maximum, random: { below, chance }, tenants, workers }: Load) {
  const wrong: Array<string> = []
  const seen = { answered: 0, built: 0, live: 0, most: 0, tenants: new Set<string>() }

  /** Looks, gives way a few times, and looks again. */
  const look = (canary: string) =>
    Effect.gen(function*() {
      const pool = yield* Own
      const check = Effect.map(Identity.CurrentIdentity, ({ subject, tenant }) => {
        const [whose] = canary.split("/")
        if (pool.tenant !== whose || tenant !== whose || subject !== `user of ${whose}`) {
          wrong.push(`${canary} met ${pool.tenant}, called by ${subject} at ${tenant}`)
        }
        if (!pool.isThere) wrong.push(`${canary} met what was released`)
      })
      yield* check
      for (let turns = below(4); turns > 0; turns--) yield* Effect.yieldNow
      yield* check
      return `${pool.tenant} ${canary}`
    })

  const serverOf = (tenant: string) => {
    const OwnLive = Layer.effect(
      Own,
      Effect.acquireRelease(
        Effect.sync((): Pool => {
          seen.built++
          seen.most = Math.max(seen.most, ++seen.live)
          return { tenant, isThere: true }
        }),
        (pool) =>
          Effect.sync(() => {
            pool.isThere = false
            seen.live--
          })
      )
    )
    return McpServer.layer({
      ...support.info(tenant),
      tools: [
        Tool.make("look", {
          parameters: { canary: Schema.String },
          success: Schema.String,
          handler: ({ canary }) => look(canary)
        }),
        Tool.make(`only ${tenant}`.replace(" ", "_"), { handler: () => Effect.void })
      ],
      resources: [
        ResourceTemplate.make("look:///{+canary}", { name: "look", handler: ({ canary }) => look(canary) })
      ],
      prompts: [Prompt.make("look", { arguments: { canary: Schema.String }, handler: ({ canary }) => look(canary) })]
    }).pipe(Layer.provide(OwnLive))
  }

  const context = yield* Layer.build(Tenants.layer({ tenant: Tenants.claim("org"), server: serverOf, maximum }))
  const names = Array.from({ length: tenants }, (_, index) => `tenant${index}`)
  const clients = yield* Effect.forEach(names, (tenant) =>
    Effect.all(
      (["2025-11-25", "2026-07-28"] as const).map((revision) =>
        McpTest.client(Layer.succeedContext(context), { revision, identity: support.of(tenant) })
      )
    ))

  const kinds = [
    (client: McpTest.Client, _: string, canary: string) =>
      client.request("tools/call", { name: "look", arguments: { canary } }),
    (client: McpTest.Client, _: string, canary: string) =>
      client.request("resources/read", { uri: `look:///${canary}` }),
    (client: McpTest.Client, _: string, canary: string) =>
      client.request("prompts/get", { name: "look", arguments: { canary } }),
    (client: McpTest.Client) => client.request("tools/list")
  ]

  let left = calls
  const worker = Effect.gen(function*() {
    while (left > 0) {
      const number = left--
      // Most calls are of some, so that the others are idle now and then.
      const index = below(chance(0.9) ? Math.ceil(tenants / 2) : tenants)
      const tenant = names[index]!
      const canary = `${tenant}/${number}`
      const kind = below(kinds.length)
      const answer = yield* kinds[kind]!(clients[index]![below(2)]!, tenant, canary)
      const text = JSON.stringify(answer)
      const expected = kind === 3 ? `"only_${tenant}"` : `${tenant} ${canary}`
      if (text.includes(expected)) seen.answered++
      else wrong.push(`${canary} was answered with ${text}`)
      const others = text.match(/tenant\d+/gu)?.filter((name) => name !== tenant) ?? []
      if (others.length > 0) wrong.push(`${canary} was told of ${others.join()}`)
      seen.tenants.add(tenant)
    }
  })

  const { release } = Context.get(context, Tenants.Tenants)
  const releasing = yield* Effect.forkChild(Effect.gen(function*() {
    while (left > 0) {
      yield* release(names[below(tenants)]!)
      for (let turns = below(200); turns > 0 && left > 0; turns--) yield* Effect.yieldNow
    }
  }))
  yield* Effect.all(Array.from({ length: workers }, () => worker), { concurrency: "unbounded", discard: true })
  yield* Fiber.join(releasing)
  return { wrong, ...seen }
})
