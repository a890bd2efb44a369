/** The identity provider of these tests: it signs with RSA, as most do, and says that it might do worse. */
import * as Effect from "effect/Effect"
import * as FakeUpstream from "fastmcp-effect/testing/FakeUpstream"
import * as jose from "jose"

export const issuer = "https://idp.example"
export const clientId = "proxy-at-idp"
export const clientSecret = "the secret of the proxy at the provider"

export type Changes = FakeUpstream.Changes
export type Idp = FakeUpstream.FakeUpstream

const pair = jose.generateKeyPair("RS256", { extractable: true })
const other = jose.generateKeyPair("RS256", { extractable: true })

const signerOf = (keys: typeof pair) =>
  Effect.map(Effect.promise(() => keys), ({ privateKey }) => ({ key: privateKey, alg: "RS256", kid: "one" }))

/** A key that is not its own, under the id of the one that is. */
export const foreignKey = signerOf(other)

export const publicKey = Effect.promise(async () => ({
  ...await jose.exportJWK((await pair).publicKey),
  kid: "one",
  use: "sig",
  alg: "RS256"
}))

export const make = (at: string = issuer): Idp =>
  FakeUpstream.make({
    issuer: at,
    clientId,
    key: Effect.all({ signer: signerOf(pair), jwk: publicKey }),
    metadata: { id_token_signing_alg_values_supported: ["RS256", "HS256", "none"] }
  })
