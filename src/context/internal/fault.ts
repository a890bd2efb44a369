/** What a schema says against a value, as one line for people. */
import * as Cause from "effect/Cause"
import * as SchemaIssue from "effect/SchemaIssue"

const format = SchemaIssue.makeFormatterStandardSchemaV1()

export const faultOf = (cause: Cause.Cause<SchemaIssue.Issue>): string =>
  cause.reasons.map((reason) =>
    Cause.isFailReason(reason)
      ? format(reason.error).issues.map(({ message, path }) => {
        const place = (path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment))
        return place.length === 0 ? message : `${place.join(".")}: ${message}`
      }).join("; ")
      : "The value could not be checked"
  ).join("; ")
