import { assert, beforeAll, describe, it } from "vitest"
import { differences } from "./differences.ts"
import { classify, compare, halves, type Verdicts } from "./differential.ts"
import type { Engine } from "./engine.ts"
import { engine as oidcProvider } from "./oidcProviderEngine.ts"

import { engine as ours } from "./ownEngine.ts"

/** Where it is known that a server fails instead of refusing. */
const failures: Record<Engine["name"], ReadonlyArray<string>> = {
  "fastmcp-effect": [],
  // It takes the path for one below its page of devices.
  "oidc-provider": ["device: GET"]
}

const named = (verdicts: Verdicts, status: RegExp): ReadonlyArray<string> =>
  [...verdicts].filter(([, verdict]) => status.test(verdict.status)).map(([name]) => name)

export const suite = (half: keyof typeof halves): void => {
  const probes = halves[half]
  const names = new Set(probes.map(({ name }) => name))

  describe(`${ours.name} against ${oidcProvider.name}`, () => {
    let theirs: Verdicts
    let own: Verdicts

    beforeAll(async () => {
      const both = await Promise.all([oidcProvider, ours].map((engine) => classify(engine, probes)))
      theirs = both[0]!
      own = both[1]!
    }, 120_000)

    it.each([oidcProvider.name, "ours"])("%s takes every request that is as it should be", (name) => {
      const verdicts = name === "ours" ? own : theirs
      const refused = probes.filter(({ good, name }) => good && !verdicts.get(name)!.accepted).map(({ name }) => name)
      assert.deepStrictEqual(refused, [])
    })

    it("no request makes it fail", () => {
      const known = failures[ours.name].filter((name) => names.has(name))
      assert.deepStrictEqual(named(own, /^5xx$/u), known)
    })

    it("both let every request come to be sent, but where ours is meant to refuse what comes before it", () => {
      const meant = [...names].filter((name) => differences[name]?.ours === "not sent")
      assert.deepStrictEqual(named(theirs, /^not sent/u), [])
      assert.deepStrictEqual(named(own, /^not sent/u), meant)
    })

    it("both say the same to every request, but where we mean to differ", () => {
      const intended = Object.fromEntries(Object.entries(differences).filter(([name]) => names.has(name)))
      assert.deepStrictEqual(compare(theirs, own, intended), [])
    })
  })
}
