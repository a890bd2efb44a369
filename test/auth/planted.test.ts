/** A token that is planted is found nowhere: in no log, span, metric, error or answer. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as ApiKeyAuth from "fastmcp-effect/auth/ApiKeyAuth"
import type * as AuthProvider from "fastmcp-effect/auth/AuthProvider"
import * as BearerAuth from "fastmcp-effect/auth/BearerAuth"
import * as IntrospectionVerifier from "fastmcp-effect/auth/IntrospectionVerifier"
import * as StaticVerifier from "fastmcp-effect/auth/StaticVerifier"
import * as TokenVerifier from "fastmcp-effect/auth/TokenVerifier"
import { assertUnheard, overheard } from "../support/overheard.ts"
import * as door from "./door.ts"
import * as issuers from "./issuer.ts"

const secret = "S3cretClientSecret"

const providers: {
  readonly [name: string]: {
    readonly auth: Layer.Layer<AuthProvider.Known, never, HttpClient.HttpClient>
    readonly headers: (token: string) => Record<string, string>
    readonly tokens: (issuer: issuers.Issuer) => Effect.Effect<ReadonlyArray<string>>
  }
} = {
  "a JWT": {
    auth: door.bearer(),
    headers: (token) => ({ authorization: `Bearer ${token}` }),
    tokens: (issuer) =>
      Effect.all([
        issuer.token(),
        issuer.token({ exp: 1 }),
        issuer.token({ aud: "https://other.example" }),
        issuer.token({}, { kid: "unknown" }),
        Effect.map(issuer.token(), (token) => `${token}x`),
        Effect.succeed("Pl4ntedNonsense")
      ])
  },
  "an opaque token": {
    auth: BearerAuth.layer({ resource: issuers.resource, authorizationServers: [issuers.url] }).pipe(
      Layer.provide(IntrospectionVerifier.layer({
        url: `${issuers.url}/introspect`,
        issuer: issuers.url,
        clientId: "notes",
        clientSecret: Redacted.make(secret)
      }))
    ),
    headers: (token) => ({ authorization: `Bearer ${token}` }),
    tokens: () => Effect.succeed(["Pl4ntedGoodToken", "Pl4ntedBadToken"])
  },
  "an API key": {
    auth: ApiKeyAuth.layer().pipe(
      Layer.provide(StaticVerifier.layer([{ token: Redacted.make("Pl4ntedGoodKey"), subject: "ann" }]))
    ),
    headers: (token) => ({ "x-api-key": token }),
    tokens: () => Effect.succeed(["Pl4ntedGoodKey", "Pl4ntedBadKey"])
  },
  "a verifier that breaks": {
    auth: BearerAuth.layer({ resource: issuers.resource, authorizationServers: [issuers.url] }).pipe(
      Layer.provide(TokenVerifier.layer((token) => Effect.die(new Error(`broken over ${token}`, { cause: token }))))
    ),
    headers: (token) => ({ authorization: `Bearer ${token}` }),
    tokens: () => Effect.succeed(["Pl4ntedToken"])
  }
}

describe("a planted token", () => {
  for (const [what, { auth, headers, tokens }] of Object.entries(providers)) {
    it.effect(`that is ${what} is found nowhere`, () =>
      Effect.gen(function*() {
        const answers: Array<string> = []
        let planted: ReadonlyArray<string> = []
        const { exit, said } = yield* overheard(Effect.gen(function*() {
          const at = yield* door.open(auth)
          at.issuer.introspection = (token) =>
            token === "Pl4ntedGoodToken"
              ? { active: true, sub: "ann", aud: issuers.resource, exp: 300 }
              : { active: false }
          planted = yield* tokens(at.issuer)
          for (const failure of [undefined, "down", () => new Response("", { status: 500 })] as const) {
            at.issuer.failure = failure
            for (const token of planted) {
              for (const [method, params] of calls) {
                const answer = yield* door.send(
                  at.handler,
                  door.stateless(method, params, { headers: headers(token) })
                )
                answers.push(answer.text, JSON.stringify([...answer.headers]))
              }
              const initialized = yield* door.send(
                at.handler,
                door.stateful(door.initialize, { headers: headers(token) })
              )
              answers.push(initialized.text, JSON.stringify([...initialized.headers]))
            }
            yield* TestClock.adjust("61 seconds")
          }
        }))
        yield* exit
        assert.isAbove(said.length, 20)
        assertUnheard([...said, ...answers], [
          secret,
          btoa(`notes:${secret}`),
          // Every part of a JWT tells something, and the last one is what makes it good.
          ...planted.flatMap((token) => token.split("."))
        ])
      }))
  }
})

const calls = [
  ["tools/list", {}],
  ["tools/call", { name: "whoami", arguments: {} }],
  ["tools/call", { name: "purge", arguments: {} }],
  ["resources/read", { uri: "note://secret" }]
] as const
