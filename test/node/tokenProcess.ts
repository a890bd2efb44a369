/**
 * A program of a user's among others: says `ready`, and at each line it gets, its token from the directory it shares with
 * them. What it asks the network for it says first.
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as NodeTokenStore from "fastmcp-effect/node/NodeTokenStore"
import * as AuthorizationCode from "fastmcp-effect/oauth/client/AuthorizationCode"
import * as OAuthClient from "fastmcp-effect/oauth/client/OAuthClient"
import * as UserAgent from "fastmcp-effect/oauth/client/UserAgent"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import { aheadClock } from "../support/aheadClock.ts"

const [directory, address] = process.argv.slice(2)

const say = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

let round = 0

/** Each round is just before the end of the token of the one before. */
const clock = aheadClock(() => round * 3_580_000)

const program = Effect.gen(function*() {
  const client = yield* OAuthClient.make({ address: new URL(address!), grant: AuthorizationCode.make() })
  yield* say("ready")
  while (true) {
    yield* Effect.callback<void>((resume) => void process.stdin.once("data", () => resume(Effect.void)))
    round++
    const held = yield* client.current
    yield* say(`token ${round} ${held === undefined ? "none" : Redacted.value(held.token.access)}`)
  }
})

const told = Layer.effect(
  SafeFetch.SafeFetch,
  Effect.map(SafeFetch.SafeFetch, ({ check, fetch }) => ({
    check,
    fetch: (request: SafeFetch.Request) => Effect.andThen(say(`asks ${round} ${request.url}`), fetch(request))
  }))
)

Effect.flatMap(clock, (clock) => Effect.provideService(program, Clock.Clock, clock)).pipe(
  Effect.scoped,
  Effect.provide([
    NodeTokenStore.layer({ directory: directory! }),
    Layer.provide(told, NodeSafeFetch.layer({ allowLoopback: true })),
    SecureRandom.layerWebCrypto,
    Layer.succeed(UserAgent.UserAgent, { listen: () => Effect.die(new Error("nobody is to log in here")) })
  ]),
  Effect.runPromise
)
