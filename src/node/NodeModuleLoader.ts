/**
 * `ModuleLoader` by the loader of Node, which keeps every module it has imported: what is imported again is another
 * module to it, and the one before takes memory until the process ends. ECMAScript modules and TypeScript without
 * transforms are imported again; a CommonJS module stays as it was first required, and so does what lies in
 * `node_modules` or outside the folder.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { registerHooks, type ResolveFnOutput } from "node:module"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import * as ModuleError from "../provider/ModuleError.ts"
import * as ModuleLoader from "../provider/ModuleLoader.ts"

/** @category layers @since 0.1.0 */
export const layer: Layer.Layer<ModuleLoader.ModuleLoader> = Layer.succeed(
  ModuleLoader.ModuleLoader,
  ModuleLoader.ModuleLoader.of({
    open: (directory) =>
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => new Versions(directory)),
          (versions) => Effect.sync(() => versions.close())
        ),
        (versions): ModuleLoader.Modules => ({
          load: (path) =>
            Effect.tryPromise({
              try: (): Promise<ModuleLoader.Exports> => import(/* @vite-ignore */ versions.hrefOf(path)),
              catch: (cause) => ModuleError.make(new ModuleError.ImportFailed({ path, cause }))
            }),
          outdate: (paths) => versions.outdate(paths)
        })
      )
  })
)

/** Which version each module of a folder has, by its URL without one, and which import it. */
class Versions {
  private readonly base: string
  private readonly versions = new Map<string, number>()
  private readonly importers = new Map<string, Set<string>>()
  private readonly hooks: ReturnType<typeof registerHooks>
  private last = 0

  constructor(directory: string) {
    this.base = pathToFileURL(`${directory}${path.sep}`).href
    this.hooks = registerHooks({
      resolve: (specifier, context, next) => {
        const parent = this.idOf(context.parentURL)
        // What is not there yet may be one day, and then is another module to who wanted it.
        if (parent !== undefined && /^\.{0,2}\//u.test(specifier)) this.link(this.idOf(specifier, parent), parent)
        const resolved = next(specifier, context)
        const id = this.idOf(resolved.url)
        if (id === undefined) return resolved
        if (parent !== undefined) this.link(id, parent)
        return context.conditions.includes("require") ? resolved : this.versioned(resolved, id)
      }
    })
  }

  close(): void {
    this.hooks.deregister()
  }

  hrefOf(below: string): string {
    return this.base + below.split("/").map(encodeURIComponent).join("/")
  }

  outdate(paths: ReadonlySet<string>): ReadonlySet<string> {
    const version = ++this.last
    const outdated = new Set<string>()
    const pending = Array.from(paths, (path) => this.idOf(this.hrefOf(path))!)
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      if (outdated.has(id)) continue
      outdated.add(id)
      this.versions.set(id, version)
      pending.push(...this.importers.get(id) ?? [])
    }
    return new Set(Array.from(outdated, (id) => decodeURIComponent(id.slice(this.base.length))))
  }

  /** Undefined for what is not of the folder. */
  private idOf(url: string | undefined, from?: string): string | undefined {
    if (url === undefined || !URL.canParse(url, from)) return undefined
    const id = new URL(url, from).href.split(/[?#]/u, 1)[0]!
    return id.startsWith(this.base) && !/(?:^|\/)node_modules\//u.test(id.slice(this.base.length)) ? id : undefined
  }

  private link(id: string | undefined, importer: string): void {
    if (id === undefined) return
    const importers = this.importers.get(id)
    if (importers === undefined) this.importers.set(id, new Set([importer]))
    else importers.add(importer)
  }

  private versioned(resolved: ResolveFnOutput, id: string): ResolveFnOutput {
    const version = this.versions.get(id)
    if (version === undefined) return resolved
    const url = new URL(resolved.url)
    // Somebody else may load the same folder.
    url.searchParams.append("version", String(version))
    return { ...resolved, url: url.href }
  }
}
