export * as ClientLog from "./ClientLog.ts"
export * as McpRequest from "./McpRequest.ts"
export * as Progress from "./Progress.ts"
export * as RequestContext from "./RequestContext.ts"
