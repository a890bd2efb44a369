export * as TaskSchema from "./TaskSchema.ts"
