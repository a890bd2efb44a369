/**
 * Measures this framework beside its peers, each a process of its own, in interleaved rounds.
 *
 * node --conditions=fastmcp-effect/source test/bench/run.ts [--rounds 5] [--calls 100000] [--warmup 20000] [--quick]
 *   [--only stdio,http,mounts,auth,oauth,sse,sessions,streams,idle,cold,memory,features,composition,large,client-stdio,client-http,docket]
 *   [--peers floor,ours,...]
 *   [--engines memory,SQLite,Postgres,Redis]
 *   [--sessions 1000] [--events 100] [--idle 1000,10000] [--json file] [--markdown file]
 *
 * `--sessions` is how many sessions make calls, and how many streams are open; `--events` is how many events each stream
 * gets; `--idle` how many sessions idle. The large loads have defaults of their own, 300 calls after 100, and so have
 * clients: 20,000 after 5,000, 100 in flight. Tokens: 5,000 after 1,000, for a code lasts a minute; work of a docket, too. What memory counts, 1 to 120,000 calls, is fixed; memory is measured in no more than three rounds.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type Composition, compositions } from "./compositions.ts"
import { measureClient, openOverHttp, openOverStdio } from "./drive/clients.ts"
import { engines, measureDocket } from "./drive/docket.ts"
import { measure, measureHttp, memory } from "./drive/driver.ts"
import { openHttp } from "./drive/http.ts"
import { measureIdle } from "./drive/idle.ts"
import { type Large, measureLarge } from "./drive/large.ts"
import { type Grant, grants, measureOauth } from "./drive/oauth.ts"
import { measureProgress } from "./drive/progress.ts"
import { measureSessions } from "./drive/sessions.ts"
import { coldStart, openStdio } from "./drive/stdio.ts"
import { measureStreams } from "./drive/streams.ts"
import { type Era, legacy, modern } from "./drive/wire.ts"
import {
  clients,
  coldStarters,
  docketPeers,
  features,
  largePeers,
  missing,
  mounts,
  oauthPeers,
  type Peer,
  peers,
  protectedPeers,
  pushPeers,
  root,
  sessionPeers,
  stripPeers,
  versions
} from "./peers.ts"
import { asJson, asMarkdown, asText, type Row, type Section, type Setting, tally } from "./report.ts"

const everything = [
  "stdio",
  "http",
  "mounts",
  "auth",
  "oauth",
  "sse",
  "sessions",
  "streams",
  "idle",
  "cold",
  "memory",
  "features",
  "composition",
  "large",
  "client-stdio",
  "client-http",
  "docket"
]

const { values } = parseArgs({
  options: {
    rounds: { type: "string" },
    calls: { type: "string" },
    warmup: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: everything },
    peers: { type: "string" },
    engines: { type: "string" },
    sessions: { type: "string" },
    events: { type: "string" },
    idle: { type: "string" },
    json: { type: "string" },
    markdown: { type: "string" }
  }
})

const number = (text: string | undefined, otherwise: number): number => {
  const value = text === undefined ? otherwise : Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`not a count: ${text}`)
  return value
}

const rounds = number(values.rounds, values.quick ? 1 : 5)
const calls = number(values.calls, values.quick ? 5_000 : 100_000)
const warmup = number(values.warmup, values.quick ? 1_000 : 20_000)
const sessions = number(values.sessions, values.quick ? 50 : 1_000)

const setting: Setting = {
  rounds,
  calls,
  warmup,
  inFlight: 64,
  sessions: { calls, warmup, inFlight: sessions },
  streams: { streams: sessions, events: number(values.events, values.quick ? 20 : 100) },
  idle: {
    rounds: Math.min(rounds, 3),
    sessions: (values.idle ?? (values.quick ? "200" : "1000,10000")).split(",").map((text) => number(text, 1_000))
  },
  large: {
    calls: number(values.calls, values.quick ? 30 : 300),
    warmup: number(values.warmup, values.quick ? 10 : 100),
    inFlight: 8
  },
  clients: {
    calls: number(values.calls, values.quick ? 2_000 : 20_000),
    warmup: number(values.warmup, values.quick ? 500 : 5_000),
    inFlight: 100
  },
  oauth: {
    calls: number(values.calls, values.quick ? 500 : 5_000),
    warmup: number(values.warmup, values.quick ? 200 : 1_000),
    inFlight: 32
  },
  docket: {
    noops: number(values.calls, values.quick ? 500 : 20_000),
    warmup: number(values.warmup, values.quick ? 200 : 10_000),
    shorts: number(values.calls, values.quick ? 500 : 5_000),
    concurrency: 32,
    pickups: values.quick ? 10 : 60
  },
  coldRuns: values.quick ? 3 : 20,
  quick: values.quick,
  versions: versions()
}

mkdirSync(join(root, ".out"), { recursive: true })
const work = mkdtempSync(join(root, ".out", "bench-"))
process.on("exit", () => rmSync(work, { recursive: true, force: true }))
stripPeers(work)

const wanted = values.peers?.split(",")
const chosen = (all: ReadonlyArray<Peer>) => all.filter(({ id }) => wanted === undefined || wanted.includes(id))
const say = (text: string) => process.stderr.write(`${text}\n`)

type Pair<F> = readonly [Peer, Row<F>]

/** Takes every peer in turn, round after round; one that fails is out of the rounds that follow. */
const inTurn = async <F>(
  title: string,
  rounds: number,
  contestants: ReadonlyArray<Peer>,
  offered: (peer: Peer) => string | undefined,
  once: (peer: Peer) => Promise<F>
): Promise<ReadonlyArray<Row<F>>> => {
  const rows = contestants.map((peer): Pair<F> => [peer, { name: peer.name, kind: peer.kind, rounds: [] }])
  const attempt = async ([peer, row]: Pair<F>, what: string, body: () => Promise<void>) => {
    if (row.out !== undefined) return
    say(`${title}: ${what}: ${peer.name}`)
    try {
      await body()
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s+/g, " ")
      row.out = { state: "failed", reason: reason.slice(0, 600) }
      say(`  failed: ${reason}`)
    }
  }
  for (const [peer, row] of rows) {
    const [gone, notOffered] = [missing(peer), offered(peer)]
    if (notOffered !== undefined) row.out = { state: "not offered", reason: notOffered }
    else if (gone !== undefined) row.out = { state: "skipped", reason: gone }
    if (row.out !== undefined) say(`${title}: ${row.name}: ${row.out.state}: ${row.out.reason}`)
  }
  for (const pair of rows) {
    const { prepare } = pair[0]
    if (prepare !== undefined) await attempt(pair, "prepare", prepare)
  }
  for (let round = 1; round <= rounds; round++) {
    for (const pair of rows) {
      await attempt(pair, `round ${round} of ${rounds}`, async () => void pair[1].rounds.push(await once(pair[0])))
    }
  }
  return rows.map(([, row]) => row)
}

