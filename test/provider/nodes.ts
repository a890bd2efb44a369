/** Nodes that serve a catalogue, for tests, and what their clients hear. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Catalogue from "fastmcp-effect/provider/Catalogue"
import * as CatalogueHandler from "fastmcp-effect/provider/CatalogueHandler"
import * as CatalogueStore from "fastmcp-effect/provider/CatalogueStore"
import * as McpTest from "fastmcp-effect/testing/McpTest"
import { say } from "./entries.ts"
import { serving } from "./support.ts"

class Quota extends Context.Service<Quota, { readonly left: number }>()("test/Quota") {}

class Spent extends Schema.TaggedError<Spent>()("Spent", { left: Schema.Finite }) {
  override get message() {
    return `Only ${this.left} left`
  }
}

export const handlers = {
  say,
  count: CatalogueHandler.tool({
    settings: Schema.Struct({ most: Schema.Finite }),
    failure: Spent,
    handler: ({ most }, _, { name }) =>
      Effect.flatMap(Quota, ({ left }) => left < most ? new Spent({ left }) : Effect.succeed({ name, left }))
  }),
  file: CatalogueHandler.resource({
    settings: Schema.Struct({ root: Schema.String }),
    handler: ({ root }, { uri, values }) =>
      Effect.succeed(values["id"] === "none" || uri.endsWith("none") ? undefined : `${root}: ${uri}`)
  }),
  ask: CatalogueHandler.prompt({
    handler: ({}, { city = "nowhere" }, { title = "" }) => Effect.succeed(`${title} ${city}`)
  })
}

const quota = Layer.succeed(Quota, { left: 5 })

/** A node with the store in hand, and a client of it. */
export const node = <E>(
  store: Layer.Layer<CatalogueStore.CatalogueStore, E>,
  { handlers: others, pollInterval = "1 second", ...options }: McpTest.Options & {
    readonly handlers?: { readonly [name: string]: CatalogueHandler.Tool<any, any, never> }
    readonly pollInterval?: Duration.Input
  } = {}
) =>
  Effect.gen(function*() {
    const services = yield* Layer.build(store)
    const server = serving(Catalogue.make({ handlers: { ...others, ...handlers }, pollInterval })).pipe(
      Layer.provide(Layer.merge(Layer.succeedContext(services), quota))
    )
    const client = yield* McpTest.client(server, { revision: "2025-11-25", ...options })
    yield* McpTest.settle
    return { client, store: Context.get(services, CatalogueStore.CatalogueStore) }
  })

export const memory = Layer.fresh(CatalogueStore.layerMemory)

/** The lists a client was told have changed, and the resources. */
export const heard = (client: McpTest.Client) =>
  Effect.map(
    client.notifications,
    (all) =>
      all.filter(({ method }) => /list_changed|updated/u.test(method)).map(({ method, params }) =>
        method.split("/").slice(1).join(" ") + (params?.uri === undefined ? "" : ` ${params.uri}`)
      )
  )

/** And in what order does not matter. */
export const heardAfter = (client: McpTest.Client, before: number) =>
  Effect.map(heard(client), (all) => all.slice(before).toSorted())

export const textOf = ({ content }: { readonly content: ReadonlyArray<object> }) =>
  content.map((block) => "text" in block ? block.text : "").join()

/** Waits, in real time, for what a database does meanwhile. */
export const until = <E, R>(condition: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(condition, (holds) =>
    holds
      ? Effect.void
      : Effect.andThen(TestClock.withLive(Effect.sleep("5 millis")), until(condition)))
