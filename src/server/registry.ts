/**
 * The live set of a server's definitions, each kind in the order it was registered, and who wants to hear that it
 * changed. A definition that takes another's place keeps that place in the order, so that nobody who is paging through
 * meets it twice.
 */
import type * as Context from "effect/Context"
import * as Semaphore from "effect/Semaphore"
import * as DefinitionError from "../definition/DefinitionError.ts"
import * as Prompt from "../definition/Prompt.ts"
import * as Provider from "../definition/Provider.ts"
import * as Resource from "../definition/Resource.ts"
import * as ResourceTemplate from "../definition/ResourceTemplate.ts"
import * as Tool from "../definition/Tool.ts"
import type { JsonObject } from "../protocol/JsonRpc.ts"
import * as JsonSchema from "../protocol/JsonSchema.ts"
import type * as McpSchema from "../protocol/McpSchema.ts"

/** All that can be registered. */
export type AnyDefinition = Provider.AnyDefinition

/** The lists a client can ask for, and be told the change of. */
export type ListName = "tools" | "resources" | "prompts"

/** What is done with a definition whose name is taken. */
export type DuplicatePolicy = "error" | "warn" | "replace" | "ignore"

/** A definition as the server holds it. */
export interface Registered<D extends AnyDefinition, Description = unknown> {
  readonly definition: D
  /** What it is found by: a name, a URI, a template. */
  readonly name: string
  readonly order: number
  /** What its handler was assembled with. */
  readonly context: Context.Context<never>
  /** As clients see it in a list. */
  readonly description: Description
}

export interface RegisteredTool extends Registered<Tool.AnyHandled, McpSchema.Tool> {
  /** Arguments its callers mirror into headers. */
  readonly headers: ReadonlyArray<JsonSchema.HeaderParameter>
  /** How many calls may run at once. */
  readonly limit: Semaphore.Semaphore | undefined
}

export interface RegisteredResource extends Registered<Resource.AnyHandled, McpSchema.Resource> {}

export interface RegisteredTemplate extends Registered<ResourceTemplate.AnyHandled, McpSchema.ResourceTemplate> {}

export interface RegisteredPrompt extends Registered<Prompt.AnyHandled, McpSchema.Prompt> {}

type AnyRegistered = RegisteredTool | RegisteredResource | RegisteredTemplate | RegisteredPrompt

/** One kind of definition. */
export interface Shelf<R extends AnyRegistered> {
  readonly get: (name: string) => R | undefined
  /** In order. */
  readonly all: () => ReadonlyArray<R>
}

export interface Change {
  readonly add: ReadonlyArray<AnyDefinition>
  /** Leaves what somebody else has replaced meanwhile. */
  readonly remove: ReadonlySet<AnyRegistered>
  /** What the added ones were assembled with. */
  readonly context: Context.Context<never>
}

/** What came of a change. */
export interface Changed {
  readonly added: ReadonlySet<AnyRegistered>
  /** Names that were taken, where the policy is to warn. */
  readonly warnings: ReadonlyArray<DefinitionError.DefinitionError>
}

export interface Registry {
  readonly tools: Shelf<RegisteredTool>
  readonly resources: Shelf<RegisteredResource>
  readonly templates: Shelf<RegisteredTemplate> & {
    /** The most specific template that has this URI, among those the filter lets through. */
    readonly find: (uri: string, filter: (template: RegisteredTemplate) => boolean) => Found | undefined
  }
  readonly prompts: Shelf<RegisteredPrompt>
  /** All of a change or, if some definition cannot be served, nothing of it. */
  readonly change: (change: Change) => Changed | DefinitionError.DefinitionError
  /** Removes by name; names nobody has are passed over. */
  readonly remove: (list: ListName, names: ReadonlyArray<string>) => void
  /** Calls back with each list that changed, until the result is called. */
  readonly onChange: (listener: (list: ListName) => void) => () => void
}

