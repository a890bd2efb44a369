/** The part of `docs/explain/cancellation.md` that is made of what the cells were seen to come to. */
import * as Fs from "node:fs"
import { table } from "../../support/markdown.ts"
import * as wires from "../wires.ts"
import type { Observation } from "./prove.ts"
import { type Cause, causes, names } from "./row.ts"
import { rows } from "./rows.ts"

const page = new URL("../../../docs/explain/cancellation.md", import.meta.url)
const begin = "<!-- Written by npm run generate from what test/server/cancellation saw. -->\n"
const end = "\n<!-- The end of what is generated. -->"

/** What was seen in a cell, as it is told to be there. */
export type Seen = (title: string, era: wires.Era, cause: Cause) => Observation

/** The page before, within and after the marks. */
const parts = (): readonly [before: string, part: string, after: string] => {
  const text = Fs.readFileSync(page, "utf8")
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  if (from < begin.length || to < from) throw new Error("the page has lost its marks")
  return [text.slice(0, from), text.slice(from, to), text.slice(to)]
}

export const read = (): string => parts()[1]

export const write = (part: string): void => {
  const [before, , after] = parts()
  Fs.writeFileSync(page, before + part + after)
}

const describe = ({ cut, finalizers, outcome, reply, sent }: Observation): ReadonlyArray<string> => [
  outcome === "Ok" ? "goes on, `Ok`" : `\`${outcome}\``,
  reply,
  finalizers.join(", "),
  sent ? "sent" : "dropped",
  cut === undefined ? "-" : `${cut / 1000} s`
]

/** A line for each era, or one for both where they say the same. */
const byEra = (of: (era: wires.Era) => ReadonlyArray<string> | undefined): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = wires.eras.map((era) => [era.toLowerCase(), of(era)] as const)
  const [[, first], ...others] = lines as [typeof lines[number], ...typeof lines]
  return first !== undefined && others.every(([, other]) => other?.join() === first.join())
    ? [["both", ...first]]
    : lines.flatMap(([era, line]) => line === undefined ? [] : [[era, ...line]])
}

const lines = (of: (row: typeof rows[number], era: wires.Era, cause: Cause) => ReadonlyArray<string> | undefined) =>
  rows.flatMap((row) =>
    names.flatMap((cause) =>
      byEra((era) => of(row, era, cause)).map(([era, ...line]) => [row.title, cause, era!, ...line])
    )
  )

export const render = (seen: Seen): string =>
  [
    "",
    table(["cause", "what happens"], names.map((name) => [name, causes[name]])),
    "What it comes to:",
    table(
      [
        "transport",
        "cause",
        "era",
        "the handler",
        "reply",
        "finalizers",
        "what they send",
        "one that hangs is cut after"
      ],
      lines(({ cells, title }, era, cause) =>
        typeof cells[era][cause] === "string" ? undefined : describe(seen(title, era, cause))
      )
    ),
    "And why the others do not exist:",
    table(
      ["transport", "cause", "era", "since"],
      lines(({ cells }, era, cause) => {
        const cell = cells[era][cause]
        return typeof cell === "string" ? [cell] : undefined
      })
    )
  ].join("\n\n").slice(1) + "\n"
