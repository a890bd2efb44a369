/**
 * A docket over HTTP, for those who look after it: what is there, what has failed, cancel, retry, strikes and schedules.
 * JSON, for programs and for `curl`; nothing is let in that `authorize` does not let in.
 *
 * | | |
 * | - | - |
 * | `GET /executions` | newest first; `status`, `task`, `schedule`, `held`, `cursor`, `limit` (1 to 100) |
 * | `GET /executions/:id` | one |
 * | `POST /executions/:id/cancel` | with `{ "reason"? }`; 409 when it had ended |
 * | `POST /executions/:id/retry` | 409 when it has neither failed nor was cancelled |
 * | `GET /snapshot` | counts, rings, workers, schedules, strikes |
 * | `GET`, `POST`, `DELETE /strikes` | with a strike, `{ "task"?, "where"? }`; `{}` is all there is |
 * | `GET /schedules` | all |
 * | `DELETE /schedules/:key` | 404 when there is none |
 *
 * Ids and keys stand in the path with `encodeURIComponent`. Times are epoch milliseconds. A refusal is
 * `{ "error", "message" }`: the first for programs, the second for people.
 *
 * Whoever changes something sends `content-type: application/json`, with or without a body, which a page of another site
 * cannot without being asked about, and nothing here answers such a question; what a browser says comes from elsewhere
 * (`Sec-Fetch-Site`) is refused.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Docket from "./Docket.ts"
import type * as DocketError from "./DocketError.ts"
import * as Execution from "./Execution.ts"
import * as strikes from "./strikes.ts"

/** @category models @since 0.1.0 */
export interface Options<R = never> {
  /**
   * Who may come in, asked before anything else of a request is looked at. True or a name lets in, and the log says by
   * that name who has changed something; false and an empty name are answered with 403. To answer otherwise, as with a
   * 401 that asks for a password, fail with the response. Whoever is let in may do everything.
   */
  readonly authorize: (
    request: HttpServerRequest.HttpServerRequest
  ) => Effect.Effect<boolean | string, HttpServerResponse.HttpServerResponse, R>
  /** What the routes begin with. `/docket`. */
  readonly path?: HttpRouter.PathInput
  /**
   * Whether executions are shown with `payload`, `data`, `result`, `error`, `slot` and `rate`, as the store has them: the
   * first four sealed where the docket has a key, the keys of the last two, which are made out of the payload, never. False.
   * What a handler says of itself is shown always: `progress`, and `failure`, which has the words of a defect where the
   * docket has no key.
   */
  readonly reveal?: boolean
}

/**
 * Adds the routes to the router in context.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R = never>(
  options: Options<R>
): Layer.Layer<never, never, HttpRouter.HttpRouter | Docket.Docket | R> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const router = yield* HttpRouter.HttpRouter
    const docket = yield* Docket.Docket
    const context = yield* Effect.context<R>()
    const { authorize, path = "/docket", reveal = false } = options
    const base = segmentsOf(path)
    const find = endpoints(docket, reveal)
    const admitted = (request: HttpServerRequest.HttpServerRequest, who: true | string) =>
      Effect.catch(answer(find, request, base.length, who), (failure) => Effect.succeed(refusal(failure)))
    const handle = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Response> =>
      Effect.matchEffect(Effect.provideContext(Effect.suspend(() => authorize(request)), context), {
        onFailure: Effect.succeed,
        onSuccess: (who) =>
          who === true || typeof who === "string" && who !== ""
            ? admitted(request, who)
            : Effect.succeed(refused(forbidden))
      })
    yield* router.add("*", `/${[...base, "*"].join("/")}`, handle)
  }))

// ----------------------------------------------------------------------------
// requests
// ----------------------------------------------------------------------------

type Response = HttpServerResponse.HttpServerResponse

interface Refused {
  readonly _tag: "Refused"
  readonly status: number
  readonly error: string
  readonly message: string
  readonly headers?: { readonly [name: string]: string }
}

type Failure = Refused | DocketError.DocketError

interface Asked {
  readonly query: URLSearchParams
  /** The JSON of the body. */
  readonly body: Effect.Effect<unknown, Refused>
}

interface Method {
  /** What it does, for the log; nothing where it changes nothing. */
  readonly does?: string
  readonly run: (asked: Asked) => Effect.Effect<unknown, Failure>
}

type Methods = { readonly [name in "GET" | "POST" | "DELETE"]?: Method }

type Find = (segments: ReadonlyArray<string>) => Methods | undefined

const refuse = (status: number, error: string, message: string, headers: Refused["headers"] = {}): Refused => ({
  _tag: "Refused",
  status,
  error,
  message,
  headers
})

const bad = (message: string): Refused => refuse(400, "BadRequest", message)

const forbidden = refuse(403, "Forbidden", "You may not see this docket.")

/** Slashes at the end, and twice in a row, mean nothing, as for the router. */
const segmentsOf = (path: string): ReadonlyArray<string> => path.split("/").filter((segment) => segment !== "")

