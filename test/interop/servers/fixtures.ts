/** What every server that our client is tried on has in common. It tells what happens inside it through a file. */
import { appendFileSync } from "node:fs"

export const event = (text: string): void => appendFileSync(process.env.INTEROP_EVENTS!, `${text}\n`)

event(`pid ${process.pid}`)
process.on("exit", () => event("exit"))

/** Usage of each of them: `stdio`, or `http PORT`. */
export const [mode, port] = process.argv.slice(2) as [mode: "stdio" | "http", port?: string]

export const info = { name: "interop", version: "1.2.3" }

export const instructions = "Try everything."

export const people = ["ada", "alan", "grace"]

export const welcome = "Grüße ≠ 🙂\nand welcome"

/** Beside the one that is read and the one that changes, so that there are pages. */
export const pages = ["note://page/1", "note://page/2", "note://page/3"]

/** Two on a page; a cursor is the place of the first that has not been listed. */
export const pageOf = <A>(all: ReadonlyArray<A>, cursor: string | undefined) => {
  const from = Number(cursor ?? 0)
  return { items: all.slice(from, from + 2), next: from + 2 < all.length ? { nextCursor: String(from + 2) } : {} }
}

export const form = {
  type: "object" as const,
  properties: {
    name: { type: "string" as const },
    size: { type: "string" as const, enum: ["s", "l"], default: "s" }
  },
  required: ["name"]
}

export const levels = ["debug", "info", "warning", "error"] as const

let count = 0

export const counter = {
  get: () => String(count),
  bump: () => String(++count)
}

export const text = (text: string) => ({ content: [{ type: "text" as const, text }] })

/** Tells that a tool hangs, and resolves once it is to stop. */
export const hang = (key: string, signal: AbortSignal): Promise<void> => {
  event(`started ${key}`)
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => {
      event(`stopped ${key}`)
      resolve()
    }, { once: true })
  )
}
