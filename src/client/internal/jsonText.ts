/**
 * JSON with comments, read by `jsonc-parser`. Where an edit goes is decided here: its own `modify` takes the comments
 * around a removed property with it, and writes a new one before the comment on the line above.
 */
import * as Result from "effect/Result"
import type * as Jsonc from "jsonc-parser"
import * as commaList from "./commaList.ts"
import * as configTree from "./configTree.ts"

type Json = configTree.Json
type Path = ReadonlyArray<configTree.Key>

type Node = Jsonc.Node

export const make = (jsonc: typeof Jsonc): configTree.Language => {
  const read: configTree.Language["read"] = (text) => {
    const errors: Array<Jsonc.ParseError> = []
    try {
      const root = jsonc.parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true })
      const [error] = errors
      if (error !== undefined) return Result.fail({ offset: error.offset, text: describe(jsonc, error) })
      return Result.succeed(root === undefined ? undefined : treeOf(root))
    } catch {
      // It reads by recursion.
      return Result.fail({ offset: 0, text: "it is nested too deeply" })
    }
  }

  const rootOf = (text: string): Node | undefined =>
    jsonc.parseTree(text, [], { allowTrailingComma: true, allowEmptyContent: true })

  const find = (root: Node | undefined, path: Path): Node | undefined =>
    path.reduce<Node | undefined>((node, key) => childAt(node, key), root)

  const put = (text: string, path: Path, value: Json): string => {
    const root = rootOf(text)
    if (root === undefined) {
      const eol = configTree.lineBreakOf(text)
      return put(`${text}${text === "" || /[\r\n]$/.test(text) ? "" : eol}{}${eol}`, path, value)
    }
    const node = find(root, path)
    if (node === undefined) {
      const known = path.findLastIndex((_, i) => find(root, path.slice(0, i)) !== undefined)
      const rest = path.slice(known + 1).reduceRight<Json>((inner, key) => ({ [key]: inner }), value)
      const parent = find(root, path.slice(0, known))!
      // A section that says `null` is one without servers.
      return parent.type === "object" || parent.type === "array"
        ? append(text, root, parent, path[known]!, rest)
        : replace(text, root, parent, { [path[known]!]: rest })
    }
    if (node.type === "object" && configTree.isObject(value)) {
      const gone = node.children!.map(keyOf).filter((key) => !Object.hasOwn(value, key))
      const without = gone.reduce((text, key) => remove(text, [...path, key]), text)
      return Object.entries(value).reduce((text, [key, value]) => put(text, [...path, key], value), without)
    }
    if (node.type === "array" && configTree.isArray(value)) {
      const surplus = node.children!.slice(value.length)
      const without = surplus.reduce((text) => remove(text, [...path, value.length]), text)
      return value.reduce<string>((text, item, i) => put(text, [...path, i], item), without)
    }
    return configTree.isEqual(configTree.plain(treeOf(node)), value) ? text : replace(text, root, node, value)
  }

  const replace = (text: string, root: Node, node: Node, value: Json): string => {
    const { eol, space, unit } = layoutOf(text, root)
    const content = write(value, {
      eol,
      indent: unit === undefined ? undefined : commaList.indentOf(text, node.offset),
      space,
      unit
    })
    return commaList.splice(text, [{ offset: node.offset, end: endOf(node), content }])
  }

  const append = (text: string, root: Node, parent: Node, key: configTree.Key, value: Json): string => {
    const layout = layoutOf(text, root)
    return commaList.add(text, listOf(parent), layout, (indent) => {
      const written = write(value, { ...layout, indent })
      return parent.type === "array" ? written : `${JSON.stringify(String(key))}:${layout.space}${written}`
    })
  }

  const remove = (text: string, path: Path): string => {
    const key = path.at(-1)!
    const parent = find(rootOf(text), path.slice(0, -1))
    const children = parent?.children ?? []
    const index = parent?.type === "array" ? Number(key) : children.findLastIndex((child) => keyOf(child) === key)
    if (parent === undefined || children[index] === undefined) return text
    const removed = commaList.cut(text, listOf(parent), index, { comment })
    return parent.type === "array" ? removed : remove(removed, path)
  }

  const rename = (text: string, path: ReadonlyArray<string>, name: string): string => {
    const parent = find(rootOf(text), path.slice(0, -1))
    const keys = (parent?.children ?? []).filter((child) => keyOf(child) === path.at(-1)).map(({ children }) =>
      children![0]!
    )
    const content = JSON.stringify(name)
    return commaList.splice(text, keys.map((key) => ({ offset: key.offset, end: endOf(key), content })))
  }

  return { read, put, remove, rename }
}

