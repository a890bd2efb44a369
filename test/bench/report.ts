/** Medians over rounds, ratios, and the same tables as text, Markdown and JSON. */
import { availableParallelism } from "node:os"
import type { ClientFigures } from "./drive/clients.ts"
import type { DocketFigures, DocketLoad } from "./drive/docket.ts"
import { type Figures, type HttpFigures, type Load, type Memory, oneAtATime, type Throughput } from "./drive/driver.ts"
import type { IdleFigures } from "./drive/idle.ts"
import type { LargeFigures } from "./drive/large.ts"
import type { OauthFigures } from "./drive/oauth.ts"
import type { ProgressFigures } from "./drive/progress.ts"
import type { SessionFigures } from "./drive/sessions.ts"
import type { StreamFigures, StreamLoad } from "./drive/streams.ts"
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

/** The tables there are, each with the figures of a row. */
interface Tables {
  readonly load: Figures
  readonly http: HttpFigures
  readonly progress: ProgressFigures
  readonly sessions: SessionFigures
  readonly streams: StreamFigures
  readonly idle: IdleFigures
  readonly cold: Cold
  readonly memory: Memory
  readonly features: Figures
  readonly composition: Figures
  readonly large: LargeFigures
  readonly clients: ClientFigures
  readonly oauth: OauthFigures
  readonly docket: DocketFigures
}

interface SectionOf<Table extends keyof Tables> {
  readonly table: Table
  readonly title: string
  readonly rows: ReadonlyArray<Row<Tables[Table]>>
}

export type Section = { readonly [Table in keyof Tables]: SectionOf<Table> }[keyof Tables]

