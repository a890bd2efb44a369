/** What a transport sends of tokens, and what it does when it is refused: without sockets, on a virtual clock. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as ClientAuth from "fastmcp-effect/client/ClientAuth"
import * as McpClient from "fastmcp-effect/client/McpClient"
import * as OAuthError from "fastmcp-effect/oauth/OAuthError"
import type * as Authorization from "fastmcp-effect/transport/Authorization"
import * as SseClient from "fastmcp-effect/transport/SseClient"
import * as StreamableHttpClient from "fastmcp-effect/transport/StreamableHttpClient"
import * as jose from "jose"
import { createHash } from "node:crypto"
import * as world from "../oauth/client/world.ts"
import * as wires from "../server/wires.ts"
import * as clientWires from "../transport/clientWires.ts"

const { reasonOf, result, stateful, stateless } = clientWires

const challenge = { "www-authenticate": "Bearer" }

const insufficient = { "www-authenticate": "Bearer error=\"insufficient_scope\", scope=\"notes:write\"" }

const setup = (options: Partial<StreamableHttpClient.Options> = {}) =>
  Effect.gen(function*() {
    const server = clientWires.makeServer()
    const transport = yield* StreamableHttpClient.make({ url: world.address, ...options }).pipe(
      Effect.provideService(HttpClient.HttpClient, server.client)
    )
    return { server, client: yield* clientWires.connect(transport) }
  })

const run = (
  name: string,
  body: (
    there: world.World
  ) => Effect.Effect<void, unknown, Scope.Scope | Authorization.Authorization>,
  options: ClientAuth.Options = {}
) =>
  it.effect(name, () => {
    const there = world.make()
    return Effect.provide(Effect.scoped(body(there)), Layer.provide(ClientAuth.browser(options), there.layer))
  })

/** One request has been let in. */
const letIn = Effect.gen(function*() {
  const all = yield* setup()
  all.client.ask(1, stateless)
  ;(yield* all.server.request(0)).respond(401, challenge)
  const second = yield* all.server.request(1)
  second.json(result(1))
  yield* all.client.heard(1)
  return { ...all, authorization: second.headers.authorization! }
})

