/** One server address for several companies: each has notes, a key and tools of its own. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { McpServer, Tool } from "fastmcp-effect"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as Tenants from "fastmcp-effect/tenants/Tenants"

/** What a company has: opened when its first caller comes, closed when nobody has come for a while. */
class Notes extends Context.Service<Notes, {
  readonly add: (text: string) => Effect.Effect<number>
  readonly signedWith: string
}>()("examples/tenants/Notes") {}

const notesOf = (tenant: string, log: (line: string) => void) =>
  Layer.effect(
    Notes,
    Effect.gen(function*() {
      log(`open ${tenant}`)
      yield* Effect.addFinalizer(() => Effect.sync(() => log(`close ${tenant}`)))
      const kept: Array<string> = []
      const key = keys.get(tenant)!
      return {
        add: (text: string) => Effect.sync(() => kept.push(text)),
        signedWith: Redacted.value(key).slice(0, 4)
      }
    })
  )

const keys = new Map([["acme", Redacted.make("acme-secret")], ["globex", Redacted.make("glob-secret")]])

const add = Tool.make("add_note", {
  parameters: { text: Schema.String },
  success: Schema.Struct({ count: Schema.Finite, signedWith: Schema.String }),
  handler: ({ text }) =>
    Effect.gen(function*() {
      const notes = yield* Notes
      return { count: yield* notes.add(text), signedWith: notes.signedWith }
    })
})

/** Only one of them has paid for it. */
const report = Tool.make("report", { success: Schema.String, handler: () => Effect.succeed("All is well") })

const serverOf = (log: (line: string) => void) => (tenant: string) =>
  McpServer.layer({
    name: `notes of ${tenant}`,
    version: "1.0.0",
    tools: tenant === "acme" ? [add, report] : [add],
    concurrency: 8
  }).pipe(Layer.provide(notesOf(tenant, log)))

const callers = AuthProvider.layerToken([
  { token: Redacted.make("ann"), subject: "ann", claims: { org: "acme" } },
  { token: Redacted.make("bob"), subject: "bob", claims: { org: "globex" } },
  { token: Redacted.make("cy"), subject: "cy", claims: { org: ["acme", "globex"] } }
])

export const make = (log: (line: string) => void) =>
  Tenants.layer({
    tenant: Tenants.claim("org"),
    header: "x-org",
    server: serverOf(log),
    idleTimeToLive: "5 minutes",
    maximum: 100
  }).pipe(Layer.provide(callers))
