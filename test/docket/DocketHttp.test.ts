import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Docket from "../../src/docket/Docket.ts"
import * as DocketError from "../../src/docket/DocketError.ts"
import * as DocketHttp from "../../src/docket/DocketHttp.ts"
import * as DocketTask from "../../src/docket/DocketTask.ts"
import { double, doubled } from "./support.ts"

const failing = DocketTask.make("failing", {
  payload: Schema.Struct({ customer: Schema.String }),
  error: Schema.String,
  concurrency: { key: ({ customer }) => customer, limit: 1 },
  rateLimit: { key: ({ customer }) => customer, limit: 9, window: "1 second" }
})
const failed = DocketTask.handle(failing, ({ customer }) => Effect.fail(`no ${customer}`))

const origin = "http://docket.test"
const json = { "content-type": "application/json" }

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: any
}

type Ask = (
  method: string,
  path: string,
  init?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
) => Effect.Effect<Answer>

/** What asks the routes, with the headers of JSON where something changes. */
const asking = Effect.fnUntraced(function*(
  routes: Layer.Layer<never, never, HttpRouter.HttpRouter | Docket.Docket>
) {
  const app = yield* HttpRouter.toHttpEffect(routes)
  const ask: Ask = Effect.fnUntraced(function*(method, path, init = {}) {
    const request = new Request(`${origin}${path}`, {
      method,
      headers: init.headers ?? (method === "GET" || method === "HEAD" ? {} : json),
      ...init.body !== undefined && { body: init.body }
    })
    const response = yield* app.pipe(
      Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(request)),
      Effect.scoped,
      Effect.catch(() => Effect.succeed(HttpServerResponse.empty({ status: 404 })))
    )
    const web = HttpServerResponse.toWeb(response, { withoutBody: method === "HEAD" })
    const text = yield* Effect.promise(() => web.text())
    return {
      status: web.status,
      headers: web.headers,
      text,
      body: text === "" ? undefined : JSON.parse(text)
    }
  })
  return ask
})

const asker = (options: DocketHttp.Options) => asking(DocketHttp.layer(options))

const open: DocketHttp.Options = { authorize: () => Effect.succeed(true) }

const withDocket = Effect.provide(Docket.layerMemory())

const assertRefused = (answer: Answer, status: number, error: string, words: RegExp = /./) => {
  assert.deepStrictEqual([answer.status, answer.body.error], [status, error], answer.text)
  assert.match(answer.body.message, words)
  assert.strictEqual(answer.headers.get("cache-control"), "no-store")
}

/** All there are, and some that are none. */
const routes: ReadonlyArray<readonly [method: string, path: string, body?: string]> = [
  ["GET", "/docket/executions"],
  ["HEAD", "/docket/executions"],
  ["GET", "/docket/executions?limit=none"],
  ["GET", "/docket/executions/double%3Ak"],
  ["POST", "/docket/executions/double%3Ak/cancel", "{}"],
  ["POST", "/docket/executions/double%3Ak/retry"],
  ["GET", "/docket/snapshot"],
  ["GET", "/docket/strikes"],
  ["POST", "/docket/strikes", "{}"],
  ["DELETE", "/docket/strikes", "{}"],
  ["POST", "/docket/strikes", "no JSON"],
  ["GET", "/docket/schedules"],
  ["DELETE", "/docket/schedules/hourly"],
  ["PUT", "/docket/schedules/hourly", "{}"],
  ["OPTIONS", "/docket/executions"],
  ["GET", "/docket/nothing"],
  ["GET", "/docket"]
]

/** Counts whatever is asked of it. */
const spied = Effect.map(Ref.make(0), (calls) => {
  const asked = () => Effect.andThen(Ref.update(calls, (n) => n + 1), Effect.die("asked"))
  const get = Effect.suspend(asked)
  return {
    calls: Ref.get(calls),
    context: Context.make(Docket.Docket, {
      add: asked,
      replace: asked,
      cancel: asked,
      get: asked,
      payload: asked,
      data: asked,
      amend: asked,
      result: asked,
      outcome: asked,
      observe: () => {
        throw new Error("asked")
      },
      get events(): never {
        throw new Error("asked")
      },
      list: asked,
      retry: asked,
      schedule: asked,
      unschedule: asked,
      schedules: get,
      strike: asked,
      restore: asked,
      strikes: get,
      snapshot: get
    })
  }
})

