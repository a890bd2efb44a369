/** Tokens that a transport sends are found nowhere: in no log, span, metric or error, whatever the server answers. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as ClientAuth from "fastmcp-effect/client/ClientAuth"
import * as SseClient from "fastmcp-effect/transport/SseClient"
import * as StreamableHttpClient from "fastmcp-effect/transport/StreamableHttpClient"
import * as world from "../oauth/client/world.ts"
import * as wires from "../server/wires.ts"
import { assertUnheard, overheard } from "../support/overheard.ts"
import * as clientWires from "../transport/clientWires.ts"

const challenge = { "www-authenticate": "Bearer" }

const key = "Pl4ntedApiKey"

/** What the server does with a request; `said` is a secret that it has been sent. */
const answers: { readonly [what: string]: (exchange: clientWires.Exchange, said: string) => void } = {
  "refuses it in its challenge": ({ respond }, said) =>
    respond(401, { "www-authenticate": `Bearer error="invalid_token", error_description="${said} is none of mine"` }),
  "refuses it for its scopes": ({ respond }, said) =>
    respond(403, { "www-authenticate": `Bearer error="insufficient_scope", scope="a", error_description="${said}"` }),
  "refuses it for another reason": ({ respond }, said) =>
    respond(403, { "www-authenticate": `Bearer error="access_denied", error_description="${said}"` }, said),
  "breaks down and shows it": ({ respond }, said) => respond(500, { "x-echo": said }, `<p>${said}`),
  "breaks down and shows it in JSON": ({ json }, said) => json({ authorization: `Bearer ${said}` }, {}, 500),
  "says in an error that it is wrong": ({ json }, said) =>
    json({ jsonrpc: "2.0", id: null, error: { code: -32000, message: `${said} is wrong` } }, {}, 500),
  "leads elsewhere": ({ respond }, said) => respond(307, { location: `https://x.example/?token=${said}` }),
  "leads nowhere": ({ respond }, said) => respond(307, { location: `https://[${said}` }),
  "answers with a page": ({ respond }, said) => respond(200, { "content-type": "text/html" }, said),
  "answers with what is no message": ({ respond }, said) => respond(200, { "content-type": "application/json" }, said),
  "breaks off": ({ stream }, said) => {
    const { cut, write } = stream()
    write(`data: ${said}`)
    cut()
  },
  "is not there": ({ fail }) => fail(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })),
  "answers with what is no HTTP": ({ fail, headers }, said) =>
    fail(new Error("fetch failed", { cause: Object.assign(new Error("Parse Error"), { data: said, headers }) }))
}

const transports = {
  "Streamable HTTP": StreamableHttpClient.make,
  "HTTP+SSE": SseClient.make
}

describe("a token that is sent", () => {
  for (const [name, make] of Object.entries(transports)) {
    for (const tokenType of ["Bearer", "DPoP"]) {
      it.effect(`as ${tokenType} over ${name} is found nowhere`, () =>
        Effect.gen(function*() {
          const there = world.make()
          there.tokenType = tokenType
          there.name = (kind, number) => `Pl4nted-${kind}-${number}-t0ken`
          const place = "https://mcp.acme.example/.well-known/oauth-protected-resource/mcp"
          if (tokenType === "DPoP") {
            there.documents[place] = { ...there.documents[place], dpop_bound_access_tokens_required: true }
          }
          const sent = new Set([key])
          const { exit, said } = yield* overheard(
            Effect.gen(function*() {
              for (const [what, answer] of Object.entries(answers)) {
                for (const turn of [0, 1]) {
                  const server = clientWires.makeServer()
                  const options = { url: world.address, spans: true, headers: { "x-api-key": Redacted.make(key) } }
                  const transport = yield* make(options).pipe(
                    Effect.provideService(HttpClient.HttpClient, server.client)
                  )
                  const asking = Effect.gen(function*() {
                    const client = yield* clientWires.connect(transport)
                    client.ask(1, clientWires.stateless)
                    while (client.told.length === 0) yield* Effect.yieldNow
                    return client.errors
                  })
                  const going = yield* asking.pipe(
                    Effect.scoped,
                    Effect.catch((error) => Effect.succeed([error])),
                    Effect.provideService(HttpClient.TracerHeaderFilter, (_, phase) => phase === "request"),
                    Effect.forkChild
                  )
                  for (let next = 0; going.pollUnsafe() === undefined;) {
                    yield* wires.turns(50)
                    const exchange = server.seen[next]
                    if (exchange === undefined) {
                      yield* TestClock.adjust("30 seconds")
                      continue
                    }
                    next++
                    const token = exchange.headers.authorization?.split(" ")[1]
                    if (token === undefined) exchange.respond(401, challenge)
                    else {
                      sent.add(token)
                      if (exchange.headers.dpop !== undefined) sent.add(exchange.headers.dpop)
                      answer(exchange, [token, key][turn]!)
                    }
                  }
                  const errors = yield* Fiber.join(going)
                  assert.isAbove(errors.length, 0, what)
                  yield* Effect.logDebug(what, errors, ...errors.map(({ reason }) => reason))
                }
              }
            }).pipe(
              Effect.scoped,
              Effect.provide(Layer.provide(ClientAuth.browser(), there.layer), { local: true })
            )
          )
          yield* exit
          assert.isAbove(sent.size, 3)
          assertUnheard(said, sent)
        }))
    }
  }
})
