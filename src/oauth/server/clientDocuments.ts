/** Clients whose id is the address of what they say of themselves (Client ID Metadata Document). */
import * as Cache from "effect/Cache"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ClientMetadata from "../ClientMetadata.ts"
import type * as SafeFetch from "../SafeFetch.ts"
import type * as Client from "./Client.ts"
import * as clientFetch from "./clientFetch.ts"
import * as clientMetadata from "./clientMetadata.ts"
import type { Failure, Issuer } from "./issuer.ts"
import * as limits from "./limits.ts"
import * as Refusal from "./Refusal.ts"

/** Documents that are not known yet, for one network in a minute. */
const most = 60

/** R2: the client of an id that is a URL. */
export const make = (
  { fetch, store }: Pick<Issuer, "fetch" | "store">
): Effect.Effect<(id: string, address: string | undefined) => Effect.Effect<Client.Client, Failure>> =>
  Effect.gen(function*() {
    // As long as a document is wrong it is not fetched again at once, for anybody can have it asked for.
    const cache = yield* Cache.makeWith((id: string) => read(fetch, id), {
      capacity: 1000,
      timeToLive: (exit) => Exit.isSuccess(exit) ? exit.value.lasts : 30_000
    })
    return (id, address) =>
      Effect.gen(function*() {
        if (!(yield* Cache.has(cache, id))) yield* limits.bound({ store }, "documents of clients", most, address)
        return (yield* Cache.get(cache, id)).client
      })
  })

interface Read {
  readonly client: Client.Client
  /** Milliseconds. */
  readonly lasts: number
}

const read = (
  fetch: SafeFetch.SafeFetch["Service"],
  id: string
): Effect.Effect<Read, Refusal.Refusal> =>
  Effect.gen(function*() {
    const problem = ClientMetadata.problemOfId(id)
    if (problem !== undefined) return yield* refused(`client_id is of no use as an address: ${problem}.`)
    const response = yield* clientFetch.read(fetch, id, false)
    const json = response === undefined ? undefined : parse(response.text)
    // Nothing of why: whoever asks could learn from it what this server can reach.
    if (response === undefined || json === undefined) return yield* unreadable
    if (json.client_id !== id) return yield* refused("The document has another client_id than its address.")
    if ("client_secret" in json) return yield* refused("The document has a secret in it, which is none any more.")
    const metadata = yield* clientMetadata.parse(json)
    const client = yield* clientMetadata.toClient(metadata, {
      id,
      origin: "document",
      secretHash: undefined,
      authentication: "none"
    })
    if (client.authentication.startsWith("client_secret")) {
      return yield* refused("A client that is known by a document has no secret.")
    }
    return { client, lasts: lastsOf(response.headers["cache-control"]) }
  })

const refused = (description: string) => Refusal.make("invalid_client", description)

const unreadable = refused("The document at client_id cannot be had, or is none.")

const parse = (text: string): { readonly [member: string]: unknown } | undefined => {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? json as { readonly [member: string]: unknown }
      : undefined
  } catch {
    return undefined
  }
}

/** As long as it says, between half a minute and a day. */
const lastsOf = (cacheControl = ""): number => {
  const age = Number(/\bmax-age="?(\d{1,9})/iu.exec(cacheControl)?.[1] ?? 0)
  return 1000 * (/\bno-(?:store|cache)\b/iu.test(cacheControl) ? 30 : Math.min(Math.max(age, 30), 86_400))
}
