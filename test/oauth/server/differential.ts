/** What an engine says to every hostile and odd request, and whether two engines say the same. */
import * as http from "node:http"
import { text } from "node:stream/consumers"
import type { Engine, Person } from "./engine.ts"
import { authorize } from "./probes/authorize.ts"
import { documents } from "./probes/documents.ts"
import type { Ask, Endpoint, Place, Probe } from "./probes/probe.ts"
import { ofProofs } from "./probes/proofs.ts"
import { pushed } from "./probes/pushed.ts"
import { registration } from "./probes/registration.ts"
import { token } from "./probes/token.ts"
import { ofTokens } from "./probes/tokens.ts"
import { start, type World } from "./probes/world.ts"

/** Two halves, for two processes. */
export const halves = {
  asking: [...authorize, ...pushed, ...ofTokens, ...registration, ...documents],
  granting: [...token, ...ofProofs]
} satisfies Record<string, ReadonlyArray<Probe>>

export interface Verdict {
  /** `2xx` and its like, or why there was nothing to send: the server refused what had to come before. */
  readonly status: string
  /** Whether a browser ends up at a client. */
  readonly redirects: boolean
  /** The OAuth error, for a program to read. What a page says to a person is not compared. */
  readonly error: string | undefined
  /** Whether it got what it asked for; at `authorize`, a page that asks the person something. */
  readonly accepted: boolean
  /** What an access token is good for, where one can see it. */
  readonly grants?: string
}

/** By the name of the probe. */
export type Verdicts = ReadonlyMap<string, Verdict>

const isUnsent = ({ status }: Verdict): boolean => status.startsWith("not sent")

/** As one reads it in a list of differences. */
export const told = ({ accepted, error, grants, redirects, status }: Verdict): string =>
  [status, redirects && "redirect", error, accepted && "accepted", grants].filter(Boolean).join(" ")

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** Over `node:http`, which sends what it is given. */
const send = ({ body, headers = {}, method = "GET", url }: Ask): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { host, hostname, port } = new URL(url)
    const request = http.request({
      hostname,
      port,
      method,
      path: url.slice(url.indexOf(host) + host.length) || "/",
      headers: {
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat()])),
        ...body === undefined ? {} : { "content-length": Buffer.byteLength(body) }
      }
    }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode!, headers: response.headers, body }),
        reject
      )
    })
    request.on("error", reject)
    request.end(body)
  })

const classOf = (status: number): string => `${Math.floor(status / 100)}xx`

const parsed = (body: string): any => {
  try {
    return JSON.parse(body) ?? {}
  } catch {
    return {}
  }
}

const gets: Record<Exclude<Endpoint, "authorize" | "logout">, (answer: Answer, body: any) => boolean> = {
  cors: ({ headers }) => headers["access-control-allow-origin"] !== undefined,
  device: (_, { device_code }) => device_code !== undefined,
  document: ({ status }) => status < 300,
  introspection: (_, { active }) => active === true,
  pushed: (_, { request_uri }) => request_uri !== undefined,
  // One who chose its own id or secret did not get it.
  registration: (_, { client_id, client_secret }) =>
    client_id !== undefined && client_id !== "desktop" && client_secret !== "x",
  revocation: ({ status }) => status === 200,
  token: (_, { access_token }) => access_token !== undefined,
  userinfo: (_, { sub }) => sub !== undefined
}

const grantsOf = (token: unknown): { readonly grants?: string } => {
  if (typeof token !== "string" || token.split(".").length !== 3) return {}
  const { aud, cnf, scope = "" } = parsed(Buffer.from(token.split(".")[1]!, "base64url").toString())
  const scopes = scope.split(" ").toSorted().join(" ")
  return { grants: `(${[aud].flat().join(" ")}: ${scopes}${cnf === undefined ? "" : ", bound"})` }
}

const ofProgram = (endpoint: Endpoint, answer: Answer): Verdict => {
  const body = parsed(answer.body)
  const challenge = /error="([^"]*)"/u.exec(String(answer.headers["www-authenticate"] ?? ""))?.[1]
  return {
    status: classOf(answer.status),
    redirects: false,
    error: typeof body.error === "string" ? body.error : challenge,
    accepted: endpoint === "authorize" || endpoint === "logout"
      ? answer.status < 400
      : gets[endpoint](answer, body),
    ...grantsOf(body.access_token)
  }
}

