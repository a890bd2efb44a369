/** Tenants whose servers tell what becomes of them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Identity from "fastmcp-effect/context/Identity"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Tenants from "fastmcp-effect/tenants/Tenants"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import type * as Receiver from "fastmcp-effect/transport/Receiver"

/** What each tenant has of its own. */
export class Pool extends Context.Service<Pool, { readonly owner: string; readonly number: number }>()(
  "test/tenants/Pool"
) {}

export interface Journal {
  /** `acme built`, `acme released at 60000`. */
  readonly events: Array<string>
  live: number
  most: number
}

export const makeJournal = (): Journal => ({ events: [], live: 0, most: 0 })

/** A pool for one tenant, which tells when it comes and goes. */
export const pool = (tenant: string, journal: Journal) =>
  Layer.effect(
    Pool,
    Effect.acquireRelease(
      Effect.sync(() => {
        journal.events.push(`${tenant} built`)
        journal.most = Math.max(journal.most, ++journal.live)
        return { owner: tenant, number: journal.events.length }
      }),
      () =>
        Effect.clockWith((clock) =>
          Effect.sync(() => {
            journal.live--
            journal.events.push(`${tenant} released at ${clock.currentTimeMillisUnsafe()}`)
          })
        )
    )
  )

export const info = (tenant: string) => ({ name: `server of ${tenant}`, version: "1.0.0" })

export const whose = Tool.make("whose", {
  success: Schema.String,
  handler: () => Effect.map(Pool, ({ owner }) => owner)
})

export const wait = Tool.make("wait", {
  parameters: { millis: Schema.Finite },
  success: Schema.String,
  handler: ({ millis }) => Effect.andThen(Effect.sleep(millis), Effect.map(Pool, ({ owner }) => owner))
})

/** A server with a tool that tells whose pool it has, and one that takes its time. */
export const serverOf = (journal: Journal) => (tenant: string) =>
  McpServer.layer({ ...info(tenant), tools: [whose, wait], instructions: `for ${tenant}` }).pipe(
    Layer.provide(pool(tenant, journal))
  )

/** Somebody of a tenant. */
export const of = (tenant: string, subject = `user of ${tenant}`) =>
  Identity.make({ subject, issuer: "https://id.example", claims: { org: tenant } })

/** Tenants by the claim `org`, built once, and clients of them. */
export const open = Effect.fnUntraced(function*<L extends Layer.Layer<Receiver.Receiver, any, never>>(
  options: Omit<Tenants.Options<never, never, L>, "tenant">
) {
  const context = yield* Layer.build(Tenants.layer({ ...options, tenant: Tenants.claim("org") }))
  return {
    tenants: Context.get(context, Tenants.Tenants),
    client: (tenant: string, options: McpTest.Options = {}) =>
      McpTest.client(Layer.succeedContext(context), { identity: of(tenant), ...options })
  }
})

export const textOf = (result: { readonly content: ReadonlyArray<{ readonly type: string }> }) => {
  const [block] = result.content
  return block !== undefined && "text" in block ? block.text : undefined
}
