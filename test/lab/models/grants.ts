/**
 * Two authorization servers on one store, clients that are in a hurry, and somebody who has what is theirs: a code, a
 * refresh token or a device code is good once, and when it comes again, all that came of it ends.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import * as Consent from "fastmcp-effect/oauth/server/Consent"
import * as OAuthStore from "fastmcp-effect/oauth/server/OAuthStore"
import * as OAuthStoreError from "fastmcp-effect/oauth/server/OAuthStoreError"
import * as Pages from "fastmcp-effect/oauth/server/Pages"
import * as SigningKeys from "fastmcp-effect/oauth/server/SigningKeys"
import * as UserLogin from "fastmcp-effect/oauth/server/UserLogin"
import * as Faults from "fastmcp-effect/testing/Faults"
import * as Lab from "fastmcp-effect/testing/Lab"
import { createHash } from "node:crypto"
import { assert } from "vitest"
import * as devices from "../../oauth/server/devices.ts"
import * as world from "../../oauth/server/world.ts"
import type { Model } from "../model.ts"

const toText = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Tokens are not looked at here, so that nobody need sign them. */
const keys = Layer.succeed(SigningKeys.SigningKeys, {
  sign: (header, claims) => Effect.succeed(`${toText(header)}.${toText(claims)}.`),
  published: Effect.succeed([]),
  algorithms: Effect.succeed(["ES256"]),
  ring: Effect.die(new Error("Nobody asks for the ring."))
})

/** A user who is known and says yes to all. */
const surroundings = Layer.mergeAll(
  keys,
  UserLogin.layerAutomatic("anna"),
  Consent.layerAutomatic,
  Pages.layer(),
  Layer.succeed(SafeFetch.SafeFetch, {
    fetch: world.unreachable,
    check: (url) => Effect.succeed(new URL(url))
  }),
  Digest.layerWebCrypto
)

const host = (name: string): typeof AuthorizationServer.HostSecrets.Service => {
  let count = 0
  const hash = (text: string) => createHash("sha256").update(text).digest("base64url")
  return { hash, random: () => hash(`${name} ${count++}`) }
}

/** One request of a browser or a program, answered where the lab can see it. */
const send =
  (cookies: Map<string, string>, server: Lab.Node<AuthorizationServer.AuthorizationServer>) =>
  (path: string, { form }: { readonly form?: Readonly<Record<string, string>> } = {}) =>
    server.run(Effect.gen(function*() {
      const { handle } = yield* AuthorizationServer.AuthorizationServer
      const request = HttpServerRequest.fromWeb(
        new Request(new URL(path, world.issuer), {
          method: form === undefined ? "GET" : "POST",
          headers: {
            cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
            ...(form === undefined ? undefined : { "content-type": "application/x-www-form-urlencoded" })
          }
        })
      )
      Object.defineProperty(request, "text", { value: Effect.succeed(new URLSearchParams(form).toString()) })
      const response = yield* handle(request)
      const { headers, status } = HttpServerResponse.toWeb(response)
      for (const cookie of headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/u.exec(cookie)!
        cookies.set(name!, value!)
      }
      const location = headers.get("location")
      const text = response.body._tag === "Uint8Array" ? new TextDecoder().decode(response.body.body) : ""
      return {
        status,
        headers,
        text,
        location: location === null ? undefined : new URL(location, world.issuer),
        json: text.startsWith("{") ? JSON.parse(text) : undefined
      }
    }))

interface Secret {
  readonly form: Readonly<Record<string, string>>
  readonly what: string
  /** How often it was sent, and what came back. */
  sent: number
  tokens: number
  refused: number
  /** Of the grant, as the tokens say. */
  grant: string | undefined
}

/** What a client has been given, the newest last. */
interface Chain {
  readonly clientId: string
  readonly secrets: Array<Secret>
}

const secret = (what: string, form: Secret["form"]): Secret => ({
  what,
  form,
  sent: 0,
  tokens: 0,
  refused: 0,
  grant: undefined
})

const step = Arbitrary.schema(Schema.Struct({
  chain: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
  server: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  /** How many before the newest: a client has the newest, whoever has stolen one any. */
  before: Schema.Literals([0, 0, 0, 1, 2]),
  /** At both servers at once, by whoever has it. */
  isTwice: Schema.Boolean,
  pause: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })),
  crashes: Schema.Literals([false, false, false, false, true])
}))

