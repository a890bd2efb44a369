/** Drives a server over HTTP/1.1 on raw sockets: keep-alive connections, one call in flight on each. */
import { connect, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { type Command, died, start, stop, within } from "./child.ts"
import { type Driver, type Spent, stopwatch } from "./driver.ts"
import { call, checkOpening, type Era, frames, modern, opened, opening, Tally } from "./wire.ts"

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

const headEnd = "\r\n\r\n"

/** A whole answer, or undefined when more has to come. */
const parse = (text: string): Answer | undefined => {
  const at = text.indexOf(headEnd)
  if (at < 0) return undefined
  const head = text.slice(0, at)
  const status = Number(head.slice(9, 12))
  const from = at + 4
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  if (length !== null) {
    const to = from + Number(length[1])
    if (text.length < to) return undefined
    if (text.length > to) throw new Error(`more than one answer to one request: ${text.slice(to, to + 300)}`)
    return { status, head, body: text.slice(from) }
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const body = text.endsWith("\r\n0\r\n\r\n") ? chunks(text, from) : undefined
    return body === undefined ? undefined : { status, head, body }
  }
  if (status === 202 || status === 204) return { status, head, body: "" }
  throw new Error(`an answer without a length: ${text.slice(0, 300)}`)
}

/** The joined chunks from `from` on, or undefined when the last has not come. */
const chunks = (text: string, from: number): string | undefined => {
  let body = ""
  for (let at = from;;) {
    const line = text.indexOf("\r\n", at)
    if (line < 0) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    if (size === 0) return body
    if (!(size > 0)) throw new Error(`not a chunk: ${text.slice(at, at + 300)}`)
    body += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
    if (at >= text.length) return undefined
  }
}

/** The one JSON-RPC message of an answer, be it JSON or an event stream. */
const message = ({ body, head, status }: Answer): string => {
  if (status !== 200) throw new Error(`HTTP status ${status}: ${body.slice(0, 300)}`)
  if (!/\r\ncontent-type: *text\/event-stream/i.test(head)) return body
  const events = body.split("\n").filter((line) => /^data: ?\{/.test(line))
  if (events.length !== 1) throw new Error(`not one message in the event stream: ${body.slice(0, 300)}`)
  return events[0]!.slice(5)
}

/** Sends bytes, one request at a time, and gives whole answers to `take`. */
const connection = (port: number, take: (answer: Answer) => void, fail: (error: unknown) => void): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafe(65536)
    let rest = ""
    let open = false
    const socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer,
        callback: (count) => {
          rest += buffer.toString("latin1", 0, count)
          try {
            const answer = parse(rest)
            if (answer !== undefined) {
              rest = ""
              take(answer)
            }
          } catch (error) {
            fail(error)
          }
          return true
        }
      }
    })
    socket.once("connect", () => {
      open = true
      resolve(socket)
    })
    socket.once("error", (error) => (open ? fail : reject)(error))
    socket.once("close", () => fail(new Error("the server closed a connection")))
  })

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

/** Waits until a server listens. */
const listening = async (port: number, given: AbortSignal): Promise<void> => {
  while (!given.aborted) {
    try {
      return void (await connection(port, () => {}, () => {})).destroy()
    } catch {
      await sleep(20)
    }
  }
}

/** One exchange on a connection of its own. */
const exchange = async (port: number, request: string): Promise<Answer> => {
  let socket: Socket | undefined
  try {
    return await new Promise<Answer>((resolve, reject) => {
      connection(port, resolve, reject).then((opened) => {
        socket = opened
        socket.write(request)
      }, reject)
    })
  } finally {
    socket?.destroy()
  }
}

const post = (port: number, headers: string, body: string): string =>
  `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
  `Accept: application/json, text/event-stream\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`

/** Opens a session, where the era has one, and says which headers a call needs. */
const handshake = async (port: number, era: Era): Promise<string> => {
  const version = `MCP-Protocol-Version: ${era}\r\n`
  const first = await exchange(
    port,
    post(port, era === modern ? `${version}Mcp-Method: server/discover\r\n` : "", opening(era))
  )
  checkOpening(era, message(first))
  if (era === modern) return `${version}Mcp-Method: tools/call\r\nMcp-Name: add\r\n`
  const session = /\r\nmcp-session-id: *(\S+)/i.exec(first.head)
  const headers = version + (session === null ? "" : `Mcp-Session-Id: ${session[1]}\r\n`)
  const { body, status } = await exchange(port, post(port, headers, opened(era)!))
  if (status !== 202) throw new Error(`HTTP status ${status} for a notification: ${body}`)
  return headers
}

/** Starts a server on a free port and opens a session. */
export const openHttp = async (command: (port: number) => Command, era: Era, bare: boolean): Promise<Driver> => {
  const port = await freePort()
  const child = start(command(port), { tied: true })
  child.stdout.resume()
  const ended = died(child)
  ended.catch(() => {})
  let first = 1
  let headers = ""

  const run: Driver["run"] = async (calls, inFlight, samples) => {
    const tally = new Tally(era, first, calls)
    const { some } = frames(first, calls, (id) => post(port, headers, call(era, id)))
    first += calls
    const sockets: Array<Socket> = []
    let fail: (error: unknown) => void = () => {}
    let take: (socket: number, answer: Answer) => void = () => {}
    try {
      for (let n = 0; n < inFlight; n++) {
        sockets.push(await connection(port, (answer) => take(n, answer), (error) => fail(error)))
      }
      const settled = new Promise<Spent>((resolve, reject) => {
        let sent = 0
        let wrote = 0
        const send = (socket: number) => {
          if (sent === calls) return
          if (samples !== undefined) wrote = performance.now()
          sockets[socket]!.write(some(sent, sent + 1))
          sent++
        }
        fail = reject
        take = (socket, answer) => {
          if (samples !== undefined) samples[tally.answered] = performance.now() - wrote
          send(socket)
          const text = message(answer)
          tally.answer(text, 0, text.length)
          if (tally.done) resolve(spent())
        }
        const spent = stopwatch()
        for (let n = 0; n < inFlight; n++) send(n)
      })
      return await within(30_000 + calls * 2, `answers to ${calls} calls`, Promise.race([settled, ended]))
    } finally {
      fail = () => {}
      for (const socket of sockets) socket.destroy()
    }
  }

  const close = () => stop(child)
  const given = new AbortController()
  try {
    await within(30_000, "open port", Promise.race([listening(port, given.signal), ended]))
    if (!bare) headers = await within(30_000, "answer to the opening", Promise.race([handshake(port, era), ended]))
  } catch (error) {
    await close()
    throw error
  } finally {
    given.abort()
  }
  return { child, run, close }
}
