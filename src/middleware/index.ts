export * as Middleware from "./Middleware.ts"
export * as Timeout from "./Timeout.ts"
