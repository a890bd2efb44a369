/**
 * What the processes of a run say of themselves, apart from what is proved: each appends to a file of its own, a line at a
 * time and before it goes on, so that whatever was said stays said when the process is killed.
 */
import * as fs from "node:fs"
import * as path from "node:path"

/** Times are those of the machine, whatever clock the process has been given. */
export type Line =
  /** A handler begins, and has done its work. */
  | {
    readonly event: "start" | "finish"
    readonly at: number
    readonly id: string
    readonly attempt: number
    /** Handlers of the process that are at work, this one included. */
    readonly running: number
  }
  /** The store has taken this change, or not. */
  | {
    readonly event: "change" | "refused"
    readonly at: number
    readonly id: string
    readonly generation: number
    readonly status: string
    readonly attempt: number
    readonly leaseUntil: number
  }
  /** The store has leased these anew; `at` is before it was asked. */
  | { readonly event: "renew"; readonly at: number; readonly holds: ReadonlyArray<readonly [string, number]> }

/** By which process. */
export type Said = Line & { readonly by: string }

export const open = (file: string): (line: Line) => void => {
  const descriptor = fs.openSync(file, "a")
  return (line) => void fs.writeSync(descriptor, `${JSON.stringify(line)}\n`)
}

/** Each call gives what was said since the last one. */
export const reader = (folder: string): () => ReadonlyArray<Said> => {
  const read = new Map<string, number>()
  return () =>
    fs.readdirSync(folder).flatMap((name) => {
      const position = read.get(name) ?? 0
      const file = path.join(folder, name)
      const size = fs.statSync(file).size
      if (size === position) return []
      const bytes = Buffer.alloc(size - position)
      const descriptor = fs.openSync(file, "r")
      const length = fs.readSync(descriptor, bytes, 0, bytes.length, position)
      fs.closeSync(descriptor)
      const end = bytes.lastIndexOf(10, length - 1) + 1
      read.set(name, position + end)
      return bytes.toString("utf8", 0, end).split("\n").filter((line) => line !== "").map((line): Said => ({
        ...JSON.parse(line),
        by: name
      }))
    })
}
