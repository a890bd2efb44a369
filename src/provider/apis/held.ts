/** Definitions that never change, and that have something open for as long as they are served. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Provider from "../../definition/Provider.ts"

export const held = <D extends Provider.AnyDefinition, R>(
  open: Effect.Effect<ReadonlyArray<D>, never, R | Scope.Scope>
): Provider.Provider<never, Exclude<R, Scope.Scope> | Provider.ServicesOf<D>> =>
  // A stream that ended would close what its definitions use.
  Provider.make(Stream.unwrap(Effect.map(open, (catalogue) => Stream.concat(Stream.succeed(catalogue), Stream.never))))