const answer = Effect.fnUntraced(function*(
  find: Find,
  request: HttpServerRequest.HttpServerRequest,
  depth: number,
  who: true | string
) {
  const [path = "", query = ""] = request.url.split("#", 1)[0]!.split(/\?(.*)/s)
  // The router finds no route where this cannot be done.
  const segments = segmentsOf(path).slice(depth).map(decodeURIComponent)
  const methods = find(segments)
  if (methods === undefined) return yield* Effect.fail(refuse(404, "NotFound", "There is nothing at this path."))
  const name = request.method === "HEAD" ? "GET" : request.method
  const method = name === "GET" || name === "POST" || name === "DELETE" ? methods[name] : undefined
  if (method === undefined) {
    const allow = Object.keys(methods).flatMap((name) => name === "GET" ? ["GET", "HEAD"] : [name]).join(", ")
    return yield* Effect.fail(
      refuse(405, "MethodNotAllowed", `Here are ${allow}, and no ${request.method}.`, { allow })
    )
  }
  if (name !== "GET") yield* fromHere(request)
  const result = yield* method.run({ query: new URLSearchParams(query), body: bodyOf(request) })
  if (method.does !== undefined) {
    yield* Effect.annotateLogs(
      Effect.logInfo(`${method.does}.`),
      who === true ? {} : { "docket.operator": who }
    )
  }
  return json(200, result)
})

/** Not by a page somebody was lured to. */
const fromHere = ({ headers }: HttpServerRequest.HttpServerRequest): Effect.Effect<void, Refused> => {
  const site = headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return Effect.fail(refuse(403, "Forbidden", `Pages of elsewhere (Sec-Fetch-Site: ${site}) change nothing here.`))
  }
  const type = headers["content-type"]?.split(";", 1)[0]!.trim().toLowerCase()
  return type === "application/json"
    ? Effect.void
    : Effect.fail(refuse(
      415,
      "UnsupportedMediaType",
      "What changes something is sent with content-type: application/json, also where there is no body."
    ))
}

/** Of a body. */
const mostBytes = 65_536

const bodyOf = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<unknown, Refused> =>
  request.text.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(mostBytes)),
    Effect.mapError(({ reason }) =>
      reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
        ? refuse(413, "ContentTooLarge", `The body has more than ${mostBytes} bytes.`)
        : bad("The body cannot be read.")
    ),
    Effect.flatMap((text) =>
      text.trim() === "" ? Effect.undefined : Effect.try({
        try: (): unknown => JSON.parse(text),
        catch: () => bad("The body is not JSON.")
      })
    )
  )

// ----------------------------------------------------------------------------
// answers
// ----------------------------------------------------------------------------

const json = (status: number, body: unknown, headers: Refused["headers"] = {}): Response =>
  HttpServerResponse.text(JSON.stringify(body), {
    status,
    contentType: "application/json",
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", ...headers }
  })

const refused = ({ error, headers, message, status }: Refused): Response => json(status, { error, message }, headers)

const refusal = (failure: Failure): Response => {
  if (failure._tag === "Refused") return refused(failure)
  const { _tag: error, message } = failure.reason
  switch (error) {
    case "NotFound":
      return json(404, { error, message })
    case "Unavailable":
      return json(503, { error, message: `The ${failure.reason.part} does not answer. Try again later.` }, {
        "retry-after": "5"
      })
    default:
      return json(500, { error, message })
  }
}

const shown = (
  { data, error, payload, rate, result, slot, ...execution }: Execution.Execution,
  reveal: boolean
): unknown => reveal ? { ...execution, payload, data, result, error, slot, rate } : execution

// ----------------------------------------------------------------------------
// what there is
// ----------------------------------------------------------------------------

