/** Where a client introduces itself (RFC 7591). Off unless it is switched on, for anybody may come. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as clientMetadata from "../clientMetadata.ts"
import * as http from "../http.ts"
import type { Endpoint, Handler } from "../issuer.ts"
import * as limits from "../limits.ts"
import * as parameters from "../parameters.ts"
import { registrations } from "../records.ts"
import * as Refusal from "../Refusal.ts"

/** How long a registration lasts, and how many there may be from one address in an hour. */
export interface Options {
  readonly lasts: number
  readonly mostAnHour: number
}

const hour = 3_600_000

const handle = ({ lasts, mostAnHour }: Options): Handler => (issuer, request) =>
  Effect.gen(function*() {
    const count = yield* issuer.store.count(
      { kind: "registrations", id: limits.placeOf(issuer.addressOf(request)) },
      hour
    )
    if (count > mostAnHour) {
      return yield* new Refusal.Refusal({
        code: "temporarily_unavailable",
        description: "Too many clients have registered from here; try again later.",
        retryAfter: 3600
      })
    }
    if (parameters.typeOf(request) !== "application/json") {
      return yield* Refusal.make("invalid_client_metadata", "The body has to be application/json.")
    }
    const metadata = yield* clientMetadata.parse(yield* parse(yield* parameters.textOf(request)))
    const id = yield* issuer.secrets.makeId
    const isConfidential = (metadata.token_endpoint_auth_method ?? "client_secret_basic").startsWith("client_secret")
    const secret = isConfidential ? yield* issuer.secrets.make : undefined
    const secretHash = secret === undefined ? undefined : yield* issuer.secrets.hash(secret)
    const client = yield* clientMetadata.toClient(metadata, {
      id,
      origin: "registered",
      secretHash,
      authentication: "client_secret_basic"
    })
    yield* Effect.forEach(issuer.extensions, ({ admit }) => admit(issuer, client))
    const now = yield* Clock.currentTimeMillis
    yield* issuer.store.putOnce(
      registrations.key(id),
      registrations.entry({ metadata, ...(secretHash === undefined ? undefined : { secretHash }) }, now + lasts)
    )
    yield* issuer.tell({ _tag: "Registered", clientId: id })
    const { scope: _, ...registered } = metadata
    return http.json({
      ...registered,
      client_id: id,
      client_id_issued_at: Math.floor(now / 1000),
      ...(secret === undefined
        ? undefined
        : { client_secret: secret, client_secret_expires_at: Math.floor((now + lasts) / 1000) }),
      token_endpoint_auth_method: client.authentication,
      grant_types: client.grantTypes,
      response_types: ["code"]
    }, { status: 201 })
  })

const parse = (text: string): Effect.Effect<unknown, Refusal.Refusal> =>
  Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: () => Refusal.make("invalid_client_metadata", "The body is not JSON.")
  })

export const register = (options: Options): Endpoint => ({
  path: "/register",
  methods: { POST: handle(options) },
  audience: "program"
})
