/**
 * Runs the `updates` of resources, each once and while anybody watches it, whoever that is; and those of what takes a
 * resource's place.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type * as registry from "./registry.ts"
import type * as subscriptions from "./subscriptions.ts"

/** Holds a resource's updates open until the result is called. */
export type Watched = (uri: string) => () => void

interface Entry {
  watchers: number
  /** What the running stream is of. */
  source: registry.RegisteredResource | registry.RegisteredTemplate | undefined
  fiber: Fiber.Fiber<void> | undefined
}

export const make = (options: {
  readonly registry: registry.Registry
  readonly updates: subscriptions.Updates
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}): Watched => {
  const entries = new Map<string, Entry>()

  const start = (uri: string, entry: Entry) => {
    const source = find(options.registry, uri)
    if (source === entry.source) return
    entry.fiber?.interruptUnsafe()
    entry.source = source
    const updates = source === undefined ? undefined : streamOf(source, uri)
    entry.fiber = updates === undefined ? undefined : options.fork(
      Stream.runForEach(updates, () => Effect.sync(() => options.updates.publish(uri))).pipe(
        Effect.updateContext((current: Context.Context<never>) => Context.merge(current, source!.context)),
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError(`Updates of ${uri} ended in a defect`, cause)
        )
      )
    )
  }

  options.registry.onChange((list) => {
    if (list === "resources") { for (const [uri, entry] of entries) start(uri, entry) }
  })

  return (uri) => {
    let entry = entries.get(uri)
    if (entry === undefined) {
      entries.set(uri, entry = { watchers: 0, source: undefined, fiber: undefined })
      start(uri, entry)
    }
    const held = entry
    held.watchers++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      if (--held.watchers > 0) return
      entries.delete(uri)
      held.fiber?.interruptUnsafe()
    }
  }
}

const find = ({ resources, templates }: registry.Registry, uri: string): Entry["source"] => {
  const exact = resources.get(uri)
  if (exact !== undefined) return exact
  // What a template says of a URI may throw; who only watches is not to suffer from it.
  try {
    const found = templates.find(uri, () => true)
    return found === undefined || found === "Unsafe" ? undefined : found.template
  } catch {
    return undefined
  }
}

const streamOf = (
  { definition }: NonNullable<Entry["source"]>,
  uri: string
): Stream.Stream<unknown> | undefined =>
  (typeof definition.updates === "function" ? definition.updates(uri) : definition.updates) as
    | Stream.Stream<unknown>
    | undefined
