import * as Schema from "effect/Schema"

/** RFC 5424 severities, least severe first. @category models @since 0.1.0 */
export const LoggingLevel = Schema.Literals([
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency"
])

/** @category models @since 0.1.0 */
export type LoggingLevel = typeof LoggingLevel.Type

/** @category models @since 0.1.0 */
export const SetLevelParams = Schema.Struct({ level: LoggingLevel })

/** @category models @since 0.1.0 */
export const LoggingMessageParams = Schema.Struct({
  level: LoggingLevel,
  logger: Schema.optionalKey(Schema.String),
  data: Schema.Unknown
})

const severity = new Map(LoggingLevel.literals.map((level, index) => [level, index]))

/** Whether a message of `level` passes a threshold of `minimum`. @category combinators @since 0.1.0 */
export const passes = (level: LoggingLevel, minimum: LoggingLevel): boolean =>
  severity.get(level)! >= severity.get(minimum)!
