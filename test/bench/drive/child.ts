/** Processes under the bench: started, watched, measured from outside, and never left behind. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"

export interface Command {
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

export type Child = ChildProcessWithoutNullStreams

const alive = new Set<Child>()

const killAll = () => {
  for (const child of alive) child.kill("SIGKILL")
}
process.on("exit", killAll)
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130))

const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("NODE_") && !name.startsWith("npm_"))
)

/** Linux can end a child with its parent, even when the parent is killed outright: for servers that do not read stdin. */
const tied = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : []

export interface StartOptions {
  /** Ends it with this process, however that ends. */
  readonly tied?: boolean
  /** Opens the channel of `process.send`. */
  readonly hasChannel?: boolean
}

/** Starts a server under the Node that runs the bench. */
export const start = (command: Command, options?: StartOptions): Child => {
  const [file, ...args] = [...(options?.tied ? tied : []), process.execPath, ...command.args]
  const child = spawn(file!, args, {
    env: { ...environment, NODE_ENV: "production", ...command.env },
    stdio: ["pipe", "pipe", "pipe", ...(options?.hasChannel ? ["ipc" as const] : [])]
  }) as Child
  alive.add(child)
  child.stdin.on("error", () => {})
  let tail = ""
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => tail = (tail + chunk).slice(-2000))
  stderr.set(child, () => tail)
  child.once("exit", () => alive.delete(child))
  child.once("error", () => alive.delete(child))
  return child
}

const stderr = new WeakMap<Child, () => string>()

/** Fails when the server ends before it is stopped. */
export const died = (child: Child): Promise<never> =>
  new Promise((_, reject) => {
    child.once("error", reject)
    child.once("exit", (code, signal) => reject(new Error(`server ended (${signal ?? code}) ${stderr.get(child)!()}`)))
  })

/** Ends a server and waits until it is gone. */
export const stop = async (child: Child): Promise<void> => {
  if (!alive.has(child)) return
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  child.kill("SIGKILL")
  await within(5_000, "the end of a killed server", gone)
}

/** Every wait has a limit. */
export const within = async <A>(ms: number, what: string, wait: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} after ${ms / 1000} s`)), ms)
  })
  return Promise.race([wait, limit]).finally(() => clearTimeout(timer))
}

/** What the kernel says of a process, from its state on. */
const statOf = (pid: number | string): ReadonlyArray<string> => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")
}

/** CPU seconds of a process so far, all threads, in kernel ticks of 10 ms. */
export const cpuSeconds = ({ pid }: { readonly pid?: number | undefined }): number => {
  const fields = statOf(pid!)
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The one process that another has started. */
export const childOf = ({ pid }: Child): { readonly pid: number } => {
  const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((name) => {
    try {
      return Number(statOf(name)[1]) === pid
    } catch {
      // It has ended meanwhile.
      return false
    }
  })
  if (found.length !== 1) throw new Error(`not one child of ${pid}: ${found.join(", ") || "none"}`)
  return { pid: Number(found[0]) }
}

/** CPU seconds of the whole machine so far, idle time left out. */
export const busySeconds = (): number => {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync("/proc/stat", "utf8").split(/\s+/, 9).slice(1)
  return [user, nice, system, irq, softirq, steal].reduce((sum, ticks) => sum + Number(ticks), 0) / 100
}

/** Peak resident memory of a process so far, in MB. */
export const peakMegabytes = (child: Child): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024
