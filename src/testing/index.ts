export * as Lab from "./Lab.ts"
export * as Leaks from "./Leaks.ts"
export * as McpTest from "./McpTest.ts"
