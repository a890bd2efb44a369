/**
 * How modules are imported, and again when they have changed: a service, for nothing but a runtime can do it. On Node it
 * is `NodeModuleLoader.layer`. Whoever can write to a folder that is loaded can run code in this process.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as ModuleError from "./ModuleError.ts"

/** @category services @since 0.1.0 */
export class ModuleLoader extends Context.Service<ModuleLoader, {
  /** The modules below a folder; `directory` is its real path. */
  readonly open: (directory: string) => Effect.Effect<Modules, never, Scope.Scope>
}>()("fastmcp-effect/provider/ModuleLoader") {}

/** Paths are below the folder, with `/` between names. @category models @since 0.1.0 */
export interface Modules {
  /** What a module exports: the same until it is outdated. */
  readonly load: (path: string) => Effect.Effect<Exports, ModuleError.ModuleError>
  /**
   * Has these files, and all modules that import them, imported anew when they are next; gives all of them. Modules that
   * are not outdated stay what they were, with what they hold.
   */
  readonly outdate: (paths: ReadonlySet<string>) => ReadonlySet<string>
}

/** @category models @since 0.1.0 */
export interface Exports {
  readonly [name: string]: unknown
}