describe("whoever is not let in", () => {
  for (const [method, path, body] of routes) {
    it.effect(`gets nothing from ${method} ${path}, whatever else is wrong`, () =>
      Effect.gen(function*() {
        const { calls, context } = yield* spied
        const ask = yield* Effect.provideContext(asker({ authorize: () => Effect.succeed(false) }), context)
        const headers = { "sec-fetch-site": "cross-site" }
        const answer = yield* ask(method, path, { headers, ...body !== undefined && { body } })
        assert.strictEqual(answer.status, 403)
        if (method !== "HEAD") assertRefused(answer, 403, "Forbidden", /may not see/)
        assert.strictEqual(yield* calls, 0)
      }))
  }

  it.effect("has no name, or is nothing a door should say", () =>
    Effect.gen(function*() {
      // The last as from JavaScript.
      const nothing: any = undefined
      for (const who of [false, "", nothing]) {
        const ask = yield* asker({ authorize: () => Effect.succeed(who) })
        assertRefused(yield* ask("GET", "/docket/snapshot"), 403, "Forbidden")
      }
    }).pipe(withDocket))

  it.effect("is not let in where the door is broken", () =>
    Effect.gen(function*() {
      const { calls, context } = yield* spied
      for (
        const authorize of [() => Effect.die("broken"), (): never => {
          throw new Error("broken")
        }]
      ) {
        const ask = yield* Effect.provideContext(asker({ authorize }), context)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(ask("GET", "/docket/snapshot"))))
      }
      assert.strictEqual(yield* calls, 0)
    }))

  it.effect("may be told how to come in, and is judged by the request", () =>
    Effect.gen(function*() {
      const unknown = HttpServerResponse.empty({ status: 401, headers: { "www-authenticate": "Basic" } })
      const ask = yield* asker({
        authorize: ({ headers, url }) =>
          headers.authorization === undefined
            ? Effect.fail(unknown)
            : Effect.succeed(headers.authorization === "Basic ada" && url === "/docket/schedules")
      })
      const bare = yield* ask("GET", "/docket/schedules")
      assert.deepStrictEqual([bare.status, bare.headers.get("www-authenticate")], [401, "Basic"])
      const statusOf = (path: string, authorization: string) =>
        Effect.map(ask("GET", path, { headers: { authorization } }), ({ status }) => status)
      assert.strictEqual(yield* statusOf("/docket/schedules", "Basic ada"), 200)
      assert.strictEqual(yield* statusOf("/docket/schedules", "Basic eve"), 403)
      assert.strictEqual(yield* statusOf("/docket/strikes", "Basic ada"), 403)
    }).pipe(withDocket))

  it.effect("is judged with the services of the layer", () =>
    Effect.gen(function*() {
      class Door extends Context.Service<Door, boolean>()("test/Door") {}
      const options: DocketHttp.Options<Door> = { authorize: () => Effect.map(Door, (isOpen) => isOpen) }
      for (const [isOpen, status] of [[true, 200], [false, 403]] as const) {
        const ask = yield* asking(DocketHttp.layer(options).pipe(Layer.provide(Layer.succeed(Door, isOpen))))
        assert.strictEqual((yield* ask("GET", "/docket/snapshot")).status, status)
      }
    }).pipe(withDocket))
})

