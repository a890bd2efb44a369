import type { Differences } from "./differential.ts"

/** Where we mean to say something else than `oidc-provider`: each was looked at, and has its reason. See `because`. */
export const differences: Differences = {}
