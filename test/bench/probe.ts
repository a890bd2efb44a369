/**
 * Loaded into a server before its own code (`--import`), with `--expose-gc`: whoever sends it a message is told how much
 * memory is in use once all garbage is gone.
 */
import { setTimeout as sleep } from "node:timers/promises"

process.on("message", async () => {
  // What a finalizer or a weak reference let go is garbage of the next collection.
  for (let n = 0; n < 5; n++) {
    await sleep(20)
    globalThis.gc!()
  }
  const { external, heapUsed } = process.memoryUsage()
  process.send!(heapUsed + external)
})
