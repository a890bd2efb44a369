/** Bodies of rows, run once for each revision and transport their row applies to. */
import { it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Revisions from "fastmcp-effect/protocol/Revisions"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as client from "./client.ts"
import { rows } from "./requirements.ts"
import { type Feature, isIn, type Revision, revisions, type Row, type Transport } from "./row.ts"
import * as fixture from "./server.ts"

/** What the server under test has. */
export const available: ReadonlySet<Feature> = new Set<Feature>([
  "resources",
  "subscribe",
  "prompts",
  "completion",
  "pagination",
  "elicitation",
  "sampling",
  "roots",
  "batches"
])

/** What a body has beside its client. */
export interface Setting {
  readonly probe: fixture.Probe
  readonly server: Context.Service.Shape<typeof McpServer.McpServer>
  /** Another connection to the same server. */
  readonly another: (options?: client.ConnectOptions) => Effect.Effect<client.Client, never, Scope.Scope>
}

export type Body = (client: client.Client, setting: Setting) => Effect.Effect<void, unknown, Scope.Scope>

export interface Options extends client.ConnectOptions {
  readonly server?: fixture.Options
}

/** Where a row is to be tried. */
export const variants = (row: Row): ReadonlyArray<readonly [Revision, Transport]> =>
  revisions.flatMap((revision) =>
    isIn(row, revision)
      ? row.transports.map((transport) => [revision, transport] as const)
      : []
  )

export const verifies: {
  (id: string, body: Body): void
  (id: string, options: Options, body: Body): void
} = (id: string, ...rest: [Body] | [Options, Body]): void => {
  const row = rows.find((row) => row.id === id)
  if (row === undefined) throw new Error(`${id} is no row of requirements.ts`)
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest
  for (const [revision, transport] of variants(row)) {
    const name = `${id}: ${row.sentence} (${revision}, ${transport})`
    const lacks = !Revisions.versions.includes(revision)
      ? `the server does not speak ${revision}`
      : row.needs !== undefined && !available.has(row.needs)
      ? `the server has no ${row.needs}`
      : undefined
    if (lacks !== undefined) it.skip(`${name}: skipped, ${lacks}`)
    else it.effect(name, () => run(revision, transport, options, body))
  }
}

const run = (revision: Revision, transport: Transport, options: Options, body: Body) =>
  Effect.scoped(Effect.gen(function*() {
    const probe = fixture.makeProbe()
    const context = yield* Layer.build(fixture.layer(probe, options.server))
    const connect = (options: client.ConnectOptions = {}) =>
      Effect.provideContext(client.connect(transport, revision, options), context)
    yield* body(yield* connect(options), {
      probe,
      server: Context.get(context, McpServer.McpServer),
      another: connect
    })
  }))
