/** Processes that end with whoever has started them, whatever ends that one. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process"
import * as fs from "node:fs"

/** Linux can end a child with its parent, even a parent that is killed outright, and a child that is stopped. */
export const setpriv = fs.existsSync("/usr/bin/setpriv") ? "/usr/bin/setpriv" : undefined

export interface Started {
  readonly child: ChildProcess
  readonly pid: number
  readonly hasEnded: () => boolean
  /** The last of what it wrote to stderr, and of stdout from `ready` on. */
  readonly words: () => string
  /** A line of stdout with this in it. */
  readonly said: (word: string) => Promise<void>
  readonly ended: Promise<void>
  readonly kill: (signal: NodeJS.Signals) => void
}

export const start = (
  command: string,
  args: ReadonlyArray<string>,
  options: SpawnOptions & { readonly setpriv?: ReadonlyArray<string> } = {}
): Started => {
  const { setpriv: flags = [], ...others } = options
  const [file, ...all] = setpriv === undefined
    ? [command, ...args]
    : [setpriv, ...flags, "--pdeathsig", "KILL", "--", command, ...args]
  const child = spawn(file!, all, { stdio: ["pipe", "pipe", "pipe"], ...others })
  let words = ""
  let hasEnded = false
  const waiting = new Set<() => void>()
  const listen = (text: string) => {
    words = (words + text).slice(-20_000)
    for (const look of waiting) look()
  }
  child.stdin?.on("error", () => {})
  child.stdout?.setEncoding("utf8").on("data", listen)
  child.stderr?.setEncoding("utf8").on("data", listen)
  const ended = new Promise<void>((resolve) => {
    const end = (why?: unknown) => {
      if (why instanceof Error) words += String(why)
      hasEnded = true
      resolve()
      for (const look of waiting) look()
    }
    child.once("close", end).once("error", end)
  })
  return {
    child,
    pid: child.pid!,
    ended,
    hasEnded: () => hasEnded,
    words: () => words,
    said: (word) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (words.includes(word)) resolve()
          else if (hasEnded) reject(new Error(`it ended before it said "${word}":\n${words}`))
          else return
          waiting.delete(look)
        }
        waiting.add(look)
        look()
      }),
    kill: (signal) => {
      if (!hasEnded) child.kill(signal)
    }
  }
}

export const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

/** Every wait has a limit. */
export const until = async (what: string, millis: number, test: () => boolean | Promise<boolean>): Promise<void> => {
  const limit = performance.now() + millis
  while (!await test()) {
    if (performance.now() > limit) throw new Error(`not within ${millis / 1000} s: ${what}`)
    await sleep(20)
  }
}
