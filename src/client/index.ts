export * as McpClientError from "./McpClientError.ts"
