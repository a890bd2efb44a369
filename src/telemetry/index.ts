export * as Metrics from "./Metrics.ts"
export * as ServerLog from "./ServerLog.ts"
export * as Tracing from "./Tracing.ts"
