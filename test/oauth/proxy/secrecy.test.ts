/** R10: the tokens of the provider are in nobody's hands but those of who asks for them here. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as UpstreamTokens from "fastmcp-effect/oauth/proxy/UpstreamTokens"
import * as AuthorizationServer from "fastmcp-effect/oauth/server/AuthorizationServer"
import { inspect } from "node:util"
import * as server from "../server/world.ts"
import * as idps from "./idp.ts"
import * as world from "./world.ts"

/** Everything that leaves the proxy but by way of the provider. */
const watch = () => {
  const said: Array<string> = []
  const say = (value: unknown) => void said.push(typeof value === "string" ? value : inspect(value, { depth: 12 }))
  const logger = Logger.make((entry) => {
    say(entry.message)
    say(Cause.pretty(entry.cause))
    say(entry.cause)
  })
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      const end = span.end.bind(span)
      span.end = (at, exit) => {
        say([span.name, [...span.attributes], span.events, exit])
        end(at, exit)
      }
      return span
    }
  })
  const store = world.watchedStore()
  const watched = (caller: server.Caller): server.Caller => ({
    ...caller,
    send: (url, sent) =>
      Effect.tap(caller.send(url, sent), ({ headers, text }) => Effect.sync(() => say([[...headers], text])))
  })
  return {
    say,
    said,
    watched,
    store: store.layer,
    all: () => [...said, ...store.written].join("\n"),
    layer: Layer.merge(Logger.layer([logger]), Layer.succeed(Tracer.Tracer, tracer))
  }
}

/** In the clear, in base64, or as bytes that are printed. */
const forms = (secret: string): ReadonlyArray<string> => [
  secret,
  btoa(secret).replaceAll("=", ""),
  // Wherever in the base64 of something longer.
  ...[1, 2].map((at) => btoa(" ".repeat(at) + secret).slice(2 * at, -4).replaceAll("=", "")),
  [...new TextEncoder().encode(secret)].slice(0, 20).join(", ")
]

describe("a token of the provider", () => {
  it.effect("is not in our answers, our tokens, our pages, our logs, spans, errors, events, or our store", () => {
    const idp = idps.make()
    const eyes = watch()
    return world.withProxy(
      Effect.gen(function*() {
        const { events } = yield* AuthorizationServer.AuthorizationServer
        const listening = yield* Effect.forkChild(
          Stream.runForEach(events, (event) => Effect.sync(() => eyes.say(event))),
          {
            startImmediately: true
          }
        )
        const browser = eyes.watched(yield* server.caller)
        const tokens = yield* world.login(browser, idp)
        const claims = yield* world.claimsOf(tokens.access_token)
        eyes.say(claims)
        eyes.say(atob(tokens.access_token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")))
        const upstream = yield* UpstreamTokens.UpstreamTokens
        eyes.say(yield* upstream.get(claims))
        yield* TestClock.adjust("1 hour")
        eyes.say(yield* upstream.get(claims))
        yield* browser.send("/token", {
          form: { grant_type: "refresh_token", client_id: "app", refresh_token: tokens.refresh_token }
        })
        yield* browser.send("/introspect", {
          form: { token: tokens.access_token },
          headers: { authorization: `Basic ${btoa(`backend:${encodeURIComponent(server.secret)}`)}` }
        })
        // And where something goes wrong with it.
        const wrong: ReadonlyArray<(changes: idps.Changes) => void> = [
          (changes) => void (changes.claims = { nonce: "another" }),
          (changes) => void (changes.claims = { aud: "another" }),
          (changes) => void (changes.tokens = { token_type: "mac" }),
          (changes) => void (changes.tokens = { expires_in: "soon" }),
          (changes) => void (changes.tokens = { id_token: "no.jwt" }),
          (changes) => void (changes.down = ["/jwks", "/token"])
        ]
        for (const change of wrong) {
          const url = yield* world.hop(browser)
          Object.assign(idp.changes, { claims: {}, tokens: {} })
          change(idp.changes)
          yield* world.come(browser, idp.authorize(url))
        }
        yield* TestClock.adjust("2 hours")
        eyes.say(yield* Effect.flip(upstream.get(claims)))

        yield* Fiber.interrupt(listening)
        assert.isAbove(eyes.said.filter((text) => text.includes("login upstream has failed")).length, 3)
        const all = eyes.all()
        const given = [...idp.secrets, idps.clientSecret, world.keyText]
        assert.isAbove(given.filter((secret) => secret.startsWith("access")).length, 2)
        // A code comes by way of the user's browser, and is good for nobody who has not our verifier.
        for (const secret of given.filter((secret) => !secret.startsWith("code-of"))) {
          for (const form of forms(secret)) assert.notInclude(all, form, secret)
        }
        const verifiers = idp.seen.flatMap(({ body }) => new URLSearchParams(body).get("code_verifier") ?? [])
        assert.isAbove(verifiers.length, 1)
        for (const verifier of verifiers) assert.notInclude(all, verifier)
      }).pipe(Effect.withSpan("all of it"), Effect.provide(eyes.layer)),
      { idp, store: eyes.store }
    )
  })

  it.effect("is found out where it is somewhere", () =>
    Effect.sync(() => {
      const eyes = watch()
      for (const form of forms("a secret that is told")) {
        eyes.say(`... ${form} ...`)
        assert.include(eyes.all(), form)
      }
    }))
})
