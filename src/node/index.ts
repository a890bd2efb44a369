export * as NodeHttp from "./NodeHttp.ts"
export * as NodeStdio from "./NodeStdio.ts"
