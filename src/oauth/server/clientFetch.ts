/** What a client has elsewhere: a document about itself, its keys. Whoever chooses the address learns nothing by it. */
import * as Effect from "effect/Effect"
import type * as SafeFetch from "../SafeFetch.ts"

/** Characters. */
const mostText = 10 << 10

/** R2, R3: what is there, undefined where it is too long, too late, elsewhere or not there. Nobody is told why. */
export const read = (
  { fetch }: SafeFetch.SafeFetch["Service"],
  url: string,
  useCache: boolean
): Effect.Effect<SafeFetch.Response | undefined> =>
  fetch({ url, headers: { accept: "application/json" }, useCache, followsRedirects: false }).pipe(
    Effect.timeout("3 seconds"),
    Effect.map((response) => response.status === 200 && response.text.length <= mostText ? response : undefined),
    Effect.orElseSucceed(() => undefined)
  )
