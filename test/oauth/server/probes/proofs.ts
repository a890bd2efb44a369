/** At the token endpoint and at userinfo: assertions of clients, and DPoP proofs. */
import * as crypto from "node:crypto"
import * as Jws from "./jws.ts"
import { basic, type Changes, group, type Headers, type Make, post, type Probe } from "./probe.ts"
import { assertion, assertionType, clients, code, from, notes, proof, sent, tokens, type World } from "./world.ts"

const grant = { grant_type: "client_credentials", scope: "notes:read", resource: notes }

const asserting = (
  of: (world: World) => string | ReadonlyArray<string>,
  changes: Changes = {},
  headers: Headers = {}
): Make =>
(world) =>
  post(world.at("token"), {
    ...grant,
    client_assertion_type: assertionType,
    client_assertion: of(world),
    ...changes
  }, headers)

const claiming = (claims: Jws.Claims | ((world: World) => Jws.Claims), header: Jws.Claims = {}): Make =>
  asserting((world) => assertion(world, typeof claims === "function" ? claims(world) : claims, header))

const assertions = {
  good: {
    "an assertion": claiming({}),
    "an assertion with its client_id beside it": asserting((world) => assertion(world), { client_id: "signer" })
  },
  odd: {
    "an assertion for the token endpoint": claiming((world) => ({ aud: world.at("token") })),
    "an assertion for a list of the issuer": claiming((world) => ({ aud: [world.issuer] })),
    "an assertion for the issuer and somebody else": claiming((world) => ({
      aud: [world.issuer, "https://evil.example"]
    })),
    "an assertion for the issuer with a slash": claiming((world) => ({ aud: `${world.issuer}/` })),
    "an assertion for somebody else": claiming({ aud: "https://evil.example" }),
    "an assertion for a resource": claiming({ aud: notes }),
    "an assertion for nobody": claiming({ aud: undefined }),
    "an assertion for an empty list": claiming({ aud: [] }),
    "an assertion of another issuer": claiming({ iss: "desktop" }),
    "an assertion of no issuer": claiming({ iss: undefined }),
    "an assertion of another subject": claiming({ sub: "website" }),
    "an assertion of no subject": claiming({ sub: undefined }),
    "an assertion of an unknown client": claiming({ iss: "nobody", sub: "nobody" }),
    "an assertion that is over": claiming({ iat: Jws.inSeconds(-3600), exp: Jws.inSeconds(-1800) }),
    "an assertion that was over this second": claiming({ exp: Jws.inSeconds(-1) }),
    "an assertion without an end": claiming({ exp: undefined }),
    "an assertion with an end that is text": claiming({ exp: String(Jws.inSeconds(60)) }),
    "an assertion of a year": claiming({ exp: Jws.inSeconds(31_536_000) }),
    "an assertion of an hour": claiming({ exp: Jws.inSeconds(3600) }),
    "an assertion of tomorrow": claiming({ nbf: Jws.inSeconds(86_400), exp: Jws.inSeconds(86_460) }),
    "an assertion made tomorrow": claiming({ iat: Jws.inSeconds(86_400), exp: Jws.inSeconds(86_460) }),
    "an assertion that does not say when it was made": claiming({ iat: undefined }),
    "an assertion without a jti": claiming({ jti: undefined }),
    "an assertion with an empty jti": claiming({ jti: "" }),
    "an assertion again": async (world) => {
      const ask = await claiming({})(world)
      await sent(ask)
      return ask
    },
    "an assertion that nobody signed": asserting((world) => assertion(world, {}, { alg: "none" }, Jws.byNobody)),
    "an assertion without its signature": asserting((world) => assertion(world, {}, {}, Jws.byNobody)),
    "an assertion signed with the public key as a secret": asserting((world) =>
      assertion(world, {}, { alg: "HS256" }, Jws.bySecret(JSON.stringify(world.keys.jwk)))
    ),
    "an assertion signed with a foreign key": asserting((world) => assertion(world, {}, {}, Jws.by(Jws.makeKeys()))),
    "an assertion with its foreign key in the header": asserting((world) => {
      const foreign = Jws.makeKeys()
      return assertion(world, {}, { jwk: foreign.jwk }, Jws.by(foreign))
    }),
    "an assertion with an unknown kid": claiming({}, { kid: "unknown" }),
    "an assertion with another alg in the header": claiming({}, { alg: "ES384" }),
    "an assertion with an unknown crit": claiming({}, { crit: ["unknown"], unknown: true }),
    "an assertion with another typ": claiming({}, { typ: "at+jwt" }),
    "an assertion that is none": asserting(() => "junk"),
    "an assertion of three dots": asserting(() => ".."),
    "an empty assertion": asserting(() => ""),
    "two assertions": asserting((world) => [assertion(world), assertion(world)]),
    "an assertion without its type": asserting((world) => assertion(world), { client_assertion_type: undefined }),
    "an assertion with another type": asserting((world) => assertion(world), {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    }),
    "a type without an assertion": asserting(() => [], { client_id: "signer" }),
    "an assertion beside another client_id": asserting((world) => assertion(world), { client_id: "poster" }),
    "an assertion beside a secret": asserting((world) => assertion(world), { client_secret: "x" }),
    "an assertion beside a header": asserting((world) => assertion(world), {}, basic("signer", "x")),
    "an assertion of a client that has a secret": claiming({ iss: "nightly", sub: "nightly" }),
    "an assertion signed with the client's secret": asserting((world) =>
      assertion(
        world,
        { iss: "nightly", sub: "nightly" },
        { alg: "HS256" },
        Jws.bySecret(clients.nightly.client_secret)
      )
    ),
    "a client_id of a client that has to sign": (world) => post(world.at("token"), { ...grant, client_id: "signer" }),
    "a secret of a client that has to sign": (world) => post(world.at("token"), grant, basic("signer", "x"))
  }
} satisfies Record<string, Record<string, Make>>

