/** The modules of the plans as tests of a server, each by its name. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Engine, Running } from "../../server/engine.ts"
import * as page from "./page.ts"
import { type Name, type Outcome, type Plan, plans } from "./plans.ts"
import { run, start } from "./run.ts"

/** The modules that a server does not simply pass, and what is said of them in its place. */
export type Expected = { readonly [name in Name]?: Outcome }

const passed: Outcome = { verdict: "passed", remarks: [] }

const review = (what: string): Outcome => ({ verdict: "review", remarks: [what] })

/** The suite always wants to see a page of these. */
const shown: Expected = {
  "oidcc-prompt-login": review("the login page is shown again"),
  "oidcc-max-age-1": review("the login page is shown again"),
  "oidcc-ensure-registered-redirect-uri": review("an error page, 400"),
  "oidcc-rp-initiated-logout-no-params": review("a page at the end, and nobody is logged in"),
  "oidcc-rp-initiated-logout-no-post-logout-redirect-uri": review("a page at the end, and nobody is logged in"),
  "oidcc-rp-initiated-logout-only-state": review("a page at the end, and nobody is logged in")
}

export const suite = (engine: Engine, expected: Expected): void => {
  const seen = new Map<Name, Outcome>()

  describe(`${engine.name} in the OpenID suite`, () => {
    let running: Running

    beforeAll(async () => {
      running = await start(engine)
    })

    afterAll(() => running?.close())

    for (const plan of Object.keys(plans) as Array<Plan>) {
      describe(plan, () => {
        for (const name of plans[plan]) {
          it(name, async () => {
            const outcome = await run(running, name)
            seen.set(name, outcome)
            assert.deepStrictEqual(outcome, expected[name] ?? shown[name] ?? passed)
          })
        }
      })
    }
  })

  if (engine.name !== "fastmcp-effect") return

  it("docs/reference/openid-conformance.md shows what was seen here", () => {
    const text = page.render((name) => {
      const outcome = seen.get(name)
      assert.isDefined(outcome, `${name} has not been seen`)
      return outcome!
    })
    if (process.env["WRITE_PAGES"] === "true") page.write(text)
    assert.strictEqual(page.read(), text)
  })
}
