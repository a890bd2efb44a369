/** Where the rings of a test are, for a process that can be killed. */
import * as Duration from "effect/Duration"

export interface Address {
  readonly kind: "sqlite" | "pg" | "redis"
  /** Of SQLite, the file. */
  readonly url: string
  readonly prefix: string
}

/** Of every engine that is tested, but for the one in memory. */
export const lease = Duration.seconds(2)
