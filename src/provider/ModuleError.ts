/** Why a module of a folder is not served; what it had before stays. */
import * as Schema from "effect/Schema"

/** It cannot be imported, or throws when it is. @category reasons @since 0.1.0 */
export class ImportFailed extends Schema.TaggedClass<ImportFailed>()("ImportFailed", {
  path: Schema.String,
  cause: Schema.Defect()
}) {
  get message(): string {
    return `${this.path} cannot be imported: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

/** It is still being imported, for an `await` at its top that does not end. @category reasons @since 0.1.0 */
export class ImportTimedOut extends Schema.TaggedClass<ImportTimedOut>()("ImportTimedOut", {
  path: Schema.String,
  millis: Schema.Finite
}) {
  get message(): string {
    return `${this.path} was not imported within ${this.millis} ms; raise importTimeout if it has that much to do`
  }
}

/** One of its exports is a definition that no server could serve. @category reasons @since 0.1.0 */
export class InvalidExport extends Schema.TaggedClass<InvalidExport>()("InvalidExport", {
  path: Schema.String,
  /** Of the export. */
  name: Schema.String,
  problem: Schema.String
}) {
  get message(): string {
    return `${this.path} exports ${this.name}, which cannot be served: ${this.problem}`
  }
}

/** @category reasons @since 0.1.0 */
export const Reason = Schema.Union([ImportFailed, ImportTimedOut, InvalidExport])

/** @category reasons @since 0.1.0 */
export type Reason = typeof Reason.Type

/** Match on `reason._tag`. @category errors @since 0.1.0 */
export class ModuleError extends Schema.TaggedError<ModuleError>("fastmcp-effect/provider/ModuleError")("ModuleError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
}

/** @category constructors @since 0.1.0 */
export const make = (reason: Reason): ModuleError => new ModuleError({ reason })
