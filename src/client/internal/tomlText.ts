/**
 * TOML, read by `toml-eslint-parser`, which says of each key and value where it stands. What is said of a server may
 * stand in a table of its own, in several, behind dotted keys or in braces; an edit goes where its like is. What is
 * written keeps to TOML 1.0, which the hosts read: braces on one line, no comma at their end.
 */
import * as Result from "effect/Result"
import type { AST, parseTOML } from "toml-eslint-parser"
import * as commaList from "./commaList.ts"
import * as configTree from "./configTree.ts"

type Json = configTree.Json
type Key = configTree.Key
type Path = ReadonlyArray<Key>

/** A key and its value, wherever that is written. */
interface Pair {
  readonly node: AST.TOMLKeyValue
  readonly path: Path
  /** How much of the path the table around it says. */
  readonly base: number
  /** The braces around it. */
  readonly braces: AST.TOMLInlineTable | undefined
}

export const make = (parseText: typeof parseTOML): configTree.Language => {
  // NOTE: it says the wrong end of a number that a text ends with.
  const parse = (text: string): AST.TOMLProgram => parseText(`${text}\n`)

  const read: configTree.Language["read"] = (text) => {
    try {
      return Result.succeed(treeOf(parse(text)))
    } catch (error) {
      const { index, message } = error as { readonly index?: number; readonly message: string }
      return Result.fail({ offset: Math.min(index ?? 0, text.length), text: `this is no TOML: ${message}` })
    }
  }

  const put = (text: string, path: Path, value: Json): string => {
    const program = parse(text)
    const present = path.reduce(childOf, treeOf(program))
    if (present === undefined) return insert(text, path, value)
    if (present.kind === "object" && configTree.isObject(value)) {
      const gone = present.members.filter(({ key }) => !Object.hasOwn(value, key))
      // What is new first: it goes where the others are.
      const added = Object.entries(value).reduce((text, [key, value]) => put(text, [...path, key], value), text)
      const left = gone.reduce((text, { key }) => remove(text, [...path, key]), added)
      // Keys behind dots are a table only as long as there is one.
      return path.reduce(childOf, treeOf(parse(left))) === undefined ? insert(left, path, {}) : left
    }
    const node = contentAt(program, path)
    if (node?.type === "TOMLArray" && configTree.isArray(value)) {
      const surplus = node.elements.slice(value.length)
      const without = surplus.reduce((text) => remove(text, [...path, value.length]), text)
      return value.reduce<string>((text, item, i) => put(text, [...path, i], item), without)
    }
    if (configTree.isEqual(configTree.plain(present), value)) return text
    return node === undefined ? insert(remove(text, path), path, value) : replace(text, node, value)
  }

  /** Where the keys around it are: in their braces, below their header, or behind the same dots. */
  const insert = (text: string, path: Path, value: Json): string => {
    const program = parse(text)
    const parent = path.slice(0, -1)
    const key = path.at(-1)!
    const braces = contentAt(program, parent)
    if (braces?.type === "TOMLInlineTable") {
      if (braces.body.length === 0) return replace(text, braces, { [key]: value })
      return commaList.add(text, listOf(braces), flat, () => pair([key], value))
    }
    if (braces?.type === "TOMLArray") {
      if (braces.elements.length === 0) return replace(text, braces, [value])
      const layout = { ...flat, eol: configTree.lineBreakOf(text) }
      return commaList.add(text, listOf(braces), layout, () => write(value))
    }
    const tables = tablesOf(program)
    if (path.length <= 2 && configTree.isObject(value)) return addTable(text, tables, path, value)
    const table = tables.find(({ resolvedKey }) => isSame(resolvedKey, parent))
    if (table !== undefined) return addLine(text, table.body.at(-1) ?? table.key, [key], value)
    const dotted = pairsOf(program).findLast((pair) =>
      pair.braces === undefined && pair.base < parent.length && isBelow(pair.path, parent)
    )
    if (dotted !== undefined) return addLine(text, dotted.node, path.slice(dotted.base), value)
    const inner = tables.find(({ resolvedKey }) => isBelow(resolvedKey, parent))
    if (inner !== undefined) {
      const eol = configTree.lineBreakOf(text)
      const start = inner.range[0] - commaList.indentOf(text, inner.range[0]).length
      const content = `[${keys(parent)}]${eol}${pair([key], value)}${eol}${eol}`
      return commaList.splice(text, [{ offset: start, end: start, content }])
    }
    return parent.length === 0
      ? `${pair([key], value)}${configTree.lineBreakOf(text)}${text}`
      : insert(text, parent, { [key]: value })
  }

  /** Behind the tables beside it, or at the end. */
  const addTable = (
    text: string,
    tables: ReadonlyArray<AST.TOMLTable>,
    path: Path,
    value: { readonly [key: string]: Json }
  ): string => {
    const eol = configTree.lineBreakOf(text)
    const lines = [`[${keys(path)}]`, ...Object.entries(value).map(([key, value]) => pair([key], value))].join(eol)
    if (text.trim() === "") return `${text}${lines}${eol}`
    const beside = path.length === 1 ? undefined : tables.findLast(({ resolvedKey }) => resolvedKey[0] === path[0])
    const offset = beside === undefined ? text.trimEnd().length : endOfNotes(text, endOfTable(text, beside))
    return commaList.splice(text, [{ offset, end: offset, content: `${eol}${eol}${lines}` }])
  }

  const addLine = (text: string, before: AST.TOMLKeyValue | AST.TOMLKey, path: Path, value: Json): string => {
    const offset = endOfLine(text, before.range[1])
    const content = `${configTree.lineBreakOf(text)}${commaList.indentOf(text, before.range[0])}${pair(path, value)}`
    return commaList.splice(text, [{ offset, end: offset, content }])
  }

  const remove = (text: string, path: Path): string => {
    const program = parse(text)
    const table = tablesOf(program).find(({ resolvedKey }) => isBelow(resolvedKey, path))
    if (table !== undefined) return remove(cutTable(text, table), path)
    const pair = pairsOf(program).find((pair) => isBelow(pair.path, path))
    if (pair !== undefined) return remove(cutPair(text, pair), path)
    const around = typeof path.at(-1) === "number" ? contentAt(program, path.slice(0, -1)) : undefined
    const index = Number(path.at(-1))
    return around?.type === "TOMLArray" && index < around.elements.length
      ? commaList.cut(text, listOf(around), index, flat)
      : text
  }

  const rename = (text: string, path: ReadonlyArray<string>, name: string): string => {
    const program = parse(text)
    const index = path.length - 1
    const found = [
      ...tablesOf(program).filter(({ resolvedKey }) => isBelow(resolvedKey, path)).map(({ key }) => key.keys[index]!),
      ...pairsOf(program).filter(({ base, path: at }) => isBelow(at, path) && base <= index)
        .map(({ base, node }) => node.key.keys[index - base]!)
    ]
    return commaList.splice(text, found.map(({ range: [offset, end] }) => ({ offset, end, content: keys([name]) })))
  }

  return { read, put, remove, rename }
}

