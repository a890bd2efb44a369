/**
 * Keys that follow one another every few seconds, while users log in at two servers that have one file of keys and one
 * store: every token is good for whoever has fetched the keys a while ago, and for the other server.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NodeSigningKeys from "fastmcp-effect/node/NodeSigningKeys"
import * as OidcProvider from "fastmcp-effect/oauth/oidc/OidcProvider"
import * as UserClaims from "fastmcp-effect/oauth/oidc/UserClaims"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as OAuthStoreSql from "fastmcp-effect/oauth/server/OAuthStoreSql"
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as oidc from "../oauth/oidc/world.ts"
import * as world from "../oauth/server/world.ts"
import { sqlite } from "../session/places.ts"

const rotations = Number(process.env["PROOF_ROTATIONS"] ?? 10)
const users = 20

/** A key signs when everybody has fetched it, and stays as long as the tokens of the one before it. */
const [reload, kept, lead, lasts, overlap] = [250, 1000, 2000, 2000, 4000]

export const run = (): Promise<ReadonlyArray<string>> => Effect.runPromise(Effect.scoped(proof))

const proof = Effect.gen(function*() {
  const failures: Array<string> = []
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "keys-")), "keys.json")
  yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(path.dirname(file), { recursive: true })))
  yield* NodeSigningKeys.make(file)
  const { client, prefix } = yield* sqlite
  const start = Effect.suspend(() =>
    Layer.build(
      OidcProvider.layer({ ...oidc.options, clients: [world.app], lifetimes: { accessToken: lasts } }).pipe(
        Layer.provide(UserClaims.layer({ anna: oidc.anna })),
        Layer.provide(NodeSigningKeys.layerFile(file, { reload })),
        Layer.provideMerge(world.services({ store: Layer.provide(OAuthStoreSql.layer({ prefix }), client()) }))
      )
    )
  )
  const servers = [yield* start, yield* start]
  const kids = new Set<string | undefined>()
  let count = 0
  let isOver = false
  const log = (user: number) =>
    Effect.gen(function*() {
      const own = servers[user % 2]!
      const { check } = Context.get(servers[(user + 1) % 2]!, AuthorizationServer.AuthorizationServer)
      let keys: JSONWebKeySet | undefined
      let fetched = 0
      while (!isOver) {
        const caller = yield* Effect.provide(world.caller, own)
        if (keys === undefined || performance.now() - fetched > kept) {
          keys = (yield* caller.send("/jwks")).json as JSONWebKeySet
          fetched = performance.now()
        }
        const known = createLocalJWKSet(keys)
        const { access_token, id_token } = yield* oidc.tokens(caller)
        kids.add(decodeProtectedHeader(access_token).kid)
        const age = `keys of ${Math.round(performance.now() - fetched)} ms ago`
        for (const token of [access_token, id_token]) {
          const isGood = yield* Effect.promise(() =>
            jwtVerify(token, known, { issuer: world.issuer }).then(() => true, () => false)
          )
          if (!isGood) failures.push(`token ${count} of user ${user} is not good with ${age}`)
        }
        if ((yield* check(Redacted.make(access_token))) === undefined) {
          failures.push(`token ${count} of user ${user} is not good for the other server`)
        }
        count++
      }
    })
  const begun = performance.now()
  yield* Effect.all([
    Effect.forEach(Array(users).keys(), log, { concurrency: "unbounded", discard: true }),
    Effect.gen(function*() {
      for (let rotation = 0; rotation < rotations; rotation++) {
        yield* Effect.sleep(lead + reload)
        yield* NodeSigningKeys.rotate(file, { lead, overlap })
      }
      yield* Effect.sleep(lead + reload)
      isOver = true
    })
  ], { concurrency: "unbounded" })
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`${rotations} rotations in ${seconds} s, ${count} logins meanwhile, signed with ${kids.size} keys`)
  if (kids.size !== rotations + 1) failures.push(`${kids.size} keys have signed`)
  return failures
})
