/** No row of what an authorization server has to check is without a test that is named after it. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"

const rows = {
  A1: "client and redirect_uri are proven before any redirect; otherwise a local error page",
  A2: "redirect_uri is compared as an exact string; only a loopback address may vary its port",
  A3: "code_challenge is required, S256 only, 43 base64url characters, and recorded for each code",
  A4: "duplicate parameters are refused, the size is bounded, unknown parameters are ignored",
  A5: "response_type is code only, response_mode query only",
  A6: "iss is in success and in errors, and advertised",
  A7: "state and nonce are returned and bound untouched",
  A8: "resource is valid, absolute, without a fragment, and known; invalid_target otherwise",
  A9: "303 after a POST, never 307",
  A10: "pages are not framed; cookies, CSRF token, Referrer-Policy, no content of others",
  A11: "consent shows client and redirect host; by client, redirect, resource and scope; never skipped for strangers",
  A12: "the session is renewed at login; prompt, max_age and auth_time are honoured",
  A13: "a pushed request is used once, bound to its client, short; foreign request_uri is refused",
  A14: "a code is bound to all of its request, has 256 bits, 60 seconds, and is kept as a hash",
  T1: "a code is consumed atomically and last; a second use revokes the grant",
  T2: "same client, same redirect_uri, a verifier of S256",
  T3: "client authentication as registered, by one method; hashed secrets; Basic decoded strictly",
  T4: "private_key_jwt: algorithms, aud, iss, sub, exp, jti",
  T5: "refresh tokens rotate, once, and the family ends with a second use",
  T6: "a refresh widens nothing; bound to its client; idle and absolute lifetimes",
  T7: "access tokens of RFC 9068, for one resource, for 10 minutes at most",
  T8: "client credentials: confidential only, a subject of their own",
  T9: "no-store, JSON errors, 401 and WWW-Authenticate for Basic",
  T10: "device flow: entropy, throttle, slow_down, confirmation",
  T11: "DPoP: method, URL, time, jti, ath, nonce, cnf.jkt",
  T12: "CORS for what needs no cookie, none for pages",
  T13: "limits by client, address and code; uniform errors",
  R1: "registration: off by default; rate, size, expiry, schemes, application_type",
  R2: "metadata documents: URL rules, size, time, redirects, addresses, caches, no shared secrets",
  R3: "the same for jwks_uri",
  R4: "issuer byte for byte, endpoints below it, members only when true",
  R5: "asymmetric keys, named by thumbprint, that rotate",
  R6: "revocation: authenticated, own tokens, ownership first, 200 for unknown",
  R7: "introspection: authenticated, tokens for the caller alone",
  R8: "userinfo: openid, POST and GET, the same sub",
  R9: "logout: a verified hint, an exact redirect, a confirmation",
  R10: "proxy: own PKCE and state, bound to the browser, encrypted upstream tokens, own tokens"
}

/** What was wrong with the framework that this one is the successor of; 8 is that of the task queue. */
const holes = [1, 2, 3, 4, 5, 6, 7, 9].map((number) => `fastmcp_rust ${number}`)

const folder = path.join(import.meta.dirname, "..")

const texts = fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => fs.readFileSync(path.join(folder, name), "utf8"))

const isNamed = (name: string, files: ReadonlyArray<string> = texts) => {
  const test = new RegExp(`\\b(?:it|describe)(?:\\.\\w+)*\\(\\s*["'\`]${name}: `, "u")
  return files.some((text) => test.test(text))
}

describe("rows", () => {
  for (const [row, text] of Object.entries(rows)) {
    it(`has a test of ${row}, ${text}`, () => assert.isTrue(isNamed(row)))
  }

  for (const hole of holes) {
    it(`has a test of ${hole}`, () => assert.isTrue(isNamed(hole)))
  }

  it("are not found by what only looks like it", () => {
    const files = [
      "/** A1: */ const x = \"A2: x\"\nit.effect(\"A3: x\", () => {})\ndescribe(\n  `A4: ${x}`)\nit(\"A55: x\")"
    ]
    assert.deepStrictEqual(
      ["A1", "A2", "A3", "A4", "A5", "A55"].filter((row) => isNamed(row, files)),
      ["A3", "A4", "A55"]
    )
  })
})