const flat: commaList.Layout = {
  eol: "\n",
  unit: undefined,
  space: " ",
  comment: (text) => /^#[^\r\n]*/.exec(text)?.[0]
}

const listOf = (node: AST.TOMLInlineTable | AST.TOMLArray): commaList.List => ({
  open: node.range[0] + 1,
  close: node.range[1] - 1,
  items: (node.type === "TOMLArray" ? node.elements : node.body).map(({ range: [offset, end] }) => ({ offset, end }))
})

const replace = (text: string, { range: [offset, end] }: AST.TOMLContentNode, value: Json): string =>
  commaList.splice(text, [{ offset, end, content: write(value) }])

const cutTable = (text: string, table: AST.TOMLTable): string => {
  const start = table.range[0] - commaList.indentOf(text, table.range[0]).length
  const end = endOfTable(text, table)
  const before = text.slice(0, start)
  const lead = /(\r\n|\n|\r)([ \t]*(\r\n|\n|\r))?$/.exec(before)?.[0].length ?? 0
  if (before.trim() !== "") return text.slice(0, start - lead) + text.slice(end)
  return before + text.slice(end + /^(\r\n|\n|\r)?([ \t]*(\r\n|\n|\r))?/.exec(text.slice(end))![0].length)
}

const cutPair = (text: string, { braces, node }: Pair): string => {
  if (braces !== undefined) return commaList.cut(text, listOf(braces), braces.body.indexOf(node), flat)
  const [offset, end] = node.range
  const start = offset - commaList.indentOf(text, offset).length
  const close = endOfLine(text, end)
  if (text.slice(end, close).trim() !== "") return text.slice(0, offset) + text.slice(end).trimStart()
  const lead = /(\r\n|\n|\r)$/.exec(text.slice(0, start))?.[0].length
  return lead === undefined
    ? text.slice(close).replace(/^(\r\n|\n|\r)/, "")
    : text.slice(0, start - lead) + text.slice(close)
}

const endOfLine = (text: string, offset: number): number => {
  const found = text.slice(offset).search(/[\r\n]/)
  return found === -1 ? text.length : offset + found
}

const endOfTable = (text: string, { body, key }: AST.TOMLTable): number =>
  endOfLine(text, body.at(-1)?.range[1] ?? key.range[1])

