/**
 * What a host's file holds, with the place of each value: the same for JSON with comments and for TOML, so that all that
 * is said of servers is said once. Keys are a list, not an object, so that a name used twice or `__proto__` is seen.
 */
import type * as Result from "effect/Result"

export type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json }

export type Key = string | number

export interface Member {
  readonly key: string
  /** Of the key. */
  readonly offset: number
  readonly value: Tree
}

export type Tree =
  | { readonly kind: "object"; readonly offset: number; readonly members: ReadonlyArray<Member> }
  | { readonly kind: "array"; readonly offset: number; readonly items: ReadonlyArray<Tree> }
  | { readonly kind: "value"; readonly offset: number; readonly value: Json }

/** Why a text cannot be read at all. */
export interface Fault {
  readonly offset: number
  readonly text: string
}

/** One way of writing such a tree. What takes a text besides `read` takes one that `read` accepts. */
export interface Language {
  /** Undefined for a text without any value. */
  readonly read: (text: string) => Result.Result<Tree | undefined, Fault>
  /** Makes the value at `path` this one by editing what differs in it, and nothing else. */
  readonly put: (text: string, path: ReadonlyArray<Key>, value: Json) => string
  /** Takes what is at `path` out, as often as it is there. */
  readonly remove: (text: string, path: ReadonlyArray<Key>) => string
  readonly rename: (text: string, path: ReadonlyArray<string>, name: string) => string
}

/** The last one counts where a key is used twice, as in every parser. */
export const member = (tree: Tree | undefined, key: string): Member | undefined =>
  tree?.kind === "object" ? tree.members.findLast((member) => member.key === key) : undefined

export const at = (tree: Tree | undefined, path: ReadonlyArray<string>): Tree | undefined =>
  path.reduce<Tree | undefined>((tree, key) => member(tree, key)?.value, tree)

export const plain = (tree: Tree): Json => {
  switch (tree.kind) {
    case "object":
      // `fromEntries` defines keys, so that `__proto__` is one like others.
      return Object.fromEntries(tree.members.map(({ key, value }) => [key, plain(value)]))
    case "array":
      return tree.items.map(plain)
    case "value":
      return tree.value
  }
}

/** The tree of a value that stands in no text. */
export const of = (value: Json): Tree => {
  if (isArray(value)) return { kind: "array", offset: 0, items: value.map(of) }
  if (!isObject(value)) return { kind: "value", offset: 0, value }
  return {
    kind: "object",
    offset: 0,
    members: Object.entries(value).map(([key, value]) => ({ key, offset: 0, value: of(value) }))
  }
}

export const isArray = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)

export const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isEqual = (a: Json, b: Json): boolean => {
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, i) => isEqual(item, b[i]!))
  if (!isObject(a) || !isObject(b)) return Object.is(a, b)
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key]!, b[key]!))
}

export interface Position {
  readonly line: number
  readonly column: number
}

/** Line and column, both from 1, of the places in a text with line breaks of any kind. */
export const positions = (text: string): (offset: number) => Position => {
  let starts: ReadonlyArray<number> | undefined
  return (offset) => {
    starts ??= [0, ...Array.from(text.matchAll(/\r\n|\n|\r/g), ({ 0: eol, index }) => index + eol.length)]
    let [line, end] = [0, starts.length]
    while (end - line > 1) {
      const middle = (line + end) >> 1
      if (starts[middle]! <= offset) line = middle
      else end = middle
    }
    return { line: line + 1, column: offset - starts[line]! + 1 }
  }
}

export const lineBreakOf = (text: string): string => /\r\n|\n|\r/.exec(text)?.[0] ?? "\n"
