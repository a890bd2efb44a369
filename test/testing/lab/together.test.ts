/** Servers, a proxy, workers of a queue and their store in one run, with what can go wrong between them. */
import { assert, it as vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Tool from "fastmcp-effect/definition/Tool"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketEnginePersistedQueue from "fastmcp-effect/docket/DocketEnginePersistedQueue"
import * as DocketError from "fastmcp-effect/docket/DocketError"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as DocketTask from "fastmcp-effect/docket/DocketTask"
import * as Proxy from "fastmcp-effect/provider/Proxy"
import * as McpServer from "fastmcp-effect/server/McpServer"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import * as LabTest from "fastmcp-effect/testing/LabTest"

const it = LabTest.make(vitest)

const send = DocketTask.make("send", { payload: Schema.Struct({ to: Schema.String }) })

const invite = Tool.make("invite", {
  parameters: { to: Schema.String },
  annotations: { idempotentHint: true },
  success: Schema.String
})

it.lab(
  "what a proxy's server adds to the queue is done, whichever worker crashes",
  () =>
    Effect.gen(function*() {
      const sent = new Set<string>()
      const store = yield* Lab.store(DocketStore.layerMemory(), {
        name: "store",
        service: DocketStore.DocketStore,
        unavailable: () => DocketError.make(new DocketError.Unavailable({ part: "store" }))
      })
      const docket = Docket.layer().pipe(
        Layer.provide([store.layer, DocketEnginePersistedQueue.layerMemory])
      )
      const sending = DocketTask.handle(send, ({ to }) =>
        Effect.andThen(Effect.sleep("5 seconds"), Effect.sync(() => void sent.add(to))))
      const worker = Docket.layerWorker([sending], { lease: "10 seconds" }).pipe(Layer.provide(docket))
      yield* Lab.node("worker1", worker)
      yield* Lab.node("worker2", worker, { skew: -30_000 })

      const handled = Tool.handle(invite, ({ to }) =>
        Effect.gen(function*() {
          const { id } = yield* (yield* Docket.Docket).add(send, { to }, { key: to }).pipe(Effect.orDie)
          return id
        }))
      const mail = yield* Lab.node(
        "mail",
        McpServer.layer({ name: "mail", version: "1.0.0", tools: [handled] }).pipe(Layer.provide(docket))
      )
      const lab = Layer.succeed(Lab.Lab, yield* Lab.Lab)
      const proxy = Proxy.make({ name: "mail", transport: Layer.provide(Lab.link(mail), lab) })
      const gateway = yield* Lab.node(
        "gateway",
        McpServer.register(proxy).pipe(Layer.provideMerge(McpServer.layer({ name: "gateway", version: "1.0.0" })))
      )
      const client = yield* Lab.client("client", gateway)
      yield* Effect.sleep("1 second")
      const guests = ["ada", "bob", "cy", "dan"]
      const ids = yield* Effect.forEach(guests, (to) =>
        Effect.retry(client.call(invite, { to }), { times: 10 }))
      assert.deepStrictEqual(ids, guests.map((to) => `send:${to}`))
      yield* Effect.sleep("10 minutes")
      assert.deepStrictEqual([...sent].sort(), guests)
    }),
  {
    seeds: 15,
    faults: [
      Faults.crash("worker1", { every: "20 seconds", until: "1 minute", restartAfter: "2 seconds" }),
      Faults.freeze("worker2", { every: "30 seconds", until: "1 minute", for: "15 seconds" }),
      Faults.fail({ link: "*>store", chance: 0.05, from: "1 second", until: "1 minute" }),
      Faults.delay({ link: "gateway>mail", chance: 0.2, max: "2 seconds" })
    ]
  }
)
