/** What the two drivers have in common, and the figures taken with either. */
import { busySeconds, type Child, cpuSeconds, peakMegabytes } from "./child.ts"

/** Milliseconds that a run took, and of the driver's CPU in it. */
export interface Spent {
  readonly wall: number
  readonly cpu: number
}

export interface Driver {
  readonly child: Child
  /** Makes calls, so many in flight, and checks every answer. Samples are the milliseconds of each call, where it can tell. */
  readonly run: (calls: number, inFlight: number, samples?: Float64Array) => Promise<Spent>
  readonly close: () => Promise<void>
}

export interface Load {
  readonly calls: number
  readonly warmup: number
  readonly inFlight: number
}

/** How many calls are timed one at a time. */
export const oneAtATime = ({ calls }: Pick<Load, "calls">): number => Math.max(200, Math.floor(calls / 20))

export interface Throughput {
  readonly callsPerSecond: number
  /** CPU of the server for one call, in microseconds. */
  readonly serverMicros: number
  /** CPU of the driver against wall time: near 1, the driver is what is being measured. */
  readonly driverShare: number
  /** CPU that other processes took meanwhile, in cores: near 0, or the figures are not to be trusted. */
  readonly elsewhere: number
  readonly peakMegabytes: number
}

/** Of single calls, in microseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Peak resident memory in MB, by the number of calls made so far. */
export type Memory = Readonly<Record<number, number>>

/** The peak after each of so many calls, all on one server process. */
export const memory = async (
  { child, close, run }: Driver,
  milestones: ReadonlyArray<number>,
  inFlight: number
): Promise<Memory> => {
  const peaks: Record<number, number> = {}
  let made = 0
  try {
    for (const calls of milestones) {
      if (calls > made) await run(calls - made, inFlight)
      made = calls
      peaks[calls] = peakMegabytes(child)
    }
    return peaks
  } finally {
    await close()
  }
}

/** With the latency of calls one at a time. */
export interface Figures extends Throughput, Latency {}

/** With the latency of calls while as many are in flight as the load says, too. */
export interface HttpFigures extends Figures {
  readonly loadedP50: number
  readonly loadedP99: number
}

/** A clock for a run: call it to start, call what it gives to stop. */
export const stopwatch = (): () => Spent => {
  const cpu = process.cpuUsage()
  const began = performance.now()
  return () => {
    const wall = performance.now() - began
    const { system, user } = process.cpuUsage(cpu)
    return { wall, cpu: (system + user) / 1000 }
  }
}

/** Sorts the samples. */
export const latency = (samples: Float64Array): Latency => {
  samples.sort()
  const quantile = (q: number) => samples[Math.floor(q * (samples.length - 1))]! * 1000
  return { p50: quantile(0.5), p99: quantile(0.99) }
}

/** Warm-up, then throughput. */
export const throughput = async (
  { child, run }: Omit<Driver, "close">,
  load: Load,
  samples?: Float64Array
): Promise<Throughput> => {
  await run(load.warmup, load.inFlight)
  const busyBefore = busySeconds()
  const serverBefore = cpuSeconds(child)
  const spent = await run(load.calls, load.inFlight, samples)
  const server = cpuSeconds(child) - serverBefore
  const busy = busySeconds() - busyBefore
  return {
    callsPerSecond: load.calls / spent.wall * 1000,
    serverMicros: server / load.calls * 1e6,
    driverShare: spent.cpu / spent.wall,
    elsewhere: Math.max(0, (busy - server) * 1000 - spent.cpu) / spent.wall,
    peakMegabytes: peakMegabytes(child)
  }
}

/** On a server that has been driven already. */
const oneByOne = async ({ run }: Driver, load: Load): Promise<Latency> => {
  const samples = new Float64Array(oneAtATime(load))
  await run(samples.length, 1)
  await run(samples.length, 1, samples)
  return latency(samples)
}

/** Warm-up, throughput, then one call at a time, all on one server process. */
export const measure = async (driver: Driver, load: Load): Promise<Figures> => {
  try {
    return { ...await throughput(driver, load), ...await oneByOne(driver, load) }
  } finally {
    await driver.close()
  }
}

/** The same for a driver that can time calls while others are in flight. */
export const measureHttp = async (driver: Driver, load: Load): Promise<HttpFigures> => {
  try {
    const samples = new Float64Array(load.calls)
    const figures = await throughput(driver, load, samples)
    const { p50: loadedP50, p99: loadedP99 } = latency(samples)
    return { ...figures, ...await oneByOne(driver, load), loadedP50, loadedP99 }
  } finally {
    await driver.close()
  }
}