/** A template, and the values in a URI; or why the URI is refused. */
export type Found =
  | { readonly template: RegisteredTemplate; readonly values: ResourceTemplate.Values }
  | "Unsafe"

export const make = (
  options: { readonly onDuplicate: DuplicatePolicy; readonly strict: boolean } = { onDuplicate: "error", strict: false }
): Registry => {
  const shelves = {
    tools: new Entries<RegisteredTool>("tools"),
    resources: new Entries<RegisteredResource>("resources"),
    templates: new Entries<RegisteredTemplate>("resources"),
    prompts: new Entries<RegisteredPrompt>("prompts")
  }
  const listeners = new Set<(list: ListName) => void>()
  let last = 0
  let bySpecificity: ReadonlyArray<RegisteredTemplate> | undefined

  const changed = (touched: ReadonlySet<Entries<AnyRegistered>>) => {
    if (touched.size === 0) return
    bySpecificity = undefined
    for (const shelf of touched) shelf.forget()
    const lists = new Set(Array.from(touched, ({ list }) => list))
    for (const list of lists) for (const listener of [...listeners]) listener(list)
  }

  return {
    tools: shelves.tools,
    resources: shelves.resources,
    templates: {
      get: (name) => shelves.templates.get(name),
      all: () => shelves.templates.all(),
      find: (uri, filter) => {
        bySpecificity ??= shelves.templates.all().toSorted((a, b) =>
          ResourceTemplate.compare(a.definition, b.definition)
        )
        for (const template of bySpecificity) {
          if (!filter(template)) continue
          const values = ResourceTemplate.match(template.definition, uri)
          if (values === "Unsafe") return values
          if (values !== undefined) return { template, values }
        }
        return undefined
      }
    },
    prompts: shelves.prompts,
    change: ({ add, context, remove }) => {
      const added = new Map<Entries<AnyRegistered>, Map<string, AnyRegistered>>()
      const warnings: Array<DefinitionError.DefinitionError> = []
      for (const definition of add) {
        const shelf = shelves[kindOf(definition)] as Entries<AnyRegistered>
        let entries = added.get(shelf)
        if (entries === undefined) added.set(shelf, entries = new Map())
        const name = Provider.nameOf(definition)
        const held = shelf.get(name)
        const rival = entries.get(name) ?? (held !== undefined && !remove.has(held) ? held : undefined)
        if (rival !== undefined) {
          const clash = duplicate(rival.definition, definition)
          if (options.onDuplicate === "error") return clash
          if (options.onDuplicate === "warn") warnings.push(clash)
          if (options.onDuplicate === "ignore") continue
        }
        // What stays as it is has not changed for anybody.
        if (rival === undefined && held?.definition === definition && held.context === context) {
          entries.set(name, held)
          continue
        }
        const order = (held ?? rival)?.order ?? ++last
        const registered = register(definition, name, order, context, options.strict, held)
        if (registered instanceof DefinitionError.DefinitionError) return registered
        entries.set(name, registered)
      }
      const touched = new Set<Entries<AnyRegistered>>()
      for (const gone of remove) {
        const shelf = shelves[kindOf(gone.definition)] as Entries<AnyRegistered>
        if (shelf.get(gone.name) === gone && added.get(shelf)?.has(gone.name) !== true) {
          shelf.delete(gone.name)
          touched.add(shelf)
        }
      }
      for (const [shelf, entries] of added) {
        for (const entry of entries.values()) {
          if (shelf.get(entry.name) === entry) continue
          shelf.set(entry)
          touched.add(shelf)
        }
      }
      changed(touched)
      return { added: new Set([...added.values()].flatMap((entries) => [...entries.values()])), warnings }
    },
    remove: (list, names) => {
      const ofList = (list === "resources" ? [shelves.resources, shelves.templates] : [shelves[list]]) as ReadonlyArray<
        Entries<AnyRegistered>
      >
      changed(new Set(ofList.filter((shelf) => names.filter((name) => shelf.delete(name)).length > 0)))
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    }
  }
}

