import type { Mode, Role } from "./required.ts"

/** Of the extension for tasks, which is not built. One of them can only ever be skipped: it is not listed here. */
const tasks = [
  "tasks-lifecycle",
  "tasks-capability-negotiation",
  "tasks-wire-fields",
  "tasks-request-state-removal",
  "tasks-mrtr-input",
  "tasks-request-headers",
  "tasks-dispatch-and-envelope",
  "tasks-required-task-error",
  "tasks-mrtr-composition"
]

// Authorization is not built. What each revision asks of a client, and what extensions do:

const oldAuthorization = ["auth/2025-03-26-oauth-metadata-backcompat", "auth/2025-03-26-oauth-endpoint-fallback"]

const tokenEndpoint = [
  "auth/token-endpoint-auth-basic",
  "auth/token-endpoint-auth-post",
  "auth/token-endpoint-auth-none"
]

const authorization = [
  "auth/metadata-default",
  "auth/metadata-var1",
  "auth/metadata-var2",
  "auth/metadata-var3",
  "auth/basic-cimd",
  "auth/scope-from-www-authenticate",
  "auth/scope-from-scopes-supported",
  "auth/scope-omitted-when-undefined",
  "auth/scope-step-up",
  "auth/scope-retry-limit",
  ...tokenEndpoint,
  "auth/pre-registration"
]

const newAuthorization = [
  ...authorization,
  "auth/resource-mismatch",
  "auth/offline-access-scope",
  "auth/offline-access-not-supported",
  "auth/authorization-server-migration",
  "auth/iss-supported",
  "auth/iss-not-advertised",
  "auth/iss-supported-missing",
  "auth/iss-wrong-issuer",
  "auth/iss-unexpected",
  "auth/iss-normalized",
  "auth/metadata-issuer-mismatch"
]

const authorizationExtensions = [
  "auth/client-credentials-jwt",
  "auth/client-credentials-basic",
  "auth/enterprise-managed-authorization",
  "auth/dpop",
  "auth/dpop-nonce",
  "auth/wif-jwt-bearer"
]

const allAuthorization = [...oldAuthorization, ...newAuthorization, ...authorizationExtensions]

/**
 * Scenarios that do not pass yet. The lists only shrink: a scenario that is here and passes fails the run, and so does
 * one that is not here and fails.
 */
export const expectedFailures: {
  readonly [role in Role]: { readonly [mode in Mode]?: ReadonlyArray<string> }
} = {
  server: {
    "2026-07-28": tasks,
    "all": tasks
  },
  client: {
    "2025-11-25": [...authorization, ...authorizationExtensions],
    "2026-07-28": [...newAuthorization, ...authorizationExtensions],
    "all": allAuthorization,
    "all 2025-03-26": oldAuthorization,
    "all 2025-06-18": tokenEndpoint,
    "all 2025-11-25": authorization,
    "all 2026-07-28": newAuthorization,
    "all, untold": allAuthorization
  }
}

/** Scenarios the suite itself leaves out, whatever the server does: nothing of them is ever checked. */
export const alwaysSkipped: ReadonlyArray<string> = ["tasks-status-notifications"]