describe("executions", () => {
  it.effect("are listed, page after page, and by what they are", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const ask = yield* asker(open)
      for (let n = 0; n < 3; n++) yield* docket.add(double, n, { key: `${n}` })
      yield* docket.schedule("hourly", double, 1, { every: "1 hour" })
      yield* Docket.runUntilFinished([doubled])
      yield* docket.add(double, 9, { key: "late", delay: "1 hour" })
      const ids = (query: string) =>
        Effect.map(
          ask("GET", `/docket/executions${query}`),
          ({ body }) => body.executions.map(({ id }: { readonly id: string }) => id)
        )
      assert.deepStrictEqual(yield* ids("?status=Succeeded"), ["double:2", "double:1", "double:0"])
      assert.deepStrictEqual(yield* ids("?status=Scheduled&schedule=hourly"), ["hourly@1970-01-01T01:00:00.000Z"])
      assert.deepStrictEqual(yield* ids("?task=nothing"), [])
      assert.deepStrictEqual(yield* ids("?held=true"), [])
      assert.lengthOf(yield* ids("?held=false"), 5)
      const first = yield* ask("GET", "/docket/executions?limit=2&status=Succeeded")
      assert.deepStrictEqual(
        yield* ids(`?limit=2&status=Succeeded&cursor=${encodeURIComponent(first.body.cursor)}`),
        ["double:0"]
      )
      assert.strictEqual(first.headers.get("content-type"), "application/json")
      assert.strictEqual(first.headers.get("cache-control"), "no-store")
      assert.notProperty((yield* ask("GET", "/docket/executions")).body, "cursor")
    }).pipe(withDocket))

  it.effect("are found by ids of any form", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const ask = yield* asker(open)
      const keys = ["a:b@c#d", "a/b", "100 % ?&=+", "é\u{1f600}", "..", "x".repeat(400), "cancel"]
      for (const key of keys) {
        const { id } = yield* docket.add(double, 1, { key })
        const answer = yield* ask("GET", `/docket/executions/${encodeURIComponent(id)}`)
        assert.deepStrictEqual([answer.status, answer.body?.id], [200, id])
        assert.strictEqual((yield* ask("POST", `/docket/executions/${encodeURIComponent(id)}/cancel`)).status, 200)
        assert.strictEqual((yield* docket.get(id))?.status, "Cancelled")
      }
    }).pipe(withDocket))

  it.effect("are cancelled, and tried again", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const ask = yield* asker({ authorize: () => Effect.succeed("ada") })
      const { id } = yield* docket.add(double, 21)
      const path = `/docket/executions/${encodeURIComponent(id)}`
      assertRefused(yield* ask("POST", `${path}/retry`), 409, "Conflict", /neither failed nor/)
      const cancelled = yield* ask("POST", `${path}/cancel`, { body: "{ \"reason\": \"no need\" }" })
      assert.deepStrictEqual([cancelled.status, cancelled.body], [200, { cancelled: true }])
      assert.strictEqual((yield* docket.get(id))?.cancelRequested, "no need")
      assertRefused(yield* ask("POST", `${path}/cancel`), 409, "Conflict", /had ended/)
      const retried = yield* ask("POST", `${path}/retry`)
      assert.deepStrictEqual([retried.status, retried.body], [200, { retried: true }])
      yield* Docket.runUntilFinished([doubled])
      assert.strictEqual(yield* docket.result(double, id), 42)
    }).pipe(withDocket))

  const keys = [Redacted.make("k".repeat(32))] as const
  for (const [where, options] of [["in the open", {}], ["sealed", { encryption: keys }]] as const) {
    it.effect(`show nothing of payload, result and error unless told to, ${where}`, () =>
      Effect.gen(function*() {
        const docket = yield* Docket.Docket
        const { id } = yield* docket.add(failing, { customer: "secret-words" }, { key: "f" })
        const { id: other } = yield* docket.add(double, 4242, { key: "d" })
        yield* Docket.runUntilFinished([failed, doubled])
        yield* docket.add(failing, { customer: "secret-words" }, { key: "waits" })
        const hidden = ["payload", "result", "error", "slot", "rate"]

        const ask = yield* asker(open)
        const answers = yield* Effect.forEach([
          "/docket/executions",
          `/docket/executions/${encodeURIComponent(id)}`,
          `/docket/executions/${encodeURIComponent(other)}`,
          "/docket/snapshot",
          "/docket/schedules"
        ], (path) => ask("GET", path))
        for (const { status, text } of answers) {
          assert.strictEqual(status, 200)
          assert.notInclude(text, "secret-words")
          assert.notInclude(text, "4242")
          assert.notInclude(text, "8484")
          for (const name of hidden) assert.notInclude(text, `"${name}":`)
        }
        assert.deepInclude(answers[1]!.body, { id, task: "failing", status: "Failed", attempt: 1 })
        assert.strictEqual(answers[1]!.body.failure.kind, "Error")

        const told = yield* asker({ ...open, reveal: true })
        const all = yield* told("GET", `/docket/executions/${encodeURIComponent(id)}`)
        const kept = yield* docket.get(id)
        for (const name of ["payload", "error", "slot", "rate"] as const) {
          assert.deepStrictEqual(all.body[name], kept?.[name])
        }
        assert.strictEqual(all.body.payload.includes("secret-words"), where === "in the open")
      }).pipe(Effect.provide(Docket.layerMemory(options))))
  }
})

