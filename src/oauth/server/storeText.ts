/** Ids, times and errors as the stores in databases and in Redis have them. */
import * as Effect from "effect/Effect"
import * as Concealing from "../../core/Concealing.ts"
import * as StoredText from "../../storage/StoredText.ts"
import * as OAuthStore from "./OAuthStore.ts"
import * as OAuthStoreError from "./OAuthStoreError.ts"

/** An id may be anything, for some come from outside and are only asked for. */
export const ofId = StoredText.of

export const toId = StoredText.to

export const ofGrant = ({ kind }: OAuthStore.Key, { grant }: OAuthStore.Entry): string | undefined =>
  grant === undefined || kind === OAuthStore.grantKind ? undefined : ofId(grant)

/** Three thousand years, which stand for ever. */
const never = 1e14

export const ofTime = (millis: number): number => Math.min(Math.ceil(millis), never)

export const toTime = (millis: number): number => millis >= never ? Infinity : millis

export interface Row {
  readonly data: string
  readonly grant: string | null
  readonly expiresAt: number
}

export const entryOf = ({ data, expiresAt, grant }: Row): OAuthStore.Entry =>
  grant === null
    ? { data, expiresAt: toTime(expiresAt) }
    : { data, grant: toId(grant), expiresAt: toTime(expiresAt) }

export const taken = Effect.suspend(() => Effect.die(new Error("There is an entry of this key.")))

export const unavailable = (_store: string, cause: unknown): OAuthStoreError.OAuthStoreError =>
  OAuthStoreError.make(new OAuthStoreError.Unavailable({ cause }))

/** For a log: a cause may quote what was to be written, so there is no more of it than its code. */
export const ofError = ({ reason }: OAuthStoreError.OAuthStoreError): string => {
  const code = reason._tag === "Unavailable" ? Concealing.codeOf(reason.cause) : undefined
  return code === undefined ? reason.message : `${reason.message} (${code})`
}
