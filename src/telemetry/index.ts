export * as Metrics from "./Metrics.ts"
export * as Tracing from "./Tracing.ts"