const ofBrowser = async (person: Person, url: string): Promise<Verdict> => {
  const { page, status, url: end } = await person.look(url)
  if (page === undefined) {
    const answer = end.searchParams.size > 0 ? end.searchParams : new URLSearchParams(end.hash.slice(1))
    const error = answer.get("error") ?? undefined
    return { status: "3xx", redirects: true, error, accepted: error === undefined }
  }
  // response_mode=form_post: a page that sends itself on to the client.
  const error = /name="error"\s+value="([^"]*)"/u.exec(page)?.[1]
  if (error !== undefined) return { status: "3xx", redirects: true, error, accepted: false }
  return {
    status: classOf(status),
    redirects: false,
    error: undefined,
    accepted: status < 300 && page.includes("<form")
  }
}

/** One who is not logged in still has something to press. */
const ofLogout = async (person: Person, url: string): Promise<Verdict> => {
  const seen = await ofBrowser(person, url)
  if (seen.status !== "2xx") return seen
  const redirects = (await person.visit(url)).origin !== new URL(url).origin
  return { ...seen, status: redirects ? "3xx" : "2xx", accepted: true, redirects }
}

const verdict = async (world: World, { endpoint, make }: Probe): Promise<Verdict> => {
  const ask = await make(world)
  const person = ask.person ?? world.somebody()
  if (ask.method === undefined && endpoint === "authorize") return ofBrowser(person, ask.url)
  if (ask.method === undefined && endpoint === "logout") return ofLogout(person, ask.url)
  return ofProgram(endpoint, await send(ask))
}

const classifyAt = async (
  engine: Engine,
  place: Place,
  probes: ReadonlyArray<Probe>
): Promise<ReadonlyArray<readonly [string, Verdict]>> => {
  if (probes.length === 0) return []
  const { running, world } = await start(engine, place)
  try {
    const verdicts: Array<readonly [string, Verdict]> = []
    for (const probe of probes) {
      const found = await verdict(world, probe).catch((cause: unknown) => ({
        status: `not sent: ${cause}`,
        redirects: false,
        error: undefined,
        accepted: false
      }))
      verdicts.push([probe.name, found])
    }
    return verdicts
  } finally {
    await running.close()
  }
}

export const classify = async (engine: Engine, probes: ReadonlyArray<Probe>): Promise<Verdicts> => {
  const places: ReadonlyArray<Place> = ["full", "bare", "nonce"]
  const verdicts = await Promise.all(
    places.map((place) => classifyAt(engine, place, probes.filter((probe) => probe.place === place)))
  )
  return new Map(verdicts.flat())
}

/** A difference that was looked at, and is meant. */
export interface Intended {
  readonly theirs: string
  readonly ours: string
  readonly reason: string
}

/** By the name of the probe. */
export type Differences = Readonly<Record<string, Intended>>

/** One reason for some probes, each with what `oidc-provider` says and what we say. */
export const because = (
  reason: string,
  probes: Readonly<Record<string, readonly [theirs: string, ours: string]>>
): Differences =>
  Object.fromEntries(Object.entries(probes).map(([name, [theirs, ours]]) => [name, { theirs, ours, reason }]))

/** What is wrong, one line each: a difference that nobody looked at, and one that was, but is another or is no more. */
export const compare = (theirs: Verdicts, ours: Verdicts, intended: Differences): ReadonlyArray<string> => [
  ...Object.keys(intended).filter((name) => !theirs.has(name)).map((name) => `${name}: there is no such request`),
  ...[...theirs].flatMap(([name, verdict]) => {
    const their = told(verdict)
    const own = ours.get(name)
    const our = own === undefined ? "nothing" : told(own)
    const meant = intended[name]
    // Why the server refused what had to come before is not compared.
    const isAsMeant = own !== undefined && isUnsent(own) ? meant?.ours === "not sent" : meant?.ours === our
    const right = meant === undefined ? our === their : meant.theirs === their && isAsMeant
    return right ? [] : [`${name}: theirs ${their}, ours ${our}`]
  })
]
