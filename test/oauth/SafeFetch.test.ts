import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"

const url = "https://acme.example/document"

/** A web with these answers, and how often each was asked for. */
const web = (answer: (url: string) => Response | undefined, options: SafeFetch.Options = {}) => {
  const asked: Array<string> = []
  const client = HttpClient.make((request, target) => {
    asked.push(`${request.method} ${target.href}`)
    const response = answer(target.href)
    return response === undefined
      ? Effect.never
      : Effect.succeed(HttpClientResponse.fromWeb(request, response))
  })
  return {
    asked,
    layer: Layer.provide(SafeFetch.layer(options), Layer.succeed(HttpClient.HttpClient, client))
  }
}

const fetch = (request: Partial<SafeFetch.Request> = {}) =>
  Effect.flatMap(SafeFetch.SafeFetch, ({ fetch }) => fetch({ url, ...request }))

describe("keeping", () => {
  const saying = (headers: { readonly [name: string]: string }, status = 200) => {
    let times = 0
    return web(() => new Response(String(++times), { status, headers }))
  }

  it.effect("an answer is kept for as long as it says, and not longer than an hour", () => {
    const { asked, layer } = saying({ "cache-control": "public, max-age=7200" })
    return Effect.gen(function*() {
      yield* fetch()
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* fetch()).text, "1")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* fetch()).text, "2")
      assert.strictEqual(asked.length, 2)
    }).pipe(Effect.provide(layer))
  })

  for (
    const [title, headers, request] of [
      ["says nothing", {}, {}],
      ["says no-store", { "cache-control": "no-store, max-age=60" }, {}],
      ["is to a POST", { "cache-control": "max-age=60" }, { method: "POST", body: "x" }],
      ["was asked for with something secret", { "cache-control": "max-age=60" }, { headers: { authorization: "x" } }],
      ["is wanted as it is now", { "cache-control": "max-age=60" }, { useCache: false }]
    ] as const
  ) {
    it.effect(`nothing is kept that ${title}`, () => {
      const { layer } = saying(headers)
      return Effect.gen(function*() {
        yield* fetch(request)
        assert.strictEqual((yield* fetch(request)).text, "2")
      }).pipe(Effect.provide(layer))
    })
  }

  it.effect("an error is not kept, and takes away what was", () => {
    let status = 200
    const { layer } = web(() => new Response("", { status, headers: { "cache-control": "max-age=60" } }))
    return Effect.gen(function*() {
      yield* fetch()
      status = 404
      assert.strictEqual((yield* fetch()).status, 200)
      assert.strictEqual((yield* fetch({ useCache: false })).status, 404)
      status = 200
      assert.strictEqual((yield* fetch()).status, 200)
    }).pipe(Effect.provide(layer))
  })

  it.effect("a hundred answers are kept, and the oldest goes for one more", () => {
    const { asked, layer } = web(() => new Response("", { headers: { "cache-control": "max-age=60" } }))
    return Effect.gen(function*() {
      for (let i = 0; i <= 100; i++) yield* fetch({ url: `${url}/${i}` })
      yield* fetch({ url: `${url}/1` })
      assert.strictEqual(asked.length, 101)
      yield* fetch({ url: `${url}/0` })
      assert.strictEqual(asked.length, 102)
    }).pipe(Effect.provide(layer))
  })
})

it.effect("a server that is silent is given up after ten seconds", () => {
  const { layer } = web(() => undefined)
  return Effect.gen(function*() {
    const waiting = yield* Effect.forkChild(Effect.flip(fetch()), { startImmediately: true })
    yield* TestClock.adjust("10 seconds")
    assert.deepInclude((yield* Fiber.join(waiting)).reason, { _tag: "TimedOut", after: 10_000 })
  }).pipe(Effect.provide(layer))
})

it.effect("redirects count as one request, and lead no further than three", () => {
  const { asked, layer } = web((url) => new Response(null, { status: 302, headers: { location: `${url}/x` } }))
  return Effect.gen(function*() {
    const { reason } = yield* Effect.flip(fetch())
    assert.strictEqual(reason._tag, "Redirected")
    assert.strictEqual(asked.length, 4)
  }).pipe(Effect.provide(layer))
})

it.effect("what goes wrong says where, without what may be a secret there", () => {
  const { layer } = web(() => undefined)
  return Effect.gen(function*() {
    for (const secret of ["https://acme.example/x?code=s3cret#s3cret", "http://user:s3cret@acme.example/x?s3cret"]) {
      const waiting = yield* Effect.forkChild(Effect.flip(fetch({ url: secret })), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      const error = yield* Fiber.join(waiting)
      assert.include(error.message, "acme.example/x")
      assert.notInclude(error.message, "s3cret")
    }
  }).pipe(Effect.provide(layer))
})

it.effect("an empty answer is one", () => {
  const { layer } = web(() => new Response(null, { status: 204 }))
  return Effect.gen(function*() {
    assert.deepInclude(yield* fetch(), { status: 204, text: "" })
  }).pipe(Effect.provide(layer))
})
