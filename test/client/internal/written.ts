/** Texts as people and programs write them: the same seed gives the same text. */

export interface Choice {
  readonly below: (limit: number) => number
  readonly one: <A>(of: ReadonlyArray<A>) => A
  readonly chance: (percent: number) => boolean
}

export const choiceOf = (seed: number): Choice => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { below, one: (of) => of[below(of.length)]!, chance: (percent) => below(100) < percent }
}

export type Value = string | number | boolean | ReadonlyArray<Value> | { readonly [key: string]: Value }

const words = ["npx", "-y", "https://example.com/mcp // no comment", "a, b", "# none", "{", "]", "\"", "\\", "ü\n", ""]

export const names = ["a", "b.c", "with space", "x-1", "Ünï", "q\"uote", "constructor"]

const scalar = (choice: Choice): Value => choice.one<Value>([choice.one(words), choice.below(9), choice.chance(50)])

export const value = (choice: Choice, depth: number): Value => {
  const kind = depth === 0 ? 0 : choice.below(4)
  if (kind < 2) return scalar(choice)
  if (kind === 2) return Array.from({ length: choice.below(4) }, () => value(choice, depth - 1))
  return object(choice, depth - 1)
}

export const object = (choice: Choice, depth: number): { readonly [key: string]: Value } => {
  const keys = names.filter(() => choice.chance(40))
  return Object.fromEntries(keys.map((key) => [key, value(choice, depth)]))
}

const isList = (value: Value): value is ReadonlyArray<Value> => Array.isArray(value)

/** With comments, blanks and commas wherever JSON with comments has them. */
export const asJson = (choice: Choice, root: Value): string => {
  const eol = choice.one(["\n", "\r\n"])
  const isWild = choice.chance(60)
  const unit = choice.one(["  ", "\t", "    "])
  const comment = () => choice.one([`// ${choice.below(99)}${eol}`, `/* ${choice.below(99)} */`, `/* a${eol} , } b */`])
  const gap = (): string =>
    !isWild || choice.chance(50) ? "" : choice.one([" ", "  ", eol, `${eol}${unit}`, ` ${comment()}`, comment()])
  const write = (value: Value, indent: string): string => {
    if (typeof value !== "object") return JSON.stringify(value)
    const [open, close] = isList(value) ? ["[", "]"] : ["{", "}"]
    const items = isList(value)
      ? value.map((item) => write(item, indent + unit))
      : Object.entries(value).map(([key, item]) =>
        `${JSON.stringify(key)}${gap()}:${choice.one([" ", ""])}${gap()}${write(item, indent + unit)}`
      )
    if (items.length === 0) return `${open}${close}`
    const isFlat = choice.chance(25)
    const lead = isFlat ? choice.one(["", " "]) : `${eol}${indent}${unit}`
    const end = choice.chance(20) ? `${gap()},` : ""
    const note = choice.chance(isWild ? 30 : 0) && !isFlat ? ` // ${choice.below(99)}` : ""
    return `${open}${gap()}${
      items.map((item, i) =>
        `${lead}${gap()}${item}${gap()}${i < items.length - 1 ? `,${note}` : `${end}${gap()}${note}`}`
      ).join("")
    }${isFlat ? choice.one(["", " "]) : `${eol}${indent}`}${gap()}${close}`
  }
  return `${gap()}${write(root, "")}${choice.one(["", eol])}`
}

export const jsonComments = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/"(?:\\.|[^"\\])*"|(\/\/[^\r\n]*|\/\*[^]*?\*\/)/g), ([, comment]) => comment ?? "").filter(
    (comment) => comment !== ""
  )

type Table = { readonly [key: string]: Value }

const isTable = (value: Value): value is Table => typeof value === "object" && !isList(value)

