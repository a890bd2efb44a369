/**
 * What a module takes from the machine instead of from a service: clock, timers, randomness, ids, the process, and
 * state of its own that outlives a call. Found in the syntax tree with scopes, so that a parameter called `process` or
 * a doc comment that mentions `Date.now` is not taken for the real thing.
 *
 * State means module-level `let`, and a module-level value that a function changes. A table that top-level statements
 * fill while the module loads is not state.
 */
import type { Module } from "./modules.ts"

const forbidden = new Set([
  "clearImmediate",
  "crypto",
  "global",
  "performance",
  "process",
  "queueMicrotask",
  "scheduler",
  "self",
  "setImmediate",
  "setInterval",
  "setTimeout",
  "window"
])
const forbiddenMembers = new Set([
  "AbortSignal.timeout",
  "Atomics.wait",
  "Atomics.waitAsync",
  "Date.now",
  "Math.random"
])
const arrayMutators = new Set(["copyWithin", "fill", "pop", "push", "reverse", "shift", "sort", "splice", "unshift"])
const mutators = new Set([...arrayMutators, "add", "clear", "delete", "next", "set"])
const objectMutators = new Set([
  "Object.assign",
  "Object.defineProperties",
  "Object.defineProperty",
  "Object.setPrototypeOf",
  "Reflect.defineProperty",
  "Reflect.deleteProperty",
  "Reflect.set"
])
const containers = new Set(["Map", "Set", "WeakMap", "WeakSet"])
const statefulModules =
  /^(Deferred|FiberHandle|FiberMap|FiberSet|Latch|Mutable\w+|PubSub|Queue|Ref|Scope|Semaphore|SubscriptionRef|SynchronizedRef)$/

interface Binding {
  readonly kind: "import" | "const" | "other"
  readonly relative?: boolean
  readonly namespace?: boolean
  readonly init?: any
}

interface Scope {
  readonly names: Map<string, Binding>
  readonly parent: Scope | undefined
}

const unwrap = (node: any): any => {
  while (
    node && [
      "ChainExpression",
      "ParenthesizedExpression",
      "TSAsExpression",
      "TSInstantiationExpression",
      "TSNonNullExpression",
      "TSSatisfiesExpression",
      "TSTypeAssertion"
    ].includes(node.type)
  ) node = node.expression
  return node
}

const propertyName = (node: any): string | undefined => {
  if (!node.computed) return node.property.name
  return node.property.type === "Literal" ? String(node.property.value) : undefined
}

/** The identifier at the left end of `a.b[c].d` and how many members follow it. */
const rootOf = (node: any): { readonly name: string; readonly depth: number } | undefined => {
  let depth = 0
  node = unwrap(node)
  while (node.type === "MemberExpression") {
    depth++
    node = unwrap(node.object)
  }
  return node.type === "Identifier" ? { name: node.name, depth } : undefined
}

const patternNames = (pattern: any): ReadonlyArray<string> => {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name]
    case "ObjectPattern":
      return pattern.properties.flatMap((p: any) => patternNames(p.type === "RestElement" ? p : p.value))
    case "ArrayPattern":
      return pattern.elements.flatMap(patternNames)
    case "AssignmentPattern":
      return patternNames(pattern.left)
    case "RestElement":
      return patternNames(pattern.argument)
    case "TSParameterProperty":
      return patternNames(pattern.parameter)
    default:
      return []
  }
}

/** Adds what a statement declares. `declare` binds nothing: `declare const process: any` is still the real one. */
const declare = (names: Map<string, Binding>, statement: any): void => {
  if (statement === null || statement === undefined || statement.declare) return
  switch (statement.type) {
    case "ImportDeclaration":
      for (const s of statement.specifiers) {
        names.set(s.local.name, {
          kind: "import",
          relative: statement.source.value.startsWith("."),
          namespace: s.type === "ImportNamespaceSpecifier"
        })
      }
      return
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
      return declare(names, statement.declaration)
    case "VariableDeclaration":
      for (const d of statement.declarations) {
        for (const name of patternNames(d.id)) {
          names.set(name, { kind: statement.kind === "const" ? "const" : "other", init: unwrap(d.init) })
        }
      }
      return
    case "FunctionDeclaration":
    case "ClassDeclaration":
    case "TSEnumDeclaration":
    case "TSModuleDeclaration":
      if (statement.id?.type === "Identifier") names.set(statement.id.name, { kind: "other" })
      return
  }
}

