/**
 * What MCP asks of a server, one row each. `verifies` runs a row's body on every revision and transport it applies to,
 * `coverage.test.ts` holds rows and bodies together, and `npm run requirements` compares them with the specification.
 */
import type { Row } from "./row.ts"
import { asking } from "./rows/asking.ts"
import { base } from "./rows/base.ts"
import { content } from "./rows/content.ts"
import { patterns } from "./rows/patterns.ts"
import { tasks } from "./rows/tasks.ts"
import { tools } from "./rows/tools.ts"
import { transports } from "./rows/transports.ts"

export const rows: ReadonlyArray<Row> = [...base, ...patterns, ...transports, ...tools, ...content, ...asking, ...tasks]
