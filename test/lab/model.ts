/** A model: a small system with what must hold in it, whatever its seed makes of it. */
import type * as Effect from "effect/Effect"
import * as Lab from "fastmcp-effect/testing/Lab"

export interface Model {
  readonly name: string
  /** What holds, in one sentence: the name of its test. */
  readonly holds: string
  readonly system: Effect.Effect<unknown, unknown, Lab.Services>
  readonly options: Omit<Lab.ExploreOptions, "seeds" | "onProgress">
}

/** How many seeds of each model are run with the tests. */
export const seeds = 500

/** Runs it from so many seeds, or until one of them fails. */
export const explore = ({ options, system }: Model, count: number) => Lab.explore(system, { ...options, seeds: count })
