/** Where a client sends a user (RFC 6749, 3.1). */
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as authorizationRequest from "../authorizationRequest.ts"
import * as checks from "../checks/client.ts"
import { redirectUri } from "../checks/redirectUri.ts"
import type * as Client from "../Client.ts"
import * as http from "../http.ts"
import * as interactions from "../interactions.ts"
import type { Endpoint, Failure, Handler, Issuer } from "../issuer.ts"
import * as limits from "../limits.ts"
import * as parameters from "../parameters.ts"
import * as pushedRequests from "../pushedRequests.ts"
import type { AuthorizationRequest } from "../records.ts"
import * as redirect from "../redirect.ts"

const path = "/authorize"

const handle: Handler = (issuer, request) =>
  Effect.gen(function*() {
    yield* limits.boundRequest(issuer, request)
    const given = yield* parameters.given(request)
    const { values } = given
    const isBare = comesBare(issuer, request)
    const again = isBare && given.problem === undefined ? addressOf(issuer, values) : undefined
    if (again !== undefined && again.length <= mostAddress) return redirect.to(again)
    // Until here is known where the answer may go, a refusal is a page.
    const client = yield* checks.client(issuer, request, values)
    const pushed = yield* pushedRequests.take(issuer, client, values)
    const target = pushed?.redirectUri ?? (yield* redirectUri(client, values))
    return yield* ask(issuer, client, target, given, pushed).pipe(
      Effect.flatMap((asked) => isBare ? askAgain(issuer, asked) : interactions.begin(issuer, request, client, asked)),
      Effect.catch((failure) =>
        Effect.map(
          http.asRefusal(failure),
          (refused) => redirect.withRefusal(issuer, client, target, pushed?.state ?? values.get("state"), refused)
        )
      )
    )
  })

/**
 * A form of another site comes without the browser's cookies (`SameSite`): who is logged in would have to log in again, and
 * cookies that are set for it would end what else the browser is in the middle of. By GET it comes with them.
 */
const comesBare = (issuer: Issuer, request: HttpServerRequest.HttpServerRequest): boolean => {
  if (request.method !== "POST" || !interactions.isNewBrowser(issuer, request)) return false
  const { origin, "sec-fetch-site": site } = request.headers
  return site === undefined ? origin !== undefined && origin !== new URL(issuer.url).origin : site === "cross-site"
}

/** Characters that get through wherever an address has to. */
const mostAddress = 4000

const addressOf = (issuer: Issuer, values: Iterable<readonly [name: string, value: string]>): string =>
  `${issuer.at(path)}?${new URLSearchParams(Object.fromEntries(values))}`

/** What is too long for an address waits here, as if its client had sent it ahead. */
const askAgain = (issuer: Issuer, asked: AuthorizationRequest) =>
  Effect.map(
    pushedRequests.put(issuer, asked),
    (uri) => redirect.to(addressOf(issuer, [["client_id", asked.clientId], ["request_uri", uri]]))
  )

const ask = (
  issuer: Issuer,
  client: Client.Client,
  target: string,
  { problem, values }: parameters.Given,
  pushed: AuthorizationRequest | undefined
): Effect.Effect<AuthorizationRequest, Failure> =>
  problem !== undefined
    ? Effect.fail(problem)
    : pushed === undefined
    ? authorizationRequest.check(issuer, client, target, values)
    : Effect.succeed(pushed)

export const authorize: Endpoint = { path, methods: { GET: handle, POST: handle }, audience: "person" }
