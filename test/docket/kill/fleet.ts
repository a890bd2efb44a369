/** A run: work is added, a fleet of workers does it, and at set points of its progress something happens to them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Docket from "fastmcp-effect/docket/Docket"
import * as DocketStore from "fastmcp-effect/docket/DocketStore"
import type * as Execution from "fastmcp-effect/docket/Execution"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as assembly from "./assembly.ts"
import { audit, type Evidence, type Findings } from "./audit.ts"
import { bundle } from "./bundle.ts"
import * as Ledger from "./ledger.ts"
import * as processes from "./processes.ts"
import type { Server } from "./servers.ts"
import type { Settings } from "./worker.ts"

export interface Options {
  readonly address: assembly.Address
  /** Chooses the work and who is hit. */
  readonly seed: number
  readonly tasks: number
  /** What one takes, from and to, in milliseconds. */
  readonly millis: readonly [number, number]
  readonly workers?: number
  readonly slots?: number
  readonly sweepMillis?: number
  readonly drainMillis?: number
  /** Of the first worker. */
  readonly aheadMillis?: number
  /** Each happens when its share of the work is done. */
  readonly blows: ReadonlyArray<Blow>
  readonly evidence?: Partial<Pick<Evidence, "mayLapse" | "hasOneClock">>
  /** The server may be down when a worker starts: it then ends with an error that says so, and is started again. */
  readonly mayFailToStart?: boolean
  /** For the whole of it. */
  readonly patience: number
}

export type Strike = (fleet: Fleet) => Promise<void>

export interface Blow {
  readonly at: number
  readonly strike: Strike
}

export interface Outcome extends Findings {
  readonly blows: number
  /** Starts of workers while the server was down. */
  readonly restarts: number
  readonly seconds: number
}

interface Member {
  readonly name: string
  readonly process: processes.Started
  isReady: boolean
}

export interface Fleet {
  /** From 0 to 1. */
  readonly random: () => number
  /** One that is in the middle of work, and is marked as hit. */
  readonly pick: () => Promise<Member>
  /** Starts another in its place. */
  readonly replace: (member: Member) => void
  /** Starts another in its place, which finds no server. */
  readonly replaceInVain: (member: Member) => Promise<void>
}

/** Mulberry32. */
export const randomOf = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = state + 0x6d2b79f5 | 0
    let word = Math.imul(state ^ state >>> 15, 1 | state)
    word = word + Math.imul(word ^ word >>> 7, 61 | word) ^ word
    return ((word ^ word >>> 14) >>> 0) / 2 ** 32
  }
}

/** If nobody says otherwise. */
export const defaults = { workers: 4, slots: 8 }

/** What goes wrong is to be found in what comes of it. */
const silent = Logger.layer([])

