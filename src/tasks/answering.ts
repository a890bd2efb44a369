/** What clients answer to a task's questions. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Extension from "../server/Extension.ts"
import * as creating from "./creating.ts"
import * as InTask from "./inTask.ts"
import type * as taskRecord from "./taskRecord.ts"

/** Answers that nobody asked for, or that came before, are passed over: of several to one question the first counts. */
export const answer = Effect.fnUntraced(function*(
  server: creating.Server,
  id: string,
  answers: { readonly [key: string]: Omit<Extension.RecordedAnswer, "fingerprint"> }
) {
  const now = yield* Clock.currentTimeMillis
  yield* server.docket.amend(id, (kept) => {
    const data = InTask.answer(kept as taskRecord.Data, answers, now)
    return data === undefined ? undefined : { data, isReady: Object.keys(data.open).length === 0 }
  })
}, Effect.catchTag("DocketError", creating.ofDocket))
