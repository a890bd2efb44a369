/** Tools. */
import { cite, over, type Row, row, stateless } from "../row.ts"

const page = "server/tools"
const http = "basic/transports/streamable-http"

/** Both pages have the rules for `x-mcp-header`. */
const both = (fragment: string) => [cite(page, fragment), cite(http, fragment)]

export const tools: ReadonlyArray<Row> = [
  row("tools:capability", "MUST", "A server with tools says so.", [
    cite(page, "MUST declare the tools capability")
  ]),
  row("tools:list", "MUST", "tools/list brings each tool with its name and schema.", [
    cite(page, "MUST respond to tools/list requests", stateless),
    cite(page, "clients send a tools/list request")
  ]),
  row("tools:list:same-for-all", "MUST", "The list is the same on every connection and after any other request.", [
    cite(page, "MUST NOT vary per-connection")
  ], stateless),
  row("tools:list:order", "SHOULD", "The list comes in the same order each time.", [
    cite(page, "SHOULD return tools in a deterministic order")
  ], stateless),
  row("tools:list:changed", "SHOULD", "Clients hear when the list changes.", [
    cite(page, "When the list of available tools changes")
  ], over("memory", "stdio")),
  row("tools:names", "SHOULD", "Names are short, of safe characters, and each is there once.", [
    cite(page, "between 1 and 128 characters"),
    cite(page, "SHOULD be the only allowed characters"),
    cite(page, "SHOULD be unique within a server")
  ], { since: "2025-11-25" }),
  row("tools:input-schema", "MUST", "The schema of a tool's input is an object, also for a tool without parameters.", [
    cite(page, "MUST be a valid JSON Schema object", { since: "2025-11-25" }),
    cite(page, "JSON Schema defining expected parameters", { until: "2025-11-25" })
  ]),
  row("tools:call:text", "plain", "A call is answered with content.", [
    cite(page, "clients send a tools/call request")
  ]),
  row("tools:call:unknown-name", "plain", "A call of a tool that does not exist is refused with -32602.", [
    cite(page, "Unknown tool")
  ]),
  row("tools:call:fails", "plain", "What a tool fails with is a result marked as an error.", [
    cite(page, "isError: true")
  ]),
  row("tools:call:dies", "plain", "A tool that dies is told without saying what it died of.", [
    cite(page, "Sanitize tool outputs")
  ]),
  row("tools:call:validates", "MUST", "Arguments the schema does not allow never reach the tool.", [
    cite(page, "Validate all tool inputs")
  ]),
  row("tools:output-schema", "MUST", "Structured content conforms to the schema the tool was listed with.", [
    cite(page, "MUST provide structured results that conform")
  ], { since: "2025-06-18" }),
  row("tools:output-schema:text", "SHOULD", "Structured content comes as text too.", [
    cite(page, "SHOULD also return the serialized JSON in a TextContent block", { since: "2025-11-25" }),
    cite(page, "also return", { since: "2025-06-18", until: "2025-06-18" })
  ], { since: "2025-06-18" }),
  row("tools:header:names", "MUST", "A tool whose x-mcp-header is no header's name cannot be served.", [
    ...both("MUST NOT be empty"),
    ...both("MUST match HTTP field-name token syntax"),
    ...both("MUST NOT contain control characters")
  ], { ...stateless, ...over("http") }),
  row("tools:header:unique", "MUST", "A tool with two parameters under one header cannot be served.", [
    ...both("MUST be case-insensitively unique")
  ], { ...stateless, ...over("http") }),
  row("tools:header:places", "MUST", "A tool whose x-mcp-header stands on no plain property cannot be served.", [
    ...both("MUST only be applied to parameters with primitive types"),
    ...both("MUST only be applied to properties that are statically reachable"),
    cite(http, "The chain MUST NOT pass through items")
  ], { ...stateless, ...over("http") })
]
