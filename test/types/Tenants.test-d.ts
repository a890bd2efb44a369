// What must not compile is here on purpose.
// @effect-diagnostics missingEffectError:off globalErrorInEffectFailure:off
/** What one tenant's server needs, all of it needs; what one fails with is no failure of the whole. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as Identity from "fastmcp-effect/context/Identity"
import type * as McpRequest from "fastmcp-effect/context/McpRequest"
import type * as DefinitionError from "fastmcp-effect/definition/DefinitionError"
import * as Tool from "fastmcp-effect/definition/Tool"
import type * as NodeStdio from "fastmcp-effect/node/NodeStdio"
import type * as McpError from "fastmcp-effect/protocol/McpError"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Tenants from "fastmcp-effect/tenants/Tenants"
import { describe, expectTypeOf, it } from "vitest"

class Db extends Context.Service<Db, string>()("test/types/Tenants/Db") {}
class Directory extends Context.Service<Directory, string>()("test/types/Tenants/Directory") {}

type Needs<L> = L extends Layer.Layer<infer _A, infer _E, infer R> ? R : "not a layer"
type Fails<L> = L extends Layer.Layer<infer _A, infer E, infer _R> ? E : "not a layer"
type Servable = Parameters<typeof NodeStdio.run<unknown>>[0]

const info = { name: "acme", version: "1.0.0" }
const query = Tool.make("query", { success: Schema.String, handler: () => Db })
const whoami = Tool.make("whoami", {
  success: Schema.String,
  handler: () => Effect.map(Identity.Required, ({ subject }) => subject)
})
const DbLive = Layer.effect(Db, Effect.fail("no database" as const))

describe("tenants", () => {
  it("need what a server of theirs needs, and whoever looks one up", () => {
    const bare = Tenants.layer({
      tenant: ({ subject }) => Effect.as(Directory, subject),
      server: (tenant) => McpServer.layer({ ...info, name: tenant, tools: [query] })
    })
    expectTypeOf<Needs<typeof bare>>().toEqualTypeOf<Db | Directory>()
    expectTypeOf(bare).not.toExtend<Servable>()
  })

  it("fail for none of them", () => {
    const own = Tenants.layer({
      tenant: Tenants.claim("org"),
      server: () => McpServer.layer({ ...info, tools: [query] }).pipe(Layer.provide(DbLive))
    })
    expectTypeOf<Fails<typeof own>>().toEqualTypeOf<DefinitionError.DefinitionError>()
    expectTypeOf(own).toExtend<Servable>()
  })

  it("have callers who are known only where somebody says who calls", () => {
    const asked = Tenants.layer({
      tenant: Tenants.claim("org"),
      server: () => McpServer.layer({ ...info, tools: [whoami] })
    })
    expectTypeOf<Needs<typeof asked>>().toEqualTypeOf<McpRequest.McpRequest<"Requires", Identity.Required>>()
    expectTypeOf(asked.pipe(Layer.provide(AuthProvider.layerToken([])))).toExtend<Servable>()
  })

  it("are refused by an McpError alone", () => {
    const server = () => McpServer.layer(info)
    Tenants.layer({ tenant: () => Effect.fail({} as McpError.McpError), server })
    // @ts-expect-error the client could not be told
    Tenants.layer({ tenant: () => Effect.fail("no" as const), server })
    // @ts-expect-error a number is no tenant
    Tenants.layer({ tenant: () => 1, server })
  })
})
