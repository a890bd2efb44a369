/**
 * Which tenants' servers there are: each is built for its first request, one at a time for each tenant and never more
 * than the maximum in all, and released once it is idle for long enough, or when its place is needed for another. What
 * is in use is never released.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Deadlines from "../core/Deadlines.ts"
import * as McpError from "../protocol/McpError.ts"
import * as Tenancy from "../server/Tenancy.ts"
import * as Receiver from "../transport/Receiver.ts"

export interface Options {
  readonly server: (tenant: string) => Layer.Layer<Receiver.Receiver, unknown>
  /** What all of them are built with. */
  readonly services: Context.Context<never>
  readonly maximum: number
  /** Milliseconds; Infinity for as long as there is room. */
  readonly idleTimeToLive: number
  readonly buildTimeout: number
  readonly closeTimeout: number
  readonly concurrency: number
  readonly maxRequests: number
}

/** Whoever has a connection to a tenant's server, and loses it when the server is released. */
export interface Guest {
  /** The server is about to be released; nothing is in flight. */
  readonly dismiss: () => void
  /** Says goodbye to who only listens, and waits for what is in flight. */
  readonly farewell: Effect.Effect<void>
  /** Stops what is in flight. */
  readonly evict: Effect.Effect<void>
}

/** A server that is there. */
export interface Live {
  readonly receiver: Receiver.Receiver["Service"]
  readonly guests: Set<Guest>
  /** Keeps it from being released until the result is called. */
  readonly hold: () => () => void
}

export interface Status {
  readonly tenant: string
  readonly state: "Waiting" | "Building" | "Live" | "Closing"
  /** What is in flight, and what else keeps it. */
  readonly inUse: number
}

export interface Lifetimes {
  readonly live: (tenant: string) => Live | undefined
  /**
   * Calls back once: with a server that is held until the callback has returned, or with why there is none. The result
   * gives up.
   */
  readonly request: (tenant: string, onReady: (server: Live | McpError.McpError) => void) => () => void
  /** Releases a server whoever uses it: it takes nothing new, finishes what it has, and the next request builds another. */
  readonly release: (tenant: string) => Effect.Effect<void>
  readonly statuses: Effect.Effect<ReadonlyArray<Status>>
}

/** A place somebody has taken: waiting for one to become free, building, or live. */
interface Place {
  readonly tenant: string
  readonly waiting: Set<(server: Live | McpError.McpError) => void>
  state: "Waiting" | "Building" | "Live"
  users: number
  idleSince: number
  live: Live | undefined
  scope: Scope.Closeable
  /** Ends its building. */
  stop: Effect.Effect<void>
  timer: Deadlines.Entry | undefined
}

interface Failing {
  readonly times: number
  /** Until then nobody tries again, in Unix milliseconds. */
  readonly until: number
  readonly error: McpError.McpError
  readonly forgotten: Deadlines.Entry
}

/** Milliseconds between two builds of a tenant that fails again and again: twice as many each time. */
const firstRest = 100

const longestRest = 5000