const proving = (of: (world: World) => string | ReadonlyArray<string>): Make => (world) =>
  from(world, "nightly", "token", grant, { dpop: of(world) })

const withClaims = (claims: Jws.Claims | ((world: World) => Jws.Claims)): Make =>
  proving((world) => proof(world, typeof claims === "function" ? claims(world) : claims))

const withHeader = (header: Jws.Claims): Make => proving((world) => proof(world, {}, header))

const proofs = {
  good: { "a proof": withClaims({}) },
  odd: {
    "a proof of GET": withClaims({ htm: "GET" }),
    "a proof of a method in small letters": withClaims({ htm: "post" }),
    "a proof of no method": withClaims({ htm: undefined }),
    "a proof of another server": withClaims({ htu: "https://evil.example/token" }),
    "a proof of the issuer": withClaims((world) => ({ htu: world.issuer })),
    "a proof of another endpoint": withClaims((world) => ({ htu: world.at("revocation") })),
    "a proof of a path alone": withClaims((world) => ({ htu: new URL(world.at("token")).pathname })),
    "a proof of no URL": withClaims({ htu: undefined }),
    "a proof of a URL with a query": withClaims((world) => ({ htu: `${world.at("token")}?x=1` })),
    "a proof of a URL with a fragment": withClaims((world) => ({ htu: `${world.at("token")}#x` })),
    "a proof of a URL with a slash": withClaims((world) => ({ htu: `${world.at("token")}/` })),
    "a proof of a URL in capitals": withClaims((world) => ({ htu: world.at("token").replace("http:", "HTTP:") })),
    "a proof of an hour ago": withClaims({ iat: Jws.inSeconds(-3600) }),
    "a proof of two minutes ago": withClaims({ iat: Jws.inSeconds(-120) }),
    "a proof of 20 seconds ago": withClaims({ iat: Jws.inSeconds(-20) }),
    "a proof of the next hour": withClaims({ iat: Jws.inSeconds(3600) }),
    "a proof of no time": withClaims({ iat: undefined }),
    "a proof of a time that is text": withClaims({ iat: String(Jws.inSeconds(0)) }),
    "a proof that is over": withClaims({ exp: Jws.inSeconds(-60) }),
    "a proof of tomorrow": withClaims({ nbf: Jws.inSeconds(86_400) }),
    "a proof without a jti": withClaims({ jti: undefined }),
    "a proof with an empty jti": withClaims({ jti: "" }),
    "a proof with a jti that is a number": withClaims({ jti: 1 }),
    "a proof with a jti of 10 KB": withClaims({ jti: "j".repeat(10_000) }),
    "a proof again": async (world) => {
      const ask = await withClaims({})(world)
      await sent({ ...ask })
      return ask
    },
    "a proof with a nonce that nobody asked for": withClaims({ nonce: "unknown" }),
    "a proof with an ath": withClaims({ ath: "x" }),
    "a proof with another typ": withHeader({ typ: "JWT" }),
    "a proof without a typ": withHeader({ typ: undefined }),
    "a proof with its typ in capitals": withHeader({ typ: "DPOP+JWT" }),
    "a proof with the whole media type": withHeader({ typ: "application/dpop+jwt" }),
    "a proof without a key": withHeader({ jwk: undefined }),
    "a proof with another key": withHeader({ jwk: Jws.makeKeys().jwk }),
    "a proof with its private key": proving((world) => proof(world, {}, { jwk: world.keys.privateJwk })),
    "a proof with a secret as its key": proving((world) =>
      proof(world, {}, { alg: "HS256", jwk: { kty: "oct", k: "c2VjcmV0" } }, world.keys, Jws.bySecret("secret"))
    ),
    "a proof with a key that is text": withHeader({ jwk: "junk" }),
    "a proof with a kid instead of a key": withHeader({ jwk: undefined, kid: "1" }),
    "a proof with an unknown crit": withHeader({ crit: ["unknown"], unknown: true }),
    "a proof that nobody signed": proving((world) => proof(world, {}, { alg: "none" }, world.keys, Jws.byNobody)),
    "a proof without its signature": proving((world) => proof(world, {}, {}, world.keys, Jws.byNobody)),
    "a proof that is none": proving(() => "junk"),
    "an empty proof": proving(() => ""),
    "two proofs": proving((world) => [proof(world), proof(world)]),
    "one proof twice": proving((world) => {
      const one = proof(world)
      return [one, one]
    })
  }
} satisfies Record<string, Record<string, Make>>

