/** What happens to workers and their servers, in a size for every run of the tests or for a proof. */
import { DatabaseSync } from "node:sqlite"
import * as assembly from "./assembly.ts"
import * as fleet from "./fleet.ts"
import * as places from "./places.ts"
import * as processes from "./processes.ts"

export interface Size {
  readonly tasks: number
  readonly seed: number
  /** Whole seconds. */
  readonly leaseMillis: number
}

/** What is not said is the same everywhere. */
type Scenario = Omit<fleet.Options, "address" | "seed" | "tasks" | "patience" | "millis"> & {
  readonly millis?: fleet.Options["millis"]
}

const at = async <P extends places.Place>(
  place: { readonly make: (options: places.Options) => Promise<P> },
  { leaseMillis, seed, tasks }: Size,
  scenario: (place: P) => Scenario
): Promise<fleet.Outcome> => {
  const made = await place.make({ leaseMillis })
  try {
    return await fleet.run({
      address: made.address,
      seed,
      tasks,
      patience: 300_000,
      millis: [5, 30],
      ...scenario(made)
    })
  } finally {
    await made.remove()
  }
}

const more = (outcome: fleet.Outcome, ...failures: ReadonlyArray<string | false>): fleet.Outcome => ({
  ...outcome,
  failures: [...outcome.failures, ...failures.filter((failure) => failure !== false)]
})

/** Workers are killed outright, and others come in their place. */
export const killed = (place: places.Kept, size: Size, kills: number) =>
  at(place, size, () => ({ blows: fleet.spread(kills, size.seed, fleet.kill) }))

/** A worker is killed, and then the server; another worker comes in vain, and works when the server is back. */
export const serverKilled = (place: places.Own, size: Size, times: number) =>
  at(place, size, ({ server }) => ({
    evidence: { mayLapse: true },
    mayFailToStart: true,
    blows: fleet.spread(times, size.seed, fleet.killWith(server, (random) => 1000 * random))
  }))

/** Workers that are frozen for longer than their leases, and go on. */
export const frozen = async (place: places.Kept, size: Size, times: number) => {
  const freeze = 1.6 * size.leaseMillis
  // There is still something to do when the last of them is frozen.
  const millis = Math.ceil(1.2 * times * freeze * fleet.defaults.workers * fleet.defaults.slots / size.tasks)
  const outcome = await at(place, size, () => ({
    millis: [millis / 2, millis * 1.5],
    // Whoever is frozen while it writes has the others wait.
    evidence: { mayLapse: true },
    blows: fleet.spread(times, size.seed, fleet.freeze(freeze))
  }))
  return more(outcome, outcome.again === 0 && "nobody was frozen while it ran something")
}

/** In good order, and in the middle of work: nothing is done twice, and no attempt is counted that was given back. */
export const stopped = async (place: places.Kept, size: Size, times: number) => {
  const outcome = await at(place, size, () => ({
    millis: [100, 300],
    drainMillis: 20,
    blows: fleet.spread(times, size.seed, fleet.stop)
  }))
  return more(
    outcome,
    outcome.twice > 0 && `${outcome.twice} were done twice`,
    outcome.attempts > 1 && `one was in its attempt ${outcome.attempts}`,
    outcome.lapses > 0 && `${outcome.lapses} leases ran out`,
    outcome.released === 0 && "nobody was stopped while it ran something"
  )
}

/** Everything BullMQ has is deleted. */
export const ringsLost = (place: places.Kept, size: Size, times: number) =>
  at(place, size, ({ address }) => ({
    blows: fleet.spread(times, size.seed, async () => {
      const count = await places.deleteKeys(address.url, assembly.engineKeys(address))
      if (count === 0) throw new Error("there was nothing to delete")
    })
  }))

/** Somebody else has the file. */
export const fileLocked = (place: places.Kept, size: Size, millis: number) =>
  at(place, size, ({ address }) => ({
    evidence: { mayLapse: true },
    blows: [{
      at: 0.4,
      strike: async () => {
        const database = new DatabaseSync(address.url)
        await processes.until("the file is free", 10_000, () => {
          try {
            database.exec("BEGIN IMMEDIATE")
            return true
          } catch {
            return false
          }
        })
        await processes.sleep(millis)
        database.exec("ROLLBACK")
        database.close()
      }
    }]
  }))

/** One worker's clock is a minute ahead. On SQLite that is what the store goes by, and its leases with it. */
export const clockAhead = (place: places.Kept, size: Size) =>
  at(place, size, () => ({
    aheadMillis: 60_000,
    blows: [],
    evidence: { hasOneClock: place.kind !== "SQLite", mayLapse: place.kind === "SQLite" }
  }))