export interface Setting extends Load {
  readonly rounds: number
  /** Of the large loads. */
  readonly large: Load
  /** Of clients. */
  readonly clients: Load
  /** Of many sessions, each with a call in flight. */
  readonly sessions: Load
  readonly streams: StreamLoad
  /** Of authorization servers. */
  readonly oauth: Load
  readonly docket: DocketLoad
  readonly idle: { readonly rounds: number; readonly sessions: ReadonlyArray<number> }
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

/** Values beside the lowest of them among the peers. */
const overLowest = <F>(rows: ReadonlyArray<Row<F>>, of: Figure<F>, digits: number): Column<F>["cell"] => {
  const lowest = Math.min(...ofKind(rows, "peer", of))
  return (row) => {
    const value = median(row, of)
    const over = Number.isFinite(lowest) ? ` (${value < lowest ? "" : "+"}${(value - lowest).toFixed(digits)})` : ""
    return value.toFixed(digits) + over
  }
}

/** Throughput and what it costs, whatever is counted. */
const speeds = <F extends Throughput>(
  rows: ReadonlyArray<Row<F>>,
  unit: string,
  digits = 1
): ReadonlyArray<Column<F>> => {
  const floor = ofKind(rows, "floor", speed)[0]
  const floorCpu = ofKind(rows, "floor", cpu)[0]
  const best = Math.max(...ofKind(rows, "peer", speed))
  return [
    { head: `${unit}s/s`, cell: (row) => count(median(row, speed)) },
    { head: "x floor", cell: (row) => ratio(median(row, speed), floor) },
    { head: "x best peer", cell: (row) => ratio(median(row, speed), best) },
    { head: `server CPU us/${unit}`, cell: (row) => median(row, cpu).toFixed(digits) },
    { head: "x floor by CPU", cell: (row) => ratio(floorCpu, median(row, cpu)) }
  ]
}

/** What says how far the figures can be trusted. */
const conditionsOf = <F extends Throughput>(): ReadonlyArray<Column<F>> => [
  { head: "peak MB", cell: (row) => count(median(row, (figures) => figures.peakMegabytes)) },
  { head: "driver CPU", cell: (row) => percent(median(row, (figures) => figures.driverShare)) },
  { head: "other CPU", cell: (row) => percent(median(row, (figures) => figures.elsewhere)) },
  { head: "spread", cell: (row) => percent(spread(row, speed)) }
]

const load = (rows: ReadonlyArray<Row<Figures>>): ReadonlyArray<Column<Figures>> => [
  ...speeds(rows, "call"),
  { head: "p50 us (over lowest peer)", cell: overLowest(rows, ({ p50 }) => p50, 1) },
  { head: "p99 us", cell: (row) => count(median(row, ({ p99 }) => p99)) },
  ...conditionsOf()
]

const http = (rows: ReadonlyArray<Row<HttpFigures>>): ReadonlyArray<Column<HttpFigures>> => [
  ...speeds(rows, "call"),
  { head: "loaded p50 us", cell: (row) => count(median(row, ({ loadedP50 }) => loadedP50)) },
  { head: "loaded p99 us (over lowest peer)", cell: overLowest(rows, ({ loadedP99 }) => loadedP99, 0) },
  { head: "p50 us (over lowest peer)", cell: overLowest(rows, ({ p50 }) => p50, 1) },
  { head: "p99 us", cell: (row) => count(median(row, ({ p99 }) => p99)) },
  ...conditionsOf()
]

const sessions = (rows: ReadonlyArray<Row<SessionFigures>>): ReadonlyArray<Column<SessionFigures>> => [
  ...speeds(rows, "call"),
  { head: "p50 ms", cell: (row) => (median(row, ({ p50 }) => p50) / 1000).toFixed(1) },
  { head: "p99 ms (over lowest peer)", cell: overLowest(rows, ({ p99 }) => p99 / 1000, 1) },
  { head: "server CPU us/open", cell: (row) => row.kind === "floor" ? "-" : count(median(row, (f) => f.openMicros)) },
  ...conditionsOf()
]

const oauth = (rows: ReadonlyArray<Row<OauthFigures>>): ReadonlyArray<Column<OauthFigures>> => [
  ...speeds(rows, "token"),
  { head: "p50 ms", cell: (row) => (median(row, ({ p50 }) => p50) / 1000).toFixed(1) },
  { head: "p99 ms (over lowest peer)", cell: overLowest(rows, ({ p99 }) => p99 / 1000, 1) },
  ...conditionsOf()
]

const docket = (rows: ReadonlyArray<Row<DocketFigures>>): ReadonlyArray<Column<DocketFigures>> => {
  const [noops, shorts, micros]: ReadonlyArray<Figure<DocketFigures>> = [
    (figures) => figures.noopsPerSecond,
    (figures) => figures.shortsPerSecond,
    (figures) => figures.noopMicros
  ]
  const bare = (of: Figure<DocketFigures>) => ofKind(rows, "floor", of)[0]
  return [
    { head: "no-ops/s", cell: (row) => count(median(row, noops!)) },
    { head: "x bare", cell: (row) => ratio(median(row, noops!), bare(noops!)) },
    { head: "CPU us/no-op", cell: (row) => count(median(row, micros!)) },
    { head: "5-30 ms tasks/s", cell: (row) => count(median(row, shorts!)) },
    { head: "x bare", cell: (row) => ratio(median(row, shorts!), bare(shorts!)) },
    { head: "pickup p50 ms", cell: (row) => median(row, ({ p50 }) => p50).toFixed(1) },
    { head: "pickup p95 ms", cell: (row) => median(row, ({ p95 }) => p95).toFixed(1) },
    { head: "spread", cell: (row) => percent(spread(row, noops!)) }
  ]
}

const streams = (rows: ReadonlyArray<Row<StreamFigures>>): ReadonlyArray<Column<StreamFigures>> => [
  { head: "seconds", cell: (row) => median(row, ({ seconds }) => seconds).toFixed(2) },
  ...speeds(rows, "event", 2),
  ...conditionsOf()
]

const progress = (rows: ReadonlyArray<Row<ProgressFigures>>): ReadonlyArray<Column<ProgressFigures>> => {
  const jsonCpu: Figure<ProgressFigures> = (figures) => figures.jsonMicros
  return [
    { head: "JSON calls/s", cell: (row) => count(median(row, (figures) => figures.jsonCallsPerSecond)) },
    { head: "JSON CPU us/call", cell: (row) => median(row, jsonCpu).toFixed(1) },
    ...speeds(rows, "call").map(({ cell, head }) => ({ head: head === "calls/s" ? "SSE calls/s" : head, cell })),
    { head: "SSE CPU x JSON", cell: (row) => ratio(median(row, cpu), median(row, jsonCpu)) },
    ...conditionsOf<ProgressFigures>()
  ]
}

const idle = (rows: ReadonlyArray<Row<IdleFigures>>): ReadonlyArray<Column<IdleFigures>> => {
  const bytes: Figure<IdleFigures> = (figures) => figures.bytes
  const lowest = Math.min(...ofKind(rows, "peer", bytes))
  const megabytes = (head: string, of: Figure<IdleFigures>): Column<IdleFigures> => ({
    head,
    cell: (row) => median(row, of).toFixed(1)
  })
  return [
    { head: "bytes/session", cell: (row) => count(median(row, bytes)) },
    { head: "x lowest peer", cell: (row) => ratio(median(row, bytes), lowest) },
    { head: "left bytes/session", cell: (row) => count(median(row, ({ left }) => left)) },
    { head: "ended by", cell: (row) => row.kind === "ours" ? "expiry" : "client" },
    megabytes("before MB", (figures) => figures.beforeMegabytes),
    megabytes("with MB", (figures) => figures.withMegabytes),
    megabytes("after MB", (figures) => figures.afterMegabytes),
    { head: "peak MB", cell: (row) => count(median(row, (figures) => figures.peakMegabytes)) },
    { head: "server CPU us/open", cell: (row) => count(median(row, (figures) => figures.openMicros)) },
    { head: "spread", cell: (row) => percent(spread(row, bytes)) }
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

/** Beside the first row, round by round: what else the machine does in a round, it does to both. */
const composition = (rows: ReadonlyArray<Row<Figures>>): ReadonlyArray<Column<Figures>> => {
  const [base] = rows
  const paired = (row: Row<Figures>, of: Figure<Figures>) =>
    row.rounds.map((figures, n) => of(figures) / (base!.out === undefined ? of(base!.rounds[n]!) : NaN))
  const times = (row: Row<Figures>, of: Figure<Figures>) => ratio(middle(paired(row, of)), 1)
  return [
    { head: "calls/s", cell: (row) => count(median(row, speed)) },
    { head: "x first row", cell: (row) => times(row, speed) },
    {
      head: "lowest-highest",
      cell: (row) => {
        const all = paired(row, speed)
        return `${ratio(Math.min(...all), 1)}-${ratio(Math.max(...all), 1)}`
      }
    },
    { head: "server CPU us/call", cell: (row) => median(row, cpu).toFixed(1) },
    { head: "CPU x first row", cell: (row) => times(row, cpu) },
    { head: "p50 us", cell: (row) => median(row, ({ p50 }) => p50).toFixed(1) },
    ...conditionsOf<Figures>()
  ]
}

const large = (rows: ReadonlyArray<Row<LargeFigures>>): ReadonlyArray<Column<LargeFigures>> => [
  ...speeds(rows, "call", 0),
  { head: "bytes/answer", cell: (row) => count(median(row, ({ bytes }) => bytes)) },
  ...conditionsOf()
]

/** What is measured is the client: its CPU stands where a server's does elsewhere, and the server's where the driver's does. */
const clients = (rows: ReadonlyArray<Row<ClientFigures>>): ReadonlyArray<Column<ClientFigures>> => {
  const heads: { readonly [head: string]: string } = {
    "server CPU us/call": "client CPU us/call",
    "driver CPU": "server CPU"
  }
  const named = ({ cell, head }: Column<ClientFigures>): Column<ClientFigures> => ({ head: heads[head] ?? head, cell })
  const alone: Figure<ClientFigures> = (figures) => figures.alonePerSecond
  const floor = ofKind(rows, "floor", alone)[0]
  return [
    ...speeds(rows, "call").map(named),
    { head: "alone calls/s", cell: (row) => count(median(row, alone)) },
    { head: "alone x floor", cell: (row) => ratio(median(row, alone), floor) },
    { head: "alone CPU us/call", cell: (row) => median(row, ({ aloneMicros }) => aloneMicros).toFixed(1) },
    { head: "p50 us (over lowest peer)", cell: overLowest(rows, ({ p50 }) => p50, 1) },
    { head: "p99 us", cell: (row) => count(median(row, ({ p99 }) => p99)) },
    ...conditionsOf<ClientFigures>().map(named)
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

const fill = <F>(rows: ReadonlyArray<Row<F>>, columns: ReadonlyArray<Column<F>>, what = "server"): Table => [
  [what, ...columns.map(({ head }) => head)],
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
    case "http":
      return fill(section.rows, http(section.rows))
    case "progress":
      return fill(section.rows, progress(section.rows))
    case "sessions":
      return fill(section.rows, sessions(section.rows))
    case "streams":
      return fill(section.rows, streams(section.rows))
    case "idle":
      return fill(section.rows, idle(section.rows))
    case "features":
      return fill(section.rows, features(section.rows))
    case "composition":
      return fill(section.rows, composition(section.rows))
    case "large":
      return fill(section.rows, large(section.rows))
    case "oauth":
      return fill(section.rows, oauth(section.rows))
    case "docket":
      return fill(section.rows, docket(section.rows), "queue")
    case "clients":
      return fill(section.rows, clients(section.rows), "client")
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
  const { clients, coldRuns, docket, idle, large, oauth, quick, rounds, streams, versions } = setting
  const has = (...tables: ReadonlyArray<Section["table"]>) => sections.some(({ table }) => tables.includes(table))
  const run = ({ calls, inFlight, warmup }: Load) =>
    `${rounds} interleaved rounds of ${count(calls)} calls after ${count(warmup)} of warm-up, ${count(inFlight)} in ` +
    "flight"
  const single = `then ${count(oneAtATime(setting))} one at a time (p50, p99)`
  return [
    `${availableParallelism()} cores, ${process.platform} ${process.arch}, Node ${process.versions.node}; ` +
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ") + ".",
    "All figures are medians over the rounds.",
    ...(has("load", "http", "features", "composition") ? [`${run(setting)}, ${single}.`] : []),
    ...(has("progress") ? [`Progress: ${run(setting)}, of each kind.`] : []),
    ...(has("sessions") ? [`Sessions: ${run(setting.sessions)}, one in each session.`] : []),
    ...(has("streams")
      ? [
        `Streams: ${rounds} interleaved rounds of ${count(streams.events)} events on each of ${
          count(streams.streams)
        } streams, ten at a time, after twenty of warm-up.`
      ]
      : []),
    ...(has("idle") ? [`Idle sessions: ${idle.rounds} interleaved rounds.`] : []),
    ...(has("cold") ? [`${coldRuns} cold starts.`] : []),
    ...(has("large") ? [`Large answers: ${run(large)}; a list read page by page is one call.`] : []),
    ...(has("clients") ? [`Clients: ${run(clients)}, then ${count(oneAtATime(clients))} alone.`] : []),
    ...(has("oauth") ? [`Tokens: ${run(oauth)}.`] : []),
    ...(has("docket")
      ? [
        `Dockets: ${rounds} interleaved rounds of ${count(docket.noops)} tasks that do nothing after ${
          count(docket.warmup)
        } of warm-up, ${
          count(docket.shorts)
        } that take 5 to 30 ms, ${docket.concurrency} at a time, and ${docket.pickups} added one by one.`
      ]
      : []),
    "Every server and every client is a process of its own, and every answer is checked.",
    ...(quick ? ["A quick run: too short to rely on."] : [])
  ]
}

const shared = "x floor: against a bare JSON echo that knows no protocol. x best peer: against the best of the other " +
  "frameworks in the same table. Server CPU counts all its threads; x floor by CPU is the floor's over the server's, " +
  "and holds when the machine is shared. Driver CPU: the client's share of a core; near 100 % the client is the limit. " +
  "Other CPU: cores taken by anything else meanwhile; well above 0, repeat the run. Spread: highest round less lowest, " +
  "against the median."

const own: { readonly [Table in Section["table"]]?: string } = {
  http: "Loaded: of calls while all connections have one in flight; without it, of calls one at a time.",
  composition:
    "x first row: of each round, beside the first row in the same round; the median of the rounds, and the lowest and " +
    "highest of them.",
  progress:
    "JSON: the call answered with its reply alone. SSE, and all columns that do not say JSON: the call answered " +
    "with an event stream of one progress notification and the reply.",
  sessions: "Latencies are of calls while every session has one in flight.",
  clients:
    "Each client makes its calls of one server that does next to nothing: a JSON echo that also answers what opens a " +
    "conversation. Client CPU counts all threads of the client's process, and nothing of the server's. Alone: one call at " +
    "a time.",
  streams:
    "The floor writes the same events to open responses. An event is one notification on one stream; none may be " +
    "missing, come twice or out of order.",
  oauth:
    "The floor signs an access token and does nothing else. The others check the client, and what it has, and keep what " +
    "follows in a file of SQLite, in WAL mode with synchronous = normal. Latencies are of requests while all connections " +
    "have one in flight.",
  docket:
    "Bare: what a docket has for an engine, alone: Effect's PersistedQueue in memory, SQLite and Postgres, BullMQ on Redis; " +
    "it keeps neither results nor how work has gone. One process adds work and does it, both as fast as they go. Pickup: " +
    "from adding to the start while nothing else is to be done, in memory in one process, else from one to another, which " +
    "looks every 250 ms on SQLite and Postgres.",
  idle: "Memory in use without garbage (V8's heap and what hangs on it), before the sessions, with them and nobody " +
    "connected, and once all have ended: by themselves where a server ends them, else by DELETE."
}

const legend = (sections: ReadonlyArray<Section>): ReadonlyArray<string> => {
  const tables = new Set(sections.map(({ table }) => table))
  return [shared, ...[...tables].flatMap((table) => own[table] ?? [])]
}

/** For the terminal. */
export const asText = (setting: Setting, sections: ReadonlyArray<Section>): string =>
  [
    ...conditions(setting, sections),
    ...legend(sections),
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
    ...legend(sections).flatMap((paragraph) => [paragraph, ""]),
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
        rows: (rows as ReadonlyArray<Row<Tables[keyof Tables]>>).map((row) => ({
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
