/** A session as the text a database keeps. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Session from "../Session.ts"

/** Made when it is first used, so that a schema compiler switched on until then has its say. */
export const make = () => {
  const Text = Schema.fromJsonString(Session.Session)
  const encode = Schema.encodeEffect(Text)
  const decode = Schema.decodeEffect(Text)
  return {
    encode: (session: Session.Session): Effect.Effect<string> => Effect.orDie(encode(session)),
    /** Undefined, with a warning, for what another version of the program wrote and this one cannot read. */
    decode: (id: string, text: string): Effect.Effect<Session.Session | undefined> =>
      Effect.catch(decode(text), (error) =>
        // Not the whole id: whoever has it has the session.
        Effect.as(
          Effect.logWarning(
            `The session ${id.slice(0, 8)}... is not in a form this version reads, and counts as ended.`,
            error.message
          ),
          undefined
        ))
  }
}
