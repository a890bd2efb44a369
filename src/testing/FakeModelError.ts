/**
 * What a scripted model was not asked as its script says.
 */
import * as Schema from "effect/Schema"

/** It was asked for something else. @category reasons @since 0.1.0 */
export class Unexpected extends Schema.TaggedClass<Unexpected>()("Unexpected", {
  /** From 1. */
  step: Schema.Int,
  message: Schema.String
}) {}

/** It was asked again after its last answer. @category reasons @since 0.1.0 */
export class TooOften extends Schema.TaggedClass<TooOften>()("TooOften", { steps: Schema.Int }) {}

/** It was not asked to the end of its script. @category reasons @since 0.1.0 */
export class TooSeldom extends Schema.TaggedClass<TooSeldom>()("TooSeldom", {
  asked: Schema.Int,
  steps: Schema.Int
}) {}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([Unexpected, TooOften, TooSeldom])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** @category errors @since 0.1.0 */
export class FakeModelError extends Schema.TaggedError<FakeModelError>("fastmcp-effect/testing/FakeModelError")(
  "FakeModelError",
  { reason: Reason }
) {
  override get message(): string {
    return describe(this.reason)
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): FakeModelError => new FakeModelError({ reason })

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Unexpected":
      return `In step ${reason.step} the model was asked for something else: ${reason.message}`
    case "TooOften":
      return `The model was asked again after ${reason.steps} steps, which is all that its script has`
    case "TooSeldom":
      return `The model was asked ${reason.asked} times, and its script has ${reason.steps} steps`
  }
}
