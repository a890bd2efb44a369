/** A model as a test: it holds from its seeds. */
import { it as vitest } from "@effect/vitest"
import * as LabTest from "fastmcp-effect/testing/LabTest"
import { type Model, seeds } from "./model.ts"

const it = LabTest.make(vitest, { token: process.env["LAB_TOKEN"] })

/** `found` are seeds beyond those that have found something in us. */
export const run = ({ holds, options, system }: Model, found: ReadonlyArray<number> = []): void => {
  const first = Array.from({ length: seeds }, (_, index) => index + 1)
  it.lab(holds, () => system, { ...options, seeds: [...first, ...found], timeout: 240_000 })
}
