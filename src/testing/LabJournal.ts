/**
 * What happened in a run of a `Lab`, in order: what was sent and what became of it, faults, fibers, jumps of the clock.
 * It is data, one JSON object a line, and the same run writes the same bytes wherever it runs.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const where = {
  /** Milliseconds since the run began, by the clock on the wall. */
  at: Schema.Finite,
  /** On which node; the system's own fiber runs on `test`. */
  node: Schema.String
}

const fiber = {
  /** Its number within the run, in the order of their first steps. */
  fiber: Schema.Int,
  /** The spans it is in, outermost first, or who it is otherwise; empty where nothing is known. */
  name: Schema.String
}

const message = {
  /** `from>to`, or `from>to#2` for the second connection. */
  link: Schema.String,
  /** Counted on this link in this direction, from 1. */
  message: Schema.Int
}

/** A frame leaves `node`. @category entries @since 0.1.0 */
export const Sent = Schema.TaggedStruct("Sent", { ...where, ...message, frame: Schema.String })

/** A frame reaches `node`; here only when it is not what was sent. @category entries @since 0.1.0 */
export const Delivered = Schema.TaggedStruct("Delivered", {
  ...where,
  ...message,
  frame: Schema.optionalKey(Schema.String)
})

/** A fault takes effect; `key` is what it is known by in a replay. @category entries @since 0.1.0 */
export const Fault = Schema.TaggedStruct("Fault", { ...where, key: Schema.String, what: Schema.String })

/** A fiber has made its first step. @category entries @since 0.1.0 */
export const Started = Schema.TaggedStruct("Started", { ...where, ...fiber })

/** @category entries @since 0.1.0 */
export const Ended = Schema.TaggedStruct("Ended", {
  ...where,
  ...fiber,
  how: Schema.Literals(["Ok", "Err", "Cancelled", "Panicked"])
})

/** Nothing was ready, and the clock went on to the next timer. @category entries @since 0.1.0 */
export const Jumped = Schema.TaggedStruct("Jumped", { ...where, by: Schema.Finite })

/** Something in words: of nodes and connections, of stores, of logs, or `Lab.note`. @category entries @since 0.1.0 */
export const Noted = Schema.TaggedStruct("Noted", { ...where, what: Schema.String })

/** @category entries @since 0.1.0 */
export const Entry = Schema.Union([Sent, Delivered, Fault, Started, Ended, Jumped, Noted])

/** @category models @since 0.1.0 */
export type Entry = typeof Entry.Type

/** @category models @since 0.1.0 */
export interface Journal {
  /** The newest, as many as the lab keeps. */
  readonly entries: ReadonlyArray<Entry>
  /** How many there were in all. */
  readonly count: number
  /** Of all entries, kept or not: two runs with the same digest were the same. */
  readonly digest: string
}

/** What a journal is while it is being written. @category models @since 0.1.0 */
export interface Writer {
  readonly write: (entry: Entry) => void
  readonly journal: () => Journal
}

/**
 * Keeps so many entries, and a digest of all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (capacity: number): Writer => {
  const kept: Array<Entry> = []
  let count = 0
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  return {
    write: (entry) => {
      const line = JSON.stringify(entry)
      for (let at = 0; at < line.length; at++) {
        const code = line.charCodeAt(at)
        high = Math.imul(high ^ code, 2654435761)
        low = Math.imul(low ^ code, 1597334677)
      }
      if (kept.length < capacity) kept.push(entry)
      else if (capacity > 0) kept[count % capacity] = entry
      count++
    },
    journal: () => {
      const oldest = count > capacity && capacity > 0 ? count % capacity : 0
      return {
        entries: [...kept.slice(oldest), ...kept.slice(0, oldest)],
        count,
        digest: hex(high) + hex(low)
      }
    }
  }
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0")

/** One JSON object a line. @category encoding @since 0.1.0 */
export const encode = (entries: ReadonlyArray<Entry>): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join("")