const withNonce = (claims: () => Jws.Claims): Make => async (world) => {
  const refused = await sent(await withClaims({})(world))
  const nonce = refused.headers.get("dpop-nonce")
  if (nonce === null) throw new Error("no nonce was given")
  return withClaims({ nonce, ...claims() })(world)
}

/** RFC 7638: the members in this order. */
const thumbprint = ({ jwk: { crv, kty, x, y } }: Jws.Keys) =>
  crypto.createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url")

const boundRefresh = (dpop: (world: World, keys: Jws.Keys) => Headers, asWebsite = false): Make => async (world) => {
  const keys = Jws.makeKeys()
  const name = asWebsite ? "website" : "desktop"
  const { refresh_token } = await tokens(world, name, {}, { dpop: proof(world, {}, {}, keys) })
  return from(world, name, "token", { grant_type: "refresh_token", refresh_token }, dpop(world, keys))
}

/** With a token for userinfo that is bound to `keys`. */
const bound = async (world: World, keys: Jws.Keys): Promise<string> =>
  (await tokens(world, "desktop", { scope: "openid", resource: undefined }, {
    dpop: proof(world, {}, {}, keys)
  })).access_token

const athOf = (token: string) => crypto.createHash("sha256").update(token).digest("base64url")

const toUserinfo = (
  scheme: string,
  claims: (token: string) => Jws.Claims,
  by: (keys: Jws.Keys) => Jws.Keys = (keys) => keys
): Make =>
async (world) => {
  const keys = Jws.makeKeys()
  const token = await bound(world, keys)
  const about = { htm: "GET", htu: world.at("userinfo"), ath: athOf(token), ...claims(token) }
  return {
    url: world.at("userinfo"),
    headers: { authorization: `${scheme} ${token}`, dpop: proof(world, about, {}, by(keys)) }
  }
}

