/** A model as a test: it holds from its seeds. */
import { it as vitest } from "@effect/vitest"
import * as LabTest from "fastmcp-effect/testing/LabTest"
import { type Model, seeds } from "./model.ts"

const it = LabTest.make(vitest, { token: process.env["LAB_TOKEN"] })

export const run = ({ holds, options, system }: Model): void => {
  it.lab(holds, () => system, { ...options, seeds, timeout: 60_000 })
}
