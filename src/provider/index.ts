export * as Mount from "./Mount.ts"