/** What `encode` wrote; the message names the first line that is none of it. @category encoding @since 0.1.0 */
export const decode = (text: string): Result.Result<ReadonlyArray<Entry>, string> =>
  Result.all(
    text.split("\n").flatMap((line, index) =>
      line === ""
        ? []
        : [Result.mapError(decodeLine(line), () => `Line ${index + 1} is not an entry of a journal: ${line}`)]
    )
  )

const decodeLine = Schema.decodeUnknownResult(Schema.fromJsonString(Entry))

/**
 * Requests that were sent on a link and whose answer has not come: link, message, and what was asked.
 *
 * @category rendering
 * @since 0.1.0
 */
export const unanswered = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  const frames = new Map<string, string>()
  const open = new Map<string, string>()
  for (const entry of entries) {
    if (entry._tag === "Sent") {
      frames.set(`${entry.link} ${entry.message}`, entry.frame)
      const { id, method, params } = read(entry.frame)
      if (id === undefined || method === undefined) continue
      const name = typeof params?.name === "string" ? ` ${params.name}` : ""
      open.set(`${entry.link} ${id}`, `${entry.link} ${entry.message}: ${method}${name}, sent at ${seconds(entry.at)}`)
    } else if (entry._tag === "Delivered") {
      const { id, method } = read(entry.frame ?? frames.get(`${entry.link} ${entry.message}`) ?? "")
      if (method === undefined) open.delete(`${opposite(entry.link)} ${id}`)
    }
  }
  return [...open.values()]
}

interface Frame {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly name?: unknown }
}

const read = (frame: string): Frame => {
  try {
    const value: unknown = JSON.parse(frame)
    return typeof value === "object" && value !== null ? value : {}
  } catch {
    return {}
  }
}

const opposite = (link: string): string => link.replace(/^(.*)>([^#]*)(.*)$/, "$2>$1$3")

/**
 * For people: what happened, one thing a line, with its time in seconds and its node. Fibers' first steps and jumps of
 * the clock are left out unless `all`.
 *
 * @category rendering
 * @since 0.1.0
 */
export const story = (entries: ReadonlyArray<Entry>, { all = false }: { readonly all?: boolean } = {}): string => {
  const told = entries.flatMap((entry) => {
    const what = tell(entry, all)
    return what === undefined ? [] : [{ ...entry, what }]
  })
  const width = told.reduce((width, { node }) => Math.max(width, node.length), 4)
  return told.map(({ at, node, what }) => `${seconds(at).padStart(10)}  ${node.padEnd(width)}  ${what}`).join("\n")
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(3)}s`

const tell = (entry: Entry, all: boolean): string | undefined => {
  switch (entry._tag) {
    case "Sent":
      return `sends ${entry.link} ${entry.message}: ${brief(entry.frame)}`
    case "Delivered":
      return `gets  ${entry.link} ${entry.message}${entry.frame === undefined ? "" : `: ${brief(entry.frame)}`}`
    case "Fault":
      return `FAULT ${entry.what}  [${entry.key}]`
    case "Started":
      return all ? `fiber ${entry.fiber} starts${named(entry.name)}` : undefined
    case "Ended":
      return all || (entry.how !== "Ok" && entry.name !== "")
        ? `fiber ${entry.fiber} ends ${entry.how}${named(entry.name)}`
        : undefined
    case "Jumped":
      return all ? `time goes on by ${entry.by} ms` : undefined
    case "Noted":
      return entry.what
  }
}

const named = (name: string): string => name === "" ? "" : ` (${name})`

/** A message without what every one has, and not all of a long one. */
const brief = (frame: string): string => {
  const text = frame.replace(/"jsonrpc":"2\.0",?/, "").replace(meta, "")
  return text.length <= longest ? text : `${text.slice(0, longest)}…`
}

const meta = /,"_meta":\{(?:[^{}]|\{[^{}]*\})*\}|"_meta":\{(?:[^{}]|\{[^{}]*\})*\},?/

const longest = 160
