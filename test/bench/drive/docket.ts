/** A docket beside the bare engine it has: how fast work goes through, and how soon it begins where nothing else is to be done. */
import { join } from "node:path"
import * as places from "../../docket/kill/places.ts"
import type { Measured, Settings } from "../docket/program.ts"
import { type Child, died, start, stop, within } from "./child.ts"

export interface DocketLoad {
  /** That do nothing. */
  readonly noops: number
  /** That do nothing, before those. */
  readonly warmup: number
  /** That take 5 to 30 ms. */
  readonly shorts: number
  readonly concurrency: number
  /** Added one by one. */
  readonly pickups: number
}

export interface DocketFigures {
  /** That do nothing. */
  readonly noopsPerSecond: number
  readonly noopMicros: number
  /** That take 5 to 30 ms. */
  readonly shortsPerSecond: number
  /** Milliseconds from adding to the start, with nothing else to do. */
  readonly p50: number
  readonly p95: number
}

export const engines = [places.memory, ...places.shared]

const program = join(import.meta.dirname, "..", "docket", "program.ts")

const open = async (
  settings: Settings
): Promise<{ child: Child; measured: () => Promise<ReadonlyArray<Measured>> }> => {
  const child = start({ args: ["--conditions=fastmcp-effect/source", program, JSON.stringify(settings)] }, {
    tied: true
  })
  let text = ""
  const waiting = new Set<() => void>()
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more
    for (const look of waiting) look()
  })
  const lineWith = (start: string) =>
    new Promise<string>((resolve) => {
      const look = () => {
        const found = text.split("\n").slice(0, -1).find((line) => line.startsWith(start))
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  await within(60_000, "ready", Promise.race([lineWith("ready"), died(child)]))
  return {
    child,
    measured: async () => {
      child.stdin.write("go\n")
      return JSON.parse(await within(600_000, "figures", Promise.race([lineWith("["), died(child)])))
    }
  }
}

const quantile = (values: ReadonlyArray<number>, q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))]!

export const measureDocket = async (
  place: places.Kept,
  what: Settings["what"],
  load: DocketLoad
): Promise<DocketFigures> => {
  const { address, remove } = await place.make({ leaseMillis: 30_000 })
  const children: Array<Child> = []
  const process = async (role: Settings["role"], loads: Settings["loads"]) => {
    const opened = await open({ address, what, role, concurrency: load.concurrency, loads })
    children.push(opened.child)
    return opened
  }
  try {
    const one = await process("both", [
      { tasks: load.warmup, millis: [0, 0] },
      { tasks: load.noops, millis: [0, 0] },
      { tasks: load.shorts, millis: [5, 30] }
    ])
    const [, noops, shorts] = await one.measured()
    await stop(one.child)
    const idle: Settings["loads"] = [{ tasks: load.pickups, millis: [0, 0], gapMillis: [100, 500] }]
    const delays = address.kind === "memory"
      ? (await (await process("both", idle)).measured())[0]!.delays
      : await pickedUp(await process("worker", idle), await process("adder", idle))
    return {
      noopsPerSecond: noops!.tasksPerSecond,
      noopMicros: noops!.micros,
      shortsPerSecond: shorts!.tasksPerSecond,
      p50: quantile(delays, 0.5),
      p95: quantile(delays, 0.95)
    }
  } finally {
    for (const child of children) await stop(child)
    await remove()
  }
}

type Opened = Awaited<ReturnType<typeof open>>

const pickedUp = async (worker: Opened, adder: Opened): Promise<ReadonlyArray<number>> => {
  const [[figures]] = await Promise.all([worker.measured(), adder.measured()])
  return figures!.delays
}