const endpoints = (docket: Docket.Docket["Service"], reveal: boolean): Find => {
  const executions: Methods = {
    GET: {
      run: ({ query }) =>
        Effect.map(
          Effect.flatMap(listing(query), docket.list),
          ({ cursor, executions }) => ({
            executions: executions.map((execution) => shown(execution, reveal)),
            ...cursor !== undefined && { cursor }
          })
        )
    }
  }
  const execution = (id: string): Methods => ({
    GET: {
      run: () =>
        Effect.flatMap(docket.get(id), (execution) =>
          execution === undefined
            ? Effect.fail(refuse(404, "NotFound", noExecution(id)))
            : Effect.succeed(shown(execution, reveal)))
    }
  })
  const cancel = (id: string): Methods => ({
    POST: {
      does: `The execution ${JSON.stringify(id)} is cancelled`,
      run: ({ body }) =>
        body.pipe(
          Effect.flatMap((value) => decode(Cancel, value ?? {}, "The body")),
          Effect.flatMap(({ reason }) => docket.cancel(id, reason)),
          Effect.flatMap(orConflict({ cancelled: true }, "It had ended before."))
        )
    }
  })
  const retry = (id: string): Methods => ({
    POST: {
      does: `The execution ${JSON.stringify(id)} begins anew`,
      run: () =>
        Effect.flatMap(
          docket.retry(id),
          orConflict({ retried: true }, "It has neither failed nor was it cancelled.")
        )
    }
  })
  const snapshot: Methods = { GET: { run: () => docket.snapshot } }
  const struck: Methods = {
    GET: { run: () => Effect.map(docket.strikes, (strikes) => ({ strikes })) },
    POST: {
      does: "A strike holds work back",
      run: ({ body }) =>
        Effect.flatMap(
          Effect.flatMap(body, strikeOf),
          (strike) => Effect.as(docket.strike(strike), strike)
        )
    },
    DELETE: {
      does: "A strike is lifted",
      run: ({ body }) =>
        Effect.flatMap(
          Effect.flatMap(body, strikeOf),
          (strike) =>
            Effect.flatMap(
              docket.restore(strike),
              (wasThere) =>
                wasThere
                  ? Effect.succeed({ restored: true })
                  : Effect.fail(refuse(404, "NotFound", "There is no such strike; it must be said as it was made."))
            )
        )
    }
  }
  const schedules: Methods = { GET: { run: () => Effect.map(docket.schedules, (schedules) => ({ schedules })) } }
  const schedule = (key: string): Methods => ({
    DELETE: {
      does: `The schedule ${JSON.stringify(key)} is removed`,
      run: () =>
        Effect.flatMap(
          docket.unschedule(key),
          (wasThere) =>
            wasThere
              ? Effect.succeed({ unscheduled: true })
              : Effect.fail(refuse(404, "NotFound", `There is no schedule ${JSON.stringify(key)}.`))
        )
    }
  })

  return ([root, name, verb, ...rest]) => {
    if (rest.length > 0) return undefined
    if (name === undefined) {
      if (root === "executions") return executions
      if (root === "snapshot") return snapshot
      if (root === "strikes") return struck
      return root === "schedules" ? schedules : undefined
    }
    if (root === "schedules") return verb === undefined ? schedule(name) : undefined
    if (root !== "executions") return undefined
    if (verb === undefined) return execution(name)
    return verb === "cancel" ? cancel(name) : verb === "retry" ? retry(name) : undefined
  }
}

const noExecution = (id: string): string =>
  `There is no execution ${JSON.stringify(id)}; it may have ended and been forgotten.`

const orConflict = <A>(result: A, message: string) => (isDone: boolean): Effect.Effect<A, Refused> =>
  isDone ? Effect.succeed(result) : Effect.fail(refuse(409, "Conflict", message))

const decode = <A>(schema: Schema.Codec<A, unknown>, value: unknown, what: string): Effect.Effect<A, Refused> =>
  Effect.mapError(
    Schema.decodeUnknownEffect(schema)(value, { onExcessProperty: "error" }),
    (error) => bad(`${what} is not what it should be: ${error.message}`)
  )

const Cancel = Schema.Struct({ reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(1000))) })

const strikeOf = (value: unknown): Effect.Effect<strikes.Strike, Refused> =>
  value === undefined
    ? Effect.fail(bad("A strike is a JSON object, {} if it is to hold everything."))
    : Effect.filterOrFail(
      decode(strikes.Strike, value, "The strike"),
      ({ where }) => where === undefined || where.at === "" || where.at.startsWith("/"),
      ({ where }) => bad(`${JSON.stringify(where!.at)} is no JSON Pointer: it begins with a slash.`)
    )

const listing = Effect.fnUntraced(function*(query: URLSearchParams) {
  const given = new Map<string, string>()
  for (const [name, value] of query) {
    if (!parameters.includes(name)) {
      return yield* Effect.fail(
        bad(`There is no parameter ${JSON.stringify(name)}; there are ${parameters.join(", ")}.`)
      )
    }
    if (given.has(name)) return yield* Effect.fail(bad(`The parameter ${name} is there twice.`))
    given.set(name, value)
  }
  const status = given.get("status")
  if (status !== undefined && !isStatus(status)) {
    return yield* Effect.fail(bad(`The status is one of ${Execution.Status.literals.join(", ")}.`))
  }
  const held = given.get("held")
  if (held !== undefined && held !== "true" && held !== "false") {
    return yield* Effect.fail(bad("held is true or false."))
  }
  const limit = given.get("limit") ?? "100"
  if (!/^[1-9]\d?$|^100$/.test(limit)) return yield* Effect.fail(bad("The limit is a whole number from 1 to 100."))
  return {
    status,
    task: given.get("task"),
    schedule: given.get("schedule"),
    isHeld: held === undefined ? undefined : held === "true",
    cursor: given.get("cursor"),
    limit: Number(limit)
  } satisfies Docket.ListOptions
})

const parameters: ReadonlyArray<string> = ["status", "task", "schedule", "held", "cursor", "limit"]

const isStatus = Schema.is(Execution.Status)
