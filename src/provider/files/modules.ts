/** What the modules of a folder export, as one catalogue that follows them: what fails changes nothing. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Definition from "../../definition/Definition.ts"
import * as Prompt from "../../definition/Prompt.ts"
import * as Provider from "../../definition/Provider.ts"
import * as Resource from "../../definition/Resource.ts"
import * as ResourceTemplate from "../../definition/ResourceTemplate.ts"
import * as Tool from "../../definition/Tool.ts"
import type * as GuardedFiles from "../GuardedFiles.ts"
import * as ModuleError from "../ModuleError.ts"
import type * as ModuleLoader from "../ModuleLoader.ts"

export interface Options {
  readonly folder: GuardedFiles.Folder
  readonly modules: ModuleLoader.Modules
  /** Whether a file is a module to be loaded for itself. */
  readonly isEntry: (path: string) => boolean
  readonly importTimeout: Duration.Duration
  /** Milliseconds that what is no longer exported stays. */
  readonly lasting: number
}

export interface Followed {
  /** The catalogue after what has changed; undefined when nothing has. */
  readonly next: (listing: GuardedFiles.Listing) => Effect.Effect<Provider.Catalogue | undefined>
  /** Milliseconds until something leaves; undefined when nothing will. */
  readonly leaving: Effect.Effect<number | undefined>
  /** What is wrong with modules that have no version that works. */
  readonly failures: () => ReadonlyArray<ModuleError.ModuleError>
}

export const make = ({ folder, importTimeout, isEntry, lasting, modules }: Options): Followed => {
  let stamps: ReadonlyMap<string, string> = new Map()
  const loaded = new Map<string, Provider.Catalogue>()
  const failed = new Map<string, ModuleError.ModuleError>()
  const leaving = new Map<string, number>()
  let shown: Provider.Catalogue | undefined

  const load = Effect.fnUntraced(function*(path: string) {
    const exports = yield* modules.load(path).pipe(
      Effect.timeoutOrElse({
        duration: importTimeout,
        orElse: () =>
          Effect.fail(
            ModuleError.make(new ModuleError.ImportTimedOut({ path, millis: Duration.toMillis(importTimeout) }))
          )
      })
    )
    return yield* definitionsOf(path, exports)
  })

  const reload = (path: string) =>
    Effect.matchEffect(load(path), {
      onSuccess: (definitions) => {
        const isAgain = (loaded.get(path) ?? []).length > 0
        loaded.set(path, definitions)
        failed.delete(path)
        return isAgain ? Effect.logInfo(`${path} was loaded again: ${namesOf(definitions)}`) : Effect.void
      },
      onFailure: (error) =>
        Effect.gen(function*() {
          // Of a file that is being written there will be another version at once.
          const now = yield* Effect.match(folder.look(path), {
            onFailure: () => undefined,
            onSuccess: ({ stamp }) => stamp
          })
          if (now !== stamps.get(path)) return
          failed.set(path, error)
          yield* Effect.logError(
            `${error.message}; ${loaded.has(path) ? "its last version that works stays" : "what it has is not served"}`,
            error.reason._tag === "ImportFailed" ? error.reason.cause : ""
          )
        })
    })

  /** In the order of paths; of two that have one name the first. */
  const gather = Effect.gen(function*() {
    const found = new Map<string, { readonly path: string; readonly definition: Provider.AnyDefinition }>()
    for (const path of [...loaded.keys()].toSorted()) {
      for (const definition of loaded.get(path)!) {
        const rival = found.get(keyOf(definition))
        if (rival === undefined) found.set(keyOf(definition), { path, definition })
        else {yield* Effect.logError(
            `${path} and ${rival.path} both have ${nameOf(definition)}; that of ${rival.path} is served`
          )}
      }
    }
    return found
  })

  return {
    next: Effect.fnUntraced(function*({ files }) {
      const before = stamps
      const now = new Map(files.map(({ path, stamp }) => [path, stamp]))
      const changed = new Set(
        [...before.keys(), ...now.keys()].filter((path) => before.get(path) !== now.get(path))
      )
      stamps = now
      const outdated = shown === undefined ? changed : modules.outdate(changed)
      for (const path of before.keys()) {
        if (now.has(path)) continue
        loaded.delete(path)
        failed.delete(path)
      }
      for (const path of now.keys()) if (outdated.has(path) && isEntry(path)) yield* reload(path)
      if (changed.size === 0 && leaving.size === 0) return undefined

      const found = yield* gather
      const time = yield* Clock.currentTimeMillis
      const kept = (shown ?? []).filter((definition) => {
        const key = keyOf(definition)
        if (found.has(key)) {
          leaving.delete(key)
          return false
        }
        const since = leaving.get(key) ?? time
        if (time - since < lasting) leaving.set(key, since)
        else leaving.delete(key)
        return leaving.has(key)
      })
      const next = [...Array.from(found.values(), ({ definition }) => definition), ...kept]
      const held = shown
      if (held !== undefined && next.length === held.length && next.every((one, index) => one === held[index])) {
        return undefined
      }
      return shown = next
    }),
    leaving: Effect.map(
      Clock.currentTimeMillis,
      (time) => leaving.size === 0 ? undefined : Math.max(Math.min(...leaving.values()) + lasting - time, 0)
    ),
    failures: () => [...failed.values()]
  }
}

