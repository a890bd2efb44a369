/** HTTP/1.1 on raw sockets: whole answers, event streams as they come, and servers that listen. */
import { connect, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { type Child, type Command, died, start, stop, within } from "./child.ts"
import { checkOpening, type Era, modern, opened, opening } from "./wire.ts"

export interface Answer {
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
  if (isChunked(head)) {
    const body = text.endsWith("\r\n0\r\n\r\n") ? chunks(text, from) : undefined
    return body === undefined ? undefined : { status, head, body }
  }
  if (status === 202 || status === 204) return { status, head, body: "" }
  throw new Error(`an answer without a length: ${text.slice(0, 300)}`)
}

const isChunked = (head: string): boolean => /\r\ntransfer-encoding: *chunked/i.test(head)

const isEventStream = (head: string): boolean => /\r\ncontent-type: *text\/event-stream/i.test(head)

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

/** The JSON-RPC messages of an answer, be it JSON or an event stream. */
export const messages = ({ body, head, status }: Answer): ReadonlyArray<string> => {
  if (status !== 200) throw new Error(`HTTP status ${status}: ${body.slice(0, 300)}`)
  if (!isEventStream(head)) return [body]
  return body.split("\n").filter((line) => /^data: ?\{/.test(line)).map((line) => line.slice(5))
}

/** The one message of an answer. */
export const message = (answer: Answer): string => {
  const all = messages(answer)
  if (all.length !== 1) throw new Error(`not one message in the event stream: ${answer.body.slice(0, 300)}`)
  return all[0]!
}

/** Takes an answer that is a stream of events apart, as it comes. */
export class EventStream {
  private readonly onOpen: () => void
  private readonly onMessage: (text: string) => void
  private isOpen = false
  private rest = ""
  /** Of the chunk that is being read. */
  private left = 0
  private body = ""

  constructor(onOpen: () => void, onMessage: (text: string) => void) {
    this.onOpen = onOpen
    this.onMessage = onMessage
  }

  /** Throws when it is none, or has ended. */
  take(text: string): void {
    this.rest += text
    if (!this.isOpen && !this.readHead()) return
    while (this.readChunk());
    for (let end; (end = this.body.indexOf("\n\n")) >= 0;) {
      const event = this.body.slice(0, end)
      this.body = this.body.slice(end + 2)
      const data = /^data: ?(\{.*)$/m.exec(event)
      if (data !== null) this.onMessage(data[1]!)
    }
  }

  private readHead(): boolean {
    const at = this.rest.indexOf(headEnd)
    if (at < 0) return false
    const head = this.rest.slice(0, at)
    if (head.slice(9, 12) !== "200" || !isEventStream(head) || !isChunked(head)) {
      throw new Error(`not an event stream: ${this.rest.slice(0, 300)}`)
    }
    this.rest = this.rest.slice(at + 4)
    this.isOpen = true
    this.onOpen()
    return true
  }

  private readChunk(): boolean {
    if (this.left === 0) {
      const line = this.rest.indexOf("\r\n")
      if (line < 0) return false
      this.left = Number.parseInt(this.rest.slice(0, line), 16)
      if (this.left === 0) throw new Error("the server ended an event stream")
      if (!(this.left > 0)) throw new Error(`not a chunk: ${this.rest.slice(0, 300)}`)
      this.rest = this.rest.slice(line + 2)
    }
    if (this.rest.length < this.left + 2) return false
    this.body += this.rest.slice(0, this.left)
    this.rest = this.rest.slice(this.left + 2)
    this.left = 0
    return true
  }
}

/** Opens a socket and gives what it reads to `take`; what `take` throws goes to `fail`. */
export const dial = (
  port: number,
  take: (text: string) => void,
  fail: (error: unknown) => void
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafe(65536)
    let open = false
    const socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer,
        callback: (count) => {
          try {
            take(buffer.toString("latin1", 0, count))
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

/** Sends bytes, one request at a time, and gives whole answers to `take`. */
export const connection = (
  port: number,
  take: (answer: Answer) => void,
  fail: (error: unknown) => void
): Promise<Socket> => {
  let rest = ""
  return dial(port, (text) => {
    rest += text
    const answer = parse(rest)
    if (answer === undefined) return
    rest = ""
    take(answer)
  }, fail)
}

/** A connection that is asked one thing after the other. */
export interface Client {
  readonly ask: (request: string) => Promise<Answer>
  readonly close: () => void
}

export const openClient = async (port: number): Promise<Client> => {
  let settle: { readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void } | undefined
  let lost: unknown
  const socket = await connection(port, (answer) => settle?.resolve(answer), (error) => {
    lost = error
    settle?.reject(error)
  })
  return {
    ask: (request) =>
      new Promise<Answer>((resolve, reject) => {
        if (lost !== undefined) return reject(lost)
        settle = { resolve, reject }
        socket.write(request)
      }).finally(() => settle = undefined),
    close: () => socket.destroy()
  }
}

/** Does something so many times, on so many connections at once. */
export const share = async (
  port: number,
  connections: number,
  times: number,
  each: (client: Client, n: number) => Promise<void>
): Promise<void> => {
  let next = 0
  const work = async () => {
    const client = await openClient(port)
    try {
      while (next < times) await each(client, next++)
    } catch (error) {
      next = times
      throw error
    } finally {
      client.close()
    }
  }
  await Promise.all(Array.from({ length: Math.min(connections, times) }, work))
}

export const request = (method: string, port: number, headers: string, body = ""): string =>
  `${method} /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
  `Accept: application/json, text/event-stream\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`

export const post = (port: number, headers: string, body: string): string => request("POST", port, headers, body)

/** Opens a stream by GET. */
export const get = (port: number, headers: string): string =>
  `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n${headers}\r\n`

const versionHeader = (era: Era): string => `MCP-Protocol-Version: ${era}\r\n`

/** The headers of a request of 2026-07-28, which say what its body does. */
export const modernHeaders = (method: string, name?: string): string =>
  `${versionHeader(modern)}Mcp-Method: ${method}\r\n` + (name === undefined ? "" : `Mcp-Name: ${name}\r\n`)

/** Opens a session, where the server has them; the headers of what is said in it. */
export const openSession = async (client: Client, port: number, era: Era, own = ""): Promise<string> => {
  if (era === modern) throw new Error(`there are no sessions in ${era}`)
  const first = await client.ask(post(port, own + versionHeader(era), opening(era)))
  checkOpening(era, message(first))
  const session = /\r\nmcp-session-id: *(\S+)/i.exec(first.head)
  const headers = own + versionHeader(era) + (session === null ? "" : `Mcp-Session-Id: ${session[1]}\r\n`)
  const { body, status } = await client.ask(post(port, headers, opened(era)!))
  if (status !== 202) throw new Error(`HTTP status ${status} for a notification: ${body}`)
  return headers
}

/** Opens a session, where the era has one, and says which headers a call of a tool needs. */
export const handshake = async (port: number, era: Era, tool: string, own = ""): Promise<string> => {
  const client = await openClient(port)
  try {
    if (era !== modern) return await openSession(client, port, era, own)
    checkOpening(
      era,
      message(await client.ask(post(port, own + modernHeaders("server/discover"), opening(era))))
    )
    return own + modernHeaders("tools/call", tool)
  } finally {
    client.close()
  }
}

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

/** A server that listens. */
export interface HttpServer {
  readonly child: Child
  readonly port: number
  /** Waits, for so many milliseconds at most; fails when the server ends. */
  readonly wait: <A>(ms: number, what: string, wait: Promise<A>) => Promise<A>
  readonly close: () => Promise<void>
}

/** Starts a server on a free port. */
export const startHttp = async (
  command: (port: number) => Command,
  options?: { readonly hasChannel: boolean }
): Promise<HttpServer> => {
  const port = await freePort()
  const child = start(command(port), { tied: true, ...options })
  child.stdout.resume()
  const ended = died(child)
  ended.catch(() => {})
  const wait: HttpServer["wait"] = (ms, what, wait) => within(ms, what, Promise.race([wait, ended]))
  const close = () => stop(child)
  const given = new AbortController()
  try {
    await wait(30_000, "open port", listening(port, given.signal))
  } catch (error) {
    await close()
    throw error
  } finally {
    given.abort()
  }
  return { child, port, wait, close }
}
