/** The handlers of a context, each with something around it. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as ClientHandlers from "../ClientHandlers.ts"

type Around = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

export const handlersOf = (context: Context.Context<never>, around: Around): Context.Context<never> => {
  let result = context
  const wrap = <I, S>(key: Context.Key<I, S>, make: (handler: S) => S) => {
    const handler = Context.getOrUndefined(context, key)
    if (handler !== undefined) result = Context.add(result, key, make(handler)) as Context.Context<never>
  }
  const each = <Args extends ReadonlyArray<any>, A, E>(f: (...args: Args) => Effect.Effect<A, E>) => (...args: Args) =>
    around(f(...args))
  wrap(ClientHandlers.ElicitationHandler, ({ form, url }) => ({
    ...(form === undefined ? undefined : { form: each(form) }),
    ...(url === undefined ? undefined : { url: each(url) })
  }))
  wrap(ClientHandlers.SamplingHandler, (sampling) => ({ ...sampling, createMessage: each(sampling.createMessage) }))
  wrap(ClientHandlers.RootsHandler, (roots) => ({ ...roots, list: around(roots.list) }))
  wrap(ClientHandlers.LogHandler, (log) => ({ ...log, receive: each(log.receive) }))
  wrap(ClientHandlers.ProgressHandler, ({ receive }) => ({ receive: each(receive) }))
  wrap(ClientHandlers.RawHandler, ({ notification, request, ...rest }) => ({
    ...rest,
    ...(request === undefined ? undefined : { request: each(request) }),
    ...(notification === undefined ? undefined : { notification: each(notification) })
  }))
  return result
}
