/**
 * Faults that a schema found, as a definition reports them.
 */
import * as Cause from "effect/Cause"
import * as SchemaIssue from "effect/SchemaIssue"
import * as DefinitionError from "../DefinitionError.ts"

const format = SchemaIssue.makeFormatterStandardSchemaV1()

export const issuesOf = (cause: Cause.Cause<SchemaIssue.Issue>): ReadonlyArray<DefinitionError.Issue> =>
  cause.reasons.filter(Cause.isFailReason).flatMap(({ error }) =>
    format(error).issues.map(({ message, path }) => ({
      path: (path ?? []).map((segment) => {
        const key = typeof segment === "object" ? segment.key : segment
        return typeof key === "number" ? key : String(key)
      }),
      message
    }))
  )

export const refusal = (name: string, issues: ReadonlyArray<DefinitionError.Issue>) =>
  DefinitionError.make(new DefinitionError.InvalidInput({ name, issues }))

export const invalidInput = (name: string, cause: Cause.Cause<SchemaIssue.Issue>) => refusal(name, issuesOf(cause))

export const invalidOutput = (name: string, cause: Cause.Cause<SchemaIssue.Issue>) =>
  DefinitionError.make(new DefinitionError.InvalidOutput({ name, issues: issuesOf(cause) }))
