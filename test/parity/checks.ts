/**
 * What must hold for the rows, as lists of complaints: an empty list is good. Apart from the test so that the test can
 * also show that each check notices what it is for.
 */
import * as Fs from "node:fs"
import { areas, type Row } from "./rows.ts"
import type { Weakness } from "./weaknesses.ts"

const root = new URL("../../", import.meta.url)

const numbered: ReadonlyArray<readonly [prefix: string, last: number]> = [
  ["C", 38],
  ["P", 40],
  ["T", 34],
  ["S", 46],
  ["A", 37],
  ["B", 7],
  ["K", 7],
  ["D", 17],
  ["L", 24],
  ["O", 13],
  ["M", 10],
  ["X", 8],
  ["Q", 10]
]

const named: Readonly<Record<string, string>> = {
  prelude: "AccessToken AuthContext Client Content JsonSchema McpContext McpError McpOutcome McpResult Outcome " +
    "OutcomeExt Prompt PromptArgument PromptMessage ProxyBackend ProxyCatalog ProxyClient Resource ResourceContent " +
    "ResultExt Role Server StaticTokenVerifier TokenAuthProvider TokenVerifier Tool cancelled err ok",
  macro: "tool resource prompt",
  module:
    "caching docket event_store http logging mcp_config memory oauth oidc prelude rate_limiting testing transform",
  name: "ArgTransform Budget Docket EventStore FilesystemProvider JwtTokenVerifier LabConfig LabRuntime " +
    "SharedTaskManager TaskManager TestClient TestServer TransformedTool"
}

/** The ids of the original's features. */
export const featureIds: ReadonlyArray<string> = numbered.flatMap(([prefix, last]) =>
  Array.from({ length: last }, (_, i) => `${prefix}${String(i + 1).padStart(2, "0")}`)
)

/** The ids of the original's public names. */
export const nameIds: ReadonlyArray<string> = Object.entries(named).flatMap(([prefix, names]) =>
  names.split(" ").map((name) => `${prefix}.${name}`)
)

/** Every id that must be there, once, and no other. */
export const wrongIds = (rows: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const seen = new Map<string, number>()
  for (const row of rows) seen.set(row.id, (seen.get(row.id) ?? 0) + 1)
  const expected = new Set([...featureIds, ...nameIds])
  return [
    ...[...expected].filter((id) => !seen.has(id)).map((id) => `${id}: missing`),
    ...[...seen].filter(([, count]) => count > 1).map(([id, count]) => `${id}: ${count} times`),
    ...[...seen.keys()].filter((id) => !expected.has(id)).map((id) => `${id}: not an id of the list`)
  ]
}

