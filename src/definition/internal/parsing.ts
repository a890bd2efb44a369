/**
 * What comes of decoding or encoding with an author's schema. It may have to be waited for, and it may end in a defect,
 * such as a validator that throws, which is no fault of the value and stays a defect.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as DefinitionError from "../DefinitionError.ts"

/** Gives an `Exit` wherever nothing has to be waited for. */
export type Parser = (value: unknown) => Effect.Effect<any, SchemaIssue.Issue>

// NOTE: twice for every call, so it looks at the tag alone, which no other effect has.
export const isDone = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Exit<A, E> => {
  const { _tag } = effect as { readonly _tag?: unknown }
  return _tag === "Success" || _tag === "Failure"
}

/** Goes on at once where there is nothing to wait for. */
export const settle = <A, E, B, E2, R, R2>(
  effect: Effect.Effect<A, E, R>,
  f: (exit: Exit.Exit<A, E>) => Effect.Effect<B, E2, R2>
): Effect.Effect<B, E2, R | R2> => isDone(effect) ? f(effect) : Effect.flatMap(Effect.exit(effect), f)

/** Whether a value was found wrong. Anything else, as a validator that is not installed, is no fault of the value. */
export const isIssue = (cause: Cause.Cause<SchemaIssue.Issue>): boolean => cause.reasons.every(Cause.isFailReason)

/** The error to fail with; a definition that turned out unfit is one as well. */
export const fault = (
  name: string,
  cause: Cause.Cause<SchemaIssue.Issue>,
  make: (name: string, cause: Cause.Cause<SchemaIssue.Issue>) => DefinitionError.DefinitionError
): Exit.Exit<never, DefinitionError.DefinitionError> => {
  if (isIssue(cause)) return Exit.fail(make(name, cause))
  const unfit = cause.reasons.find((reason) =>
    Cause.isDieReason(reason) && reason.defect instanceof DefinitionError.DefinitionError
  ) as { readonly defect: DefinitionError.DefinitionError } | undefined
  return unfit === undefined ? Exit.failCause(cause as Cause.Cause<never>) : Exit.fail(unfit.defect)
}
