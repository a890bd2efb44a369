/**
 * What a person sees when a server starts: where it listens and how to connect to it. Data in, text out.
 */

/** @category models @since 0.1.0 */
export interface Options {
  readonly url: string
  /** Escape codes for a terminal; plain text for a pipe. */
  readonly color: boolean
}

/** @category rendering @since 0.1.0 */
export const render = ({ color, url }: Options): string => {
  const paint = (code: number, text: string) => color ? `\u001b[${code}m${text}\u001b[0m` : text
  const line = (label: string, text: string) => `  ${paint(2, label.padEnd(14))}${text}`
  return [
    "",
    `  ${paint(1, "fastmcp-effect")} is serving MCP at ${paint(36, url)}`,
    "",
    // Of a WebSocket these clients know nothing.
    ...url.startsWith("ws")
      ? []
      : [
        line("Claude Code", `claude mcp add --transport http my-server ${url}`),
        line("VS Code", `{"servers":{"my-server":{"type":"http","url":"${url}"}}} in .vscode/mcp.json`),
        line("Cursor", `{"mcpServers":{"my-server":{"url":"${url}"}}} in .cursor/mcp.json`)
      ],
    line("Stop", "Ctrl+C"),
    "",
    ""
  ].join("\n")
}
