/**
 * The revisions this framework speaks, newest first. The only way to a dated revision from outside its folder.
 */
import type * as Revision from "./Revision.ts"
import { v2024_11_05 } from "./revisions/v2024_11_05/revision.ts"
import { v2025_03_26 } from "./revisions/v2025_03_26/revision.ts"
import { v2025_06_18 } from "./revisions/v2025_06_18/revision.ts"
import { v2025_11_25 } from "./revisions/v2025_11_25/revision.ts"
import { v2026_07_28 } from "./revisions/v2026_07_28/revision.ts"

export { v2024_11_05, v2025_03_26, v2025_06_18, v2025_11_25, v2026_07_28 }

/** @category models @since 0.1.0 */
export type Version = "2024-11-05" | "2025-03-26" | "2025-06-18" | "2025-11-25" | "2026-07-28"

/** @category constants @since 0.1.0 */
export const all: ReadonlyArray<Revision.Revision> = [v2026_07_28, v2025_11_25, v2025_06_18, v2025_03_26, v2024_11_05]

const byVersion = new Map(all.map((revision) => [revision.version, revision]))

/** @category lookups @since 0.1.0 */
export const select = (version: string): Revision.Revision | undefined => byVersion.get(version)

/** The newest revision that still opens with `initialize`. @category constants @since 0.1.0 */
export const latestStateful: Revision.Revision = v2025_11_25

/** @category constants @since 0.1.0 */
export const versions: ReadonlyArray<string> = all.map((revision) => revision.version)
