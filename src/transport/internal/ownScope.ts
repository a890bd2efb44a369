import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/**
 * Opens a connection in a scope of its own within its client's: it closes when the connection ends, be the client's
 * open or not, and where there came to be none.
 */
export const open = <A, E>(
  connect: (clientScope: Scope.Scope, scope: Scope.Closeable) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<A, E, Scope.Scope> =>
  Effect.gen(function*() {
    const clientScope = yield* Effect.scope
    const scope = yield* Scope.fork(clientScope)
    return yield* Effect.onError(
      Scope.provide(connect(clientScope, scope), scope),
      () => Scope.close(scope, Exit.void)
    )
  })
