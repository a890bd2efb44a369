export * as McpTasks from "./McpTasks.ts"
export * as TaskSchema from "./TaskSchema.ts"
export * as TasksClient from "./TasksClient.ts"
