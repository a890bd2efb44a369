/** From a document and options to definitions, and a report on what became of each operation. */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Definition from "../../definition/Definition.ts"
import type * as Provider from "../../definition/Provider.ts"
import * as NetworkAddress from "../../oauth/NetworkAddress.ts"
import * as SafeFetch from "../../oauth/SafeFetch.ts"
import { isObject, type JsonObject } from "../../protocol/JsonRpc.ts"
import type * as OpenApi from "../OpenApi.ts"
import * as OpenApiError from "../OpenApiError.ts"
import * as definitions from "./definitions.ts"
import { arrayOf, type Document, read, stringOf, Unusable } from "./document.ts"
import * as names from "./names.ts"
import { entries, type Entry, keyOf } from "./operations.ts"
import * as routes from "./routes.ts"
import { Schemas } from "./schemas.ts"
import * as security from "./security.ts"
import * as servers from "./servers.ts"

export interface Built {
  readonly name: string
  readonly definitions: ReadonlyArray<Provider.AnyDefinition>
  readonly report: OpenApi.Report
}

export const from = <D extends Provider.AnyDefinition>(definition: D, name: string): D =>
  Definition.from(definition, `OpenAPI ${name}`)

export const build = <R>(
  options: OpenApi.Options<R>
): Effect.Effect<
  { readonly name: string; readonly report: OpenApi.Report; readonly definitions: ReadonlyArray<definitions.Any<R>> },
  OpenApiError.OpenApiError,
  HttpClient.HttpClient
> =>
  Effect.gen(function*() {
    const source = yield* sourceOf(options)
    const document = yield* read(source.document)
    const schemes = security.schemesOf(document)
    yield* security.checkNames(schemes, options.credentials)
    const place = yield* placeOf(document, options, source)
    const found = entries(document)
    const given = yield* givenNames(found, options.names ?? {})
    const info = isObject(document.root.info) ? document.root.info : {}
    const title = stringOf(info.title) ?? "API"
    const name = options.name ?? title

    const served: Array<OpenApi.Served> = []
    const leftOut: Array<OpenApi.LeftOut> = []
    const made: Array<definitions.Any<R>> = []
    const taken = new Map<string, string>([...given].map(([operation, name]) => [name, operation]))
    const maker = new definitions.Maker<R>({ document, schemas: new Schemas(document), schemes, place, options, name })
    for (const entry of found) {
      const operation = {
        method: entry.method,
        path: entry.path,
        ...(entry.operationId === undefined ? undefined : { operationId: entry.operationId })
      }
      const leave = (why: OpenApi.LeftOut["why"], reason: string) => leftOut.push({ ...operation, why, reason })
      try {
        const read = once(entry.read)
        const route = options.routes?.find((route) =>
          routes.matches(route, entry, (as) => definitions.canBe(as, read()))
        )
        const as = route?.as ?? "tool"
        if (as === "exclude") {
          leave("route", "a route excludes it")
          continue
        }
        if (entry.deprecated && options.deprecated !== true) {
          leave("deprecated", "it is deprecated; deprecated: true takes it all the same")
          continue
        }
        const operationRead = read()
        const fault = maker.missingCredentials(operationRead)
        if (fault !== undefined) {
          leave("credentials", fault)
          continue
        }
        const wanted = given.get(keyOf(entry)) ?? free(names.wantedOf(entry), keyOf(entry), taken)
        const { definition, label, notes } = maker.make(operationRead, as, wanted)
        if (as === "tool") taken.set(wanted, keyOf(entry))
        made.push(definition)
        served.push({ ...operation, as, name: label, notes })
      } catch (error) {
        leave("unusable", reasonOf(error))
      }
    }
    return {
      name,
      definitions: made,
      report: { title, version: stringOf(info.version) ?? "", openapi: document.version, served, leftOut }
    }
  })

/** What was thrown on purpose, in words; anything else is a bug. */
const reasonOf = (error: unknown): string => {
  if (error instanceof Unusable) return error.reason
  throw error
}

const once = <A>(read: () => A): () => A => {
  let found: { readonly value: A } | undefined
  return () => (found ??= { value: read() }).value
}

const free = (name: string, operation: string, taken: ReadonlyMap<string, string>): string => {
  if (!taken.has(name)) return name
  let marked = names.marked(name, operation)
  for (let n = 2; taken.has(marked); n++) marked = names.marked(name, `${operation} ${n}`)
  return marked
}

// ----------------------------------------------------------------------------
// options
// ----------------------------------------------------------------------------

interface Source {
  readonly document: string | JsonObject
  readonly from: URL | undefined
  readonly isAllowed: (url: URL) => boolean
}

