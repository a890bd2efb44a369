/**
 * Records the old shop's traffic over HTTP into a file, looks for the card's number in it, and asks both versions the same
 * again. Exits with 1 if the old one differs, the new one does not, or the number is in the journal.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { McpClient } from "fastmcp-effect/client"
import * as Journal from "fastmcp-effect/middleware/Journal"
import * as JournalEntry from "fastmcp-effect/middleware/JournalEntry"
import * as Replay from "fastmcp-effect/testing/Replay"
import assert from "node:assert/strict"
import { New, Old } from "./server.ts"
