/** The rows of what a resource server has to check, each a test of what it refuses. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as jose from "jose"
import * as door from "./door.ts"
import * as issuers from "./issuer.ts"

const metadata = "resource_metadata=\"https://acme.example/.well-known/oauth-protected-resource/mcp\""

/** The status, and what the challenge says is wrong. */
const refusal = ({ challenge, status }: door.Answer) =>
  `${status} ${/error="([^"]*)"/u.exec(challenge ?? "")?.[1] ?? ""}`.trim()

const described = ({ challenge }: door.Answer) => /error_description="([^"]*)"/u.exec(challenge ?? "")?.[1]

/** What a tool call with this token is answered. */
const tried = (own: issuers.Claims, header?: Record<string, unknown>) =>
  Effect.gen(function*() {
    const at = yield* door.open()
    return yield* door.call(at, "whoami", { token: yield* at.issuer.token(own, header) })
  })

describe("a resource server", () => {
  it.effect("lets in who brings a token for it, and knows who that is", () =>
    Effect.gen(function*() {
      const { body, status } = yield* tried({})
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body.result.structuredContent, { subject: "ann", scopes: ["notes:read", "notes:write"] })
    }))

  it.effect("header only: a token in the query or the body is none", () =>
    Effect.gen(function*() {
      const at = yield* door.open()
      const token = yield* at.issuer.token()
      for (const url of [`http://localhost/mcp?access_token=${token}`, `http://localhost/mcp?token=${token}`]) {
        const answer = yield* door.call(at, "whoami", { url })
        assert.strictEqual(answer.status, 401)
        assert.strictEqual(answer.challenge, `Bearer ${metadata}`)
        assert.notInclude(answer.text, token)
      }
      const inBody = yield* door.send(
        at.handler,
        door.stateless("tools/call", { name: "whoami", arguments: {}, access_token: token })
      )
      assert.strictEqual(inBody.status, 401)
    }))

  it.effect("a request without a token is told where to get one, and no error", () =>
    Effect.gen(function*() {
      const at = yield* door.open(door.bearer({ scopes: ["notes:read"] }))
      const answer = yield* door.call(at, "whoami")
      assert.strictEqual(answer.status, 401)
      assert.strictEqual(answer.challenge, `Bearer scope="notes:read", ${metadata}`)
      assert.strictEqual(answer.body.error.code, 401)
      assert.deepStrictEqual(at.issuer.asked, [])
    }))

  it.effect("a credential of another scheme is none, and a broken one is refused", () =>
    Effect.gen(function*() {
      const at = yield* door.open()
      const token = yield* at.issuer.token()
      const answers = yield* Effect.forEach(
        [
          "Basic YTpi",
          `Basic ${token}`,
          "Digest x",
          "Bearer",
          "Bearer ",
          "Bearer a b",
          `Bearer ${token}, Bearer ${token}`
        ],
        (authorization) => door.call(at, "whoami", { headers: { authorization } })
      )
      assert.deepStrictEqual(answers.map(refusal), [
        "401",
        "401",
        "401",
        ...Array.from({ length: 4 }, () => "401 invalid_token")
      ])
      assert.strictEqual(
        refusal(yield* door.call(at, "whoami", { token: "x".repeat(8193) })),
        "401 invalid_token"
      )
    }))

  it.effect("typ: an ID token is not an access token", () =>
    Effect.gen(function*() {
      const answer = yield* tried({}, { typ: "JWT" })
      assert.strictEqual(refusal(answer), "401 invalid_token")
      assert.strictEqual(described(answer), "The token is of another type")
    }))

  it.effect("alg allow-list: none and shared secrets are refused, whatever key they name", () =>
    Effect.gen(function*() {
      const at = yield* door.open(door.bearer({}, { type: "any" }))
      const secret = new TextEncoder().encode(JSON.stringify(at.issuer.signer.jwk))
      const shared = yield* Effect.promise(() =>
        new jose.SignJWT(issuers.claims).setProtectedHeader({ alg: "HS256", kid: "first" }).sign(secret)
      )
      for (const token of [new jose.UnsecuredJWT(issuers.claims).encode(), shared]) {
        const answer = yield* door.call(at, "whoami", { token })
        assert.strictEqual(refusal(answer), "401 invalid_token")
      }
      assert.deepStrictEqual(at.issuer.asked, [])
    }))

  it.effect("iss: a token of another issuer is refused", () =>
    Effect.gen(function*() {
      const answer = yield* tried({ iss: `${issuers.url}/` })
      assert.strictEqual(refusal(answer), "401 invalid_token")
      assert.strictEqual(described(answer), "The token is of another issuer")
    }))

  it.effect("aud contains this resource: a token for another is refused", () =>
    Effect.gen(function*() {
      for (const aud of ["https://other.example/mcp", "https://acme.example", ["a", "b"], undefined]) {
        const answer = yield* tried({ aud })
        assert.strictEqual(refusal(answer), "401 invalid_token")
        assert.strictEqual(described(answer), "The token is meant for another resource")
      }
      assert.strictEqual((yield* tried({ aud: ["a", issuers.resource] })).status, 200)
    }))

  it.effect("exp and nbf, with a minute of skew at most", () =>
    Effect.gen(function*() {
      const at = yield* door.open(door.bearer({}, { leeway: "1 hour" }))
      const token = yield* at.issuer.token()
      const future = yield* at.issuer.token({ nbf: 61 })
      assert.strictEqual(refusal(yield* door.call(at, "whoami", { token: future })), "401 invalid_token")
      yield* TestClock.adjust("359 seconds")
      assert.strictEqual((yield* door.call(at, "whoami", { token })).status, 200)
      yield* TestClock.adjust("1 second")
      const answer = yield* door.call(at, "whoami", { token })
      assert.strictEqual(refusal(answer), "401 invalid_token")
      assert.strictEqual(described(answer), "The token has expired")
    }))

  it.effect("cnf when present: a token that is bound to a key is no bearer token", () =>
    Effect.gen(function*() {
      const answer = yield* tried({ cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } })
      assert.strictEqual(refusal(answer), "401 invalid_token")
      assert.strictEqual(described(answer), "The token is bound to a key, and is no bearer token")
    }))

  it.effect("a token that says of nobody whom it stands for is refused", () =>
    Effect.gen(function*() {
      for (const sub of [undefined, "", 7]) {
        assert.strictEqual(refusal(yield* tried({ sub })), "401 invalid_token")
      }
    }))

  it.effect("unknown kid: the keys are fetched again at most once in 30 seconds", () =>
    Effect.gen(function*() {
      const at = yield* door.open()
      assert.strictEqual((yield* door.call(at, "whoami", { token: yield* at.issuer.token() })).status, 200)
      const next = yield* Effect.promise(() => issuers.makeSigner("next"))
      for (let i = 0; i < 50; i++) {
        const token = yield* Effect.promise(() => issuers.sign(next, { jti: String(i) }))
        assert.strictEqual(refusal(yield* door.call(at, "whoami", { token })), "401 invalid_token")
      }
      assert.strictEqual(at.issuer.asked.length, 1)
      at.issuer.keys = [next.jwk]
      yield* TestClock.adjust("30 seconds")
      const token = yield* Effect.promise(() => issuers.sign(next))
      assert.strictEqual((yield* door.call(at, "whoami", { token })).status, 200)
      assert.strictEqual(at.issuer.asked.length, 2)
    }))

  it.effect("issuer outage: 503 with Retry-After, not 401", () =>
    Effect.gen(function*() {
      const at = yield* door.open()
      for (const failure of ["down", () => new Response("", { status: 500 })] as const) {
        at.issuer.failure = failure
        const answer = yield* door.call(at, "whoami", { token: yield* at.issuer.token() })
        assert.strictEqual(answer.status, 503)
        assert.strictEqual(answer.headers.get("retry-after"), "5")
        assert.isNull(answer.challenge)
        yield* TestClock.adjust("5 seconds")
      }
      at.issuer.failure = "silent"
      const waiting = yield* Effect.forkChild(door.call(at, "whoami", { token: yield* at.issuer.token() }), {
        startImmediately: true
      })
      // The mount is a promise, and comes to the clock in its own time.
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(waiting)).status, 503)
      // Who was let in a moment ago still is, and a bad token is still a bad one.
      at.issuer.failure = undefined
      yield* TestClock.adjust("5 seconds")
      const token = yield* at.issuer.token()
      assert.strictEqual((yield* door.call(at, "whoami", { token })).status, 200)
      at.issuer.failure = "down"
      assert.strictEqual((yield* door.call(at, "whoami", { token })).status, 200)
      const expired = yield* at.issuer.token({ exp: 1 })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(refusal(yield* door.call(at, "whoami", { token: expired })), "401 invalid_token")
    }))

  it.effect("401 and 403 with resource_metadata and scope", () =>
    Effect.gen(function*() {
      const at = yield* door.open(door.bearer({ scopes: ["notes:read"] }))
      const poor = yield* door.call(at, "whoami", { token: yield* at.issuer.token({ scope: "other" }) })
      assert.strictEqual(poor.status, 403)
      assert.strictEqual(poor.challenge, `Bearer error="insufficient_scope", scope="notes:read", ${metadata}`)
      const bad = yield* door.call(at, "whoami", { token: yield* at.issuer.token({ aud: "x" }) })
      assert.strictEqual(bad.status, 401)
      assert.strictEqual(
        bad.challenge,
        `Bearer error="invalid_token", error_description="The token is meant for another resource", `
          + `scope="notes:read", ${metadata}`
      )
    }))

  it.effect("all scopes of the operation in one challenge, from the pipeline as from the door", () =>
    Effect.gen(function*() {
      const at = yield* door.open(door.bearer({ scopes: ["notes:read"] }))
      const token = yield* at.issuer.token({ scope: "notes:read notes:write notes:outer" })
      const cases = [
        ["purge", {}, ["notes:write", "notes:purge"]],
        ["share", { with: "bob" }, ["notes:write", "share:bob"]],
        ["outer", {}, ["notes:outer", "notes:write", "notes:purge"]]
      ] as const
      for (const [name, args, scopes] of cases) {
        const answer = yield* door.call(at, name, { token }, args)
        assert.strictEqual(answer.status, 403, `${name} ${answer.text}`)
        assert.strictEqual(
          answer.challenge,
          `Bearer error="insufficient_scope", scope="notes:read ${scopes.join(" ")}", ${metadata}`
        )
        assert.strictEqual(answer.body.error.code, 403)
        assert.includeMembers(answer.body.error.data.requiredScopes, [...scopes])
      }
      const enough = yield* at.issuer.token({ scope: "notes:read notes:write notes:purge notes:outer" })
      assert.strictEqual((yield* door.call(at, "outer", { token: enough })).body.result.content[0].text, "purged")
    }))
})
