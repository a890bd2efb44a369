/**
 * Writes `docs/reference/parity.md` from `rows.ts` and `weaknesses.ts`:
 * `node --conditions=fastmcp-effect/source test/parity/generate.ts`
 */
import * as Fs from "node:fs"
import { table } from "../support/markdown.ts"
import { areas, type Row, rows, statuses } from "./rows.ts"
import { type Weakness, weaknesses } from "./weaknesses.ts"

export const page = new URL("../../docs/reference/parity.md", import.meta.url)

const meaning: Readonly<Record<Row["status"], string>> = {
  done: "ours, and the named test shows it over a real transport",
  planned: "ours, in the named module, not proven yet",
  effect: "Effect has it",
  refused: "left out, for the reason given"
}

const code = (names: string): string => names.split(", ").map((name) => `\`${name}\``).join(", ")

const answer = (row: Row): string => {
  if (row.status === "refused") return row.reason
  const ours = row.status === "done" ? `${code(row.ours)}, shown by \`${row.test}\`` : code(row.ours)
  return row.note === undefined ? ours : `${ours}; ${row.note}`
}

export const counts = (of: ReadonlyArray<Row>): ReadonlyArray<readonly [Row["status"], number]> =>
  statuses.map((status) => [status, of.filter((row) => row.status === status).length] as const)

export const render = (of: ReadonlyArray<Row>, faults: ReadonlyArray<Weakness>): string =>
  [
    "# Parity with FastMCP for Rust",
    "Every feature and every public name of FastMCP for Rust, as of its 0.1.0 state of January 2026, with what stands "
    + "for it here. The page is written by `test/parity/generate.ts` from `test/parity/rows.ts` and "
    + "`test/parity/weaknesses.ts`: change those, not the page.",
    table(
      ["Status", "Rows", "Meaning"],
      [
        ...counts(of).map(([status, count]) => [status, String(count), meaning[status]]),
        ["all", String(of.length), ""]
      ]
    ),
    ...Object.values(areas).flatMap((area) => [
      `## ${area}`,
      table(
        ["Id", "The original", "Status", "Ours, or the reason"],
        of.filter((row) => row.area === area).map((row) => [row.id, row.original, row.status, answer(row)])
      )
    ]),
    "## What it got most wrong",
    "Of the twenty weaknesses of the original that mattered most, those about parts that are written here. The others "
    + "come with proxies and command line.",
    table(
      ["No.", "The original", "Here", "Shown by"],
      faults.map(({ original, ours, row, tests }) => [
        String(row),
        original,
        ours,
        tests.map((test) => `\`${test}\``).join("; ")
      ])
    )
  ].join("\n\n") + "\n"

export const write = (): void => {
  Fs.mkdirSync(new URL("./", page), { recursive: true })
  Fs.writeFileSync(page, render(rows, weaknesses))
}

if (import.meta.main) write()
