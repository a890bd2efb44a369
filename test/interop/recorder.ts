/** A `fetch` that keeps a record of what it was asked and what came back. */

export interface Recorded {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  /** The JSON-RPC method of what was posted. */
  readonly rpc: string | undefined
  /** `performance.now()` when it was sent. */
  readonly at: number
  /** 0 until it is answered; a connection that fails leaves it so. */
  status: number
}

export interface Recorder {
  readonly fetch: typeof fetch
  readonly requests: Array<Recorded>
  /** GETs that go on after an event, in their order. */
  readonly resumptions: () => ReadonlyArray<Recorded>
}

export const make = (): Recorder => {
  const requests: Array<Recorded> = []
  return {
    requests,
    resumptions: () => requests.filter(({ headers, method }) => method === "GET" && headers.has("last-event-id")),
    fetch: async (input, init) => {
      const recorded: Recorded = {
        method: init?.method ?? "GET",
        url: new URL(String(input)),
        headers: new Headers(init?.headers),
        rpc: typeof init?.body === "string" ? JSON.parse(init.body).method : undefined,
        at: performance.now(),
        status: 0
      }
      requests.push(recorded)
      const response = await fetch(input, init)
      recorded.status = response.status
      return response
    }
  }
}
