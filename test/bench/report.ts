/** Medians over rounds, ratios, and the same tables as text, Markdown and JSON. */
import { availableParallelism } from "node:os"
import { type Figures, type Load, type Memory, oneAtATime, type Throughput } from "./drive/driver.ts"
import type { LargeFigures } from "./drive/large.ts"
import type { Kind } from "./peers.ts"

export interface Cold {
  readonly ms: number
}

export interface Row<F> {
  readonly name: string
  readonly kind: Kind
  readonly rounds: Array<F>
  /** Why there are no figures: the peer is not there, does not offer this, or gave a wrong answer. */
  out?: { readonly state: "skipped" | "not offered" | "failed"; readonly reason: string }
}

export type Section =
  | { readonly table: "load" | "features"; readonly title: string; readonly rows: ReadonlyArray<Row<Figures>> }
  | { readonly table: "large"; readonly title: string; readonly rows: ReadonlyArray<Row<LargeFigures>> }
  | { readonly table: "cold"; readonly title: string; readonly rows: ReadonlyArray<Row<Cold>> }
  | { readonly table: "memory"; readonly title: string; readonly rows: ReadonlyArray<Row<Memory>> }

export interface Setting extends Load {
  readonly rounds: number
  /** Of the large loads. */
  readonly large: Load
  readonly coldRuns: number
  readonly quick: boolean
  readonly versions: Readonly<Record<string, string>>
}

const middle = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

type Figure<F> = (figures: F) => number

const median = <F>(row: Row<F>, of: Figure<F>): number => middle(row.rounds.map(of))

/** How far the rounds lie apart, against their median. */
const spread = <F>(row: Row<F>, of: Figure<F>): number => {
  const values = row.rounds.map(of)
  return (Math.max(...values) - Math.min(...values)) / middle(values)
}

const measured = <F>(rows: ReadonlyArray<Row<F>>): ReadonlyArray<Row<F>> => rows.filter((row) => row.out === undefined)

const ofKind = <F>(rows: ReadonlyArray<Row<F>>, kind: Kind, of: Figure<F>): ReadonlyArray<number> =>
  measured(rows).filter((row) => row.kind === kind).map((row) => median(row, of))

interface Column<F> {
  readonly head: string
  readonly cell: (row: Row<F>) => string
}

const count = (value: number) => Math.round(value).toLocaleString("en-US")
const ratio = (value: number | undefined, to: number | undefined) => {
  const of = (value ?? NaN) / (to ?? NaN)
  return Number.isFinite(of) && of > 0 ? of.toFixed(2) : "-"
}
const percent = (value: number) => `${Math.round(value * 100)} %`

const speed: Figure<Throughput> = (figures) => figures.callsPerSecond
const cpu: Figure<Throughput> = (figures) => figures.serverMicros

const load = (rows: ReadonlyArray<Row<Figures>>): ReadonlyArray<Column<Figures>> => {
  const floor = ofKind(rows, "floor", speed)[0]
  const floorCpu = ofKind(rows, "floor", cpu)[0]
  const best = Math.max(...ofKind(rows, "peer", speed))
  const quickest = Math.min(...ofKind(rows, "peer", (figures) => figures.p50))
  const over = (p50: number) =>
    Number.isFinite(quickest) ? ` (${p50 < quickest ? "" : "+"}${(p50 - quickest).toFixed(1)})` : ""
  return [
    { head: "calls/s", cell: (row) => count(median(row, speed)) },
    { head: "x floor", cell: (row) => ratio(median(row, speed), floor) },
    { head: "x best peer", cell: (row) => ratio(median(row, speed), best) },
    { head: "server CPU us/call", cell: (row) => median(row, cpu).toFixed(1) },
    { head: "x floor by CPU", cell: (row) => ratio(floorCpu, median(row, cpu)) },
    {
      head: "p50 us (over lowest peer)",
      cell: (row) => {
        const p50 = median(row, (figures) => figures.p50)
        return p50.toFixed(1) + over(p50)
      }
    },
    { head: "p99 us", cell: (row) => count(median(row, (figures) => figures.p99)) },
    { head: "peak MB", cell: (row) => count(median(row, (figures) => figures.peakMegabytes)) },
    { head: "driver CPU", cell: (row) => percent(median(row, (figures) => figures.driverShare)) },
    { head: "other CPU", cell: (row) => percent(median(row, (figures) => figures.elsewhere)) },
    { head: "spread", cell: (row) => percent(spread(row, speed)) }
  ]
}

