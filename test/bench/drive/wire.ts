/** What goes over the wire in either era, and the check of every answer. Ids are counted, so a sum follows from its id. */

export type Era = "2025-11-25" | "2026-07-28"

export const legacy: Era = "2025-11-25"
export const modern: Era = "2026-07-28"

const client = `{"name":"bench","version":"1.0.0"}`
const envelope = `"io.modelcontextprotocol/protocolVersion":"${modern}",` +
  `"io.modelcontextprotocol/clientInfo":${client},"io.modelcontextprotocol/clientCapabilities":{}`
const meta = `"_meta":{${envelope}}`

const sum = (id: number) => id + (2 * id + 1)

/** The first request of a connection, with id 0. */
export const opening = (era: Era): string =>
  era === modern
    ? `{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{${meta}}}`
    : `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"${legacy}","capabilities":{},` +
      `"clientInfo":${client}}}`

/** What follows the answer to the opening, if anything. */
export const opened = (era: Era): string | undefined =>
  era === modern ? undefined : `{"jsonrpc":"2.0","method":"notifications/initialized"}`

/** A call of `add`, with ids from 1; its id is also the token of the progress it wants to hear of. */
export const call = (era: Era, id: number, wantsProgress = false): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"add","arguments":{"a":${id},"b":${2 * id + 1}}` +
  `${metaOf(era, wantsProgress ? id : undefined)}}}`

const metaOf = (era: Era, token: number | undefined): string =>
  token === undefined
    ? era === modern ? `,${meta}` : ""
    : `,"_meta":{${era === modern ? `${envelope},` : ""}"progressToken":${token}}`

/** Asks for the list of tools, or for its page at a cursor. */
export const listTools = (era: Era, id: number, cursor?: string): string => {
  const params = [
    ...(cursor === undefined ? [] : [`"cursor":${JSON.stringify(cursor)}`]),
    ...(era === modern ? [meta] : [])
  ]
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/list","params":{${params.join(",")}}}`
}

/** A call of `report` for the page of the same number. */
export const readPage = (era: Era, id: number): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"report","arguments":{"page":${id}}` +
  `${era === modern ? `,${meta}` : ""}}}`

/** Subscribes the session to a resource (2025-11-25). */
export const subscribe = (id: number, uri: string): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"resources/subscribe","params":{"uri":"${uri}"}}`

/** Opens a stream of the changes of resources (2026-07-28). */
export const listen = (id: number, uris: ReadonlyArray<string>): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":` +
  `${JSON.stringify(uris)}},${meta}}}`

/** A call of `publish`, which changes every resource once. */
export const publish = (era: Era, id: number): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"publish","arguments":{}` +
  `${era === modern ? `,${meta}` : ""}}}`

/** Checks that there is a result, and no tool's failure. */
export const checkResult = (text: string): void => {
  const { result } = JSON.parse(text)
  if (result === undefined || result.isError === true) throw wrong("not a result", text)
}

/** Checks that progress is what came before a reply: that of the same call. */
export const checkProgress = (text: string, reply: string): void => {
  const token = digits(text, text.indexOf(`"progressToken":`) + 16)
  if (!text.includes(`"notifications/progress"`) || token !== digits(reply, reply.indexOf(`"id":`) + 5)) {
    throw wrong("not the progress of the call", text)
  }
}

/** Checks the answer to the opening. */
export const checkOpening = (era: Era, text: string): void => {
  const { id, result } = JSON.parse(text)
  if (id !== 0 || result === undefined) throw new Error(`refused the opening: ${text}`)
  if (era === modern ? !result.supportedVersions.includes(modern) : result.protocolVersion !== legacy) {
    throw new Error(`does not speak ${era}: ${text}`)
  }
}

/** Frames for a run of calls, serialised before the clock starts: frame `n` is `bytes` from `ends[n]` to `ends[n + 1]`. */
export const frames = (first: number, calls: number, frame: (id: number) => string) => {
  const ends = new Uint32Array(calls + 1)
  const texts: Array<string> = []
  for (let n = 0; n < calls; n++) {
    const text = frame(first + n)
    texts.push(text)
    ends[n + 1] = ends[n]! + text.length
  }
  const bytes = Buffer.from(texts.join(""), "latin1")
  return { some: (from: number, to: number) => bytes.subarray(ends[from], ends[to]) }
}

/**
 * Matches answers to calls: every id once, every sum right. Finds both by plain search, and parses one answer in 64 in
 * full (and the first ones), so that the search cannot be fooled for long.
 */
export class Tally {
  answered = 0
  private readonly seen: Uint8Array
  private readonly era: Era
  private readonly first: number
  readonly calls: number

  constructor(era: Era, first: number, calls: number) {
    this.era = era
    this.first = first
    this.calls = calls
    this.seen = new Uint8Array(calls)
  }

  get done(): boolean {
    return this.answered === this.calls
  }

  /** Takes a message that lies in `text` between `from` and `to`. Throws when it is not the right answer to a call. */
  answer(text: string, from: number, to: number): void {
    const idAt = text.indexOf(`"id":`, from)
    const textAt = text.indexOf(`"text":"`, from)
    if (idAt < 0 || idAt >= to || textAt < 0 || textAt >= to) {
      if (isNotification(text.slice(from, to))) return
      throw wrong("not an answer", text, from, to)
    }
    const id = digits(text, idAt + 5)
    const n = id - this.first
    if (!(n >= 0 && n < this.calls)) throw wrong("unknown id", text, from, to)
    if (this.seen[n] === 1) throw wrong("answered twice", text, from, to)
    if (digits(text, textAt + 8) !== sum(id)) throw wrong("wrong sum", text, from, to)
    if ((this.answered < 32 || (n & 63) === 0) && !this.valid(id, text.slice(from, to))) {
      throw wrong("wrong shape", text, from, to)
    }
    this.seen[n] = 1
    this.answered++
  }

  private valid(id: number, text: string): boolean {
    const message = JSON.parse(text)
    const { result } = message
    return message.jsonrpc === "2.0" && message.id === id && result.isError !== true &&
      result.content.length === 1 && result.content[0].type === "text" &&
      result.content[0].text === String(sum(id)) &&
      (result.resultType === undefined || this.era === modern && result.resultType === "complete")
  }
}

/** The whole number at `at`, or NaN; it must end where a JSON value or string can end. */
const digits = (text: string, at: number): number => {
  let value = 0
  for (let i = at;; i++) {
    const code = text.charCodeAt(i)
    if (code >= 48 && code <= 57) value = value * 10 + (code - 48)
    else return i > at && (code === 34 || code === 44 || code === 125) ? value : NaN
  }
}

export const isNotification = (text: string): boolean => {
  const message = JSON.parse(text)
  return typeof message.method === "string" && message.id === undefined
}

export const wrong = (what: string, text: string, from = 0, to = text.length): Error =>
  new Error(`${what}: ${text.slice(from, Math.min(to, from + 300))}`)
