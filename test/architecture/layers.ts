/** What each folder of src may import, lowest first: the layering table of docs/explain/architecture.md as data. */

const table = {
  core: [],
  storage: ["core"],
  protocol: ["core"],
  oauth: ["core", "storage"],
  docket: ["core", "storage"],
  telemetry: ["core", "protocol"],
  context: ["core", "protocol"],
  session: ["core", "storage", "protocol"],
  transport: ["core", "protocol", "telemetry", "session"],
  definition: ["core", "protocol", "context"],
  console: ["core", "protocol", "telemetry"],
  auth: ["core", "protocol", "transport", "context", "oauth"],
  transform: ["core", "protocol", "context", "definition"],
  middleware: ["core", "storage", "protocol", "telemetry", "context", "definition"],
  client: ["core", "protocol", "telemetry", "transport", "oauth", "context", "definition"],
  server: ["core", "protocol", "telemetry", "session", "transport", "context", "definition", "middleware"],
  tasks: ["core", "protocol", "docket", "telemetry", "context", "definition", "client", "server"],
  tenants: ["core", "protocol", "context", "session", "transport", "definition", "server"],
  skills: ["core", "protocol", "context", "definition", "server", "client"],
  provider: [
    "core",
    "storage",
    "protocol",
    "oauth",
    "transport",
    "context",
    "definition",
    "transform",
    "server",
    "client"
  ]
} satisfies Record<string, ReadonlyArray<string>>

const libraries = Object.keys(table)

export const layers: Readonly<Record<string, ReadonlyArray<string>>> = {
  ...table,
  testing: libraries,
  node: libraries,
  cli: [...libraries, "testing", "node"]
}

/** Rules inside `oauth`: the root is vocabulary and imports no role; what each role may import besides the root. */
export const oauthRoles: Readonly<Record<string, ReadonlyArray<string>>> = {
  client: [],
  server: [],
  oidc: ["server"],
  proxy: ["server", "client"]
}

/** Folders that may name a platform, a timer, a clock and the like; everything else asks for a service. */
export const platformFolders: ReadonlyArray<string> = ["node", "cli"]

/** Folders without a barrel: their modules have optional peers, or are programs. */
export const barrelFree: ReadonlyArray<string> = ["node", "cli"]

/** Packages other than `effect` that a folder outside `platformFolders` may import. */
export const externals: Readonly<Record<string, ReadonlyArray<string>>> = {
  oauth: ["jose", "oauth4webapi"],
  testing: ["jose"],
  client: ["jsonc-parser", "toml-eslint-parser"],
  definition: ["ajv"],
  transform: ["minisearch", "re2js"],
  provider: ["@scalar/openapi-parser"]
}

/** What the root entry point must not load, directly or through a module it loads. */
export const rootMustNotLoad = {
  folders: ["client", "oauth", "auth", "docket", "tasks", "tenants", "skills", "provider", "testing", "node", "cli"],
  packages: /^effect\/(ai|cli|cluster|http|http-api|rpc|socket|sql|workflow)(\/|$)/
}