type Kind = "tools" | "resources" | "templates" | "prompts"

const kinds = {
  "tool": "tools",
  "resource": "resources",
  "resource template": "templates",
  "prompt": "prompts"
} as const

class Entries<R extends AnyRegistered> implements Shelf<R> {
  readonly list: ListName
  private readonly entries = new Map<string, R>()
  private ordered: ReadonlyArray<R> | undefined = undefined

  constructor(list: ListName) {
    this.list = list
  }

  get(name: string): R | undefined {
    return this.entries.get(name)
  }

  all(): ReadonlyArray<R> {
    return this.ordered ??= Array.from(this.entries.values()).toSorted((a, b) => a.order - b.order)
  }

  set(entry: R): void {
    this.entries.set(entry.name, entry)
  }

  delete(name: string): boolean {
    return this.entries.delete(name)
  }

  forget(): void {
    this.ordered = undefined
  }
}

const kindOf = (definition: AnyDefinition): Kind => kinds[Provider.kindOf(definition)]

const duplicate = (first: AnyDefinition, second: AnyDefinition) =>
  DefinitionError.make(
    new DefinitionError.Duplicate({
      kind: Provider.kindOf(second),
      name: Provider.nameOf(second),
      definitions: [labelOf(first), labelOf(second)]
    })
  )

const labelOf = (definition: AnyDefinition): string => {
  const text = definition.title ?? definition.description ?? `${definition.name}, which says nothing of itself`
  const { source } = definition
  return source.length === 0
    ? text
    : `${text}, from ${[...source, `${Provider.kindOf(definition)} ${Provider.nameOf(definition)}`].join(" > ")}`
}

const register = (
  definition: AnyDefinition,
  name: string,
  order: number,
  context: Context.Context<never>,
  strict: boolean,
  held: AnyRegistered | undefined
): AnyRegistered | DefinitionError.DefinitionError => {
  try {
    if (Tool.isHandled(definition)) {
      return registerTool(definition, order, context, strict, held as RegisteredTool | undefined)
    }
    if (Resource.isResource(definition)) {
      return { definition, name, order, context, description: Resource.describe(definition) }
    }
    if (ResourceTemplate.isResourceTemplate(definition)) {
      return { definition, name, order, context, description: ResourceTemplate.describe(definition) }
    }
    return { definition, name, order, context, description: Prompt.describe(definition) }
  } catch (cause) {
    return cause instanceof DefinitionError.DefinitionError ? cause : invalid(name, (cause as Error).message)
  }
}

const registerTool = (
  tool: Tool.AnyHandled,
  order: number,
  context: Context.Context<never>,
  strict: boolean,
  held: RegisteredTool | undefined
): RegisteredTool | DefinitionError.DefinitionError => {
  if (!/^[A-Za-z\d_.-]{1,128}$/u.test(tool.name)) {
    return invalid(tool.name, "a tool's name has 1 to 128 characters out of A-Z a-z 0-9 _ . -")
  }
  if (tool.concurrency !== undefined && !(tool.concurrency >= 1)) {
    return invalid(tool.name, "its concurrency is at least 1")
  }
  const description = Tool.describe(tool, { strict: tool.strict ?? strict })
  const headers = JsonSchema.headerParameters(description.inputSchema as JsonObject)
  return typeof headers === "string" ? invalid(tool.name, headers) : {
    definition: tool,
    name: tool.name,
    order,
    context,
    description,
    headers,
    // The calls of the one it takes the place of go on, and count.
    limit: tool.concurrency === undefined
      ? undefined
      : held?.definition.concurrency === tool.concurrency
      ? held.limit
      : Semaphore.makeUnsafe(tool.concurrency)
  }
}

const invalid = (name: string, message: string) =>
  DefinitionError.make(new DefinitionError.InvalidDefinition({ name: JSON.stringify(name), message }))
