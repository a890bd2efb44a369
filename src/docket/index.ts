export * as DocketEngine from "./DocketEngine.ts"
export * as DocketError from "./DocketError.ts"
export * as DocketStore from "./DocketStore.ts"
export * as Execution from "./Execution.ts"
