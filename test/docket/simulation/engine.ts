/**
 * A doorbell that does all an engine may do: it rings twice, late and in another order, forgets a ring now and then, and
 * rings again where the answer was interrupted or its process is gone, or slow.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { DocketEngine, Ring } from "../../../src/docket/DocketEngine.ts"
import type { Network } from "./network.ts"
import type { Random } from "./random.ts"
import type { Process, World } from "./world.ts"

export interface Chaos {
  readonly lost: number
  readonly doubled: number
  readonly late: number
  readonly lateMillis: number
}

export const calm: Chaos = { lost: 0, doubled: 0, late: 0, lateMillis: 0 }

export interface Engine {
  readonly have: (chaos: Chaos) => void
  /** As this process sees it. */
  readonly of: (process: Process) => DocketEngine["Service"]
}

interface Waiting extends Ring {
  readonly order: number
}

interface Consumer {
  readonly process: Process
  readonly take: (ring: Waiting) => void
  free: number
}

export const make = (
  world: World,
  network: Network,
  random: Random,
  { leaseMillis, ordersByPriority }: { readonly leaseMillis: number; readonly ordersByPriority: boolean }
): Engine => {
  let chaos = calm
  let order = 0
  let delayed = 0
  let active = 0
  const due: Array<Waiting> = []
  const asked = new Map<string, () => void>()
  const consumers = new Set<Consumer>()

  let isLooking = false
  const deliver = () => {
    const free = [...consumers].filter(({ free, process }) => free > 0 && process.state() === "Up")
    while (free.length > 0 && due.length > 0) {
      const index = random.between(0, free.length - 1)
      const consumer = free[index]!
      const next = due.reduce((first, other) => (isBefore(other, first) ? other : first))
      due.splice(due.indexOf(next), 1)
      if (--consumer.free === 0) free.splice(index, 1)
      consumer.take(next)
    }
    if (due.length === 0 || isLooking) return
    isLooking = true
    world.at(world.now() + 500, () => {
      isLooking = false
      deliver()
    })
  }
  const isBefore = (a: Waiting, b: Waiting) =>
    ordersByPriority && a.priority !== b.priority ? a.priority > b.priority : a.order < b.order

  const arrive = (ring: Ring, at: number): () => void => {
    delayed++
    const forget = world.at(at, () => {
      delayed--
      asked.delete(nameOf(ring))
      due.push({ ...ring, order: order++ })
      deliver()
    })
    return () => {
      delayed--
      forget()
    }
  }

  const accept = (ring: Ring) => {
    if (random.chance(chaos.lost)) return world.trace("engine", `loses a ring for ${ring.id}`)
    const at = () =>
      Math.max(ring.at, world.now()) + (random.chance(chaos.late) ? random.between(0, chaos.lateMillis) : 0)
    const name = nameOf(ring)
    if (asked.has(name)) return
    asked.set(name, arrive(ring, at()))
    if (random.chance(chaos.doubled)) arrive(ring, at() + random.between(0, 1000))
  }

  const consume = (process: Process) =>
  (
    answer: (id: string, release: Effect.Effect<void>) => Effect.Effect<void>,
    { concurrency }: { readonly concurrency: number }
  ) =>
    Effect.scoped(Effect.gen(function*() {
      const inbox: Array<Waiting> = []
      let wake = () => {}
      const consumer: Consumer = {
        process,
        free: concurrency,
        take: (ring) => {
          active++
          let isOpen = true
          const close = () => {
            if (!isOpen) return
            isOpen = false
            active--
          }
          // Who does not answer within the lease has not got it.
          const watch = () => {
            world.at(world.now() + leaseMillis, () => {
              if (!isOpen) return
              if (process.state() === "Up" && consumers.has(consumer)) return watch()
              close()
              if (process.state() === "Dead") consumers.delete(consumer)
              due.push(ring)
              deliver()
            })
          }
          watch()
          let isIn = true
          const leave = () => {
            if (isIn) consumer.free++
            isIn = false
          }
          vacate.set(ring, () => {
            leave()
            deliver()
          })
          settle.set(ring, (isDone) => {
            leave()
            const wasOpen = isOpen
            close()
            if (!isDone && wasOpen) due.push(ring)
            deliver()
          })
          network.send(() =>
            process.post(() => {
              inbox.push(ring)
              wake()
            })
          )
        }
      }
      const settle = new Map<Waiting, (isDone: boolean) => void>()
      const vacate = new Map<Waiting, () => void>()
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          consumers.add(consumer)
          network.send(deliver)
        }),
        () =>
          Effect.sync(() => {
            consumers.delete(consumer)
            for (const ring of inbox) network.send(() => settle.get(ring)?.(false))
          })
      )
      while (true) {
        const ring = inbox.shift()
        if (ring === undefined) {
          yield* Effect.callback<void>((resume) => {
            wake = () => resume(Effect.void)
          })
        } else {
          yield* answer(ring.id, Effect.sync(() => network.send(() => vacate.get(ring)?.()))).pipe(
            Effect.onExit((exit) => Effect.sync(() => network.send(() => settle.get(ring)?.(Exit.isSuccess(exit))))),
            Effect.forkScoped
          )
        }
      }
    }))

  return {
    have: (next) => {
      chaos = next
    },
    of: (process) => ({
      ring: (ring) => network.call(process, Effect.sync(() => accept(ring))),
      consume: consume(process),
      cancel: (ring) =>
        network.call(
          process,
          Effect.sync(() => {
            asked.get(nameOf(ring))?.()
            asked.delete(nameOf(ring))
          })
        ),
      stats: network.call(process, Effect.sync(() => ({ waiting: due.length, delayed, active }))),
      lease: Duration.millis(leaseMillis),
      ordersByPriority
    })
  }
}

const nameOf = ({ id, ring }: Pick<Ring, "id" | "ring">): string => JSON.stringify([id, ring])
