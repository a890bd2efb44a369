/**
 * What may be used once, by many at the same moment: one of them gets tokens, and since the others have shown that it
 * was stolen, nothing of it is good when all have their answers. Where two servers can share a store, two do.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreRedis from "fastmcp-effect/oauth/server/OAuthStoreRedis"
import * as OAuthStoreSql from "fastmcp-effect/oauth/server/OAuthStoreSql"
import * as jose from "jose"
import { randomUUID } from "node:crypto"
import { type Backend, memory, onRedis, onSql, pg, sqlite } from "../../session/places.ts"
import { type Need, postgres, redis } from "../../support/services.ts"
import { asking, begin, decide, tv, type } from "./devices.ts"
import * as world from "./world.ts"

type Store = Backend<OAuthStore.OAuthStore>

const sql = (database: Parameters<typeof onSql>[0]): Store =>
  onSql(database, (prefix) => OAuthStoreSql.layer({ prefix }))

export const stores: { readonly [name: string]: { readonly store: Store; readonly needs?: Need } } = {
  memory: { store: memory(() => OAuthStore.layerMemory()) },
  SQLite: { store: sql(sqlite) },
  Postgres: { store: sql(pg), needs: postgres },
  Redis: { store: onRedis((prefix) => OAuthStoreRedis.layer({ prefix })), needs: redis }
}

export interface Options {
  readonly rounds: number
  /** Requests of a round, all at once. */
  readonly crowd: number
}

interface Server {
  readonly caller: world.Caller
  readonly check: AuthorizationServer.AuthorizationServer["Service"]["check"]
}

interface Place {
  readonly servers: ReadonlyArray<Server>
  readonly store: OAuthStore.OAuthStore["Service"]
}

/** What many send, and an access token that the same grant has given before. */
interface Prize {
  readonly sent: world.Sent
  readonly clientId: string
  readonly earlier?: string
}

const refreshing = (clientId: string, token: string): world.Sent => ({
  form: { grant_type: "refresh_token", client_id: clientId, refresh_token: token }
})

const prizes: { readonly [what: string]: (caller: world.Caller) => Effect.Effect<Prize> } = {
  code: (caller) => Effect.map(world.code(caller), (code) => ({ sent: world.exchange(code), clientId: "app" })),
  "refresh token": (caller) =>
    Effect.gen(function*() {
      const { json } = yield* caller.send("/token", world.exchange(yield* world.code(caller)))
      return { sent: refreshing("app", json.refresh_token), clientId: "app", earlier: json.access_token as string }
    }),
  "device code": (caller) =>
    Effect.gen(function*() {
      const { json } = yield* begin(caller)
      yield* decide(caller, yield* type(caller, json.user_code), "allow")
      return { sent: asking(json.device_code), clientId: "tv" }
    })
}

/** What did not hold, in words. */
export const run = (name: string, { isShared, place }: Store, { crowd, rounds }: Options) =>
  Effect.scoped(Effect.gen(function*() {
    const process = yield* place
    const contexts = yield* Effect.forEach(isShared ? [0, 1] : [0], () => start(process()))
    const failures: Array<string> = []
    for (let round = 1; round <= rounds; round++) {
      const servers = yield* Effect.forEach(
        contexts,
        (context) =>
          Effect.map(Effect.provide(world.caller, context), (caller) => ({
            caller,
            check: Context.get(context, AuthorizationServer.AuthorizationServer).check
          }))
      )
      const there = { servers, store: Context.get(contexts[0]!, OAuthStore.OAuthStore) }
      for (const [what, prize] of Object.entries(prizes)) {
        const problems: ReadonlyArray<string> = yield* runRound(there, yield* prize(servers[0]!.caller), crowd)
        failures.push(...problems.map((problem) => `${name}, round ${round}, ${what}: ${problem}`))
      }
    }
    return failures
  }))

const start = (store: Layer.Layer<OAuthStore.OAuthStore, unknown>) =>
  Layer.build(
    AuthorizationServer.layer({
      ...world.options,
      clients: [...world.options.clients!, tv],
      // Limits are not what is looked at here.
      clientAddress: () => randomUUID()
    }).pipe(Layer.provideMerge(world.services({ store })))
  )

const runRound = ({ servers, store }: Place, { clientId, earlier, sent }: Prize, crowd: number) =>
  Effect.gen(function*() {
    const answers = yield* Effect.forEach(
      Array(crowd).keys(),
      (index) => servers[index % servers.length]!.caller.send("/token", sent),
      { concurrency: "unbounded" }
    )
    const given = answers.filter(({ status }) => status === 200).map(({ json }) => json)
    const odd = new Set(
      answers.flatMap(({ json, status }) =>
        status === 200 || (status === 400 && json?.error === "invalid_grant") ? [] : [`${status} ${json?.error}`]
      )
    )
    const problems: Array<string> = []
    if (given.length !== 1) problems.push(`${given.length} of ${crowd} got tokens`)
    if (odd.size > 0) problems.push(`others were answered ${[...odd].join(", ")}`)
    const tokens = given.map(({ access_token }) => access_token as string)
    // First of all, for a refresh token that comes a second time would end the grant itself.
    for (const token of tokens) {
      const grant = jose.decodeJwt(token).jti!.split(".", 1)[0]!
      if ((yield* store.get({ kind: OAuthStore.grantKind, id: grant }))._tag !== "Absent") {
        problems.push("the grant is still there")
      }
    }
    for (const [index, { caller, check }] of servers.entries()) {
      for (const token of earlier === undefined ? tokens : [...tokens, earlier]) {
        if ((yield* check(Redacted.make(token))) !== undefined) {
          problems.push(`server ${index} takes an access token of it`)
        }
        if ((yield* introspect(caller, token)) !== false) {
          problems.push(`server ${index} says that an access token of it is active`)
        }
      }
      for (const { refresh_token } of given) {
        const { json, status } = yield* caller.send("/token", refreshing(clientId, refresh_token))
        if (json?.error !== "invalid_grant") {
          problems.push(`server ${index} answers the refresh token of it with ${status} ${json?.error}`)
        }
      }
    }
    return problems
  })

const introspect = ({ send }: world.Caller, token: string): Effect.Effect<unknown> =>
  Effect.map(
    send("/introspect", {
      form: { token },
      headers: { authorization: `Basic ${btoa(`backend:${encodeURIComponent(world.secret)}`)}` }
    }),
    ({ json }) => json.active
  )
