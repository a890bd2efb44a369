/**
 * What most servers need, as namespaces. Transports, entry points, clients and the rest have subpaths of their own.
 */
export * as ClientLog from "./context/ClientLog.ts"
export * as McpRequest from "./context/McpRequest.ts"
export * as Progress from "./context/Progress.ts"
export * as RequestContext from "./context/RequestContext.ts"
export * as Budget from "./core/Budget.ts"
export * as Outcome from "./core/Outcome.ts"
export * as Content from "./definition/Content.ts"
export * as DefinitionError from "./definition/DefinitionError.ts"
export * as Tool from "./definition/Tool.ts"
export * as Middleware from "./middleware/Middleware.ts"
export * as Timeout from "./middleware/Timeout.ts"
export * as McpError from "./protocol/McpError.ts"
export * as McpSchema from "./protocol/McpSchema.ts"
export * as Extension from "./server/Extension.ts"
export * as McpServer from "./server/McpServer.ts"