/** Rows whose text is empty, whose area is unknown, or whose refusal gives no real reason. */
export const wrongTexts = (rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  rows.flatMap((row) => [
    ...(row.original.trim() === "" ? [`${row.id}: says nothing of the original`] : []),
    ...(Object.values(areas).includes(row.area) ? [] : [`${row.id}: unknown area`]),
    ...(row.status === "refused" && row.reason.trim().length < 20 ? [`${row.id}: no reason of 20 characters`] : [])
  ])

const folders = (
  "core protocol telemetry session transport context definition transform middleware server oauth auth client docket " +
  "tasks skills provider console testing node cli"
).split(" ")

const ourName = /^(?:index|test\/[a-z]+|([a-z]+)(?:\/\w+)*(?:\.(\w+))?)$/

/** Names of ours that no folder of `src` could hold; in a done row also those that are not written. */
export const wrongModules = (rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  rows.flatMap((row) =>
    row.status !== "planned" && row.status !== "done" ? [] : row.ours.split(", ").flatMap((name) => {
      const match = ourName.exec(name)
      const [, folder, member] = match ?? []
      if (match === null || (folder !== undefined && !folders.includes(folder))) {
        return [`${row.id}: ${name} is no module of ours`]
      }
      if (row.status === "planned") return []
      const path = name.startsWith("test/") ? name : `src/${name.split(".")[0]}.ts`
      const file = new URL(path, root)
      if (!Fs.existsSync(file)) return [`${row.id}: ${path} does not exist`]
      const exported = member === undefined
        || new RegExp(`^export .*\\b${member}\\b`, "m").test(Fs.readFileSync(file, "utf8"))
      return exported ? [] : [`${row.id}: ${path} does not export ${member}`]
    })
  )

/** Names that Effect does not export. */
export const wrongEffectNames = async (rows: ReadonlyArray<Row>): Promise<ReadonlyArray<string>> => {
  const wrong: Array<string> = []
  for (const row of rows) {
    if (row.status !== "effect") continue
    for (const name of row.ours.split(", ")) {
      const match = /^((?:effect|@effect\/[a-z-]+)(?:\/[A-Za-z-]+)+)(?:\.([A-Za-z]+))?$/.exec(name)
      const module: Record<string, unknown> = match === null ? {} : await import(match[1]!).catch(() => ({}))
      const found = match?.[2] === undefined ? Object.keys(module).length > 0 : match[2] in module
      if (!found) wrong.push(`${row.id}: ${name} is not in Effect`)
    }
  }
  return wrong
}

/** The names of the tests that a file runs: the quoted first argument of any call, skipped ones and comments aside. */
export const testNames = (source: string): ReadonlySet<string> => {
  const text = source.split("\n").filter((line) => !/^\s*(\/\/|\/?\*)/.test(line)).join("\n")
  const names = new Set<string>()
  for (const match of text.matchAll(/([\w.)\]>]+)\(\s*(["'`])((?:\\.|(?!\2)[^\\])*)\2/g)) {
    if (!/\b(?:skip|todo|fails|describe)\b/.test(match[1]!)) names.add(match[3]!.replace(/\\(.)/g, "$1"))
  }
  return names
}

const readFile = (path: string): string | undefined => {
  const file = new URL(path, root)
  return Fs.existsSync(file) ? Fs.readFileSync(file, "utf8") : undefined
}

/** What is wrong with a "test/<file>.test.ts::<test name>". */
const wrongTest = (test: string, read: (path: string) => string | undefined): string | undefined => {
  const match = /^(test\/[\w./-]+\.test\.ts)::(.+)$/.exec(test)
  if (match === null) return `"${test}" is not "test/<file>.test.ts::<test name>"`
  const source = read(match[1]!)
  if (source === undefined) return `${match[1]} does not exist`
  return testNames(source).has(match[2]!) ? undefined : `${match[1]} has no test "${match[2]}"`
}

/** Done rows whose test is not there. */
export const wrongTests = (rows: ReadonlyArray<Row>, read = readFile): ReadonlyArray<string> =>
  rows.flatMap((row) => {
    const wrong = row.status === "done" ? wrongTest(row.test, read) : undefined
    return wrong === undefined ? [] : [`${row.id}: ${wrong}`]
  })

/** Weaknesses that are missing or there twice, that say nothing, or whose tests are not there. */
export const wrongWeaknesses = (
  weaknesses: ReadonlyArray<Weakness>,
  due: ReadonlyArray<number>,
  read = readFile
): ReadonlyArray<string> => [
  ...due.filter((row) => weaknesses.every((weakness) => weakness.row !== row)).map((row) => `${row}: missing`),
  ...weaknesses.flatMap(({ original, ours, row, tests }, index) => [
    ...(due.includes(row) ? [] : [`${row}: not a row of the list`]),
    ...(weaknesses.findIndex((other) => other.row === row) === index ? [] : [`${row}: there before`]),
    ...(original.trim() === "" || ours.trim() === "" ? [`${row}: says nothing`] : []),
    ...tests.flatMap((test) => {
      const wrong = wrongTest(test, read)
      return wrong === undefined ? [] : [`${row}: ${wrong}`]
    })
  ])
]
