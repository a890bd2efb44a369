/**
 * Where the provider keeps things: our store. It finds, checks and then uses up, so of many that come at once with one
 * code each would get its tokens; here using up is one step, and whoever comes second is refused and ends the grant.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Failure, type Issuer, parts } from "../../../oauth/server/AuthorizationServer.ts"
import type * as OAuthStore from "../../../oauth/server/OAuthStore.ts"
import * as client from "./client.ts"
import { offlineAccess } from "./configuration.ts"
import type { Library } from "./library.ts"
import * as sealing from "./seal.ts"

interface Payload {
  readonly [member: string]: unknown
  readonly grantId?: string
}

export interface Adapter {
  readonly upsert: (id: string, payload: Payload, seconds: number) => Promise<void>
  readonly find: (id: string) => Promise<object | undefined>
  readonly findByUid: () => Promise<undefined>
  readonly findByUserCode: () => Promise<undefined>
  readonly consume: (id: string) => Promise<void>
  readonly destroy: (id: string) => Promise<void>
  readonly revokeByGrantId: () => Promise<void>
}

export type Run = <A>(effect: Effect.Effect<A, Failure>) => Promise<A>

const nothing = async () => undefined

/** Users log in with us, so the provider has nobody to remember. */
const forgetful: Adapter = {
  upsert: nothing,
  find: nothing,
  findByUid: nothing,
  findByUserCode: nothing,
  consume: nothing,
  destroy: nothing,
  revokeByGrantId: nothing
}

/** Those by whose second use a theft is found out. */
const replayable = { AuthorizationCode: "code", RefreshToken: "refresh_token" } as const

const isReplayable = (model: string): model is keyof typeof replayable => Object.hasOwn(replayable, model)

export const make = (library: Library, issuer: Issuer, run: Run) => (model: string): Adapter => {
  switch (model) {
    case "Session":
      return forgetful
    case "Client":
      return { ...forgetful, find: (id) => run(Effect.map(issuer.client(id), client.describe)) }
    case "Grant":
      return ofGrants(issuer, run)
    default:
      return ofModel(library, issuer, run, model)
  }
}

/** They are ours: the provider reads them, and may end them with all that belongs to them. */
const ofGrants = ({ store }: Issuer, run: Run): Adapter => ({
  ...forgetful,
  find: (id) =>
    run(Effect.map(store.get(parts.records.grants.key(id)), (entry) => {
      const found = parts.records.grants.read(entry)
      if (found._tag !== "Live") return undefined
      const { clientId, resource, scopes, subject } = found.value
      return {
        kind: "Grant",
        jti: id,
        exp: Math.floor(found.entry.expiresAt / 1000),
        clientId,
        accountId: subject,
        resources: { [resource]: scopes.join(" ") },
        // A grant without any scope is none to it.
        openid: { scope: offlineAccess }
      }
    })),
  destroy: (id) => run(store.endGrant(id))
})

const ofModel = ({ Provider, errors }: Library, issuer: Issuer, run: Run, model: string): Adapter => {
  const { secrets, store } = issuer
  const keyOf = (id: string) =>
    Effect.map(secrets.hash(id), (hash): OAuthStore.Key => ({ kind: `oidc ${model}`, id: hash }))

  const used = (grantId: string | undefined) =>
    Effect.gen(function*() {
      if (grantId === undefined || !isReplayable(model)) return
      yield* store.endGrant(grantId)
      yield* issuer.tell({ _tag: "Replayed", what: replayable[model], grantId })
    })

  return {
    ...forgetful,
    upsert: async (id, payload, seconds) => {
      const isKept = await run(Effect.gen(function*() {
        const key = yield* keyOf(id)
        const entry: OAuthStore.Entry = {
          data: sealing.seal(id, JSON.stringify(payload)),
          grant: payload.grantId,
          expiresAt: (yield* Clock.currentTimeMillis) + seconds * 1000
        }
        if (yield* store.putOnce(key, entry)) return true
        const found = yield* store.get(key)
        // What belongs to a grant that has ended is not kept: who gets it at this moment can do nothing with it.
        return found._tag === "Live" && model !== "ReplayDetection" &&
          (yield* store.replace(key, found.entry.data, entry))
      }))
      if (!isKept && model === "ReplayDetection") throw new errors.InvalidRequest("it was used before")
    },
    find: (id) =>
      run(Effect.gen(function*() {
        const found = yield* store.get(yield* keyOf(id))
        if (found._tag === "Live") {
          const text = sealing.open(id, found.entry.data)
          return text === undefined ? undefined : JSON.parse(text) as object
        }
        // To ask about it or to give it back is no use of it.
        if (found._tag === "Used" && Provider.ctx?.oidc?.route === "token") yield* used(found.grant)
        return undefined
      })),
    consume: async (id) => {
      const isFirst = await run(Effect.gen(function*() {
        const taken = yield* store.takeOnce(yield* keyOf(id))
        if (taken._tag === "Used") yield* used(taken.grant)
        return taken._tag === "Live"
      }))
      if (isFirst) return
      throw isReplayable(model) ? new errors.InvalidGrant("it was used before") : new errors.InvalidRequestUri()
    },
    destroy: (id) =>
      run(Effect.gen(function*() {
        yield* store.remove(yield* keyOf(id))
      }))
  }
}