const sourceOf = (
  { document, fetch }: OpenApi.Options<any>
): Effect.Effect<Source, OpenApiError.OpenApiError, HttpClient.HttpClient> => {
  if (!(document instanceof URL)) return Effect.succeed({ document, from: undefined, isAllowed: () => true })
  const rules: SafeFetch.Options = { maxBytes: 32 << 20, timeout: "30 seconds", ...fetch }
  return Effect.provide(
    Effect.gen(function*() {
      const safe = yield* SafeFetch.SafeFetch
      const { status, text } = yield* safe.fetch({ url: document.href })
      if (status !== 200) return yield* Effect.fail(unreachable(`${document.host} answered with status ${status}`))
      return {
        document: text,
        from: document,
        isAllowed: ({ hostname }: URL) => hostname === document.hostname || isAllowed(rules, hostname)
      }
    }),
    SafeFetch.layer(rules)
  ).pipe(
    Effect.catchTag("SafeFetchError", (error) => Effect.fail(unreachable(error.message)))
  )
}

/** Whether a server that a document from elsewhere names may be called; what a name resolves to judges the HTTP client. */
const isAllowed = (rules: SafeFetch.Options, hostname: string): boolean => {
  const host = hostname.replace(/^\[|\]$/gu, "")
  return NetworkAddress.isAddress(host)
    ? SafeFetch.mayConnect(rules, hostname, host)
    : rules.allowLoopback === true || !/(?:^|\.)localhost\.?$/u.test(host)
}

const unreachable = (message: string) => OpenApiError.make(new OpenApiError.Unreachable({ message }))

const placeOf = (
  document: Document,
  { url, variables = {} }: OpenApi.Options<any>,
  { from, isAllowed }: Source
): Effect.Effect<servers.Place, OpenApiError.OpenApiError> =>
  Effect.suspend(() => {
    const place: servers.Place = { url, variables, from, isAllowed }
    if (url !== undefined && !/^https?:\/\//u.test(url)) {
      return Effect.fail(noServer(`The option url is ${JSON.stringify(url)}, which is no URL of HTTP`))
    }
    const given = arrayOf(document.root.servers).filter((server) => isObject(server))
    const known = servers.variablesOf(given)
    const unknown = Object.keys(variables).find((name) => !known.includes(name))
    if (unknown !== undefined) {
      return Effect.fail(OpenApiError.make(
        new OpenApiError.NotInDocument({ option: "variables", name: unknown, known })
      ))
    }
    try {
      servers.baseOf(given, place)
    } catch (error) {
      const paths = isObject(document.root.paths) ? Object.values(document.root.paths) : []
      // An operation may have a server of its own.
      if (!paths.some((path) => JSON.stringify(path).includes("\"servers\""))) {
        return Effect.fail(noServer(`The document does not say where the API is: ${reasonOf(error)}`))
      }
    }
    return Effect.succeed(place)
  })

const noServer = (message: string) => OpenApiError.make(new OpenApiError.NoServer({ message }))

/** By the key of the operation. */
const givenNames = (
  found: ReadonlyArray<Entry>,
  given: { readonly [operation: string]: string }
): Effect.Effect<ReadonlyMap<string, string>, OpenApiError.OpenApiError> =>
  Effect.suspend(() => {
    const byOperation = new Map<string, string>()
    const byName = new Map<string, string>()
    for (const [operation, name] of Object.entries(given)) {
      const entry = found.find((entry) => entry.operationId === operation || keyOf(entry) === operation)
      if (entry === undefined) {
        const known = found.slice(0, 10).map((entry) => entry.operationId ?? keyOf(entry))
        return Effect.fail(OpenApiError.make(
          new OpenApiError.NotInDocument({ option: "names", name: operation, known })
        ))
      }
      if (!names.isName(name)) {
        return Effect.fail(OpenApiError.make(new OpenApiError.InvalidName({ name, operation })))
      }
      const other = byName.get(name)
      if (other !== undefined) {
        return Effect.fail(OpenApiError.make(
          new OpenApiError.NameTaken({ name, operations: [other, operation] })
        ))
      }
      byName.set(name, operation)
      byOperation.set(keyOf(entry), name)
    }
    return Effect.succeed(byOperation)
  })

// ----------------------------------------------------------------------------
// log
// ----------------------------------------------------------------------------

export const log = ({ leftOut, served, title, version }: OpenApi.Report): Effect.Effect<void> => {
  const counts = new Map<string, number>()
  for (const { why } of leftOut) counts.set(why, (counts.get(why) ?? 0) + 1)
  const words = [...counts].map(([why, count]) => `${why} ${count}`).join(", ")
  const text = `${title} ${version}: ${served.length} operations are served`
  if (leftOut.length === 0) return Effect.logInfo(text)
  const full = `${text}, ${leftOut.length} are left out (${words}); OpenApi.inspect says which and why`
  // What routes exclude is meant.
  return leftOut.every(({ why }) => why === "route") ? Effect.logInfo(full) : Effect.logWarning(full)
}
