/** A call answered with JSON beside one answered with an event stream, because progress comes before its reply. */
import type { Command } from "./child.ts"
import { type Driver, type Load, type Throughput, throughput } from "./driver.ts"
import { openHttp } from "./http.ts"
import type { Era } from "./wire.ts"

/** Of the stream; what belongs to JSON says so. */
export interface ProgressFigures extends Throughput {
  readonly jsonCallsPerSecond: number
  readonly jsonMicros: number
}

export const measureProgress = async (
  json: (port: number) => Command,
  progress: (port: number) => Command,
  era: Era,
  bare: boolean,
  load: Load
): Promise<ProgressFigures> => {
  const of = async (driver: Driver) => {
    try {
      return await throughput(driver, load)
    } finally {
      await driver.close()
    }
  }
  const { callsPerSecond: jsonCallsPerSecond, serverMicros: jsonMicros } = await of(await openHttp(json, era, bare))
  return { ...await of(await openHttp(progress, era, bare, "progress")), jsonCallsPerSecond, jsonMicros }
}