const features = (rows: ReadonlyArray<Row<Figures>>): ReadonlyArray<Column<Figures>> => {
  const floor = ofKind(rows, "floor", speed)[0]
  const all = ofKind(rows, "ours", speed)[0]
  const allCpu = ofKind(rows, "ours", cpu)[0]
  return [
    { head: "calls/s", cell: (row) => count(median(row, speed)) },
    { head: "x all on", cell: (row) => ratio(median(row, speed), all) },
    { head: "x floor", cell: (row) => ratio(median(row, speed), floor) },
    { head: "server CPU us/call", cell: (row) => median(row, cpu).toFixed(1) },
    { head: "CPU x all on", cell: (row) => ratio(median(row, cpu), allCpu) },
    { head: "spread", cell: (row) => percent(spread(row, speed)) }
  ]
}

const large = (rows: ReadonlyArray<Row<LargeFigures>>): ReadonlyArray<Column<LargeFigures>> => {
  const floor = ofKind(rows, "floor", speed)[0]
  const floorCpu = ofKind(rows, "floor", cpu)[0]
  const best = Math.max(...ofKind(rows, "peer", speed))
  return [
    { head: "calls/s", cell: (row) => count(median(row, speed)) },
    { head: "x floor", cell: (row) => ratio(median(row, speed), floor) },
    { head: "x best peer", cell: (row) => ratio(median(row, speed), best) },
    { head: "server CPU us/call", cell: (row) => count(median(row, cpu)) },
    { head: "x floor by CPU", cell: (row) => ratio(floorCpu, median(row, cpu)) },
    { head: "bytes/answer", cell: (row) => count(median(row, (figures) => figures.bytes)) },
    { head: "peak MB", cell: (row) => count(median(row, (figures) => figures.peakMegabytes)) },
    { head: "driver CPU", cell: (row) => percent(median(row, (figures) => figures.driverShare)) },
    { head: "other CPU", cell: (row) => percent(median(row, (figures) => figures.elsewhere)) },
    { head: "spread", cell: (row) => percent(spread(row, speed)) }
  ]
}

const cold = (rows: ReadonlyArray<Row<Cold>>): ReadonlyArray<Column<Cold>> => {
  const ms: Figure<Cold> = (figures) => figures.ms
  const floor = ofKind(rows, "floor", ms)[0]
  const best = Math.min(...ofKind(rows, "peer", ms))
  return [
    { head: "ms", cell: (row) => median(row, ms).toFixed(0) },
    { head: "x floor", cell: (row) => ratio(median(row, ms), floor) },
    { head: "x best peer", cell: (row) => ratio(median(row, ms), best) },
    { head: "lowest ms", cell: (row) => Math.min(...row.rounds.map(ms)).toFixed(0) },
    { head: "highest ms", cell: (row) => Math.max(...row.rounds.map(ms)).toFixed(0) }
  ]
}

const memory = (rows: ReadonlyArray<Row<Memory>>): ReadonlyArray<Column<Memory>> =>
  Object.keys(measured(rows)[0]?.rounds[0] ?? {}).map(Number).map((calls) => {
    const peak: Figure<Memory> = (figures) => figures[calls]!
    return {
      head: `MB at ${count(calls)}`,
      cell: (row) => {
        const peaks = row.rounds.map(peak)
        return `${count(middle(peaks))} (${count(Math.min(...peaks))}-${count(Math.max(...peaks))})`
      }
    }
  })

type Table = ReadonlyArray<ReadonlyArray<string>>

const fill = <F>(rows: ReadonlyArray<Row<F>>, columns: ReadonlyArray<Column<F>>): Table => [
  ["server", ...columns.map(({ head }) => head)],
  ...rows.map((row) => [
    row.name,
    ...columns.map(({ cell }, n) => {
      if (row.out === undefined) return cell(row)
      return n === 0 ? row.out.state : ""
    })
  ])
]

const tableOf = (section: Section): Table => {
  switch (section.table) {
    case "load":
      return fill(section.rows, load(section.rows))
    case "features":
      return fill(section.rows, features(section.rows))
    case "large":
      return fill(section.rows, large(section.rows))
    case "cold":
      return fill(section.rows, cold(section.rows))
    case "memory":
      return fill(section.rows, memory(section.rows))
  }
}

const remarks = (section: Section): ReadonlyArray<string> =>
  section.rows.flatMap(({ name, out }) => out === undefined ? [] : [`${name}: ${out.state}: ${out.reason}`])