describe("what holds work back, and brings it", () => {
  it.effect("strikes are made, shown and lifted", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const ask = yield* asker(open)
      const strike = { task: "failing", where: { at: "/customer", equals: "ada" } }
      const body = JSON.stringify(strike)
      const made = yield* ask("POST", "/docket/strikes", { body })
      assert.deepStrictEqual([made.status, made.body], [200, strike])
      assert.deepStrictEqual((yield* ask("GET", "/docket/strikes")).body, { strikes: [strike] })
      assert.deepStrictEqual(yield* docket.strikes, [strike])
      assertRefused(yield* ask("DELETE", "/docket/strikes", { body: "{\"task\":\"failing\"}" }), 404, "NotFound")
      assert.deepStrictEqual((yield* ask("DELETE", "/docket/strikes", { body })).body, { restored: true })
      assert.deepStrictEqual(yield* docket.strikes, [])
      yield* ask("POST", "/docket/strikes", { body: "{}" })
      assert.deepStrictEqual(yield* docket.strikes, [{}])
    }).pipe(withDocket))

  it.effect("schedules are shown, and removed with what they planned", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const ask = yield* asker(open)
      yield* docket.schedule("a/b: nightly", double, 1, { cron: "0 3 * * *", timeZone: "Europe/Vienna" })
      assert.deepStrictEqual((yield* ask("GET", "/docket/schedules")).body, {
        schedules: [{
          key: "a/b: nightly",
          task: "double",
          when: { cron: "0 3 * * *", timeZone: "Europe/Vienna" },
          priority: 0,
          nextAt: 3 * 60 * 60 * 1000 - 60 * 60 * 1000
        }]
      })
      const path = `/docket/schedules/${encodeURIComponent("a/b: nightly")}`
      assert.deepStrictEqual((yield* ask("DELETE", path)).body, { unscheduled: true })
      assertRefused(yield* ask("DELETE", path), 404, "NotFound", /a\/b: nightly/)
      assert.deepStrictEqual((yield* docket.list()).executions, [])
    }).pipe(withDocket))

  it.effect("the snapshot has it all", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const ask = yield* asker(open)
      yield* docket.add(double, 1)
      yield* docket.strike({ task: "none" })
      assert.deepStrictEqual((yield* ask("GET", "/docket/snapshot")).body, {
        at: 0,
        counts: [{ task: "double", status: "Scheduled", count: 1 }],
        rings: { waiting: 1, delayed: 0, active: 0 },
        workers: [],
        schedules: [],
        strikes: [{ task: "none" }]
      })
    }).pipe(withDocket))
})

