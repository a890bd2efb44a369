/**
 * MCP's own vocabulary as Effect Schemas, independent of any revision: the newest model, from which each dated revision
 * projects what its peers know.
 */
export * from "./schema/capabilities.ts"
export * from "./schema/clientFeatures.ts"
export * from "./schema/completion.ts"
export * from "./schema/content.ts"
export * from "./schema/inputRounds.ts"
export * from "./schema/lifecycle.ts"
export * from "./schema/logging.ts"
export * from "./schema/prompts.ts"
export * from "./schema/resources.ts"
export * from "./schema/tasks.ts"
export * from "./schema/tools.ts"