export const ofProofs: ReadonlyArray<Probe> = [
  ...group("token", {
    good: {
      ...assertions.good,
      ...proofs.good,
      "a bound refresh token with a proof of its key": boundRefresh((world, keys) => ({
        dpop: proof(world, {}, {}, keys)
      }))
    },
    odd: {
      ...assertions.odd,
      ...proofs.odd,
      "a bound refresh token without a proof": boundRefresh(() => ({})),
      "a bound refresh token with a proof of another key": boundRefresh((world) => ({
        dpop: proof(world, {}, {}, Jws.makeKeys())
      })),
      "a refresh token of a client with a secret with a proof of another key": boundRefresh(
        (world) => ({ dpop: proof(world, {}, {}, Jws.makeKeys()) }),
        true
      ),
      "an unbound refresh token with a proof": async (world) =>
        from(world, "desktop", "token", {
          grant_type: "refresh_token",
          refresh_token: (await tokens(world)).refresh_token
        }, { dpop: proof(world) }),
      "a code bound to a key without a proof": async (world) =>
        from(world, "desktop", "token", await code(world, "desktop", { dpop_jkt: thumbprint(world.keys) })),
      "a code bound to a key with a proof of another": async (world) =>
        from(world, "desktop", "token", await code(world, "desktop", { dpop_jkt: thumbprint(world.keys) }), {
          dpop: proof(world, {}, {}, Jws.makeKeys())
        }),
      "a code bound to a key with a proof of it": async (world) =>
        from(world, "desktop", "token", await code(world, "desktop", { dpop_jkt: thumbprint(world.keys) }), {
          dpop: proof(world)
        })
    }
  }),
  ...group("token", {
    place: "nonce",
    odd: {
      "no proof": (world) => from(world, "nightly", "token", grant),
      "a proof without a nonce": withClaims({}),
      "a proof with an unknown nonce": withClaims({ nonce: "unknown" }),
      "a proof with an empty nonce": withClaims({ nonce: "" }),
      "a proof with a nonce that is a number": withClaims({ nonce: 1 }),
      "a proof without a nonce, of an hour ago": withClaims({ iat: Jws.inSeconds(-3600) }),
      "a proof with a nonce": withNonce(() => ({})),
      "a proof with a nonce, of an hour ago": withNonce(() => ({ iat: Jws.inSeconds(-3600) })),
      "a proof with a nonce, of another method": withNonce(() => ({ htm: "GET" }))
    }
  }),
  ...group("userinfo", {
    good: { "a bound token with its proof": toUserinfo("DPoP", () => ({})) },
    odd: {
      "a bound token as if it were not": toUserinfo("Bearer", () => ({})),
      "a bound token without a proof": async (world) => ({
        url: world.at("userinfo"),
        headers: { authorization: `DPoP ${await bound(world, Jws.makeKeys())}` }
      }),
      "a bound token alone": async (world) => ({
        url: world.at("userinfo"),
        headers: { authorization: `Bearer ${await bound(world, Jws.makeKeys())}` }
      }),
      "a bound token with a proof of another key": toUserinfo("DPoP", () => ({}), Jws.makeKeys),
      "a bound token with a proof without ath": toUserinfo("DPoP", () => ({ ath: undefined })),
      "a bound token with a proof of another token": toUserinfo("DPoP", () => ({ ath: athOf("another") })),
      "a bound token with a proof of POST": toUserinfo("DPoP", () => ({ htm: "POST" })),
      "a bound token with a proof of the token endpoint": async (world) => {
        const keys = Jws.makeKeys()
        const token = await bound(world, keys)
        return {
          url: world.at("userinfo"),
          headers: {
            authorization: `DPoP ${token}`,
            dpop: proof(world, { htm: "GET", ath: athOf(token) }, {}, keys)
          }
        }
      },
      "an unbound token with a proof": async (world) => {
        const { access_token } = await tokens(world, "desktop", { scope: "openid", resource: undefined })
        const about = { htm: "GET", htu: world.at("userinfo"), ath: athOf(access_token) }
        return {
          url: world.at("userinfo"),
          headers: { authorization: `DPoP ${access_token}`, dpop: proof(world, about) }
        }
      }
    }
  })
]
