/** The other side of the laws of a `ClientTransport`: a server that knows a few methods, and no MCP. */

export interface Way {
  readonly send: (frame: string) => void
  /** Ends the connection. */
  readonly end: () => void
}

/** Greets, and gives what takes the client's frames. */
export const converse = ({ end, send }: Way): (frame: string) => void => {
  const held: Array<unknown> = []
  const say = (message: object) => send(JSON.stringify({ jsonrpc: "2.0", ...message }))
  say({ method: "greeting" })
  return (frame) => {
    const { id, method, params = {} } = JSON.parse(frame)
    switch (method) {
      case "echo":
        return say({ id, result: params })
      case "hold":
        return void held.push(id)
      case "release":
        for (const each of held.splice(0)) say({ id: each, result: {} })
        return
      case "count":
        for (let number = 1; number <= params.to; number++) say({ method: "counted", params: { number } })
        return
      case "end":
        return end()
    }
  }
}
