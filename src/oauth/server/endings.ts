/** How an interaction ends: in a code that the browser takes to a client, or in a word to a device that waits for it. */
import * as Effect from "effect/Effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as RedirectUri from "../RedirectUri.ts"
import type * as Client from "./Client.ts"
import * as deviceCodes from "./deviceCodes.ts"
import { placeOf } from "./internal/page.ts"
import type { Allowed, Failure, Issuer } from "./issuer.ts"
import type { AuthorizationRequest, DeviceRequest, Grant } from "./records.ts"
import * as redirect from "./redirect.ts"
import * as Refusal from "./Refusal.ts"

type Response = HttpServerResponse.HttpServerResponse

export interface Ending {
  /** Who gets in, for people. */
  readonly place: string
  readonly isLoopback: boolean
  /** Members of the grant besides what all have. */
  readonly grant: Pick<Grant, "nonce" | "claims">
  readonly refuse: (refused: Refusal.Refusal) => Effect.Effect<Response, Failure>
  readonly allow: (grantId: string, interactionId: string) => Effect.Effect<Allowed, Failure>
}

export const of = (issuer: Issuer, client: Client.Client, asked: AuthorizationRequest | DeviceRequest): Ending =>
  "device" in asked ? ofDevice(issuer, asked) : ofCode(issuer, client, asked)

const ofCode = (issuer: Issuer, client: Client.Client, asked: AuthorizationRequest): Ending => {
  const { claims, nonce, redirectUri, state } = asked
  return {
    place: placeOf(redirectUri),
    isLoopback: RedirectUri.isLoopback(redirectUri),
    grant: {
      ...(nonce === undefined ? undefined : { nonce }),
      ...(claims === undefined ? undefined : { claims })
    },
    refuse: (refused) => Effect.succeed(redirect.withRefusal(issuer, client, redirectUri, state, refused)),
    allow: (grantId, interactionId) => issuer.giveCode(issuer, asked, grantId, interactionId)
  }
}

const ofDevice = (issuer: Issuer, { device, userCode }: DeviceRequest): Ending => ({
  place: `the device that shows ${userCode}`,
  isLoopback: false,
  grant: {},
  // Whatever else went wrong, the user can type the code again.
  refuse: (refused) =>
    refused.code === "access_denied"
      ? Effect.as(
        deviceCodes.decide(issuer, device, { state: "denied" }),
        message(issuer, "Not connected", "The device does not get in. You can close this page.")
      )
      : Effect.fail(refused),
  allow: (grantId) =>
    Effect.succeed({
      kept: [],
      answer: Effect.gen(function*() {
        if (yield* deviceCodes.decide(issuer, device, { state: "allowed", grantId })) {
          return message(issuer, "Connected", "The device goes on by itself. You can close this page.")
        }
        yield* issuer.store.endGrant(grantId)
        return yield* Refusal.make(
          "invalid_request",
          "The code has expired, or was used. Have the device show another."
        )
      })
    })
})

const message = (issuer: Issuer, title: string, text: string): Response =>
  issuer.page.show(issuer.pages.message({ title, text }))
