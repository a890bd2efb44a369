/**
 * Results that servers say may be kept for a while (2026-07-28): lists, discovery, resources. A client has a cache of its
 * own unless this service is in context; then clients of one origin share what is public, and nothing else.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as JsonRpc from "../protocol/JsonRpc.ts"

/** What one client sees of the cache. @category models @since 0.1.0 */
export interface View {
  readonly get: (method: string, params: JsonRpc.JsonObject) => JsonRpc.JsonObject | undefined
  /**
   * To be called when the request is sent; what it gives keeps the result, unless it may not be kept, or the server has
   * said meanwhile that it has changed.
   */
  readonly begin: (method: string, params: JsonRpc.JsonObject) => (result: JsonRpc.JsonObject) => void
  /** What is kept of a method is old; with `uri`, of one resource alone. */
  readonly forget: (method: string, uri?: string) => void
}

/** @category services @since 0.1.0 */
export class ResponseCache extends Context.Service<ResponseCache, {
  /** `origin` is `ClientTransport.origin`; without one nothing is shared. */
  readonly open: (origin: string | undefined) => View
}>()("fastmcp-effect/client/ResponseCache") {}

/** @category models @since 0.1.0 */
export interface Options {
  /** Results that are kept for all origins together, and for each client by itself; the oldest go first. 1,000. */
  readonly maxEntries?: number
}

interface Entry {
  readonly result: JsonRpc.JsonObject
  readonly expiresAt: number
}

class Shelf {
  private readonly entries = new Map<string, Entry>()
  private readonly maxEntries: number

  constructor(maxEntries: number) {
    this.maxEntries = maxEntries
  }

  get(key: string, now: number): JsonRpc.JsonObject | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    if (now < entry.expiresAt) return entry.result
    this.entries.delete(key)
    return undefined
  }

  set(key: string, entry: Entry): void {
    this.entries.delete(key)
    this.entries.set(key, entry)
    if (this.entries.size > this.maxEntries) this.entries.delete(this.entries.keys().next().value!)
  }

  delete(key: string): void {
    this.entries.delete(key)
  }

  forget(prefix: string): void {
    for (const key of this.entries.keys()) if (key.startsWith(prefix)) this.entries.delete(key)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (options: Options = {}): Effect.Effect<ResponseCache["Service"]> =>
  Effect.map(Clock.Clock, (clock) => {
    const { maxEntries = 1000 } = options
    const shared = new Shelf(maxEntries)
    // Of all origins together: what one client hears has changed may be on its way to another.
    const changes = new Map<string, number>()
    const changesOf = (method: string) => changes.get(method) ?? 0
    return {
      open: (origin) => {
        const own = new Shelf(maxEntries)
        const prefix = origin === undefined ? undefined : `${origin}\n`
        return {
          get: (method, params) => {
            const key = keyOf(method, params)
            const now = clock.currentTimeMillisUnsafe()
            return own.get(key, now) ?? (prefix === undefined ? undefined : shared.get(prefix + key, now))
          },
          begin: (method, params) => {
            const before = changesOf(method)
            return (result) => {
              const { cacheScope, ttlMs } = result
              if (params.inputResponses !== undefined || params.requestState !== undefined) return
              const key = keyOf(method, params)
              // Whatever becomes of this one, the one before is older.
              own.delete(key)
              if (prefix !== undefined) shared.delete(prefix + key)
              if (typeof ttlMs !== "number" || !(ttlMs > 0) || changesOf(method) !== before) return
              const entry = { result, expiresAt: clock.currentTimeMillisUnsafe() + ttlMs }
              if (cacheScope === "public" && prefix !== undefined) shared.set(prefix + key, entry)
              else own.set(key, entry)
            }
          },
          forget: (method, uri) => {
            changes.set(method, changesOf(method) + 1)
            const key = uri === undefined ? `${method}\n` : keyOf(method, { uri })
            own.forget(key)
            if (prefix !== undefined) shared.forget(prefix + key)
          }
        }
      }
    }
  })

/** @category layers @since 0.1.0 */
export const layerMemory = (options?: Options): Layer.Layer<ResponseCache> => Layer.effect(ResponseCache, make(options))

/** By what changes the result: which resource, and which page. */
const keyOf = (method: string, { _meta: _, ...params }: JsonRpc.JsonObject): string =>
  `${method}\n${
    JsonRpc.encode(Object.fromEntries(Object.entries(params).toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)))
  }`
