/** Where a user types the code that a device shows (RFC 8628, 3.3), and goes on to log in. */
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as deviceCodes from "../deviceCodes.ts"
import * as endings from "../endings.ts"
import * as interactions from "../interactions.ts"
import type { Endpoint, Failure, Handler, Issuer } from "../issuer.ts"
import * as limits from "../limits.ts"
import * as parameters from "../parameters.ts"
import type { DeviceRequest } from "../records.ts"
import * as Refusal from "../Refusal.ts"

const path = "/device"

/** T10: a code in the address is shown and no more: the user says that it is the one of the device. */
const look: Handler = (issuer, request) =>
  Effect.gen(function*() {
    const query = yield* parameters.ofQuery(request)
    return yield* show(issuer, request, deviceCodes.read(query.get("user_code") ?? "") ?? "", undefined)
  })

const show = (
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest,
  userCode: string,
  problem: string | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.gen(function*() {
    const browser = yield* interactions.browserOf(issuer, request)
    const html = issuer.pages.deviceCode({
      action: issuer.at(path),
      csrf: yield* interactions.csrfOf(issuer, browser, path),
      userCode,
      problem
    })
    const response = issuer.page.show(html, problem === undefined ? 200 : 400)
    return interactions.keepBrowser(issuer, response, browser)
  })

const submit: Handler = (issuer, request) =>
  Effect.gen(function*() {
    const form = yield* parameters.ofForm(request)
    yield* interactions.checkCsrf(issuer, request, path, form)
    const guesser = { what: "user_code", clientId: undefined, address: issuer.addressOf(request) }
    yield* limits.check(issuer, guesser)
    const userCode = deviceCodes.read(form.get("user_code") ?? "")
    const waiting = userCode === undefined ? undefined : yield* deviceCodes.find(issuer, userCode)
    if (userCode === undefined || waiting === undefined) {
      yield* limits.failed(issuer, guesser)
      return yield* show(issuer, request, "", "No device shows this code, or no longer.")
    }
    return yield* ask(issuer, request, userCode, waiting)
  })

/** Times that one code may be typed, by whomever: more than a user needs who has lost the way. */
const mostTyped = 10

const ask = (
  issuer: Issuer,
  request: HttpServerRequest.HttpServerRequest,
  userCode: string,
  { device, id }: deviceCodes.Waiting
): Effect.Effect<HttpServerResponse.HttpServerResponse, Failure> =>
  Effect.gen(function*() {
    const typed = yield* issuer.store.count({ kind: "typed", id: device.userCode }, issuer.lifetimes.deviceCode)
    if (typed > mostTyped) {
      yield* deviceCodes.decide(issuer, id, { state: "denied" })
      return yield* Refusal.make("invalid_request", "The code was typed too often. Have the device show another.")
    }
    const client = yield* issuer.client(device.clientId)
    if (client === undefined) return yield* Refusal.make("invalid_client", "There is no such client any more.")
    const { clientId, resource, scopes } = device
    // Whoever has sent the user here with a code of their own device counts on not being noticed.
    const asked: DeviceRequest = { clientId, resource, scopes, prompt: ["consent"], device: id, userCode }
    return yield* Effect.catchTag(
      interactions.begin(issuer, request, client, asked),
      "Refusal",
      (refused) => endings.of(issuer, client, asked).refuse(refused)
    )
  })

export const device: Endpoint = { path, methods: { GET: look, POST: submit }, audience: "person" }
