/**
 * The doorbell of a docket on a node of its own, as little as an engine may be: who has taken a ring and is gone has lost
 * it, and the workers make up for it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as DocketEngine from "fastmcp-effect/docket/DocketEngine"
import type * as DocketError from "fastmcp-effect/docket/DocketError"

/** What the node of the doorbell does. */
export class Bell extends Context.Service<Bell, {
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

/** As a docket on another node has it. */
export const engine = Layer.effect(
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
            if (id === undefined) yield* Effect.sleep("200 millis")
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
      ordersByPriority: true
    }
  })
)
