/** What is told of a server that our client is tried on: how it is reached, and how each feature shows. */
import type * as McpClient from "fastmcp-effect/client/McpClient"
import type * as McpSchema from "fastmcp-effect/protocol/McpSchema"
import type * as clientHarness from "./clientHarness.ts"

export const features = [
  "who serves",
  "lists",
  "lists with pages",
  "call",
  "structured content",
  "tool error",
  "unknown tool",
  "progress",
  "cancellation reaches the server",
  "logging",
  "prompts",
  "completion",
  "resources",
  "resource templates",
  "missing resource",
  "resource subscriptions",
  "list changes",
  "elicitation, form",
  "elicitation, URL",
  "sampling",
  "roots",
  "ping",
  "ends with its client"
] as const

export type Feature = typeof features[number]

export interface At extends clientHarness.Connected {
  readonly client: McpClient.Client
  readonly wire: clientHarness.Wire
  /** Nobody else has it. */
  readonly key: string
}

/** Fails, or tells what was seen where more than one thing may be. */
export type Proof = (at: At) => Promise<string | void>

/** Why a feature is not to be had: a reason, and what the server says of it, where it says anything. */
export interface Absent {
  readonly since: string
  readonly isDeclared?: (capabilities: McpSchema.ServerCapabilities) => boolean
}

export type Features = { readonly [feature in Feature]: Proof | Absent }

export interface Peer {
  readonly id: string
  readonly name: string
  readonly program: clientHarness.Program
  readonly wires: ReadonlyArray<clientHarness.Wire>
  readonly features: (wire: clientHarness.Wire) => Features
}

export const titleOf = ({ revision, transport }: clientHarness.Wire): string =>
  `${{ stdio: "stdio", http: "HTTP", sse: "HTTP+SSE" }[transport]}, ${revision}`
