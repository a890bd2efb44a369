/** Clients by their ids: those that are configured, those that have registered, and those that are known by a document. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as SafeFetch from "../SafeFetch.ts"
import type * as Client from "./Client.ts"
import * as clientDocuments from "./clientDocuments.ts"
import * as clientMetadata from "./clientMetadata.ts"
import type { Issuer } from "./issuer.ts"
import type * as OAuthStore from "./OAuthStore.ts"
import { registrations } from "./records.ts"
import type { Secrets } from "./secrets.ts"

export interface Sources {
  readonly configured: ReadonlyArray<Client.Options>
  readonly store: OAuthStore.OAuthStore["Service"]
  readonly secrets: Secrets
  readonly fetch: SafeFetch.SafeFetch["Service"]
  readonly takesDocuments: boolean
}

export const make = (
  { configured, fetch, secrets, store, takesDocuments }: Sources
): Effect.Effect<Issuer["client"]> =>
  Effect.gen(function*() {
    const known = new Map<string, Client.Client>()
    for (const options of configured) known.set(options.id, yield* ofOptions(options, secrets))
    const ofDocument = takesDocuments ? yield* clientDocuments.make({ fetch, store }) : undefined
    return (id, address) => {
      const client = known.get(id)
      if (client !== undefined) return Effect.succeed(client)
      if (!/^https?:\/\//iu.test(id)) return registered(store, id)
      return ofDocument === undefined ? Effect.succeed(undefined) : ofDocument(id, address)
    }
  })

const registered = (store: OAuthStore.OAuthStore["Service"], id: string): ReturnType<Issuer["client"]> =>
  Effect.gen(function*() {
    const found = registrations.read(yield* store.get(registrations.key(id)))
    if (found._tag !== "Live") return undefined
    const { metadata, secretHash } = found.value
    return yield* clientMetadata.toClient(metadata, {
      id,
      origin: "registered",
      secretHash,
      authentication: "client_secret_basic"
    })
  })

const ofOptions = (options: Client.Options, secrets: Secrets): Effect.Effect<Client.Client> =>
  Effect.map(
    options.secret === undefined ? Effect.succeed(undefined) : secrets.hash(Redacted.value(options.secret)),
    (secretHash): Client.Client => ({
      id: options.id,
      name: options.name,
      uri: undefined,
      origin: "configured",
      redirectUris: options.redirectUris ?? [],
      postLogoutRedirectUris: options.postLogoutRedirectUris ?? [],
      grantTypes: options.grantTypes ?? ["authorization_code", "refresh_token"],
      authentication: options.authentication ?? (secretHash !== undefined
        ? "client_secret_basic"
        : options.keys !== undefined || options.jwksUri !== undefined
        ? "private_key_jwt"
        : "none"),
      secretHash,
      keys: options.keys,
      jwksUri: options.jwksUri,
      scopes: options.scopes,
      isFirstParty: options.isFirstParty ?? false,
      introspects: options.introspects ?? [],
      workload: options.workload,
      requiresDpop: options.requiresDpop ?? false,
      idTokenAlgorithm: options.idTokenAlgorithm
    })
  )