const widths = (table: Table) => table[0]!.map((_, n) => Math.max(...table.map((cells) => cells[n]!.length)))

const lines = (table: Table, before: string, between: string, after: string): ReadonlyArray<string> => {
  const wide = widths(table)
  return table.map((cells) =>
    before + cells.map((cell, n) => n === 0 ? cell.padEnd(wide[n]!) : cell.padStart(wide[n]!)).join(between) + after
  )
}

const conditions = (setting: Setting, sections: ReadonlyArray<Section>): ReadonlyArray<string> => {
  const { coldRuns, large, quick, rounds, versions } = setting
  const are = (isLarge: boolean) => sections.some(({ table }) => (table === "large") === isLarge)
  const run = ({ calls, inFlight, warmup }: Load) =>
    `Medians of ${rounds} interleaved rounds of ${count(calls)} calls after ${count(warmup)} of warm-up, ` +
    `${inFlight} in flight`
  return [
    `${availableParallelism()} cores, ${process.platform} ${process.arch}, Node ${process.versions.node}; ` +
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ") + ".",
    ...(are(false)
      ? [`${run(setting)}, then ${count(oneAtATime(setting))} one at a time (p50, p99); ${coldRuns} cold starts.`]
      : []),
    ...(are(true)
      ? [`${are(false) ? "Large answers: " : ""}${run(large)}; a list read page by page is one call.`]
      : []),
    "Every server is a process of its own, and every answer is checked.",
    ...(quick ? ["A quick run: too short to rely on."] : [])
  ]
}

const legend = [
  "x floor: against a bare JSON echo that knows no protocol. x best peer: against the best of the other frameworks in " +
  "the same table. Server CPU counts all its threads; x floor by CPU is the floor's over the server's, and holds when " +
  "the machine is shared. Driver CPU: the client's share of a core; near 100 % the client is the limit. Other CPU: " +
  "cores taken by anything else meanwhile; well above 0, repeat the run. Spread: highest round less lowest, against " +
  "the median."
]

/** For the terminal. */
export const asText = (setting: Setting, sections: ReadonlyArray<Section>): string =>
  [
    ...conditions(setting, sections),
    ...legend,
    ...sections.flatMap((section) => [
      "",
      section.title,
      ...lines(tableOf(section), "  ", "  ", ""),
      ...remarks(section).map((remark) => `  ${remark}`)
    ])
  ].join("\n")

/** For a page. */
export const asMarkdown = (setting: Setting, sections: ReadonlyArray<Section>, command: string): string => {
  const body = sections.flatMap((section) => {
    const table = tableOf(section)
    const [head, ...rest] = lines(table, "| ", " | ", " |")
    const rule = widths(table).map((wide, n) => n === 0 ? "-".repeat(wide) : "-".repeat(wide - 1) + ":").join(" | ")
    return [
      "",
      `### ${section.title}`,
      "",
      head!,
      `| ${rule} |`,
      ...rest,
      ...remarks(section).flatMap((remark) => ["", remark])
    ]
  })
  return [
    conditions(setting, sections).join(" "),
    "",
    ...legend,
    "",
    "To repeat it:",
    "",
    "```sh",
    command,
    "```",
    ...body,
    ""
  ].join("\n")
}

/** For a program: every round of every row, and the medians. */
export const asJson = (setting: Setting, sections: ReadonlyArray<Section>): string => {
  const medians = <F extends object>(row: Row<F>) =>
    row.rounds.length === 0 ? undefined : Object.fromEntries(
      Object.keys(row.rounds[0]!).map((key) => [key, median(row, (figures) => figures[key as keyof F] as number)])
    )
  const machine = {
    cores: availableParallelism(),
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node
  }
  return JSON.stringify(
    {
      machine,
      setting,
      sections: sections.map(({ rows, table, title }) => ({
        table,
        title,
        rows: (rows as ReadonlyArray<Row<Figures | LargeFigures | Cold | Memory>>).map((row) => ({
          ...row,
          median: medians(row)
        }))
      }))
    },
    undefined,
    2
  ) + "\n"
}

/** How many rows were measured and how many not, for the last line. */
export const tally = (sections: ReadonlyArray<Section>) => {
  const states = sections.flatMap(({ rows }) => rows.map(({ out }) => out?.state ?? "measured"))
  const of = (state: string) => states.filter((other) => other === state).length
  return { measured: of("measured"), skipped: of("skipped"), failed: of("failed"), notOffered: of("not offered") }
}
