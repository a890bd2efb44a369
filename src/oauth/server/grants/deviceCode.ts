/** The code of a device for tokens, once its user has said yes (RFC 8628, 3.4). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as deviceCodes from "../deviceCodes.ts"
import type { Failure, GrantType, TokenRequest } from "../issuer.ts"
import * as limits from "../limits.ts"
import { devices, grants } from "../records.ts"
import * as Refusal from "../Refusal.ts"
import * as tokens from "../tokens.ts"

export const name = "urn:ietf:params:oauth:grant-type:device_code"

export const deviceCode: GrantType = {
  name,
  isPublic: true,
  run: Effect.fnUntraced(function*(request: TokenRequest) {
    const { client, issuer, parameters } = request
    const code = parameters.get("device_code")
    if (code === undefined) return yield* Refusal.make("invalid_request", "device_code is missing.")
    const id = yield* issuer.secrets.hash(code)
    const key = devices.key(id)
    const found = devices.read(yield* issuer.store.get(key))
    if (found._tag === "Used") return yield* replayed(request, found.grant)
    if (found._tag === "Absent" || found.value.clientId !== client.id) {
      yield* limits.note(issuer, { what: "device_code", clientId: client.id, address: undefined })
      return yield* bad
    }
    const { endsAt, state } = found.value
    if (state === "denied") return yield* Refusal.make("access_denied", "The user does not let the device in.")
    if (endsAt <= (yield* Clock.currentTimeMillis)) {
      return yield* Refusal.make("expired_token", "The codes have expired; ask for others.")
    }
    if (state === "pending") {
      yield* deviceCodes.pace(issuer, id, endsAt)
      return yield* Refusal.make("authorization_pending", "The user has not said anything yet.")
    }
    const grantId = found.entry.grant!
    const grant = grants.read(yield* issuer.store.get(grants.key(grantId)))
    if (grant._tag !== "Live") return yield* bad
    const { scopes } = grant.value
    const refresh = yield* tokens.makeRefreshToken(request, grantId, scopes, grant.entry.expiresAt)
    const taken = yield* issuer.store.takeOnce(key, refresh.kept)
    if (taken._tag === "Used") return yield* replayed(request, taken.grant)
    if (taken._tag === "Absent") return yield* bad
    return yield* tokens.respond(request, { grantId, grant: grant.value, scopes, refreshToken: refresh.token })
  })
}

const bad = Refusal.make("invalid_grant", "The device code is not good, or not for this client.")

/** T10: somebody else has it, and nobody can tell who was first, so all that came of it ends. */
const replayed = ({ issuer }: TokenRequest, grantId: string | undefined): Effect.Effect<never, Failure> =>
  Effect.gen(function*() {
    if (grantId !== undefined) {
      yield* issuer.store.endGrant(grantId)
      yield* issuer.tell({ _tag: "Replayed", what: "device_code", grantId })
    }
    return yield* bad
  })