// ----------------------------------------------------------------------------
// exports
// ----------------------------------------------------------------------------

const definitionsOf = (
  path: string,
  exports: ModuleLoader.Exports
): Effect.Effect<Provider.Catalogue, ModuleError.ModuleError> =>
  Effect.gen(function*() {
    const found = new Map<string, { readonly from: unknown; readonly definition: Provider.AnyDefinition }>()
    const contracts = new Map<string, string>()
    const invalid = (name: string, problem: string) =>
      Effect.fail(ModuleError.make(new ModuleError.InvalidExport({ path, name, problem })))
    for (const [name, exported] of Object.entries(exports)) {
      for (const value of Array.isArray(exported) ? exported as ReadonlyArray<unknown> : [exported]) {
        if (!isDefinition(value)) continue
        const problem = faultOf(value)
        if (problem !== undefined) return yield* invalid(name, problem)
        const key = keyOf(value)
        if (!isHandled(value)) {
          contracts.set(key, nameOf(value))
          continue
        }
        const held = found.get(key)
        if (held === undefined) found.set(key, { from: value, definition: Definition.from(value, `module ${path}`) })
        else if (held.from !== value) return yield* invalid(name, `there is another ${nameOf(value)} in it`)
      }
    }
    for (const [key, name] of contracts) {
      if (!found.has(key)) yield* Effect.logWarning(`${path} exports ${name} without a handler, and it is not served`)
    }
    return Array.from(found.values(), ({ definition }) => definition)
  })

type Any = Tool.Any | Resource.Any | ResourceTemplate.Any | Prompt.Any

const isDefinition = (value: unknown): value is Any =>
  Tool.isTool(value) || Resource.isResource(value) || ResourceTemplate.isResourceTemplate(value) ||
  Prompt.isPrompt(value)

const isHandled = (value: Any): value is Provider.AnyDefinition =>
  Tool.isHandled(value) || Resource.isHandled(value) || ResourceTemplate.isHandled(value) || Prompt.isHandled(value)

/** What a server would have against it. */
const faultOf = (definition: Any): string | undefined => {
  try {
    if (Tool.isTool(definition)) Tool.describe(definition)
    else if (Resource.isResource(definition)) Resource.describe(definition)
    else if (ResourceTemplate.isResourceTemplate(definition)) ResourceTemplate.describe(definition)
    else Prompt.describe(definition)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const keyOf = (definition: Any): string => `${Provider.kindOf(definition)} ${Provider.nameOf(definition)}`

const nameOf = (definition: Any): string =>
  `the ${Provider.kindOf(definition)} ${JSON.stringify(Provider.nameOf(definition))}`

const namesOf = (definitions: Provider.Catalogue): string =>
  definitions.length === 0 ? "nothing to serve" : definitions.map(nameOf).join(", ")
