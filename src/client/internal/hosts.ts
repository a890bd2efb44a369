/**
 * What is known of each host: a table, to be changed where a host changes.
 */
import type * as ClientConfig from "../ClientConfig.ts"

export interface Description {
  /** For people. */
  readonly title: string
  readonly form: ClientConfig.Form
  readonly placeholders: Placeholders
  readonly transports: ReadonlyArray<ClientConfig.Server["type"]>
  /** Of which servers `type` is written, besides those that would be taken for another kind without it. */
  readonly typed: "all" | "remote" | "none"
  /** What it calls them, where that differs. */
  readonly typeNames?: { readonly [type in ClientConfig.Server["type"]]?: string }
  /** The key that holds the address, where it is not `url`. */
  readonly urlKeys?: { readonly [type in ClientConfig.Remote["type"]]?: string }
  /** What `url` means without a `type`, where that is one thing whatever the address. */
  readonly untypedUrl?: ClientConfig.Remote["type"]
}

/**
 * `shell`: `${VAR}` and `${VAR:-default}`. `editor`: `${env:VAR}`, `${userHome}`, `${workspaceFolder}` and the like.
 * `dollar`: `$VAR` and `${VAR}`. `any`: the first two. A host with `none` hands `${VAR}` to the server as it stands.
 */
export type Placeholders = "none" | "shell" | "editor" | "dollar" | "any"

const everyTransport = ["stdio", "http", "sse", "websocket"] as const
const withoutWebSocket = ["stdio", "http", "sse"] as const

export const hosts: { readonly [host in ClientConfig.Host]: Description } = {
  "claude-code": {
    title: "Claude Code",
    form: "mcpServers",
    placeholders: "shell",
    transports: everyTransport,
    typed: "remote",
    typeNames: { websocket: "ws" }
  },
  "claude-desktop": {
    title: "Claude Desktop",
    form: "mcpServers",
    placeholders: "none",
    transports: ["stdio"],
    typed: "none"
  },
  cline: {
    title: "Cline",
    form: "mcpServers",
    placeholders: "any",
    transports: withoutWebSocket,
    typed: "remote",
    typeNames: { http: "streamableHttp" },
    untypedUrl: "sse"
  },
  codex: {
    title: "Codex",
    form: "mcp_servers",
    placeholders: "none",
    transports: ["stdio", "http"],
    typed: "none",
    untypedUrl: "http"
  },
  copilot: {
    title: "Copilot CLI",
    form: "mcpServers",
    placeholders: "shell",
    transports: withoutWebSocket,
    typed: "all",
    typeNames: { stdio: "local" }
  },
  cursor: {
    title: "Cursor",
    form: "mcpServers",
    placeholders: "editor",
    transports: withoutWebSocket,
    typed: "none"
  },
  gemini: {
    title: "Gemini CLI",
    form: "mcpServers",
    placeholders: "dollar",
    transports: withoutWebSocket,
    typed: "none",
    urlKeys: { http: "httpUrl" },
    untypedUrl: "sse"
  },
  mcp: {
    title: "mcp/config.json",
    form: "mcpServers",
    placeholders: "any",
    transports: everyTransport,
    typed: "remote",
    typeNames: { websocket: "ws" }
  },
  vscode: {
    title: "VS Code",
    form: "servers",
    placeholders: "editor",
    transports: withoutWebSocket,
    typed: "all"
  },
  windsurf: {
    title: "Windsurf",
    form: "mcpServers",
    placeholders: "editor",
    transports: withoutWebSocket,
    typed: "none",
    urlKeys: { http: "serverUrl", sse: "serverUrl" }
  }
}

/** What is taken of a file whose host is not known. */
const unknown: { readonly [form in ClientConfig.Form]: Description } = {
  mcpServers: { ...hosts.mcp, title: "a file with mcpServers" },
  servers: {
    ...hosts.vscode,
    title: "a file with servers",
    transports: everyTransport,
    typeNames: { websocket: "ws" }
  },
  mcp_servers: { ...hosts.codex, title: "a file with mcp_servers" }
}

export const describe = (form: ClientConfig.Form, host: ClientConfig.Host | undefined): Description =>
  host === undefined ? unknown[form] : hosts[host]

export const locations: ReadonlyArray<ClientConfig.Location> = [
  { host: "claude-code", scope: "local", path: "{claude}/.claude.json" },
  { host: "claude-code", scope: "project", path: "{project}/.mcp.json" },
  { host: "cursor", scope: "project", path: "{project}/.cursor/mcp.json" },
  { host: "vscode", scope: "project", path: "{project}/.vscode/mcp.json" },
  { host: "codex", scope: "project", path: "{project}/.codex/config.toml" },
  { host: "gemini", scope: "project", path: "{project}/.gemini/settings.json" },
  { host: "mcp", scope: "project", path: "{project}/.mcp/config.json" },
  { host: "claude-code", scope: "user", path: "{claude}/.claude.json" },
  {
    // As it is installed since 2026: packaged, so that Windows shows it another %APPDATA%.
    host: "claude-desktop",
    scope: "user",
    path: "{local}/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/claude_desktop_config.json",
    platforms: ["win32"]
  },
  { host: "claude-desktop", scope: "user", path: "{config}/Claude/claude_desktop_config.json" },
  { host: "cursor", scope: "user", path: "{home}/.cursor/mcp.json" },
  { host: "windsurf", scope: "user", path: "{home}/.codeium/windsurf/mcp_config.json" },
  { host: "vscode", scope: "user", path: "{config}/Code/User/mcp.json" },
  { host: "codex", scope: "user", path: "{codex}/config.toml" },
  { host: "gemini", scope: "user", path: "{home}/.gemini/settings.json" },
  { host: "copilot", scope: "user", path: "{copilot}/mcp-config.json" },
  { host: "cline", scope: "user", path: "{home}/.cline/data/settings/cline_mcp_settings.json" },
  {
    host: "cline",
    scope: "user",
    path: "{config}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"
  },
  { host: "mcp", scope: "user", path: "{xdg}/mcp/config.json" }
]

/** The variables that say where a host keeps its files. */
export const variables = [
  "APPDATA",
  "CLAUDE_CONFIG_DIR",
  "CODEX_HOME",
  "COPILOT_HOME",
  "LOCALAPPDATA",
  "XDG_CONFIG_HOME"
] as const

export type Variables = { readonly [name in typeof variables[number]]: string | undefined }

/** The folders that a location's path begins with. */
export const folders = (
  { folder, home, platform }: Pick<ClientConfig.Machine["Service"], "folder" | "home" | "platform">,
  variables: Variables,
  join: (...parts: ReadonlyArray<string>) => string
): { readonly [name: string]: string } => {
  const xdg = variables.XDG_CONFIG_HOME ?? join(home, ".config")
  return {
    project: folder,
    home,
    claude: variables.CLAUDE_CONFIG_DIR ?? home,
    codex: variables.CODEX_HOME ?? join(home, ".codex"),
    copilot: variables.COPILOT_HOME ?? join(home, ".copilot"),
    xdg: platform === "linux" ? xdg : join(home, ".config"),
    config: platform === "darwin"
      ? join(home, "Library", "Application Support")
      : platform === "win32"
      ? variables.APPDATA ?? join(home, "AppData", "Roaming")
      : xdg,
    local: variables.LOCALAPPDATA ?? join(home, "AppData", "Local")
  }
}
