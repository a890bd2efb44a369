export * as Banner from "./Banner.ts"
