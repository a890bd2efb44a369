/** One of each, with every member the newest model has. */
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import type * as Revision from "fastmcp-effect/protocol/Revision"

export const projection: Revision.Projection = {
  serverInfo: { name: "acme", version: "1.0.0" },
  cacheHints: { ttlMs: 5, cacheScope: "private" }
}

/** A model result as this revision sends it. */
export const projected = (revision: Revision.Revision, method: string, result: object): any =>
  revision.requests[method]!.project(result, projection)

/** A question as this revision asks it. */
export const asked = (revision: Revision.Revision, method: string, params: object): any =>
  revision.serverRequests[method]!.project(params)

const icons = [{ src: "https://acme.example/icon.png" }]
const _meta = { "acme.example/a": 1 }
const annotations = { audience: ["user" as const], priority: 0.5, lastModified: "2025-01-01T00:00:00Z" }

export const implementation = {
  name: "acme",
  version: "1.0.0",
  title: "Acme",
  description: "Notes",
  websiteUrl: "https://acme.example",
  icons
} satisfies McpSchema.Implementation

export const tool = {
  name: "add",
  title: "Add",
  description: "Adds",
  icons,
  inputSchema: { type: "object", properties: { a: { type: "number" } } },
  outputSchema: { type: "object" },
  annotations: { readOnlyHint: true },
  _meta
} satisfies McpSchema.Tool

export const prompt = {
  name: "greet",
  title: "Greet",
  description: "Greets",
  icons,
  arguments: [{ name: "who", title: "Who", description: "Whom to greet", required: true }],
  _meta
} satisfies McpSchema.Prompt

export const resource = {
  uri: "file:///report.pdf",
  name: "report.pdf",
  title: "Report",
  description: "Of last year",
  icons,
  mimeType: "application/pdf",
  size: 12,
  annotations,
  _meta
} satisfies McpSchema.Resource

export const template = {
  uriTemplate: "file:///{name}",
  name: "files",
  title: "Files",
  description: "All files",
  icons,
  mimeType: "text/plain",
  annotations,
  _meta
} satisfies McpSchema.ResourceTemplate

export const text = { type: "text", text: "hello", annotations, _meta } satisfies McpSchema.ContentBlock

export const image = {
  type: "image",
  data: "aGk=",
  mimeType: "image/png",
  annotations,
  _meta
} satisfies McpSchema.ContentBlock

export const audio = {
  type: "audio",
  data: "aGVsbG8=",
  mimeType: "audio/wav",
  annotations,
  _meta
} satisfies McpSchema.ContentBlock

export const embedded = {
  type: "resource",
  resource: { uri: "file:///a", mimeType: "text/plain", text: "a", _meta },
  annotations,
  _meta
} satisfies McpSchema.ContentBlock

export const link = { type: "resource_link", ...resource } satisfies McpSchema.ContentBlock

/** What the link above is in words. */
export const linkInWords = [
  "Resource: Report (report.pdf)",
  "URI: file:///report.pdf",
  "Type: application/pdf",
  "Size: 12 bytes",
  "Description: Of last year"
].join("\n")

export const capabilities = {
  logging: {},
  completions: {},
  prompts: {},
  resources: {},
  tools: {},
  extensions: { "acme.example/clock": {} }
} satisfies McpSchema.ServerCapabilities

export const initialized = {
  protocolVersion: "as agreed",
  capabilities,
  serverInfo: implementation,
  instructions: "Be nice"
}

export const sampling = {
  maxTokens: 10,
  systemPrompt: "Be brief",
  includeContext: "thisServer",
  tools: [tool],
  toolChoice: { mode: "auto" },
  messages: [
    { role: "user", content: [{ type: "text", text: "one" }, { type: "text", text: "two" }], _meta },
    { role: "assistant", content: { type: "tool_use", id: "1", name: "add", input: { a: 1 } } },
    {
      role: "user",
      content: [{
        type: "tool_result",
        toolUseId: "1",
        isError: true,
        content: [
          { type: "text", text: "no" },
          { type: "resource", resource: { uri: "file:///a", text: "a" } },
          { type: "resource", resource: { uri: "file:///b", mimeType: "image/png", blob: "aGk=" } },
          { type: "resource_link", uri: "file:///c", name: "c" }
        ],
        structuredContent: { why: "no" }
      }]
    }
  ]
} satisfies McpSchema.CreateMessageParams
