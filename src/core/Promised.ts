/**
 * Promises whose answer follows from the question alone: a module that is loaded, a signature that is checked. Nothing
 * of them depends on when they come, and so whoever keeps the time of a program may let it stand still until then. What
 * comes from other people, a response or a line of input, is none of these.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * Stands between a promise and who waits for it; nothing does, unless somebody provides it.
 *
 * @category references
 * @since 0.1.0
 */
export const Keeper: Context.Reference<<A>(answer: Promise<A>) => Promise<A>> = Context.Reference<
  <A>(answer: Promise<A>) => Promise<A>
>("fastmcp-effect/core/Promised/Keeper", { defaultValue: () => (answer) => answer })

/**
 * As `Effect.tryPromise`, kept by whoever keeps such promises.
 *
 * @category constructors
 * @since 0.1.0
 */
export const attempt = <A, E>(options: {
  readonly try: () => Promise<A>
  readonly catch: (error: unknown) => E
}): Effect.Effect<A, E> =>
  Effect.flatMap(Keeper, (keep) => Effect.tryPromise({ try: () => keep(options.try()), catch: options.catch }))

/**
 * As `Effect.promise`: a rejection is a defect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(ask: () => Promise<A>): Effect.Effect<A> =>
  Effect.flatMap(Keeper, (keep) => Effect.promise(() => keep(ask())))