const speaks = (era: Era) => (peer: Peer) => peer.eras.includes(era) ? undefined : `does not speak ${era}`
const bare = (peer: Peer) => peer.kind === "floor"

const stdio = async (era: Era): Promise<Section> => {
  const title = `stdio, ${era}`
  const rows = await inTurn(
    title,
    setting.rounds,
    chosen(peers(work)),
    speaks(era),
    async (peer) => measure(await openStdio(peer.stdio!(era), era, bare(peer)), setting)
  )
  return { table: "load", title, rows }
}

const overHttp = (all: ReadonlyArray<Peer>) => chosen(all).filter((peer) => peer.http !== undefined)

const http = async (title: string, contestants: ReadonlyArray<Peer>, era: Era): Promise<Section> => {
  const rows = await inTurn(
    title,
    setting.rounds,
    overHttp(contestants),
    speaks(era),
    async (peer) =>
      measureHttp(await openHttp((port) => peer.http!(port, era), era, bare(peer), "reply", peer.headers), setting)
  )
  return { table: "http", title, rows }
}

const tokens = async (grant: Grant): Promise<Section> => {
  const rows = await inTurn(
    `Tokens, ${grant}`,
    setting.rounds,
    chosen(oauthPeers(work)),
    () => undefined,
    (peer) => measureOauth((port) => peer.http!(port, modern), grant, setting.oauth)
  )
  return { table: "oauth", title: `Tokens, ${grant}`, rows }
}

