/** Drives a client, which is a process of its own and makes its calls of a server that does next to nothing. */
import type { Done, Order } from "../clients/load.ts"
import { type Child, childOf, type Command, cpuSeconds, died, start, stop, within } from "./child.ts"
import { type Driver, type Latency, latency, type Load, oneAtATime, type Throughput, throughput } from "./driver.ts"
import { startHttp } from "./httpWire.ts"
import type { Era } from "./wire.ts"

/** How a client and its server are started. */
export interface Contest {
  readonly client: (transport: "stdio" | "http", target: string, era: Era) => Command
  /** The program of the server. */
  readonly server: string
}

/** With what calls cost one at a time. */
export interface ClientFigures extends Throughput, Latency {
  readonly alonePerSecond: number
  /** CPU of the client for one of them, in microseconds. */
  readonly aloneMicros: number
}

const messageOf = <A>(client: Child): Promise<A> =>
  new Promise((resolve) => client.once("message", (message) => resolve(message as A)))

/** The driver's own CPU is the server's here: near a whole core, that is the limit. */
const drive = (client: Child, server: { readonly pid?: number | undefined }, close: Driver["close"]): Driver => {
  const ended = died(client)
  ended.catch(() => {})
  return {
    child: client,
    run: async (calls, inFlight, samples) => {
      const before = cpuSeconds(server)
      const order: Order = { calls, inFlight, isSampled: samples !== undefined }
      const answer = messageOf<Done>(client)
      client.send(order)
      const done = await within(30_000 + calls * 5, `${calls} calls`, Promise.race([answer, ended]))
      if ("error" in done) throw new Error(done.error)
      samples?.set(done.samples)
      return { wall: done.wall, cpu: (cpuSeconds(server) - before) * 1000 }
    },
    close
  }
}

const ready = async (client: Child): Promise<void> => {
  const said = await within(30_000, "connected client", Promise.race([messageOf<string>(client), died(client)]))
  if (said !== "ready") throw new Error(`not a client under the bench: ${said}`)
}

export const openOverStdio = async ({ client: command, server }: Contest, era: Era): Promise<Driver> => {
  const client = start(command("stdio", server, era), { hasChannel: true, tied: true })
  const close = () => stop(client)
  try {
    await ready(client)
    return drive(client, childOf(client), close)
  } catch (error) {
    await close()
    throw error
  }
}

export const openOverHttp = async ({ client: command, server }: Contest, era: Era): Promise<Driver> => {
  const served = await startHttp((port) => ({ args: [server, "http", String(port), era] }))
  const client = start(command("http", String(served.port), era), { hasChannel: true, tied: true })
  const close = async () => {
    await stop(client)
    await served.close()
  }
  try {
    await ready(client)
    return drive(client, served.child, close)
  } catch (error) {
    await close()
    throw error
  }
}

/** Warm-up, throughput, then one call at a time, all on one client. */
export const measureClient = async (driver: Driver, load: Load): Promise<ClientFigures> => {
  try {
    const figures = await throughput(driver, load)
    const samples = new Float64Array(oneAtATime(load))
    await driver.run(samples.length, 1)
    const before = cpuSeconds(driver.child)
    const { wall } = await driver.run(samples.length, 1, samples)
    return {
      ...figures,
      alonePerSecond: samples.length / wall * 1000,
      aloneMicros: (cpuSeconds(driver.child) - before) / samples.length * 1e6,
      ...latency(samples)
    }
  } finally {
    await driver.close()
  }
}