export const run = async (options: Options): Promise<Outcome> => {
  const { address, aheadMillis = 0, drainMillis = 5000, slots, sweepMillis = 500, tasks, workers } = {
    ...defaults,
    ...options
  }
  const random = randomOf(options.seed)
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fastmcp-docket-"))
  const ledgers = path.join(folder, "ledgers")
  fs.mkdirSync(ledgers)
  const script = path.join(folder, "worker.mjs")
  bundle(path.join(import.meta.dirname, "worker.ts"), script)
  const members: Array<Member | undefined> = []
  const all: Array<processes.Started> = []
  const hit = new Set<string>()
  let incarnations = 0
  let restarts = 0
  let crashed: string | undefined
  let isOver = false

  const launch = (place: number): void => {
    const name = `${place}-${++incarnations}`
    const settings: Settings = {
      address,
      ledger: path.join(ledgers, name),
      slots,
      sweepMillis,
      drainMillis,
      aheadMillis: place === 0 ? aheadMillis : 0
    }
    const process_ = processes.start(process.execPath, [
      script,
      JSON.stringify(settings)
    ], { env: { ...process.env, NODE_ENV: "production" } })
    const member: Member = { name, process: process_, isReady: false }
    members[place] = member
    all.push(process_)
    process_.said("ready").then(() => {
      member.isReady = true
    }, () => {})
    process_.ended.then(async () => {
      if (hit.has(name) || isOver) return
      if (options.mayFailToStart === true && !member.isReady && isUnopened(process_.words())) {
        restarts++
        await processes.sleep(200)
        if (!isOver) launch(place)
      } else crashed ??= `${name} ended by itself:\n${process_.words()}`
    })
  }

  const read = Ledger.reader(ledgers)
  const said: Array<Ledger.Said> = []
  const done = new Set<string>()
  const open = new Map<string, number>()
  const listen = () => {
    for (const line of read()) {
      said.push(line)
      if (line.event === "finish") done.add(line.id)
      const change = line.event === "start" ? 1 : line.event === "finish" ? -1 : 0
      open.set(line.by, (open.get(line.by) ?? 0) + change)
    }
  }
  const isBusy = ({ isReady, name }: Member): boolean => isReady && !hit.has(name) && (open.get(name) ?? 0) > 0

  const fleet: Fleet = {
    random,
    pick: async () => {
      const busy = () => members.filter((member) => member !== undefined && isBusy(member))
      await processes.until("a worker is in the middle of work", 30_000, () => {
        listen()
        return busy().length > 0
      })
      const chosen = busy()[Math.floor(random() * busy().length)]!
      hit.add(chosen.name)
      return chosen
    },
    replace: (member) => launch(members.indexOf(member)),
    replaceInVain: async (member) => {
      const before = restarts
      launch(members.indexOf(member))
      await processes.until("a worker finds no server", 30_000, () => restarts > before)
    }
  }

  const scope = Effect.runSync(Scope.make())
  const start = performance.now()
  try {
    const context = await Effect.runPromise(
      Layer.buildWithScope(Layer.provideMerge(assembly.layer(address), silent), scope)
    )
    const docket = Context.get(context, Docket.Docket)
    const store = Context.get(context, DocketStore.DocketStore)
    for (let place = 0; place < workers; place++) launch(place)

    const [shortest, longest] = options.millis
    const payloads = Array.from({ length: tasks }, (_, number) => ({
      number,
      millis: Math.round(shortest + random() * (longest - shortest))
    }))
    // Whoever adds may have to ask again while the server is down, and then finds that it was added.
    const added = Effect.runPromise(Effect.forEach(
      payloads,
      (payload) =>
        docket.add(assembly.work, payload, { key: String(payload.number) }).pipe(
          Effect.retry({ schedule: assembly.again }),
          Effect.map(({ id }) => id)
        ),
      { concurrency: 16 }
    ))
    added.catch(() => {})

    const left = () => options.patience - (performance.now() - start)
    for (const { at, strike } of options.blows) {
      await processes.until(`${Math.round(at * 100)} % of the work is done`, left(), () => {
        listen()
        if (crashed !== undefined) throw new Error(crashed)
        return done.size >= at * tasks
      })
      await strike(fleet)
    }

    const ids = await added
    const counts = Effect.retry(store.counts, { schedule: assembly.again })
    await processes.until("all work has come to its end", Math.max(left(), 1000), async () => {
      listen()
      if (crashed !== undefined) throw new Error(crashed)
      if (done.size < tasks) return false
      const found = await Effect.runPromise(counts)
      return found.every(({ status }) => status !== "Scheduled" && status !== "Running")
    }).catch(async (error: unknown) => {
      const found = await Effect.runPromise(counts)
      throw new Error(`${String(error)}; ${JSON.stringify(found)}, ${done.size} done`)
    })
    const seconds = (performance.now() - start) / 1000
    // Whoever was frozen says what it has to say.
    await processes.sleep(300)
    listen()

    const kept = await Effect.runPromise(everything(docket))
    const findings = audit({
      ids,
      said,
      kept,
      hit,
      leaseMillis: address.leaseMillis,
      slots,
      mayLapse: false,
      hasOneClock: true,
      ...options.evidence
    })
    return { ...findings, blows: options.blows.length, restarts, seconds }
  } finally {
    isOver = true
    for (const { kill } of all) kill("SIGKILL")
    await Promise.all(all.map(({ ended }) => ended))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** As a docket says it, or the client of Redis. */
const isUnopened = (words: string): boolean => /of the docket cannot be opened|RedisError/.test(words)

const everything = Effect.fnUntraced(function*(docket: Docket.Docket["Service"]) {
  const executions: Array<Execution.Execution> = []
  let cursor: string | undefined
  do {
    const page: DocketStore.Page = yield* Effect.retry(docket.list({ cursor, limit: 500 }), {
      schedule: assembly.again
    })
    executions.push(...page.executions)
    cursor = page.cursor
  } while (cursor !== undefined)
  return executions
})

// ----------------------------------------------------------------------------
// what may happen
// ----------------------------------------------------------------------------

/** So many, evenly over the middle of the work, each a little earlier or later by the seed. */
export const spread = (count: number, seed: number, strike: Strike): ReadonlyArray<Blow> => {
  const random = randomOf(seed)
  return Array.from({ length: count }, (_, index) => ({
    at: 0.05 + 0.85 * (index + 0.8 * random()) / count,
    strike
  }))
}

export const kill: Strike = async ({ pick, replace }) => {
  const member = await pick()
  member.process.kill("SIGKILL")
  await member.process.ended
  replace(member)
}

/** With its server, which is back after so long; whoever comes in its place first comes too early. */
export const killWith =
  ({ kill, start }: Server, millis: (random: number) => number): Strike => async ({ pick, random, replaceInVain }) => {
    const member = await pick()
    member.process.kill("SIGKILL")
    await member.process.ended
    await kill()
    await replaceInVain(member)
    await processes.sleep(millis(random()))
    await start()
  }

/** In good order. */
export const stop: Strike = async ({ pick, replace }) => {
  const member = await pick()
  member.process.kill("SIGTERM")
  await member.process.ended
  replace(member)
}

/** For so long; it then goes on as if nothing had happened. */
export const freeze = (millis: number): Strike => async ({ pick }) => {
  const member = await pick()
  member.process.kill("SIGSTOP")
  await processes.sleep(millis)
  member.process.kill("SIGCONT")
}

export const words = (
  name: string,
  { again, blows, refused, released, restarts, runs, seconds, twice, untold }: Outcome
): string =>
  `${name}: ${runs} runs, ${again} began more than once (${twice} done twice), ${released} given back, ` +
  `${refused} ends refused, ${untold} untold, ${blows} blows, ${restarts} starts in vain, ${seconds.toFixed(1)} s`
