/**
 * After every test: the process has no more timers and signal listeners than before it. Of tests that run at the same
 * time, before the first and after the last, for what the others have is theirs.
 */
import { afterEach, assert, beforeEach } from "vitest"

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length

const listeners = () =>
  ["SIGINT", "SIGTERM", "uncaughtException", "unhandledRejection", "exit"].reduce(
    (count, event) => count + process.listenerCount(event),
    0
  )

let before = { timers: 0, listeners: 0 }

let running = 0

beforeEach(() => {
  if (running++ === 0) before = { timers: timers(), listeners: listeners() }
})

afterEach(async () => {
  if (--running > 0) return
  // A socket that closes, or a child that exits, takes its timers with it within a moment.
  for (let turn = 0; turn < 50 && (timers() > before.timers || listeners() > before.listeners); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.isAtMost(listeners(), before.listeners, "the test left listeners on the process")
  assert.isAtMost(timers(), before.timers, "the test left timers running")
})
