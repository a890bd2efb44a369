/**
 * `node --conditions=fastmcp-effect/source test/bench/verify.ts`: what a token costs that is seen for the first time,
 * beside `jose.jwtVerify` with the same checks. Rounds take turns; the ratio is of their medians.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as jose from "jose"
import * as bearer from "./bearer.ts"

const rounds = 15
const each = 2_000

const { jwk, tokens } = await bearer.make(each)
const verifier = bearer.verifier(jwk as never)
const keys = jose.createLocalJWKSet({ keys: [jwk] })

const ours = Effect.forEach(
  tokens,
  (token) => verifier.verify(Redacted.make(token), { resource: bearer.resource }),
  { discard: true }
)

const theirs = async () => {
  for (const token of tokens) {
    await jose.jwtVerify(token, keys, {
      issuer: bearer.issuer,
      audience: bearer.resource,
      typ: "at+jwt",
      algorithms: ["ES256"],
      requiredClaims: ["exp", "sub"]
    })
  }
}

const time = async (run: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await run()
  return (performance.now() - began) * 1000 / each
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

const took = { ours: [] as Array<number>, theirs: [] as Array<number> }
for (let round = -2; round < rounds; round++) {
  const pair = { theirs: await time(theirs), ours: await time(() => Effect.runPromise(ours)) }
  if (round < 0) continue
  took.ours.push(pair.ours)
  took.theirs.push(pair.theirs)
}

const [a, b] = [median(took.ours), median(took.theirs)]
console.log(`JwtVerifier ${a.toFixed(1)} us, jose.jwtVerify ${b.toFixed(1)} us a token: ${(a / b).toFixed(2)} times`)