const makesContainer = (init: any): boolean =>
  init?.type === "NewExpression" && init.callee.type === "Identifier" && containers.has(init.callee.name)

/** What was made by `new`, a literal, or one of the functions that give a fresh array or object. */
const isFresh = (init: any): boolean =>
  ["ArrayExpression", "NewExpression", "ObjectExpression"].includes(init?.type) ||
  (init?.type === "CallExpression" && init.callee.type === "MemberExpression" &&
    ["Array", "Object"].includes(init.callee.object.name))

export const ambient = (module: Module): ReadonlyArray<string> => {
  const found: Array<string> = []
  const moduleScope: Scope = { names: new Map(), parent: undefined }

  const lookup = (name: string, scope: Scope): { readonly binding: Binding; readonly scope: Scope } | undefined => {
    for (let s: Scope | undefined = scope; s; s = s.parent) {
      const binding = s.names.get(name)
      if (binding) return { binding, scope: s }
    }
    return undefined
  }

  /** `["Date", "now"]` for `Date.now` and `globalThis.Date.now`, unless the first name is declared in the module. */
  const globalPath = (node: any, scope: Scope): ReadonlyArray<string> | undefined => {
    node = unwrap(node)
    if (node.type === "Identifier") return lookup(node.name, scope) ? undefined : [node.name]
    if (node.type !== "MemberExpression") return undefined
    const [object, name] = [globalPath(node.object, scope), propertyName(node)]
    if (!object || name === undefined) return undefined
    return object.length === 1 && object[0] === "globalThis" ? [name] : [...object, name]
  }

  const moduleBinding = (name: string, scope: Scope): Binding | undefined => {
    const hit = lookup(name, scope)
    return hit?.scope === moduleScope ? hit.binding : undefined
  }

  const changes = (target: any, scope: Scope, how: string): void => {
    const at = rootOf(target)
    if (at && moduleBinding(at.name, scope)) found.push(`module state: ${at.name} ${how}`)
  }

  const call = (node: any, scope: Scope): void => {
    const callee = unwrap(node.callee)
    if (callee.type !== "MemberExpression") return
    const path = globalPath(callee, scope)?.join(".")
    if (path && objectMutators.has(path) && node.arguments[0]) changes(node.arguments[0], scope, `by ${path}`)
    const [at, method] = [rootOf(callee.object), propertyName(callee)]
    if (!at || method === undefined) return
    const binding = moduleBinding(at.name, scope)
    if (!binding) return
    const viaImport = binding.kind === "import" && binding.relative && arrayMutators.has(method) &&
      at.depth >= (binding.namespace ? 1 : 0)
    const own = binding.kind === "const" && mutators.has(method) && isFresh(binding.init) &&
      (binding.init.type !== "ObjectExpression" || at.depth > 0)
    const sticky = ["exec", "test"].includes(method) && /[gy]/.test(binding.init?.regex?.flags ?? "")
    if (viaImport || own || sticky) found.push(`module state: ${at.name} by ${method}`)
  }

  /** `inFunction`: the code runs when somebody calls, not while the module loads. */
  const visitAll = (nodes: ReadonlyArray<any>, scope: Scope, inFunction: boolean, parent: any) => {
    for (const node of nodes) visit(node, scope, inFunction, parent)
  }

  const visit = (node: any, scope: Scope, inFunction: boolean, parent: any): void => {
    if (node === null || node === undefined || typeof node.type !== "string") return
    const inner = unwrap(node)
    if (inner !== node) return visit(inner, scope, inFunction, parent)
    if (
      node.type.startsWith("TS") && !["TSEnumDeclaration", "TSModuleBlock", "TSModuleDeclaration"].includes(node.type)
    ) {
      return
    }
    if (node.declare) return

    switch (node.type) {
      case "ImportDeclaration":
      case "ExportAllDeclaration":
      case "MetaProperty":
      case "BreakStatement":
      case "ContinueStatement":
        return

      case "Identifier": {
        if (lookup(node.name, scope)) return
        if (forbidden.has(node.name) || node.name === "globalThis") found.push(node.name)
        const escapes = (parent?.type === "VariableDeclarator" && parent.init === node) ||
          (parent?.type === "AssignmentExpression" && parent.right === node) ||
          (parent?.type === "CallExpression" && parent.callee === node)
        if (escapes && ["Date", "Math"].includes(node.name)) found.push(node.name)
        return
      }

      case "MemberExpression": {
        const path = globalPath(node, scope)
        const name = path?.join(".") ?? ""
        if (path && (forbidden.has(path[0]!) || forbiddenMembers.has(name))) {
          found.push(name)
          return
        }
        if (path && unwrap(node.object).name === "globalThis") return
        visit(node.object, scope, inFunction, node)
        if (node.computed) visit(node.property, scope, inFunction, node)
        return
      }

      case "NewExpression": {
        const path = globalPath(node.callee, scope)?.join(".")
        if (path === "Date" && node.arguments.length === 0) found.push("new Date()")
        if (path !== "Date") visit(node.callee, scope, inFunction, node)
        visitAll(node.arguments, scope, inFunction, node)
        return
      }

      case "CallExpression": {
        if (inFunction) call(node, scope)
        const callee = unwrap(node.callee)
        const unsafe = callee.type === "MemberExpression" && !inFunction &&
          statefulModules.test(callee.object.name ?? "") && /^(empty|from|make)/.test(callee.property.name ?? "") &&
          (callee.object.name.startsWith("Mutable") || callee.property.name.endsWith("Unsafe"))
        if (unsafe) found.push(`module state: ${callee.object.name}.${callee.property.name}`)
        visit(node.callee, scope, inFunction, node)
        visitAll(node.arguments, scope, inFunction, node)
        return
      }

      case "AssignmentExpression":
        if (inFunction && unwrap(node.left).type === "MemberExpression") changes(node.left, scope, "assigned")
        break
      case "UpdateExpression":
        if (inFunction && unwrap(node.argument).type === "MemberExpression") changes(node.argument, scope, "assigned")
        break
      case "UnaryExpression":
        if (inFunction && node.operator === "delete") changes(node.argument, scope, "deleted from")
        break

      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
      case "AccessorProperty":
        if (node.computed) visit(node.key, scope, inFunction, node)
        visit(node.value, scope, inFunction || (node.type === "PropertyDefinition" && !node.static), node)
        return

      case "LabeledStatement":
        return visit(node.body, scope, inFunction, node)
      case "ExportSpecifier":
        return visit(node.local, scope, inFunction, node)
      case "ExportNamedDeclaration":
        if (node.source) return
        break

      case "VariableDeclaration":
        if (scope === moduleScope && !inFunction && node.kind !== "const" && parent?.type !== "ForStatement") {
          found.push(
            `module state: ${node.kind} ${node.declarations.flatMap((d: any) => patternNames(d.id)).join(", ")}`
          )
        }
        if (parent?.type === "ExportNamedDeclaration") {
          for (const d of node.declarations) {
            const annotation = d.id.typeAnnotation?.typeAnnotation?.typeName?.name ?? ""
            if (makesContainer(unwrap(d.init)) && !annotation.startsWith("Readonly")) {
              found.push(`module state: ${d.id.name} is exported to be changed (annotate it Readonly...)`)
            }
          }
        }
        break

      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression": {
        const inside: Scope = { names: new Map(), parent: scope }
        if (node.type === "FunctionExpression" && node.id) inside.names.set(node.id.name, { kind: "other" })
        for (const p of node.params) for (const name of patternNames(p)) inside.names.set(name, { kind: "other" })
        visitAll(node.params, inside, true, node)
        visit(node.body, inside, true, node)
        return
      }

      case "ClassExpression":
      case "CatchClause":
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
      case "SwitchStatement":
      case "BlockStatement":
      case "StaticBlock":
      case "TSModuleBlock": {
        const inside: Scope = { names: new Map(), parent: scope }
        if (node.id) inside.names.set(node.id.name, { kind: "other" })
        for (const name of patternNames(node.param)) inside.names.set(name, { kind: "other" })
        declare(inside.names, node.init ?? node.left)
        for (const c of node.cases ?? []) for (const s of c.consequent) declare(inside.names, s)
        if (Array.isArray(node.body)) { for (const s of node.body) declare(inside.names, s) }
        return children(node, inside, inFunction)
      }
    }
    children(node, scope, inFunction)
  }

  const children = (node: any, scope: Scope, inFunction: boolean): void => {
    for (const key in node) {
      if (key === "parent") continue
      const value = node[key]
      if (Array.isArray(value)) visitAll(value, scope, inFunction, node)
      else if (typeof value === "object") visit(value, scope, inFunction, node)
    }
  }

  for (const statement of module.program.body) declare(moduleScope.names, statement)
  visitAll(module.program.body, moduleScope, false, module.program)
  return found
}
