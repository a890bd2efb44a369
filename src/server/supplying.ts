/**
 * Keeps a part of the catalogue filled with what its sources have: as it is at first and, for as long as its scope is
 * open, as each change of a provider leaves it.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as DefinitionError from "../definition/DefinitionError.ts"
import * as Provider from "../definition/Provider.ts"
import type * as McpServer from "./McpServer.ts"

export const fill = (
  catalogue: McpServer.Catalogue,
  sources: ReadonlyArray<McpServer.Source>
): Effect.Effect<void, unknown, Scope.Scope> => {
  const providers = sources.filter(Provider.isProvider)
  const set = (definitions: Provider.Catalogue) =>
    catalogue.set(...definitions) as Effect.Effect<void, DefinitionError.DefinitionError>
  if (providers.length === 0) return set(sources as Provider.Catalogue)
  return Effect.gen(function*() {
    const filled = yield* Deferred.make<void, unknown>()
    let isFilled = false
    const supply = Provider.merge(...sources.map(asProvider) as [Provider.Any])
    yield* Stream.runForEach(supply.catalogues, (definitions) =>
      isFilled
        ? Effect.catch(set(definitions), (error) =>
          Effect.logError(`A changed catalogue is not served: ${error.message}`))
        : Effect.andThen(
          set(definitions),
          Effect.suspend(() => {
            isFilled = true
            return Deferred.succeed(filled, undefined)
          })
        )).pipe(
        Effect.onExit((exit) =>
          isFilled && exit._tag === "Failure"
            ? Cause.hasInterruptsOnly(exit.cause)
              ? Effect.void
              : Effect.logError("A provider failed; what it had last is served", exit.cause)
            : Deferred.done(filled, exit)
        ),
        Effect.forkScoped
      )
    yield* Deferred.await(filled)
  })
}

const asProvider = (source: McpServer.Source): Provider.Any =>
  Provider.isProvider(source) ? source : Provider.fromDefinitions(source)
