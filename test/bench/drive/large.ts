/**
 * Drives a server whose answers are large, over stdio. A call is the whole list of tools, page by page where the server
 * pages, or one result with a large structured content. Every answer is checked in full; one that is byte for byte like
 * another that was found right, but for the ids in it, is right without being parsed.
 */
import { isDeepStrictEqual } from "node:util"
import { records, tools } from "../large/data.ts"
import { type Command, within } from "./child.ts"
import { type Driver, type Load as Size, type Spent, stopwatch, type Throughput, throughput } from "./driver.ts"
import { connect } from "./stdio.ts"
import { type Era, isNotification, listTools, modern, readPage, wrong } from "./wire.ts"

export type Large = "list" | "report"

export interface LargeFigures extends Throughput {
  /** Of one whole answer: all its pages, and their line ends. */
  readonly bytes: number
}

/** An answer that was parsed. */
interface Page {
  readonly id: number
  readonly result: any
  readonly bytes: Buffer
  /** Where its id stands, in the envelope and wherever the server has to repeat it. */
  readonly holes: ReadonlyArray<number>
}

interface Load {
  readonly ask: (era: Era, id: number, cursor: string | undefined) => string
  readonly isRight: (pages: ReadonlyArray<Page>) => boolean
}

const expected = tools.map((tool) => ({ ...tool, parameters: ["account:string", "limit:number"] }))

/** What a listed tool has to say, however the server words its schema. */
const essence = ({ description, inputSchema, name }: any) => ({
  name,
  description,
  parameters: Object.entries<any>(inputSchema.properties).map(([key, { type }]) => `${key}:${type}`)
})

const loads: Readonly<Record<Large, Load>> = {
  list: {
    ask: listTools,
    isRight: (pages) => isDeepStrictEqual(pages.flatMap(({ result }) => result.tools.map(essence)), expected)
  },
  report: {
    ask: readPage,
    isRight: ([page, ...more]) => {
      const { id, result: { content, isError, structuredContent } } = page!
      return more.length === 0 && isError !== true && content.length === 1 && content[0].type === "text" &&
        isDeepStrictEqual(structuredContent, { page: id, records }) &&
        isDeepStrictEqual(JSON.parse(content[0].text), structuredContent)
    }
  }
}

const parse = (line: Buffer, era: Era): Page => {
  const text = line.toString("latin1")
  const { id, jsonrpc, result } = JSON.parse(text)
  const { resultType } = result ?? {}
  if (
    jsonrpc !== "2.0" || result === undefined ||
    !(resultType === undefined || era === modern && resultType === "complete")
  ) throw wrong("not a result", text)
  const holes: Array<number> = []
  const digits = String(id)
  for (let at = text.indexOf(digits); at >= 0; at = text.indexOf(digits, at + digits.length)) holes.push(at)
  return { id, result, bytes: Buffer.from(line), holes }
}

const isLike = ({ bytes, holes }: Page, line: Buffer, id: number): boolean => {
  if (line.length !== bytes.length) return false
  const digits = String(id)
  let from = 0
  for (const hole of holes) {
    const to = hole + digits.length
    if (line.compare(bytes, from, hole, from, hole) !== 0 || line.toString("latin1", hole, to) !== digits) return false
    from = to
  }
  return line.compare(bytes, from, bytes.length, from, line.length) === 0
}

/** The id of an answer, which servers put near either end. */
const idOf = (line: Buffer): number => {
  const find = (from: number, to: number) => /"id":(\d+)/.exec(line.toString("latin1", from, to))?.[1]
  return Number(find(0, 100) ?? find(Math.max(0, line.length - 100), line.length) ?? find(0, line.length))
}

/** Starts a server, opens a connection, and takes the figures of one load. */
export const measureLarge = async (
  command: Command,
  era: Era,
  bare: boolean,
  large: Large,
  size: Size
): Promise<LargeFigures> => {
  const load = loads[large]
  const { child, close, ended, listen } = await connect(command, era, bare)
  // Ids have as many digits all along, so that answers that are alike are so at every place.
  let next = 1_000_000
  let right: ReadonlyArray<Page> = []
  let bytes = 0

  const run: Driver["run"] = (calls, inFlight) => {
    const open = new Map<number, Array<Page>>()
    let begun = 0
    let answered = 0
    bytes = 0

    const ask = (pages: Array<Page>, cursor?: string) => {
      open.set(next, pages)
      child.stdin.write(load.ask(era, next++, cursor) + "\n")
    }
    const begin = () => {
      if (begun++ < calls) ask([])
    }
    const answer = (line: Buffer) => {
      const id = idOf(line)
      const pages = open.get(id)
      if (pages === undefined) {
        const text = line.toString("latin1")
        if (isNotification(text)) return
        throw wrong("unknown id", text)
      }
      open.delete(id)
      bytes += line.length + 1
      const known = right[pages.length]
      const page = known !== undefined && isLike(known, line, id) ? known : parse(line, era)
      pages.push(page)
      const { nextCursor } = page.result
      if (nextCursor !== undefined) return ask(pages, nextCursor)
      begin()
      if (pages.length !== right.length || pages.some((page, n) => page !== right[n])) {
        if (!load.isRight(pages)) throw wrong("not what was asked for", line.toString("latin1"))
        right = pages
      }
      answered++
    }

    const settled = new Promise<Spent>((resolve, reject) => {
      let line = Buffer.allocUnsafe(1 << 20)
      let length = 0
      const keep = (chunk: Buffer, from: number, to: number) => {
        const needed = length + to - from
        if (needed > line.length) line = Buffer.concat([line.subarray(0, length)], 2 * needed)
        length += chunk.copy(line, length, from, to)
      }
      const take = (chunk: Buffer) => {
        let from = 0
        for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
          keep(chunk, from, to)
          answer(line.subarray(0, length))
          length = 0
          from = to + 1
        }
        keep(chunk, from, chunk.length)
        if (answered === calls) resolve(spent())
      }
      listen(take, reject)
      const spent = stopwatch()
      for (let n = 0; n < inFlight; n++) begin()
    })
    return within(30_000 + calls * 100, `answers to ${calls} calls`, Promise.race([settled, ended]))
  }

  try {
    const figures = await throughput({ child, run }, size)
    return { ...figures, bytes: bytes / size.calls }
  } finally {
    await close()
  }
}