const system = Effect.gen(function*() {
  const { layer, node: store } = yield* Lab.store(OAuthStore.layerMemory(), {
    name: "store",
    service: OAuthStore.OAuthStore,
    unavailable: () => OAuthStoreError.make(new OAuthStoreError.Unavailable({}))
  })
  const servers = yield* Effect.forEach(["s0", "s1"], (name, index) =>
    Lab.node(
      name,
      Layer.fresh(AuthorizationServer.layer({ ...world.options, clients: [world.app, devices.tv] })).pipe(
        Layer.provide([surroundings, layer]),
        Layer.provide(Layer.succeed(AuthorizationServer.HostSecrets, host(name)))
      ),
      { skew: index * 800 }
    ))

  const code = Effect.map(send(new Map(), servers[0]!)(world.authorizePath()), ({ location }): Chain => {
    const { form } = world.exchange(location!.searchParams.get("code")!)
    return { clientId: "app", secrets: [secret("code", form)] }
  })
  const device = Effect.gen(function*() {
    const cookies = new Map<string, string>()
    const browser = send(cookies, servers[1]!)
    const { json } = yield* browser("/device_authorization", { form: { client_id: "tv", scope: "notes:read" } })
    const first = devices.formOf(yield* browser("/device"))
    const page = yield* browser(first.action, { form: { csrf: first.csrf, user_code: json.user_code } })
    const { action, csrf } = devices.formOf(page)
    yield* browser(action, { form: { csrf, decision: "allow" } })
    return { clientId: "tv", secrets: [secret("device code", devices.asking(json.device_code).form)] } as Chain
  })
  const chains = [yield* code, yield* code, yield* code, yield* device]

  const present = (chain: Chain, index: number, at: number) =>
    Effect.gen(function*() {
      const used = chain.secrets[index]!
      used.sent++
      const { json, status } = yield* send(new Map(), servers[at]!)("/token", { form: used.form })
      if (json?.error === "invalid_grant") used.refused++
      if (status !== 200) return
      used.tokens++
      const claims = JSON.parse(Buffer.from(json.access_token.split(".")[1], "base64url").toString())
      used.grant = claims.jti.split(".")[0]
      chain.secrets.push(secret("refresh token", {
        grant_type: "refresh_token",
        client_id: chain.clientId,
        refresh_token: json.refresh_token
      }))
    })

  yield* Effect.sleep("1 second")
  yield* Effect.forEach(
    yield* Lab.steps("use", step, 14),
    ({ before, chain, crashes, isTwice, pause, server }, index) =>
      Effect.gen(function*() {
        // Some at one moment, and then a while nobody.
        yield* Effect.sleep(Math.floor(index / 3) * 80 + pause)
        const of = chains[chain]!
        if (crashes) {
          yield* Effect.forkScoped(Effect.andThen(Effect.sleep(pause), servers[server]!.restart))
        }
        const used = Math.max(0, of.secrets.length - 1 - before)
        yield* Effect.forEach(isTwice ? [0, 1] : [server], (at) => Effect.ignore(present(of, used, at)), {
          concurrency: "unbounded"
        })
      }),
    { concurrency: "unbounded" }
  )
  yield* Effect.sleep("1 second")

  for (const { secrets } of chains) {
    const grant = secrets.find(({ grant }) => grant !== undefined)?.grant
    for (const { refused, tokens, what } of secrets) {
      assert.isAtMost(tokens, 1, `a ${what} is used once`)
      if (tokens === 0 || refused === 0) continue
      const key = { kind: OAuthStore.grantKind, id: grant! }
      const found = yield* store.run(Effect.flatMap(OAuthStore.OAuthStore, ({ get }) => get(key)))
      assert.strictEqual(found._tag, "Absent", `a ${what} that comes again ends its grant`)
    }
    if (secrets.every(({ sent }) => sent <= 1)) {
      for (const { refused, what } of secrets) assert.strictEqual(refused, 0, `a ${what} that nobody else has is good`)
    }
  }
})

export const grants: Model = {
  name: "grants",
  holds: "a code, a refresh token or a device code is used once, and its grant ends when it comes again",
  options: {
    spans: false,
    journal: { fibers: false },
    faults: [
      Faults.fail({ link: "*>store", chance: 0.02, from: 900, until: 1900 }),
      Faults.loseAnswer({ link: "*>store", chance: 0.02, from: 900, until: 1900 }),
      Faults.delay({ link: "*>store", chance: 0.1, max: 50, from: 900 })
    ]
  },
  system
}
