/** No module is without a server that fails it. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Running } from "../../server/engine.ts"
import { faults, lapses } from "./faults.ts"
import { engine } from "./oidcProviderEngine.ts"
import type { Name } from "./plans.ts"
import { run, start } from "./run.ts"

let running: Running

beforeAll(async () => {
  running = await start(engine)
})

afterAll(() => running?.close())

describe("a server that does not behave fails", () => {
  for (const name of Object.keys(faults) as Array<Name>) {
    it(name, async () => {
      const outcome = await run(running, name, faults[name]).catch((error) => error)
      assert.instanceOf(outcome, Error)
      assert.strictEqual(outcome.name, "AssertionError", outcome.stack)
    })
  }
})

describe("a server that lacks something is warned of in", () => {
  for (const name of Object.keys(lapses) as Array<Name>) {
    it(name, async () => {
      const { remarks, verdict } = await run(running, name, lapses[name])
      assert.strictEqual(verdict, "warning", remarks.join())
    })
  }
})