/** Comments right below a table are about it, unless the next table follows at once. */
const endOfNotes = (text: string, offset: number): number => {
  const notes = /^((\r\n|\n|\r)[ \t]*#[^\r\n]*)+/.exec(text.slice(offset))?.[0] ?? ""
  return /^(\r\n|\n|\r)[ \t]*\[/.test(text.slice(offset + notes.length)) ? offset : offset + notes.length
}

// ----------------------------------------------------------------------------
// reading
// ----------------------------------------------------------------------------

const tablesOf = (program: AST.TOMLProgram): ReadonlyArray<AST.TOMLTable> =>
  program.body[0].body.filter((node) => node.type === "TOMLTable")

const pairsOf = (program: AST.TOMLProgram): ReadonlyArray<Pair> => [
  ...pairsIn(program.body[0].body.filter((node) => node.type === "TOMLKeyValue"), [], undefined),
  ...tablesOf(program).flatMap(({ body, resolvedKey }) => pairsIn(body, resolvedKey, undefined))
]

const pairsIn = (
  nodes: ReadonlyArray<AST.TOMLKeyValue>,
  around: Path,
  braces: AST.TOMLInlineTable | undefined
): ReadonlyArray<Pair> =>
  nodes.flatMap((node) => {
    const path = [...around, ...node.key.keys.map(nameOf)]
    return [{ node, path, base: around.length, braces }, ...pairsBelow(node.value, path)]
  })

const pairsBelow = (node: AST.TOMLContentNode, path: Path): ReadonlyArray<Pair> =>
  node.type === "TOMLInlineTable"
    ? pairsIn(node.body, path, node)
    : node.type === "TOMLArray"
    ? node.elements.flatMap((element, i) => pairsBelow(element, [...path, i]))
    : []

const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string => key.type === "TOMLBare" ? key.name : key.value

const isBelow = (path: Path, parent: Path): boolean => parent.every((key, i) => path[i] === key)

const isSame = (a: Path, b: Path): boolean => a.length === b.length && isBelow(a, b)

const contentAt = (program: AST.TOMLProgram, path: Path): AST.TOMLContentNode | undefined => {
  const last = path.at(-1)
  if (typeof last !== "number") return pairsOf(program).findLast((pair) => isSame(pair.path, path))?.node.value
  const list = contentAt(program, path.slice(0, -1))
  return list?.type === "TOMLArray" ? list.elements[last] : undefined
}

/** As it is built: tables of one name come together from several places. */
type Building =
  | {
    readonly kind: "object"
    readonly offset: number
    readonly members: Array<{ key: string; offset: number; value: Building }>
  }
  | { readonly kind: "array"; readonly offset: number; readonly items: Array<Building> }
  | { readonly kind: "value"; readonly offset: number; readonly value: Json }

const treeOf = (program: AST.TOMLProgram): configTree.Tree => {
  const root: Building = { kind: "object", offset: 0, members: [] }
  for (const node of program.body[0].body) {
    if (node.type === "TOMLKeyValue") addPair(root, [], node)
    else {
      grow(root, node.resolvedKey, node.key.range[0], { kind: "object", offset: node.range[0], members: [] })
      for (const pair of node.body) addPair(root, node.resolvedKey, pair)
    }
  }
  return root
}

const addPair = (root: Building, around: Path, node: AST.TOMLKeyValue): void =>
  grow(root, [...around, ...node.key.keys.map(nameOf)], node.range[0], contentOf(node.value))

const contentOf = (node: AST.TOMLContentNode): Building => {
  const offset = node.range[0]
  if (node.type === "TOMLArray") return { kind: "array", offset, items: node.elements.map(contentOf) }
  if (node.type === "TOMLInlineTable") {
    const table: Building = { kind: "object", offset, members: [] }
    for (const pair of node.body) addPair(table, [], pair)
    return table
  }
  return { kind: "value", offset, value: "datetime" in node ? node.datetime : node.value }
}

const grow = (root: Building, path: Path, offset: number, leaf: Building): void => {
  let at = root
  for (const [i, key] of path.entries()) {
    const found = childOf(at, key) as Building | undefined
    const next = path[i + 1]
    const made: Building = found ?? (next === undefined
      ? leaf
      : typeof next === "number"
      ? { kind: "array", offset, items: [] }
      : { kind: "object", offset, members: [] })
    if (found === undefined && at.kind === "object") at.members.push({ key: String(key), offset, value: made })
    if (found === undefined && at.kind === "array") at.items.push(made)
    at = made
  }
}

const childOf = (tree: configTree.Tree | undefined, key: Key): configTree.Tree | undefined =>
  tree?.kind === "array" ? tree.items[Number(key)] : configTree.member(tree, String(key))?.value

// ----------------------------------------------------------------------------
// writing
// ----------------------------------------------------------------------------

const pair = (path: Path, value: Json): string => `${keys(path)} = ${write(value)}`

const keys = (path: Path): string =>
  path.map((key) => /^[A-Za-z0-9_-]+$/.test(String(key)) ? String(key) : quote(String(key))).join(".")

const write = (value: Json): string => {
  if (configTree.isArray(value)) return `[${value.map(write).join(", ")}]`
  if (typeof value === "string") return quote(value)
  if (!configTree.isObject(value)) return number(value)
  const pairs = Object.entries(value).map(([key, value]) => pair([key], value))
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`
}

const number = (value: number | boolean | null): string =>
  value === Infinity ? "inf" : value === -Infinity ? "-inf" : Number.isNaN(value) ? "nan" : String(value)

/** JSON's escapes are TOML's, which wants one more character escaped. */
const quote = (text: string): string => JSON.stringify(text).replaceAll("\u007f", "\\u007f")