/** With servers in tables, behind dots and in braces, and comments wherever TOML has them. */
export const asToml = (choice: Choice, root: Table, section: string, servers: Table): string => {
  const eol = choice.one(["\n", "\r\n"])
  const key = (name: string): string =>
    /^[\w-]+$/.test(name) && choice.chance(80)
      ? name
      : /^[^'\n]*$/.test(name) && choice.chance(50)
      ? `'${name}'`
      : JSON.stringify(name)
  const dot = () => choice.one([".", ".", " . "])
  const note = () =>
    choice.chance(20) ? `${choice.one([" ", "   "])}# ${choice.below(99)}, ] }` : choice.chance(10) ? " " : ""
  const lines = () =>
    Array.from(
      { length: choice.chance(60) ? 0 : choice.below(3) },
      () => choice.one(["", `# ${choice.below(99)}`, "  "])
    )
  const inline = (value: Value): string => {
    if (isTable(value)) {
      const pairs = Object.entries(value).map(([name, value]) =>
        `${key(name)}${choice.one([" = ", "="])}${inline(value)}`
      )
      return pairs.length === 0 ? "{}" : choice.one([`{ ${pairs.join(", ")} }`, `{${pairs.join(" ,")}}`])
    }
    if (!isList(value)) {
      return typeof value === "string" && /^[^'\n]*$/.test(value) && choice.chance(30)
        ? `'${value}'`
        : JSON.stringify(value)
    }
    if (value.length === 0) return "[]"
    if (choice.chance(60)) return `[${value.map(inline).join(", ")}]`
    const end = choice.chance(50) ? "," : ""
    const items = value.map((item, i) => `  ${inline(item)}${i < value.length - 1 ? "," : end}${note()}`)
    return `[${note()}${eol}${items.join(eol)}${eol}${choice.one(["", "# last" + eol])}]`
  }
  const pairs = (table: Table, around: ReadonlyArray<string>): ReadonlyArray<string> =>
    Object.entries(table).flatMap(([name, value]) => {
      const path = [...around, name]
      if (isTable(value) && Object.keys(value).length > 0 && choice.chance(40)) return pairs(value, path)
      const indent = choice.chance(10) ? "  " : ""
      return [...lines(), `${indent}${path.map(key).join(dot())} = ${inline(value)}${note()}`]
    })
  const table = (path: ReadonlyArray<string>, value: Table): ReadonlyArray<string> => {
    const inner = Object.entries(value).filter(([, value]) => isTable(value) && choice.chance(50))
    const outer = Object.fromEntries(Object.entries(value).filter(([name]) => !inner.some(([other]) => other === name)))
    const header = `${choice.chance(10) ? "  " : ""}[${path.map(key).join(dot())}]${note()}`
    const own = Object.keys(outer).length === 0 && inner.length > 0 && choice.chance(50)
      ? []
      : [...lines(), header, ...pairs(outer, []), ...lines()]
    const below = inner.flatMap(([name, value]) => table([...path, name], value as Table))
    return [...own, ...below]
  }
  const other = (): ReadonlyArray<string> => choice.chance(30) ? [...lines(), "[[list]]", `x = ${choice.below(9)}`] : []
  const tables = Object.entries(servers).flatMap(([name, value]) => [
    ...isTable(value) && choice.chance(85) ? table([section, name], value) : [],
    ...other()
  ])
  const kind = choice.below(4)
  const written = kind === 0
    ? { before: [`${section} = ${inline(servers)}${note()}`], after: other() }
    : kind === 1
    ? { before: pairs(servers, [section]), after: other() }
    : kind === 2
    ? { before: [], after: [`[${section}]${note()}`, ...pairs(servers, []), ...other()] }
    : { before: [], after: tables }
  const all = [
    ...lines(),
    ...pairs(root, []),
    ...written.before,
    ...lines(),
    "[tail]",
    "z = 1",
    ...lines(),
    ...written.after,
    ...lines()
  ]
  return all.join(eol) + choice.one(["", eol])
}

export const tomlComments = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/"(?:\\.|[^"\\])*"|'[^']*'|(#[^\r\n]*)/g), ([, comment]) => comment ?? "").filter((
    comment
  ) => comment !== "")