const sse = async (era: Era): Promise<Section> => {
  const title = `Progress before the reply, HTTP, ${era}`
  const rows = await inTurn(
    title,
    setting.rounds,
    overHttp(pushPeers(work)),
    speaks(era),
    (peer) =>
      measureProgress(
        (port) => peer.http!(port, era),
        (port) => peer.push!("progress", port, era),
        era,
        bare(peer),
        setting
      )
  )
  return { table: "progress", title, rows }
}

const busySessions = async (): Promise<Section> => {
  const title = `${setting.sessions.inFlight.toLocaleString("en-US")} sessions at once, ${legacy}`
  const rows = await inTurn(
    title,
    setting.rounds,
    overHttp(peers(work)),
    speaks(legacy),
    (peer) => measureSessions((port) => peer.http!(port, legacy), bare(peer), setting.sessions)
  )
  return { table: "sessions", title, rows }
}

const streams = async (era: Era): Promise<Section> => {
  const { events, streams } = setting.streams
  const kind = era === legacy ? "GET streams" : "subscriptions/listen streams"
  const title = `${streams.toLocaleString("en-US")} ${kind} with ${events} events each, ${era}`
  const rows = await inTurn(
    title,
    setting.rounds,
    chosen(pushPeers(work)),
    speaks(era),
    (peer) => measureStreams((port) => peer.push!("changes", port, era), era, bare(peer), setting.streams)
  )
  return { table: "streams", title, rows }
}

const idle = async (count: number): Promise<Section> => {
  const title = `${count.toLocaleString("en-US")} sessions that idle, ${legacy}`
  // Long enough for all to be opened and measured; checked.
  const lifetime = 10_000 + 2 * count
  const contestants = sessionPeers(work, lifetime)
  const rows = await inTurn(title, setting.idle.rounds, chosen(contestants), speaks(legacy), (peer) => {
    const expires = contestants.some(({ expires, id }) => expires && id === peer.id)
    return measureIdle((port) => peer.http!(port, legacy), count, expires ? lifetime : undefined)
  })
  return { table: "idle", title, rows }
}

const cold = async (): Promise<Section> => {
  const title = "Cold start over stdio, from spawn to the answer of the first call"
  const rows = await inTurn(title, setting.coldRuns, chosen(coldStarters(work)), speaks(legacy), async (peer) => ({
    ms: await coldStart(peer.stdio!(legacy), legacy, bare(peer))
  }))
  return { table: "cold", title, rows }
}

const peaks = async (): Promise<Section> => {
  const title = "Peak resident memory over stdio, after so many calls"
  const milestones = setting.quick ? [1, 1_000] : [1, 1_000, 20_000, 120_000]
  const rows = await inTurn(
    title,
    setting.rounds,
    chosen(coldStarters(work)),
    speaks(legacy),
    async (peer) => memory(await openStdio(peer.stdio!(legacy), legacy, bare(peer)), milestones, setting.inFlight)
  )
  return { table: "memory", title, rows }
}

const prices = async (): Promise<Section> => {
  const title = `The price of each feature: fastmcp-effect over stdio, ${legacy}`
  const rows = await inTurn(
    title,
    setting.rounds,
    chosen(features(work)),
    speaks(legacy),
    async (peer) => measure(await openStdio(peer.stdio!(legacy), legacy, bare(peer)), setting)
  )
  return { table: "features", title, rows }
}

const composition = async ({ carrier, rows: contestants, title }: Composition): Promise<Section> => {
  const rows = await inTurn(
    title,
    setting.rounds,
    chosen(contestants),
    speaks(legacy),
    async (peer) =>
      measure(
        carrier === "stdio"
          ? await openStdio(peer.stdio!(legacy), legacy, false)
          : await openHttp((port) => peer.http!(port, legacy), legacy, false, "reply", peer.headers),
        setting
      )
  )
  return { table: "composition", title: `${title}, ${carrier}, ${legacy}`, rows }
}

