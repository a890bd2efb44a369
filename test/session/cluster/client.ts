/** A client of one session that knows nothing but HTTP, so that a test says which request goes where. */

export interface Frame {
  readonly id?: string | number
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: any
}

/** One response, read as it comes. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly frames: ReadonlyArray<Frame>
  /** The id of the newest event. */
  readonly lastEventId: () => string | undefined
  readonly isOver: () => boolean
  readonly ended: Promise<void>
  /** The connection is lost. */
  readonly cut: () => void
}

export interface Client {
  readonly post: (message: object) => Promise<Answer>
  /** At another address, if one is named. */
  readonly get: (lastEventId?: string, url?: string) => Promise<Answer>
  readonly delete: () => Promise<Answer>
  /** A call of a tool; its answer is read as it comes. */
  readonly call: (name: string, args?: object) => Promise<Answer & { readonly id: number }>
  readonly request: (method: string, params?: object) => Promise<Frame>
}

/** Opens a session at one address, and goes on at another if one is named. */
export const open = async (url: string, next: string = url): Promise<Client> => {
  const session: { id?: string } = {}
  let address = url
  let lastId = 0

  const send = async (
    method: string,
    body: object | undefined,
    more: Record<string, string> = {},
    at = address
  ): Promise<Answer> => {
    const controller = new AbortController()
    const response = await fetch(at, {
      method,
      signal: controller.signal,
      headers: {
        accept: method === "GET" ? "text/event-stream" : "application/json, text/event-stream",
        ...(body === undefined ? undefined : { "content-type": "application/json" }),
        ...(session.id === undefined
          ? undefined
          : { "mcp-session-id": session.id, "mcp-protocol-version": "2025-11-25" }),
        ...more
      },
      ...(body === undefined ? undefined : { body: JSON.stringify(body) })
    })
    const frames: Array<Frame> = []
    let lastEventId: string | undefined
    let isOver = false
    const read = async () => {
      const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true
      const decoder = new TextDecoder()
      let text = ""
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true })
        if (!isStream) continue
        const events = text.split("\n\n")
        text = events.pop()!
        for (const event of events) {
          lastEventId = /^id: (.+)$/m.exec(event)?.[1] ?? lastEventId
          const data = /^data: (.+)$/m.exec(event)?.[1]
          if (data !== undefined) frames.push(JSON.parse(data) as Frame)
        }
      }
      if (!isStream && text !== "") frames.push(JSON.parse(text) as Frame)
    }
    const ended = read().catch(() => {}).finally(() => {
      isOver = true
    })
    return {
      status: response.status,
      headers: response.headers,
      frames,
      lastEventId: () => lastEventId,
      isOver: () => isOver,
      ended,
      cut: () => controller.abort()
    }
  }

  const post = (message: object) => send("POST", { jsonrpc: "2.0", ...message })

  const opened = await post({
    id: 0,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: { elicitation: { form: {} } },
      clientInfo: { name: "cluster", version: "1.0.0" }
    }
  })
  await opened.ended
  const id = opened.headers.get("mcp-session-id")
  if (id === null) throw new Error(`no session: ${opened.status} ${JSON.stringify(opened.frames)}`)
  session.id = id
  address = next

  return {
    post,
    get: (lastEventId, url) =>
      send("GET", undefined, lastEventId === undefined ? {} : { "last-event-id": lastEventId }, url),
    delete: () => send("DELETE", undefined),
    call: async (name, args = {}) => {
      const id = ++lastId
      const params = { name, arguments: args, _meta: { progressToken: id } }
      return { id, ...await post({ id, method: "tools/call", params }) }
    },
    request: async (method, params = {}) => {
      const answer = await post({ id: ++lastId, method, params })
      await answer.ended
      return answer.frames.at(-1)!
    }
  }
}

/** Waits for something that comes by itself. */
export const until = async (condition: () => boolean, what: string): Promise<void> => {
  for (const end = performance.now() + 15_000; !condition();) {
    if (performance.now() > end) throw new Error(`never came: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
