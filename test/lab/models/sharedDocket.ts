/**
 * A docket that several nodes share: its store on one node, and on another its doorbell, as little as an engine may be.
 * Who has taken a ring and is gone has lost it, and the workers make up for it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketEngine from "fastmcp-effect/docket/DocketEngine"
import * as DocketError from "fastmcp-effect/docket/DocketError"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import * as Lab from "fastmcp-effect/testing/Lab"

/** What the node of the doorbell does. */
class Bell extends Context.Service<Bell, {
  readonly ring: (ring: DocketEngine.Ring) => Effect.Effect<void, DocketError.DocketError>
  /** The execution of one that is due, which nobody else gets. */
  readonly take: Effect.Effect<string | undefined, DocketError.DocketError>
}>()("test/lab/Bell") {
  static readonly layer = Layer.sync(Bell, () => {
    const rings = new Map<string, DocketEngine.Ring>()
    return {
      ring: (ring) => Effect.sync(() => void rings.set(`${ring.id} ${ring.ring}`, ring)),
      take: Effect.map(Clock.currentTimeMillis, (now) => {
        for (const [name, { at, id }] of rings) {
          if (at > now) continue
          rings.delete(name)
          return id
        }
        return undefined
      })
    }
  })
}

/**
 * As a docket on another node has it. Where it says that its rings have an order, workers claim without a look, and else
 * they look first.
 */
const engineOf = (ordersByPriority: boolean) =>
  Layer.effect(
    DocketEngine.DocketEngine,
    Effect.gen(function*() {
      const bell = yield* Bell
      return {
        ring: bell.ring,
        consume: (answer, { concurrency }) =>
          Effect.scoped(Effect.gen(function*() {
            let free = concurrency
            while (true) {
              const id = free > 0 ? yield* Effect.orElseSucceed(bell.take, () => undefined) : undefined
              if (id === undefined) yield* Effect.sleep("300 millis")
              else {
                free--
                const done = Effect.sync(() => void free++)
                yield* Effect.forkScoped(Effect.ensuring(answer(id, Effect.void), done))
              }
            }
          })),
        cancel: () => Effect.void,
        stats: Effect.succeed({ waiting: 0, delayed: 0, active: 0 }),
        lease: Duration.seconds(2),
        ordersByPriority
      }
    })
  )

// In memory a transaction is nothing of its own, and what is done in it comes from where it is begun.
const local = Layer.effect(
  DocketStore.DocketStore,
  Effect.map(DocketStore.DocketStore, (store) => ({ ...store, transaction: (effect) => effect }))
)

const unavailable = () => DocketError.make(new DocketError.Unavailable({ part: "store" }))

/** The node of the store, and a docket for others. */
export const make = (kept: Layer.Layer<DocketStore.DocketStore>) =>
  Effect.gen(function*() {
    const engine = engineOf(yield* Random.nextBoolean)
    const store = yield* Lab.store(kept, { name: "store", service: DocketStore.DocketStore, unavailable, skew: 7000 })
    const bell = yield* Lab.store(Bell.layer, { name: "bell", service: Bell, unavailable, skew: 7000 })
    const docket = Docket.layer({ pollInterval: "500 millis" }).pipe(
      Layer.provide(engine),
      Layer.provide([Layer.provide(local, store.layer), bell.layer])
    )
    return { store: store.node, docket }
  })
