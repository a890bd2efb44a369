import type { Mode, Proxied, Role } from "./required.ts"

/**
 * Scenarios that do not pass yet. The lists only shrink: a scenario that is here and passes fails the run, and so does
 * one that is not here and fails.
 */
export const expectedFailures: {
  readonly [role in Role]: { readonly [mode in Mode]?: ReadonlyArray<string> }
} = {
  server: {},
  client: {}
}

/** What a proxy between the eras cannot do: each with the section of the specification that forces it. */
export const forced: ReadonlyArray<{
  readonly mode: Proxied
  readonly scenario: string
  readonly section: string
  readonly reason: string
}> = [
  {
    mode: "2026 > 2025 http",
    scenario: "input-required-result-basic-elicitation",
    section: "2025-11-25, client/elicitation, Creating Elicitation Requests",
    reason:
      "A question has no key there; the one the scenario looks for is the server's own, and does not reach the proxy."
  },
  {
    mode: "2026 > 2025 http",
    scenario: "input-required-result-ignore-extra-params",
    section: "2025-11-25, client/elicitation, Creating Elicitation Requests",
    reason: "It answers under that very key, whatever key it was asked with."
  }
]

/** Scenarios the suite itself leaves out, whatever the server does: nothing of them is ever checked. */
export const alwaysSkipped: ReadonlyArray<string> = ["tasks-status-notifications"]
