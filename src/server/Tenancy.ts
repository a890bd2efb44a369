/**
 * What a server knows of its place among others, where it is one of many that answer behind the same door, each for a
 * tenant of its own: `tenants/Tenants` tells it while it is built. A server that stands alone has no tenancy.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** @category models @since 0.1.0 */
export interface Tenancy {
  /** Whose server it is. */
  readonly tenant: string
  /** What it works on at once where it says nothing of that itself. */
  readonly concurrency: number
  /** What it has in flight where it says nothing of that itself. */
  readonly maxRequests: number
  /**
   * Keeps the server from being released as idle for as long as the scope is open. Requests do so by themselves; this is
   * for work that nobody waits for.
   */
  readonly keep: Effect.Effect<void, never, Scope.Scope>
}

/** @category references @since 0.1.0 */
export const CurrentTenancy: Context.Reference<Tenancy | undefined> = Context.Reference<Tenancy | undefined>(
  "fastmcp-effect/server/Tenancy",
  { defaultValue: () => undefined }
)