const endOf = ({ length, offset }: Node): number => offset + length

const keyOf = (property: Node): string => property.children![0]!.value

const childAt = (node: Node | undefined, key: configTree.Key): Node | undefined =>
  node?.type === "array"
    ? node.children![Number(key)]
    : node?.type === "object"
    ? node.children!.findLast((property) => keyOf(property) === key)?.children![1]
    : undefined

const treeOf = (node: Node): configTree.Tree => {
  const { offset } = node
  switch (node.type) {
    case "object":
      return {
        kind: "object",
        offset,
        members: node.children!.map((property) => {
          const [key, value] = property.children!
          return { key: key!.value, offset: key!.offset, value: treeOf(value!) }
        })
      }
    case "array":
      return { kind: "array", offset, items: node.children!.map(treeOf) }
    default:
      return { kind: "value", offset, value: node.value }
  }
}

const listOf = (node: Node): commaList.List => ({
  open: node.offset + 1,
  close: endOf(node) - 1,
  items: node.children!.map((child) => ({ offset: child.offset, end: endOf(child) }))
})

const comment = (text: string): string | undefined => /^(\/\/[^\r\n]*|\/\*[^]*?\*\/)/.exec(text)?.[0]

/** As the file is written: its line ends, what its first key is indented by, and what stands after that key's colon. */
const layoutOf = (text: string, root: Node): commaList.Layout => {
  const [key, value] = root.children?.[0]?.children ?? []
  const isFlat = key !== undefined && !/[\r\n]/.test(text.slice(root.offset, endOf(root)))
  const indent = key === undefined ? "" : commaList.indentOf(text, key.offset)
  const isDense = key !== undefined && value !== undefined && value.offset === endOf(key) + 1
  return {
    eol: configTree.lineBreakOf(text),
    unit: isFlat ? undefined : indent === "" ? "  " : indent,
    space: isDense ? "" : " ",
    comment
  }
}

interface Style extends Pick<commaList.Layout, "eol" | "unit" | "space"> {
  /** Of the line the value begins on; undefined to write it on one line. */
  readonly indent: string | undefined
}

const write = (value: Json, { eol, indent, space, unit }: Style): string => {
  if (indent !== undefined && unit !== undefined) {
    return JSON.stringify(value, null, unit).replaceAll("\n", eol + indent)
  }
  const flat = (value: Json): string =>
    configTree.isArray(value)
      ? `[${value.map(flat).join(`,${space}`)}]`
      : configTree.isObject(value)
      ? `{${
        Object.entries(value).map(([key, value]) => `${JSON.stringify(key)}:${space}${flat(value)}`).join(`,${space}`)
      }}`
      : JSON.stringify(value)
  return flat(value)
}

const describe = (jsonc: typeof Jsonc, error: Jsonc.ParseError): string => {
  const name = jsonc.printParseErrorCode(error.error)
  return sentences[name] ?? `this is no JSON (${name})`
}

const sentences: { readonly [code: string]: string } = {
  InvalidSymbol: "this is no JSON: write true, false, null, a number, or a text in double quotes",
  InvalidNumberFormat: "this number is not written as JSON writes numbers",
  PropertyNameExpected: "a name in double quotes is expected here",
  ValueExpected: "a value is expected here",
  ColonExpected: "a colon is expected here",
  CommaExpected: "a comma is expected here",
  CloseBraceExpected: "a } is missing",
  CloseBracketExpected: "a ] is missing",
  EndOfFileExpected: "the file should end here",
  InvalidCommentToken: "a comment is not allowed here",
  UnexpectedEndOfComment: "this comment does not end",
  UnexpectedEndOfString: "this text in quotes does not end on its line",
  UnexpectedEndOfNumber: "this number does not end",
  InvalidUnicode: "this is no Unicode escape; write \\u and four digits",
  InvalidEscapeCharacter: "this escape is unknown; a backslash is written \\\\, also in Windows paths",
  InvalidCharacter: "this character has to be escaped in a text"
}
