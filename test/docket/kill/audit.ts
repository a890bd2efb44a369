/** Whether the work of a run was done as a docket promises, by what its processes have said and its store has kept. */
import type * as Execution from "fastmcp-effect/docket/Execution"
import type { Said } from "./ledger.ts"

export interface Evidence {
  /** Of what was added. */
  readonly ids: ReadonlyArray<string>
  readonly said: ReadonlyArray<Said>
  readonly kept: ReadonlyArray<Execution.Execution>
  /** Processes that were killed, frozen or stopped. */
  readonly hit: ReadonlySet<string>
  /** Leases may also run out while all are well, as when the server is down. */
  readonly mayLapse: boolean
  /** Whether the store has a clock of its own, or all processes the same. */
  readonly hasOneClock: boolean
  readonly leaseMillis: number
  /** Runs of a worker at a time. */
  readonly slots: number
}

export interface Findings {
  readonly failures: ReadonlyArray<string>
  /** Handlers that began. */
  readonly runs: number
  /** Executions that began more than once. */
  readonly again: number
  /** Handlers that did their work, beyond one for each execution. */
  readonly twice: number
  /** Of any execution, the most. */
  readonly attempts: number
  /** Of all executions. */
  readonly lapses: number
  /** Runs that were given back. */
  readonly released: number
  /** Ends that the store did not take, for there was another. */
  readonly refused: number
  /** Ends it took, but whoever wrote them could not say so any more. */
  readonly untold: number
}

/** Of clocks that count whole milliseconds. */
const tolerance = 2

const isEnd = (status: string): boolean => status !== "Scheduled" && status !== "Running"

type Change = Extract<Said, { event: "change" | "refused" }>
type Start = Extract<Said, { event: "start" | "finish" }>

/** How many executions that failed have their story told. */
const told = 3

const storyOf = (id: string, said: ReadonlyArray<Said>): ReadonlyArray<string> =>
  said.filter((line) => line.event === "renew" ? line.holds.some(([held]) => held === id) : line.id === id)
    .toSorted((a, b) => a.at - b.at)
    .map((line) => {
      const { at, by, event, ...rest } = line.event === "renew"
        ? { ...line, id: undefined, holds: line.holds.find(([held]) => held === id)?.[1] }
        : { ...line, id: undefined }
      return `${id}: ${at} ${by} ${event} ${JSON.stringify(rest)}`
    })

const group = <A extends { readonly id: string }>(all: ReadonlyArray<A>): ReadonlyMap<string, ReadonlyArray<A>> =>
  Map.groupBy(all, ({ id }) => id)

export const audit = ({ hasOneClock, hit, ids, kept, leaseMillis, mayLapse, said, slots }: Evidence): Findings => {
  const failures: Array<string> = []
  const fail = (failure: string) => void failures.push(failure)
  const failed = new Set<string>()
  /** Of one execution. */
  const failOf = (id: string, failure: string) => {
    failed.add(id)
    fail(`${id} ${failure}`)
  }

  const records = new Map(kept.map((execution) => [execution.id, execution]))
  if (kept.length !== ids.length) fail(`${kept.length} are kept, and ${ids.length} were added`)
  for (const id of ids) {
    const record = records.get(id)
    if (record === undefined) failOf(id, "is lost")
    else if (record.status !== "Succeeded") failOf(id, `is ${record.status} (${JSON.stringify(record.failure)})`)
  }

  const starts = group(said.filter((line): line is Start & Said => line.event === "start"))
  const changes = group(said.filter((line): line is Change & Said => line.event === "change"))
  const renewals = new Map<string, Array<{ readonly by: string; readonly generation: number; readonly at: number }>>()
  for (const line of said) {
    if (line.event !== "renew") continue
    for (const [id, generation] of line.holds) {
      const of = renewals.get(id) ?? []
      renewals.set(id, of)
      of.push({ by: line.by, generation, at: line.at })
    }
  }

  const finishes = said.filter(({ event }) => event === "finish")
  const finished = new Set(finishes.map((line) => line.event === "finish" && line.id))
  let [again, released, untold] = [0, 0, 0]
  for (const id of ids) {
    const ofThis = (changes.get(id) ?? []).toSorted((a, b) => a.generation - b.generation)
    const ends = ofThis.filter(({ status }) => isEnd(status))
    if (ends.length > 1) failOf(id, `has come to an end ${ends.length} times`)
    // As they were claimed: whoever is frozen between its claim and its start begins late, and has no say.
    const runs = (starts.get(id) ?? []).toSorted((a, b) => a.attempt - b.attempt || a.at - b.at)
    if (ends.length === 0) {
      untold++
      if (!mayLapse && !runs.some(({ by }) => hit.has(by))) failOf(id, "has an end that nobody has told")
    }
    for (const [index, { by, generation }] of ofThis.entries()) {
      const before = ofThis[index - 1]
      if (before?.generation === generation) {
        fail(`${before.by} and ${by} have both made generation ${generation} of ${id}`)
      }
    }
    const last = records.get(id)?.generation
    if (last !== undefined && ofThis.some(({ generation }) => generation > last)) failOf(id, `is back at ${last}`)
    if (!finished.has(id)) failOf(id, "was never done")
    if (runs.length > 1) again++

    for (const [index, run] of runs.entries()) {
      const following = runs[index + 1]
      if (following === undefined) break
      const claim = ofThis.find(({ at, attempt, by, status }) =>
        status === "Running" && by === run.by && attempt === run.attempt && at <= run.at
      )
      if (claim === undefined) {
        failOf(id, `began in ${run.by} without a claim`)
        continue
      }
      const isGivenBack = ofThis.some(({ attempt, by, generation, status }) =>
        status === "Scheduled" && generation > claim.generation && attempt === claim.attempt - 1 && by === run.by
      )
      if (isGivenBack) {
        released++
        continue
      }
      const lease = Math.max(
        claim.leaseUntil,
        ...(renewals.get(id) ?? []).filter(({ by, generation }) => by === run.by && generation === claim.generation)
          .map(({ at }) => at + leaseMillis)
      )
      if (hasOneClock && following.at < lease - tolerance) {
        failOf(id, `began again in ${following.by} ${lease - following.at} ms before the lease of ${run.by} was over`)
      }
      if (!mayLapse && !hit.has(run.by)) failOf(id, `began again in ${following.by}, and ${run.by} was well`)
      const end = ends[0]
      if (end !== undefined && end.at < following.at - tolerance && end.by === run.by) {
        failOf(id, `began again in ${following.by} after its end`)
      }
    }
  }

  const most = Math.max(0, ...said.map((line) => line.event === "start" ? line.running : 0))
  if (most > slots) fail(`a worker was at ${most} runs at a time, and ${slots} is the most`)

  for (const id of [...failed].slice(0, told)) failures.push(...storyOf(id, said))

  const refused = said.filter((line) => line.event === "refused" && isEnd(line.status)).length
  const runs = said.filter(({ event }) => event === "start").length
  return {
    failures,
    runs,
    again,
    twice: finishes.length - finished.size,
    attempts: Math.max(0, ...kept.map(({ attempt }) => attempt)),
    lapses: kept.reduce((sum, { lapses }) => sum + lapses, 0),
    released,
    refused,
    untold
  }
}
