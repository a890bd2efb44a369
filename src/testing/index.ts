export * as McpTest from "./McpTest.ts"