describe("ClientAuth", () => {
  run("sends a request again with a token that a bare 401 has led to", (there) =>
    Effect.gen(function*() {
      const { client, server } = yield* setup()
      client.ask(1, stateless)
      const first = yield* server.request(0)
      assert.isUndefined(first.headers.authorization)
      first.respond(401, challenge)
      const second = yield* server.request(1)
      assert.match(second.headers.authorization!, /^Bearer access-\d+$/)
      assert.strictEqual(second.body, first.body)
      second.json(result(1))
      yield* client.heard(1)
      client.ask(2, stateless)
      assert.strictEqual((yield* server.request(2)).headers.authorization, second.headers.authorization)
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run(
    "logs in once for ten requests that are refused at once, and sends each again",
    (there) =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        for (let id = 0; id < 10; id++) client.ask(id, stateless)
        yield* server.request(9)
        for (const exchange of [...server.seen]) exchange.respond(401, challenge)
        yield* server.request(19)
        const again = server.seen.slice(10)
        assert.deepStrictEqual(
          again.map(({ body }) => JSON.parse(body).id as number).toSorted((a, b) => a - b),
          [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        )
        assert.isTrue(again.every(({ headers }) => headers.authorization !== undefined))
        assert.strictEqual(there.count("authorize"), 1)
      })
  )

  run("asks for more scopes where the server wants them for one request", (there) =>
    Effect.gen(function*() {
      const { client, server } = yield* letIn
      client.ask(2, stateless)
      ;(yield* server.request(2)).respond(403, insufficient)
      ;(yield* server.request(3)).json(result(2))
      yield* client.heard(2)
      assert.strictEqual(
        there.seen.findLast(({ url }) => url.endsWith("/authorize"))?.params.scope,
        "notes:read notes:write"
      )
    }))

  run("gives up where more scopes do not help, and says so", (there) =>
    Effect.gen(function*() {
      there.grants = "notes:read"
      const { client, server } = yield* letIn
      client.ask(2, stateless)
      for (let i = 2; i < 6; i++) (yield* server.request(i)).respond(403, insufficient)
      yield* client.heard(2)
      assert.deepInclude(reasonOf(client), { _tag: "Unauthorized", status: 403 })
      // Its own login and three for more.
      assert.strictEqual(there.count("authorize"), 4)
      client.ask(3, stateless)
      ;(yield* server.request(6)).respond(403, insufficient)
      yield* client.heard(3)
      assert.include(client.errors.at(-1)?.message, "notes:write, and asking the authorization server for them")
      assert.strictEqual(there.count("authorize"), 4)
    }))

  run("leaves a 403 alone that is not about scopes", (there) =>
    Effect.gen(function*() {
      const { client, server } = yield* letIn
      client.ask(2, stateless)
      ;(yield* server.request(2)).respond(403, { "www-authenticate": "Bearer error=\"access_denied\"" })
      yield* client.heard(2)
      client.ask(3, stateless)
      ;(yield* server.request(3)).respond(403)
      yield* client.heard(3)
      assert.deepStrictEqual(client.errors.map(({ reason }) => reason._tag), ["Unauthorized", "HttpStatus"])
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run("tells a person why there is no token, and the program the reason", (there) =>
    Effect.gen(function*() {
      there.answer = () => ({ iss: world.issuer, error: "access_denied" })
      const { client, server } = yield* setup()
      client.ask(1, stateless)
      ;(yield* server.request(0)).respond(401, challenge)
      yield* client.heard(1)
      const [error] = client.errors
      assert.include(error!.message, "https://login.acme.example was not given leave")
      const { reason } = error!
      assert.isTrue(reason._tag === "Unauthorized" && reason.cause instanceof OAuthError.OAuthError)
    }))

  run("sends the token of one server to no other", () =>
    Effect.gen(function*() {
      yield* letIn
      for (const url of ["https://other.example/mcp", "https://mcp.acme.example/other"]) {
        const { client, server } = yield* setup({ url })
        client.ask(1, stateless)
        assert.isUndefined((yield* server.request(0)).headers.authorization)
      }
    }))

  run("sends its token on each connection to the same server", (there) =>
    Effect.gen(function*() {
      const { authorization } = yield* letIn
      const { client, server } = yield* setup()
      client.ask(1, stateless)
      assert.strictEqual((yield* server.request(0)).headers.authorization, authorization)
      assert.strictEqual(there.count("authorize"), 1)
    }))

  run("its token goes before a header that the program gives, and is in no error", () =>
    Effect.gen(function*() {
      const { authorization } = yield* letIn
      const { client, server } = yield* setup({ headers: { authorization: "Basic x" } })
      client.ask(1, stateless)
      const first = yield* server.request(0)
      assert.strictEqual(first.headers.authorization, authorization)
      first.respond(500, {}, "broken")
      yield* client.heard(1)
      assert.notInclude(JSON.stringify(client.errors), authorization.slice(7))
    }))

  run(
    "does not ask a person for the sake of the stream for what answers no request",
    (there) =>
      Effect.gen(function*() {
        there.refreshes = false
        const { client, server } = yield* setup()
        client.initialize(1)
        ;(yield* server.request(0)).respond(401, challenge)
        ;(yield* server.request(1)).json(result(1), { "mcp-session-id": "s1" })
        yield* client.heard(1)
        client.notify("notifications/initialized")
        client.connection.established(stateful)
        ;(yield* server.request(2)).respond(202)
        for (let i = 3; i < 6; i++) {
          const get = yield* server.request(i)
          assert.strictEqual(get.method, "GET")
          get.respond(401, challenge)
          yield* wires.turns(50)
          yield* TestClock.adjust("1 minute")
        }
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(server.seen.length, 6)
        assert.strictEqual(there.count("authorize"), 1)
      })
  )

  run("gets in over the transport of 2024-11-05 as well", () =>
    Effect.gen(function*() {
      const server = clientWires.makeServer()
      const transport = yield* SseClient.make({ url: world.address }).pipe(
        Effect.provideService(HttpClient.HttpClient, server.client)
      )
      const connecting = yield* Effect.forkScoped(clientWires.connect(transport), { startImmediately: true })
      ;(yield* server.request(0)).respond(401, challenge)
      const { headers, stream } = yield* server.request(1)
      stream().write("event: endpoint\ndata: /messages\n\n")
      const client = yield* Fiber.join(connecting)
      client.ask(1)
      assert.isDefined(headers.authorization)
      assert.strictEqual((yield* server.request(2)).headers.authorization, headers.authorization)
    }))

  it.effect("waits for a person as long as that takes, whatever the client waits for the server", () => {
    const there = world.make()
    there.hold = Effect.sleep("4 minutes")
    const results: { readonly [method: string]: object } = {
      "server/discover": {
        resultType: "complete",
        supportedVersions: ["2026-07-28"],
        capabilities: { tools: {} },
        serverInfo: { name: "slow to let in", version: "1.0.0" },
        ttlMs: 0,
        cacheScope: "public"
      },
      "tools/call": { resultType: "complete", content: [{ type: "text", text: "in" }] }
    }
    let isOver = false
    const server = HttpClient.make((request) =>
      Effect.sync(() => {
        const { id, method } = JSON.parse(
          request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "{}"
        )
        const isIn = request.headers.authorization !== undefined && (method !== "tools/call" || isOver)
        if (!isIn) isOver = method === "tools/call"
        return HttpClientResponse.fromWeb(
          request,
          isIn
            ? Response.json({ jsonrpc: "2.0", id, result: results[method] })
            : new Response(null, { status: 401, headers: challenge })
        )
      })
    )
    return Effect.gen(function*() {
      const connecting = yield* Effect.forkScoped(
        Effect.gen(function*() {
          const client = yield* McpClient.make({ revision: "2026-07-28", connectTimeout: "30 seconds" })
          // Its token is refused, and the user has to come again.
          there.good.clear()
          return yield* client.callTool("x", {}, { timeout: "10 seconds", maxTimeout: "20 seconds" })
        }).pipe(
          Effect.provide(
            StreamableHttpClient.layer({ url: world.address }).pipe(
              Layer.provide(Layer.succeed(HttpClient.HttpClient, server)),
              Layer.provide(Layer.provide(ClientAuth.browser(), there.layer))
            )
          )
        ),
        { startImmediately: true }
      )
      for (let minute = 0; minute < 15; minute++) {
        // Cryptography takes time that is not virtual.
        yield* TestClock.withLive(Effect.sleep("30 millis"))
        yield* wires.turns(200)
        yield* TestClock.adjust("1 minute")
      }
      const { content } = yield* Fiber.join(connecting)
      assert.deepStrictEqual(content, [{ type: "text", text: "in" }])
      assert.strictEqual(there.count("authorize"), 2)
    }).pipe(Effect.scoped)
  })

  describe("with a key of its own (DPoP)", () => {
    const dpop = { "www-authenticate": "DPoP" }

    /** Cryptography takes time that is not virtual. */
    const requestOf = (server: clientWires.Server, index: number): Effect.Effect<clientWires.Exchange> =>
      server.seen.length > index
        ? server.request(index)
        : Effect.flatMap(TestClock.withLive(Effect.sleep("1 millis")), () => requestOf(server, index))

    /** What a proof proves, if it does. */
    const prove = (exchange: clientWires.Exchange) =>
      Effect.promise(async () => {
        const token = exchange.headers.authorization?.slice(5) ?? ""
        const header = jose.decodeProtectedHeader(exchange.headers.dpop!)
        const { payload } = await jose.jwtVerify(exchange.headers.dpop!, await jose.importJWK(header.jwk!, "ES256"), {
          typ: "dpop+jwt",
          currentDate: new Date(0)
        })
        assert.notProperty(header.jwk, "d")
        assert.strictEqual(payload.ath, createHash("sha256").update(token).digest("base64url"))
        return payload
      })

    run(
      "each request has a proof for itself, with the newest nonce that the server has said",
      (there) =>
        Effect.gen(function*() {
          there.tokenType = "DPoP"
          const { client, server } = yield* setup({ url: `${world.address.href}?tenant=1` })
          client.ask(1, stateless)
          ;(yield* requestOf(server, 0)).respond(401, dpop)
          const second = yield* requestOf(server, 1)
          assert.match(second.headers.authorization!, /^DPoP access-/)
          const first = yield* prove(second)
          assert.deepInclude(first, { htm: "POST", htu: world.address.href, iat: 0 })
          second.respond(401, { "www-authenticate": "DPoP error=\"use_dpop_nonce\"", "dpop-nonce": "n1" })
          const third = yield* requestOf(server, 2)
          const again = yield* prove(third)
          assert.strictEqual(again.nonce, "n1")
          assert.notStrictEqual(again.jti, first.jti)
          third.json(result(1), { "dpop-nonce": "n2" })
          yield* client.heard(1)
          client.ask(2, stateless)
          assert.strictEqual((yield* prove(yield* requestOf(server, 3))).nonce, "n2")
          assert.strictEqual(there.count("authorize"), 1)
          assert.isTrue(there.seen.findLast(({ url }) => url.endsWith("/token"))!.headers.dpop !== undefined)
        })
    )

    run("a token that is bound to nothing is not taken where it has to be", (there) =>
      Effect.gen(function*() {
        const { client, server } = yield* setup()
        client.ask(1, stateless)
        ;(yield* requestOf(server, 0)).respond(401, challenge)
        yield* client.heard(1)
        assert.include(client.errors[0]?.message, "does not bind tokens to a key")
        assert.isUndefined(there.seen.findLast(({ url }) => url.endsWith("/token"))?.headers.authorization)
      }), { dpop: "always" })
  })
})
