import { ambient } from "./ambient.ts"
import { externals, layers, oauthRoles, platformFolders, rootMustNotLoad } from "./layers.ts"
import { folderOf, type Import, isBarrel, isPublic, type Module, walk } from "./modules.ts"

/** A rule reads all modules and says what is wrong, one line each. */
export type Rule = (modules: ReadonlyArray<Module>) => ReadonlyArray<string>

const packageName = "fastmcp-effect"

/** Its keys travel in `_meta`: names on the wire, not ids of modules. */
const wireKeys = "protocol/Meta.ts"

interface Edge extends Import {
  readonly from: string
  readonly to: string
}

const edges = (modules: ReadonlyArray<Module>): ReadonlyArray<Edge> =>
  modules.flatMap(({ file, imports }) =>
    imports.flatMap((i) => i.target === undefined ? [] : [{ ...i, from: file, to: i.target }])
  )

const wrongEdges = (wrong: (edge: Edge) => boolean): Rule => (modules) =>
  edges(modules).filter(wrong).map((edge) => `${edge.from} -> ${edge.to}`)

const wrongPackages = (wrong: (specifier: string, module: Module, i: Import) => boolean): Rule => (modules) =>
  modules.flatMap((m) =>
    m.imports.filter((i) => i.target === undefined && wrong(i.specifier, m, i)).map((i) =>
      `${m.file} -> ${i.specifier}`
    )
  )

const packageOf = (specifier: string) => specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/")

/** One cycle, its first node repeated at the end, or undefined. */
export const findCycle = (
  nodes: Iterable<string>,
  next: (node: string) => Iterable<string>
): ReadonlyArray<string> | undefined => {
  const state = new Map<string, "open" | "done">()
  const stack: Array<string> = []
  const go = (node: string): ReadonlyArray<string> | undefined => {
    if (state.get(node) === "done") return undefined
    if (state.get(node) === "open") return [...stack.slice(stack.indexOf(node)), node]
    state.set(node, "open")
    stack.push(node)
    for (const to of next(node)) {
      const cycle = go(to)
      if (cycle) return cycle
    }
    stack.pop()
    state.set(node, "done")
    return undefined
  }
  for (const node of nodes) {
    const cycle = go(node)
    if (cycle) return cycle
  }
  return undefined
}

const oauthRole = (file: string) =>
  file.startsWith("oauth/") && file.split("/").length > 2 ? file.split("/")[1]! : undefined

const revisionOf = (file: string) => /^protocol\/revisions\/([^/]+)\//.exec(file)?.[1]

/** The modules that loading `file` loads, itself first, each with the module that asked for it. */
const loadedBy = (modules: ReadonlyArray<Module>, file: string): ReadonlyMap<string, string> => {
  const byFile = new Map(modules.map((m) => [m.file, m]))
  const seen = new Map([[file, "(entry)"]])
  for (const from of seen.keys()) {
    for (const i of byFile.get(from)?.imports ?? []) {
      if (i.target !== undefined && !i.typeOnly && !seen.has(i.target)) seen.set(i.target, from)
    }
  }
  return seen
}

