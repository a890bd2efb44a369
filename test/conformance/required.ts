/** The scenarios each requirement set asks for, as data, so that one the suite leaves out is missed. */
export const required = {
  server: {
    "2025-11-25": [
      "server-initialize",
      "logging-set-level",
      "ping",
      "completion-complete",
      "tools-list",
      "tools-call-simple-text",
      "tools-call-image",
      "tools-call-audio",
      "tools-call-embedded-resource",
      "tools-call-mixed-content",
      "tools-call-with-logging",
      "tools-call-error",
      "tools-call-with-progress",
      "tools-call-sampling",
      "tools-call-elicitation",
      "elicitation-sep1034-defaults",
      "server-sse-multiple-streams",
      "elicitation-sep1330-enums",
      "resources-list",
      "resources-read-text",
      "resources-read-binary",
      "resources-templates-read",
      "resources-subscribe",
      "resources-unsubscribe",
      "prompts-list",
      "prompts-get-simple",
      "prompts-get-with-args",
      "prompts-get-embedded-resource",
      "prompts-get-with-image",
      "dns-rebinding-protection"
    ],
    "2026-07-28": [
      "server-stateless",
      "completion-complete",
      "tools-list",
      "tools-call-simple-text",
      "tools-call-image",
      "tools-call-audio",
      "tools-call-embedded-resource",
      "tools-call-mixed-content",
      "tools-call-error",
      "tools-call-with-progress",
      "server-sse-multiple-streams",
      "resources-list",
      "resources-read-text",
      "resources-read-binary",
      "resources-templates-read",
      "sep-2164-resource-not-found",
      "prompts-list",
      "prompts-get-simple",
      "prompts-get-with-args",
      "prompts-get-embedded-resource",
      "prompts-get-with-image",
      "dns-rebinding-protection",
      "caching",
      "input-required-result-basic-elicitation",
      "input-required-result-basic-sampling",
      "input-required-result-basic-list-roots",
      "input-required-result-request-state",
      "input-required-result-multiple-input-requests",
      "input-required-result-multi-round",
      "input-required-result-missing-input-response",
      "input-required-result-non-tool-request",
      "input-required-result-result-type",
      "input-required-result-unsupported-methods",
      "input-required-result-tampered-state",
      "input-required-result-capability-check",
      "input-required-result-ignore-extra-params",
      "input-required-result-validate-input"
    ]
  },
  client: {
    "2025-11-25": [
      "initialize",
      "tools_call",
      "elicitation-sep1034-client-defaults",
      "sse-retry",
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
      "auth/token-endpoint-auth-basic",
      "auth/token-endpoint-auth-post",
      "auth/token-endpoint-auth-none",
      "auth/pre-registration"
    ],
    "2026-07-28": [
      "tools_call",
      "request-metadata",
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
      "auth/token-endpoint-auth-basic",
      "auth/token-endpoint-auth-post",
      "auth/token-endpoint-auth-none",
      "auth/pre-registration",
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
      "auth/metadata-issuer-mismatch",
      "sep-2322-client-request-state",
      "http-standard-headers",
      "http-custom-headers",
      "http-invalid-tool-headers",
      "json-schema-ref-no-deref"
    ]
  }
} as const

export type Role = keyof typeof required

export const roles = Object.keys(required) as ReadonlyArray<Role>

export type Requirements = keyof typeof required.server

/**
 * All the suite has, and all it has for a revision: how many scenarios each listing must name, so that one that is gone
 * is missed, too.
 */
export const listed = {
  server: {
    "all": 65,
    "all 2025-03-26": 1,
    "all 2025-06-18": 27,
    "all 2025-11-25": 33,
    "all 2026-07-28": 40
  },
  client: {
    "all": 48,
    "all 2025-03-26": 2,
    "all 2025-06-18": 5,
    "all 2025-11-25": 19,
    "all 2026-07-28": 33
  }
} as const

export type Listed = keyof typeof listed.server

/**
 * The server is a proxy, and examples/everything stands behind it: which requirement set is asked of the proxy, what the
 * two speak, and over what.
 */
export const proxied = {
  "2025 > 2025 stdio": { requirements: "2025-11-25", behind: "2025-11-25", over: "stdio" },
  "2025 > 2026 stdio": { requirements: "2025-11-25", behind: "2026-07-28", over: "stdio" },
  "2026 > 2025 http": { requirements: "2026-07-28", behind: "2025-11-25", over: "http" },
  "2026 > 2026 http": { requirements: "2026-07-28", behind: "2026-07-28", over: "http" }
} as const satisfies {
  readonly [mode: string]: {
    readonly requirements: Requirements
    readonly behind: Requirements
    readonly over: "stdio" | "http"
  }
}

export type Proxied = keyof typeof proxied

/**
 * A way to run the suite: a requirement set, or everything it has; a proxy must meet the requirement set alone, and
 * examples/everything mounted in another server everything. A client is also run without being told which revision it will
 * meet, and then each scenario by itself, where the suite looks at how its process ends.
 */
export type Mode = Requirements | Listed | Proxied | "mounted" | "all, untold" | "each alone"

const named = (role: Role) => [...Object.keys(required[role]), ...Object.keys(listed[role])] as ReadonlyArray<Mode>

export const modes: { readonly [role in Role]: ReadonlyArray<Mode> } = {
  server: [...named("server"), "mounted", ...Object.keys(proxied) as ReadonlyArray<Proxied>],
  client: [...named("client"), "all, untold", "each alone"]
}
