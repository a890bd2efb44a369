/**
 * Which revision each server spoke when it was last asked, so that the next client of the same process need not find
 * out again. Without the service each client asks once for itself.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** @category services @since 0.1.0 */
export class KnownServers extends Context.Service<KnownServers, {
  /** The version, or undefined where nothing is known. `origin` is `ClientTransport.origin`. */
  readonly get: (origin: string) => Effect.Effect<string | undefined>
  readonly set: (origin: string, version: string) => Effect.Effect<void>
}>()("fastmcp-effect/client/KnownServers") {}

/** How many servers are remembered; those asked longest ago go first. */
const maxServers = 10_000

/** @category layers @since 0.1.0 */
export const layerMemory: Layer.Layer<KnownServers> = Layer.sync(KnownServers, () => {
  const versions = new Map<string, string>()
  return {
    get: (origin) => Effect.sync(() => versions.get(origin)),
    set: (origin, version) =>
      Effect.sync(() => {
        versions.delete(origin)
        versions.set(origin, version)
        if (versions.size > maxServers) versions.delete(versions.keys().next().value!)
      })
  }
})