export const rules: Readonly<Record<string, Rule>> = {
  "gives every folder a row in the table": (modules) =>
    [...new Set(modules.map((m) => folderOf(m.file)))].filter((folder) => folder !== "(root)" && !(folder in layers)),

  "has at its root only index.ts": (modules) =>
    modules.filter((m) => folderOf(m.file) === "(root)" && m.file !== "index.ts").map((m) => m.file),

  "imports only files that are there": (modules) => {
    const known = new Set(modules.map((m) => m.file))
    return wrongEdges((e) => !known.has(e.to))(modules)
  },

  "imports only downwards": wrongEdges(({ from, to }) => {
    const [source, target] = [folderOf(from), folderOf(to)]
    return source !== "(root)" && source !== target && !(layers[source] ?? []).includes(target)
  }),

  "keeps the OAuth roles apart": wrongEdges((e) => {
    if (folderOf(e.from) !== "oauth" || folderOf(e.to) !== "oauth") return false
    const [from, to] = [oauthRole(e.from), oauthRole(e.to)]
    if (to === undefined || from === to) return false
    return from === undefined || !(oauthRoles[from] ?? []).includes(to)
  }),

  "reaches a dated revision only through protocol/Revisions.ts or the revision after it": (modules) => {
    const dated = [...new Set(modules.flatMap((m) => revisionOf(m.file) ?? []))].sort()
    return wrongEdges((e) => {
      const [from, to] = [revisionOf(e.from), revisionOf(e.to)]
      if (to === undefined || from === to || e.from === "protocol/Revisions.ts") return false
      return from === undefined || dated.indexOf(from) !== dated.indexOf(to) + 1
    })(modules)
  },

  "has no cycle of modules": (modules) => {
    const cycle = findCycle(
      modules.map((m) => m.file),
      (file) => modules.find((m) => m.file === file)?.imports.flatMap((i) => i.typeOnly ? [] : i.target ?? []) ?? []
    )
    return cycle ? [cycle.join(" -> ")] : []
  },

  "reaches another folder only through its public modules": wrongEdges((e) =>
    folderOf(e.from) !== folderOf(e.to) && !isPublic(e.to) && !isBarrel(e.to)
  ),

  "never imports a barrel from inside src": wrongEdges((e) => isBarrel(e.to)),

  "never imports itself by the package's name": wrongPackages((specifier) => packageOf(specifier) === packageName),

  "names a platform only in the folders meant for it": wrongPackages((specifier, m) => {
    const folder = folderOf(m.file)
    return !platformFolders.includes(folder) && packageOf(specifier) !== packageName &&
      !["effect", ...externals[folder] ?? []].includes(packageOf(specifier))
  }),

  "names modules of Effect, never its barrels": wrongPackages((specifier) =>
    packageOf(specifier) === "effect" ? !/^effect\/.*[A-Z]/.test(specifier) : /^@effect\/[^/]+$/.test(specifier)
  ),

  "imports for an effect of loading only where package.json declares it": (modules) =>
    modules.filter((m) => !platformFolders.includes(folderOf(m.file)))
      .flatMap((m) => m.imports.filter((i) => i.bare).map((i) => `${m.file} -> ${i.specifier}`)),

  "keeps the root entry light": (modules) => {
    const loaded = loadedBy(modules, "index.ts")
    const wrongModules = [...loaded].filter(([file]) => rootMustNotLoad.folders.includes(folderOf(file)))
      .map(([file, by]) => `${by} -> ${file}`)
    const wrongImports = wrongPackages((specifier, m, i) =>
      loaded.has(m.file) && !i.typeOnly && rootMustNotLoad.packages.test(specifier)
    )
    return [...wrongModules, ...wrongImports(modules)]
  },

  "names every service, error and type id after its path": (modules) =>
    modules.flatMap((m) => {
      const id = `${packageName}/${m.file.replace(/\.ts$/, "")}`
      const mine = (text: string) => text === id || text.startsWith(`${id}/`)
      const wrong = new Set<string>()
      walk(m.program.body, (node) => {
        if (/^(Import|Export(All|Named))/.test(node.type) && node.source) return false
        const text = node.type === "Literal" && typeof node.value === "string"
          ? node.value.replace(/^~/, "")
          : node.type === "TemplateLiteral"
          ? node.quasis[0].value.cooked.replace(/^~/, "")
          : ""
        if (text.startsWith(`${packageName}/`) && !mine(text) && m.file !== wireKeys) wrong.add(text)
        const key = serviceKey(node)
        if (key !== undefined && !mine(key)) wrong.add(key)
        return
      })
      return [...wrong].map((text) => `${m.file}: ${text}`)
    }),

  "takes clock, timers, randomness and state from services": (modules) =>
    modules.filter((m) => !platformFolders.includes(folderOf(m.file)))
      .flatMap((m) => ambient(m).map((found) => `${m.file}: ${found}`))
}

/** The key in `Context.Service<...>()("key")`, `Context.Service("key")` or `Context.Reference("key")`. */
const serviceKey = (node: any): string | undefined => {
  if (node.type !== "CallExpression" || node.arguments.length === 0) return undefined
  const callee = node.callee.type === "CallExpression" ? node.callee.callee : node.callee
  if (callee.type !== "MemberExpression" || callee.object.name !== "Context") return undefined
  if (!["Service", "Reference"].includes(callee.property.name)) return undefined
  const [key] = node.arguments
  return key.type === "Literal" ? String(key.value) : undefined
}
