export * as Budget from "./Budget.ts"
export * as Deadlines from "./Deadlines.ts"
export * as Fanout from "./Fanout.ts"
export * as Outcome from "./Outcome.ts"
