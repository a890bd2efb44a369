/**
 * The transports. A new one is a file beside this, and a line here: its client's end (`wires.open` does for a wire of
 * one connection: `hangUp` for the disconnect, see `webSocket.ts`), and of each cause what it comes to, or why there is
 * none. Then `npm run generate`, and its rows are on the page.
 */
import { memory } from "./memory.ts"
import type { Row } from "./row.ts"
import { sse } from "./sse.ts"
import { stdio } from "./stdio.ts"
import { streamableHttp } from "./streamableHttp.ts"
import { webSocket } from "./webSocket.ts"

export const rows: ReadonlyArray<Row> = [memory, stdio, webSocket, streamableHttp, sse]