describe("what is asked wrongly", () => {
  const wrong: ReadonlyArray<
    readonly [method: string, path: string, body: string | undefined, status: number, error: string, words: RegExp]
  > = [
    ["GET", "/executions?status=Done", undefined, 400, "BadRequest", /one of Scheduled, Running/],
    ["GET", "/executions?limit=0", undefined, 400, "BadRequest", /from 1 to 100/],
    ["GET", "/executions?limit=101", undefined, 400, "BadRequest", /from 1 to 100/],
    ["GET", "/executions?limit=1e1", undefined, 400, "BadRequest", /from 1 to 100/],
    ["GET", "/executions?held=1", undefined, 400, "BadRequest", /true or false/],
    ["GET", "/executions?statis=Failed", undefined, 400, "BadRequest", /no parameter "statis"/],
    ["GET", "/executions?task=a&task=b", undefined, 400, "BadRequest", /twice/],
    ["GET", "/executions/double%3Anobody", undefined, 404, "NotFound", /double:nobody/],
    ["POST", "/executions/double%3Anobody/cancel", "{}", 404, "NotFound", /double:nobody/],
    ["POST", "/executions/double%3Anobody/retry", undefined, 404, "NotFound", /double:nobody/],
    ["POST", "/executions/double%3Ak/cancel", "{", 400, "BadRequest", /not JSON/],
    ["POST", "/executions/double%3Ak/cancel", "{\"reason\":5}", 400, "BadRequest", /reason/],
    ["POST", "/executions/double%3Ak/cancel", "{\"why\":\"x\"}", 400, "BadRequest", /why/],
    ["POST", "/executions/double%3Ak/cancel", `"${"x".repeat(70_000)}"`, 413, "ContentTooLarge", /65536/],
    ["POST", "/strikes", undefined, 400, "BadRequest", /\{\} if it is to hold everything/],
    ["POST", "/strikes", "{\"taks\":\"double\"}", 400, "BadRequest", /taks/],
    ["POST", "/strikes", "{\"where\":{\"at\":\"id\",\"equals\":1}}", 400, "BadRequest", /begins with a slash/],
    ["GET", "/nothing", undefined, 404, "NotFound", /nothing at this path/],
    ["GET", "/executions/a/b/c", undefined, 404, "NotFound", /nothing at this path/],
    ["GET", "", undefined, 404, "NotFound", /nothing at this path/],
    ["DELETE", "/executions/double%3Ak", undefined, 405, "MethodNotAllowed", /GET, HEAD/],
    ["GET", "/executions/double%3Ak/cancel", undefined, 405, "MethodNotAllowed", /POST/],
    ["PUT", "/strikes", "{}", 405, "MethodNotAllowed", /GET, HEAD, POST, DELETE/]
  ]
  for (const [method, path, body, status, error, words] of wrong) {
    it.effect(`is told so: ${method} ${path} ${body?.slice(0, 40) ?? ""}`, () =>
      Effect.gen(function*() {
        const docket = yield* Docket.Docket
        yield* docket.add(double, 1, { key: "k" })
        const ask = yield* asker(open)
        const answer = yield* ask(method, `/docket${path}`, body === undefined ? {} : { body, headers: json })
        assertRefused(answer, status, error, words)
        assert.strictEqual(answer.headers.has("allow"), status === 405)
        assert.strictEqual((yield* docket.get("double:k"))?.generation, 1)
        assert.deepStrictEqual(yield* docket.strikes, [])
      }).pipe(withDocket))
  }

  it.effect("changes nothing without its content type, or from a page of elsewhere", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      yield* docket.add(double, 1, { key: "k" })
      yield* docket.schedule("k", double, 1, { every: "1 hour" })
      const ask = yield* asker(open)
      const changing = routes.filter(([method, , body]) =>
        (method === "POST" || method === "DELETE") && body !== "no JSON"
      )
      assert.isAtLeast(changing.length, 5)
      for (const [method, path, body] of changing) {
        const from = (headers: Record<string, string>) =>
          ask(method, path, { headers, ...body !== undefined && { body } })
        for (
          const type of [undefined, "text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"]
        ) {
          const answer = yield* from(type === undefined ? {} : { "content-type": type })
          assertRefused(answer, 415, "UnsupportedMediaType", /content-type: application\/json/)
        }
        for (const site of ["cross-site", "same-site"]) {
          assertRefused(yield* from({ ...json, "sec-fetch-site": site }), 403, "Forbidden", /Sec-Fetch-Site/)
        }
      }
      assert.strictEqual((yield* docket.get("double:k"))?.generation, 1)
      assert.lengthOf(yield* docket.schedules, 1)
      const headers = { "content-type": "application/json; charset=utf-8", "sec-fetch-site": "same-origin" }
      assert.strictEqual((yield* ask("POST", "/docket/executions/double%3Ak/cancel", { headers })).status, 200)
    }).pipe(withDocket))

  it.effect("is at no path where it is not percent-encoded", () =>
    Effect.gen(function*() {
      const ask = yield* asker(open)
      for (const id of ["%", "%E0%A4%A", "%ff"]) {
        assert.strictEqual((yield* ask("GET", `/docket/executions/${id}`)).status, 404)
      }
    }).pipe(withDocket))

  it.effect("is answered for HEAD as for GET, without the body", () =>
    Effect.gen(function*() {
      const ask = yield* asker(open)
      const head = yield* ask("HEAD", "/docket/executions")
      assert.deepStrictEqual([head.status, head.text], [200, ""])
    }).pipe(withDocket))
})

describe("where it stands", () => {
  it.effect("is for the program to say", () =>
    Effect.gen(function*() {
      const ask = yield* asker({ ...open, path: "/ops/work/" })
      assert.strictEqual((yield* ask("GET", "/ops/work/snapshot")).status, 200)
      assert.strictEqual((yield* ask("GET", "//ops/work//snapshot/")).status, 200)
      assert.strictEqual((yield* ask("GET", "/docket/snapshot")).status, 404)
    }).pipe(withDocket))

  it.effect("may be down, and says when to ask again, and not what it stands on", () =>
    Effect.gen(function*() {
      const docket = yield* Docket.Docket
      const down = Effect.fail(DocketError.make(
        new DocketError.Unavailable({ part: "store of the docket", cause: new Error("password=hunter2") })
      ))
      const ask = yield* Effect.provideService(asker(open), Docket.Docket, {
        ...docket,
        list: () => down,
        cancel: () => down,
        snapshot: down
      })
      for (
        const [method, path] of [
          ["GET", "/docket/executions"],
          ["GET", "/docket/snapshot"],
          ["POST", "/docket/executions/a/cancel"]
        ] as const
      ) {
        const answer = yield* ask(method, path)
        assertRefused(answer, 503, "Unavailable", /does not answer/)
        assert.strictEqual(answer.headers.get("retry-after"), "5")
        assert.notInclude(answer.text, "hunter2")
      }
    }).pipe(withDocket))
})
