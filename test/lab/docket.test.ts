import { it as vitest } from "@effect/vitest"
import * as LabTest from "fastmcp-effect/testing/LabTest"
import { model } from "./models/docket.ts"

const it = LabTest.make(vitest, { token: process.env.LAB_TOKEN })

it.lab(model.name, () => model.system, { ...model.options, seeds: model.seeds, timeout: 60_000 })
