/** Where a device asks for codes that its user can type elsewhere (RFC 8628, 3.1). */
import * as Effect from "effect/Effect"
import { clientAuthentication } from "../checks/clientAuthentication.ts"
import { resource } from "../checks/resource.ts"
import { scopes } from "../checks/scope.ts"
import * as deviceCodes from "../deviceCodes.ts"
import { name as deviceGrant } from "../grants/deviceCode.ts"
import * as http from "../http.ts"
import type { Endpoint, Handler } from "../issuer.ts"
import * as limits from "../limits.ts"
import * as parameters from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

/** Requests from one address in a minute. */
const most = 60

const handle: Handler = (issuer, request) =>
  Effect.gen(function*() {
    const form = yield* parameters.ofForm(request)
    const client = yield* clientAuthentication(issuer, request, form)
    if (!client.grantTypes.includes(deviceGrant)) {
      return yield* Refusal.make("unauthorized_client", "This client may not ask for device codes.")
    }
    const place = limits.placeOf(issuer.addressOf(request))
    const count = yield* issuer.store.count({ kind: "device-requests", id: place }, 60_000)
    if (count > most) {
      return yield* new Refusal.Refusal({
        code: "temporarily_unavailable",
        description: "Too many codes were asked for from here; try again later.",
        retryAfter: 60
      })
    }
    const target = yield* resource(issuer, form)
    const granted = yield* scopes(issuer, client, target, form)
    const { deviceCode, userCode } = yield* deviceCodes.put(issuer, {
      clientId: client.id,
      resource: target.uri,
      scopes: granted
    })
    const uri = issuer.at("/device")
    return http.json({
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: uri,
      verification_uri_complete: `${uri}?user_code=${userCode}`,
      expires_in: Math.floor(issuer.lifetimes.deviceCode / 1000),
      interval: deviceCodes.interval
    })
  })

export const deviceAuthorization: Endpoint = {
  path: "/device_authorization",
  methods: { POST: handle },
  audience: "program"
}