const large = async (what: Large, words: string, era: Era): Promise<Section> => {
  const title = `${words}, stdio, ${era}`
  const rows = await inTurn(
    title,
    setting.rounds,
    chosen(largePeers(work, what)),
    speaks(era),
    (peer) => measureLarge(peer.stdio!(era), era, bare(peer), what, setting.large)
  )
  return { table: "large", title, rows }
}

const client = async (transport: "stdio" | "HTTP", era: Era): Promise<Section> => {
  const title = `Clients, ${transport}, ${era}`
  const open = transport === "stdio" ? openOverStdio : openOverHttp
  const rows = await inTurn(
    title,
    setting.rounds,
    chosen(clients(work)),
    speaks(era),
    async (peer) => measureClient(await open(peer.contest!, era), setting.clients)
  )
  return { table: "clients", title, rows }
}

const enginesOf = (names: string | undefined): typeof engines => {
  if (names === undefined) return engines
  const kinds = engines.map(({ kind }) => kind)
  const unknown = names.split(",").find((name) => !kinds.some((kind) => kind === name))
  if (unknown !== undefined) throw new Error(`--engines ${unknown}: one of ${kinds.join(", ")}`)
  return engines.filter(({ kind }) => names.split(",").includes(kind))
}

const docket = async (place: typeof engines[number]): Promise<Section> => {
  const title = `Docket, ${place.kind}`
  const rows = await inTurn(
    title,
    setting.rounds,
    chosen(docketPeers(place.kind)),
    () => place.needs?.answers === false ? place.needs.otherwise : undefined,
    (peer) => measureDocket(place, peer.kind === "ours" ? "docket" : "bare", setting.docket)
  )
  return { table: "docket", title, rows }
}

const list = "A list of 1,000 tools"
const report = "A result with 100 KB of structured content"

const both = (section: (era: Era) => Promise<Section>) => [legacy, modern].map((era) => () => section(era))

const sections: Readonly<Record<string, ReadonlyArray<() => Promise<Section>>>> = {
  stdio: both(stdio),
  http: both((era) => http(`HTTP, ${era}`, peers(work), era)),
  mounts: both((era) => http(`Mounts, HTTP, ${era}`, mounts(work), era)),
  auth: both(async (era) => http(`A token on each request, HTTP, ${era}`, await protectedPeers(work), era)),
  oauth: grants.map((grant) => () => tokens(grant)),
  sse: both(sse),
  sessions: [busySessions],
  streams: both(streams),
  idle: setting.idle.sessions.map((count) => () => idle(count)),
  cold: [cold],
  memory: [peaks],
  features: [prices],
  composition: compositions(work).map((group) => () => composition(group)),
  large: [...both((era) => large("list", list, era)), ...both((era) => large("report", report, era))],
  "client-stdio": both((era) => client("stdio", era)),
  "client-http": both((era) => client("HTTP", era)),
  docket: enginesOf(values.engines).map((place) => () => docket(place))
}

const results: Array<Section> = []
for (const name of values.only.flatMap((names) => names.split(","))) {
  const section = sections[name]
  if (section === undefined) throw new Error(`--only ${name}: one of ${Object.keys(sections).join(", ")}`)
  for (const body of section) results.push(await body())
}

/** How to repeat this run, but for where its figures were written. */
const command = (): string => {
  const { json: _json, markdown: _markdown, ...rest } = values
  const args = Object.entries(rest).flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    if (name === "only") return process.argv.some((arg) => arg.startsWith("--only")) ? [`--only ${value}`] : []
    return value === true ? [`--${name}`] : [`--${name} ${value}`]
  })
  return args.length === 0 ? "npm run bench" : `npm run bench -- ${args.join(" ")}`
}

if (values.json !== undefined) writeFileSync(values.json, asJson(setting, results))
if (values.markdown !== undefined) writeFileSync(values.markdown, asMarkdown(setting, results, command()))
const { failed, measured, notOffered, skipped } = tally(results)
console.log(`${asText(setting, results)}\n`)
console.log(`${measured} measured, ${skipped} skipped, ${failed} failed (${notOffered} not offered by the peer)`)
process.exit(failed > 0 ? 1 : 0)
