export * as Extension from "./Extension.ts"
export * as McpServer from "./McpServer.ts"
export * as RequestState from "./RequestState.ts"
export * as Tenancy from "./Tenancy.ts"
