/**
 * The YAML at the head of a `SKILL.md`: how it is found, read, checked against the Agent Skills specification, and
 * written.
 */
import * as Yaml from "effect/encoding/Yaml"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as place from "./place.ts"

type Json = Schema.Json

type JsonObject = Schema.JsonObject

const head = /^\uFEFF?---[ \t]*\r?\n(?<yaml>(?:[^]*?\r?\n)??)---[ \t]*(?:\r?\n|$)/u

/** What follows it, from the first line that is not blank. */
export const body = (markdown: string): string => markdown.replace(head, "").replace(/^(?:[ \t]*\r?\n)+/u, "")

/** The frontmatter as JSON, or what is wrong with it. */
export const parse = (markdown: string): Result.Result<JsonObject, ReadonlyArray<string>> => {
  const yaml = head.exec(markdown)?.groups?.yaml
  if (yaml === undefined) return Result.fail(["the file does not begin with a block of YAML between two lines of ---"])
  try {
    // With the line of --- in front, faults are in the lines that the file has.
    const value = json(Yaml.parse(`\n${yaml}`), { left: maxValues })
    return isObject(value) ? Result.succeed(value) : Result.fail(["it is not a mapping"])
  } catch (error) {
    return Result.fail([(error as Error).message])
  }
}

/** Flow style in double quotes, which YAML of every version reads in one way. */
export const render = (frontmatter: JsonObject): string => {
  const lines = Object.entries(frontmatter)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${plainKeys.has(key) ? key : quoted(key)}: ${quoted(value)}\n`)
  return `---\n${lines.join("")}---\n`
}

const plainKeys = new Set(["name", "description", "license", "compatibility", "metadata", "allowed-tools"])

/** What the specification has against it. */
export const check = (frontmatter: JsonObject): ReadonlyArray<string> => [
  ...field(frontmatter, "name", (name) =>
    typeof name === "string" && place.isName(name)
      ? undefined
      : `is 1 to 64 characters out of a-z, 0-9 and single hyphens between them, not ${quoted(name)}`),
  ...field(frontmatter, "description", (text) => isText(text, 1024) ? undefined : "is a text of 1 to 1024 characters"),
  ...optional(frontmatter, "license", (text) => typeof text === "string" ? undefined : "is a text"),
  ...optional(
    frontmatter,
    "compatibility",
    (text) => isText(text, 500) ? undefined : "is a text of 1 to 500 characters"
  ),
  ...optional(frontmatter, "metadata", (value) => isObject(value) ? undefined : "is a mapping"),
  ...optional(
    frontmatter,
    "allowed-tools",
    (tools) =>
      typeof tools === "string" || Array.isArray(tools) && tools.every((tool) => typeof tool === "string")
        ? undefined
        : "is a text or a list of texts"
  )
]

type Problem = (value: Json) => string | undefined

const field = (frontmatter: JsonObject, key: string, problem: Problem): ReadonlyArray<string> =>
  Object.hasOwn(frontmatter, key) ? optional(frontmatter, key, problem) : [`${key} is missing`]

const optional = (frontmatter: JsonObject, key: string, problem: Problem): ReadonlyArray<string> => {
  const found = Object.hasOwn(frontmatter, key) ? problem(frontmatter[key]!) : undefined
  return found === undefined ? [] : [`${key} ${found}`]
}

const isText = (value: Json, maximum: number): boolean =>
  typeof value === "string" && value.trim() !== "" && Array.from(value).length <= maximum

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** JSON, with what some readers of YAML take for a line's end or do not take at all as an escape. */
const quoted = (value: Json): string =>
  JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

/** An alias costs a few characters however much it stands for. */
const maxValues = 10_000

/** Only what JSON can say, copied, so that aliases count as often as they are used. */
const json = (value: unknown, budget: { left: number }): Json => {
  if (--budget.left < 0) throw new Error(`it has more than ${maxValues} values`)
  if (Array.isArray(value)) return value.map((item) => json(item, budget))
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, json(item, budget)]))
  }
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`JSON has no ${value}`)
  return value as Json
}
