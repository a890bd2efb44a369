/** A long task that says how far it is, and what it thinks meanwhile. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ClientLog, McpServer, Progress, Tool } from "fastmcp-effect"

export const index = Tool.make("index", {
  description: "Indexes some files",
  parameters: { files: Schema.Array(Schema.String) },
  success: Schema.Struct({ indexed: Schema.Int }),
  handler: Effect.fnUntraced(function*({ files }) {
    let indexed = 0
    for (const [position, file] of files.entries()) {
      yield* Progress.report(position, { total: files.length, message: file })
      if (file.endsWith(".png")) yield* ClientLog.warning({ skipped: file }, { logger: "indexer" })
      else indexed += 1
    }
    yield* Progress.report(files.length, { total: files.length })
    // What a handler logs through Effect reaches the client, too, once it has asked for logs.
    yield* Effect.logInfo("All done").pipe(Effect.annotateLogs({ indexed }))
    yield* Effect.logDebug("Nothing else to do")
    return { indexed }
  })
})

export const Indexer = McpServer.layer({ name: "indexer", version: "1.0.0", tools: [index] })