export const make = Effect.fnUntraced(function*(options: Options) {
  const { buildTimeout, closeTimeout, idleTimeToLive, maximum } = options
  const clock = yield* Clock.Clock
  const fork = yield* Effect.provideContext(FiberSet.makeRuntime<never>(), options.services)
  const deadlines = yield* Deadlines.make
  const places = new Map<string, Place>()
  /** What is not there any more and has not gone yet still has its place. */
  const closing = new Map<string, Effect.Effect<void>>()
  /** Tenants whose builds have failed in a row: a caller who insists is not to have all others wait for that. */
  const failing = new Map<string, Failing>()
  /** Nobody uses them, the one that is so for longest first. */
  const idle = new Set<Place>()
  let isClosed = false

  // --------------------------------------------------------------------------
  // building
  // --------------------------------------------------------------------------

  /** Builds for whoever waits, as far as there is room. */
  const advance = (): void => {
    if (isClosed) return
    let taken = closing.size
    for (const { state } of places.values()) if (state !== "Waiting") taken++
    for (const place of [...places.values()]) {
      if (taken >= maximum) return
      if (place.state !== "Waiting" || closing.has(place.tenant)) continue
      taken++
      build(place)
    }
  }

  const settle = (place: Place, result: Live | McpError.McpError): void => {
    const waiting = [...place.waiting]
    place.waiting.clear()
    for (const onReady of waiting) onReady(result)
  }

  const fail = (place: Place, error: McpError.McpError): void => {
    leave(place)
    if (place.state === "Building") {
      note(place.tenant, error)
      // Its place is free once it has stopped, however long that takes.
      close(place, place.stop)
    }
    settle(place, error)
  }

  /** The first time, the next request tries again at once; then it gets the same answer for a while. */
  const note = (tenant: string, error: McpError.McpError): void => {
    const before = failing.get(tenant)
    if (before !== undefined) deadlines.remove(before.forgotten)
    const times = (before?.times ?? 0) + 1
    const until = clock.currentTimeMillisUnsafe() +
      (times === 1 ? 0 : Math.min(firstRest * 2 ** (times - 2), longestRest))
    const forgotten = deadlines.add(until + longestRest, () => failing.delete(tenant))
    failing.set(tenant, { times, until, error, forgotten })
  }

  const recovered = (tenant: string): void => {
    const before = failing.get(tenant)
    if (before === undefined) return
    failing.delete(tenant)
    deadlines.remove(before.forgotten)
  }

  const build = (place: Place): void => {
    place.state = "Building"
    const { tenant } = place
    const keep = Effect.asVoid(Effect.acquireRelease(Effect.sync(() => hold(place)), (leave) => Effect.sync(leave)))
    const tenancy = { tenant, keep, concurrency: options.concurrency, maxRequests: options.maxRequests }
    const building = Effect.suspend(() =>
      // NOTE: a memo map of its own. Of a layer that several tenants name there would be one for all of them otherwise.
      Layer.buildWithMemoMap(options.server(tenant), Layer.makeMemoMapUnsafe(), place.scope)
    ).pipe(
      Effect.provideService(Tenancy.CurrentTenancy, tenancy),
      Effect.updateService(References.CurrentLogAnnotations, (annotations) => ({ ...annotations, tenant }))
    )
    const fiber: Fiber.Fiber<Context.Context<Receiver.Receiver>, unknown> = fork(
      building as Effect.Effect<never, unknown>
    )
    fiber.addObserver((exit) => {
      if (places.get(tenant) !== place) return
      if (Exit.isSuccess(exit)) return open(place, Context.get(exit.value, Receiver.Receiver))
      const error = isClosed ? stopping : errorOf(exit)
      if (!isClosed && !isTold(exit)) {
        fork(Effect.logError(`The server of the tenant ${JSON.stringify(tenant)} could not be built`, exit.cause))
      }
      fail(place, error)
    })
    place.stop = Effect.andThen(Effect.sync(() => fiber.interruptUnsafe()), awaitEnd(fiber))
    if (place.state === "Building" && places.get(tenant) === place) {
      overdue(place, () => {
        fork(Effect.logError(
          `The server of the tenant ${JSON.stringify(tenant)} is not built after ${buildTimeout} ms, and is given up`
        ))
        fail(place, late)
      })
    }
  }

  /** Whoever waits for this long is told so. */
  const overdue = (place: Place, onDue: () => void): void => {
    if (place.timer !== undefined) deadlines.remove(place.timer)
    place.timer = deadlines.add(clock.currentTimeMillisUnsafe() + buildTimeout, () => {
      place.timer = undefined
      if (place.state !== "Live" && places.get(place.tenant) === place) onDue()
    })
  }

  const open = (place: Place, receiver: Receiver.Receiver["Service"]): void => {
    if (place.timer !== undefined) deadlines.remove(place.timer)
    place.timer = undefined
    place.state = "Live"
    recovered(place.tenant)
    const server: Live = place.live = {
      receiver,
      guests: new Set(),
      hold: () => hold(place)
    }
    const leave = hold(place)
    settle(place, server)
    leave()
  }

  // --------------------------------------------------------------------------
  // use
  // --------------------------------------------------------------------------

  const hold = (place: Place): () => void => {
    if (place.users++ === 0) idle.delete(place)
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      if (--place.users === 0) rest(place)
    }
  }

  const rest = (place: Place): void => {
    if (place.state !== "Live" || places.get(place.tenant) !== place) return
    place.idleSince = clock.currentTimeMillisUnsafe()
    idle.add(place)
    if (place.timer === undefined && idleTimeToLive !== Infinity) expire(place)
  }

  /** One timer for each, however often it is used. */
  const expire = (place: Place): void => {
    const at = place.idleSince + idleTimeToLive
    place.timer = deadlines.add(at, () => {
      place.timer = undefined
      if (!idle.has(place)) return
      if (place.idleSince + idleTimeToLive > at) expire(place)
      else retire(place)
    })
  }

  // --------------------------------------------------------------------------
  // release
  // --------------------------------------------------------------------------

  /** Nobody uses it. */
  const retire = (place: Place): void => {
    leave(place)
    dismiss(place)
    close(place, Effect.void)
  }

  const leave = (place: Place): void => {
    places.delete(place.tenant)
    idle.delete(place)
    if (place.timer !== undefined) deadlines.remove(place.timer)
    place.timer = undefined
  }

  const dismiss = ({ live }: Place): void => {
    for (const guest of [...live?.guests ?? []]) guest.dismiss()
  }

  /** Runs its finalizers after what comes first, and gives its place to the next one. */
  const close = (place: Place, first: Effect.Effect<void>): void => {
    const { tenant } = place
    const gone = () => {
      closing.delete(tenant)
      advance()
    }
    const closed = Scope.close(place.scope, Exit.void).pipe(
      Effect.catchCause((cause) =>
        Effect.logError(`The server of the tenant ${JSON.stringify(tenant)} was not released in good order`, cause)
      )
    )
    const fiber = fork(Effect.uninterruptible(Effect.ensuring(first, closed)))
    if (fiber.pollUnsafe() !== undefined) return advance()
    const timer = deadlines.add(clock.currentTimeMillisUnsafe() + closeTimeout, () => {
      if (closing.get(tenant) !== ended) return
      fork(Effect.logWarning(
        `The server of the tenant ${JSON.stringify(tenant)} was still being released after ${closeTimeout} ms; ` +
          "its place is given to another without it."
      ))
      gone()
    })
    const ended = awaitEnd(fiber)
    closing.set(tenant, ended)
    fiber.addObserver(() => {
      deadlines.remove(timer)
      if (closing.get(tenant) === ended) gone()
    })
  }

  const built = ({ waiting }: Place): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const onReady = () => resume(Effect.void)
      waiting.add(onReady)
      return Effect.sync(() => waiting.delete(onReady))
    })

  const release = (tenant: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      const place = places.get(tenant)
      // What is being built may have been told already what is to be changed.
      if (place?.state === "Building") return Effect.andThen(built(place), Effect.suspend(() => release(tenant)))
      if (place?.state !== "Live") return closing.get(tenant) ?? Effect.void
      if (idle.has(place)) {
        retire(place)
      } else {
        leave(place)
        const guests = [...place.live!.guests]
        const all = (each: (guest: Guest) => Effect.Effect<void>) =>
          Effect.forEach(guests, each, { concurrency: "unbounded", discard: true })
        close(
          place,
          all(({ farewell }) => farewell).pipe(
            Effect.timeoutOrElse({ duration: closeTimeout / 2, orElse: () => all(({ evict }) => evict) }),
            Effect.andThen(Effect.sync(() => dismiss(place))),
            Effect.interruptible
          )
        )
      }
      return closing.get(tenant) ?? Effect.void
    })

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true
      for (const place of [...places.values()]) {
        if (place.state === "Live") retire(place)
        else fail(place, stopping)
      }
      return Effect.all([...closing.values()], { concurrency: "unbounded", discard: true })
    })
  )

  // --------------------------------------------------------------------------
  // requests
  // --------------------------------------------------------------------------

  /** One that will have room, now or when what is closing has gone. */
  const place = (tenant: string): Place | McpError.McpError => {
    const failed = failing.get(tenant)
    const now = clock.currentTimeMillisUnsafe()
    if (failed !== undefined && now < failed.until) {
      const { reason } = failed.error
      return reason._tag === "Overloaded" ? overloaded(reason.message, failed.until - now) : failed.error
    }
    if (places.size >= maximum) {
      const [longest] = idle
      if (longest === undefined) return full
      retire(longest)
    }
    const place: Place = {
      tenant,
      waiting: new Set(),
      state: "Waiting",
      users: 0,
      idleSince: 0,
      live: undefined,
      scope: Scope.makeUnsafe(),
      stop: Effect.void,
      timer: undefined
    }
    places.set(tenant, place)
    overdue(place, () => fail(place, late))
    return place
  }

  const lifetimes: Lifetimes = {
    live: (tenant) => places.get(tenant)?.live,
    request: (tenant, onReady) => {
      const known = places.get(tenant)
      const found = isClosed ? stopping : known ?? place(tenant)
      if (found instanceof McpError.McpError) {
        onReady(found)
        return ignore
      }
      if (found.live !== undefined) {
        const leave = hold(found)
        onReady(found.live)
        leave()
        return ignore
      }
      if (found.waiting.size >= options.maxRequests) {
        onReady(crowded)
        return ignore
      }
      found.waiting.add(onReady)
      if (known === undefined) advance()
      return () => found.waiting.delete(onReady)
    },
    release,
    statuses: Effect.sync(() => [
      ...Array.from(places.values(), ({ state, tenant, users }): Status => ({ tenant, state, inUse: users })),
      ...Array.from(closing.keys(), (tenant): Status => ({ tenant, state: "Closing", inUse: 0 }))
    ])
  }
  return lifetimes
})

const awaitEnd = (fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    fiber.addObserver(() => resume(Effect.void))
  })

const overloaded = (message: string, retryAfter: number) =>
  McpError.make(new McpError.Overloaded({ message, retryAfter }))

const full = overloaded("As many tenants are being served as may be at once; try again later.", 1000)

const late = overloaded("The server of this tenant takes too long to start; try again later.", 1000)

const crowded = overloaded("Too many requests wait for the server of this tenant to start; try again later.", 1000)

const broken = overloaded("The server of this tenant cannot be started at the moment; try again later.", 1000)

const stopping = overloaded("The server is about to stop.", 1000)

/** A layer that fails with an `McpError` speaks to its callers; whatever else it says is for the log. */
const errorOf = (exit: Exit.Failure<unknown, unknown>): McpError.McpError => {
  const reason = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return reason?._tag === "Fail" && reason.error instanceof McpError.McpError ? reason.error : broken
}

const isTold = (exit: Exit.Failure<unknown, unknown>): boolean => errorOf(exit) !== broken

const ignore = () => {}
