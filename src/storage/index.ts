export * as Database from "./Database.ts"
export * as Millis from "./Millis.ts"
export * as Persistently from "./Persistently.ts"
export * as RedisScript from "./RedisScript.ts"
