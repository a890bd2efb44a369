import * as Effect from "effect/Effect"
import type { Parameters } from "../parameters.ts"
import * as Refusal from "../Refusal.ts"

export interface Prompt {
  readonly prompt: ReadonlyArray<string>
  /** Seconds. */
  readonly maxAge?: number
}

const known = ["none", "login", "consent", "select_account"]

/** A12: whether the user has to show who they are, or may not be asked anything. */
export const prompt = (parameters: Parameters): Effect.Effect<Prompt, Refusal.Refusal> => {
  const prompt = (parameters.get("prompt") ?? "").split(" ").filter((word) => word !== "")
  const maxAge = parameters.get("max_age")
  if (!prompt.every((word) => known.includes(word))) {
    return Effect.fail(Refusal.make("invalid_request", `prompt has to be of: ${known.join(", ")}.`))
  }
  if (prompt.includes("none") && prompt.length > 1) {
    return Effect.fail(Refusal.make("invalid_request", "prompt is none and something else."))
  }
  if (maxAge !== undefined && !/^\d{1,9}$/u.test(maxAge)) {
    return Effect.fail(Refusal.make("invalid_request", "max_age has to be a number of seconds."))
  }
  return Effect.succeed({ prompt, ...(maxAge === undefined ? undefined : { maxAge: Number(maxAge) }) })
}
