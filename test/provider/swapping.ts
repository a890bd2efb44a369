/** Puts links and pipes into the place of folders and files, and back, as fast as it can, until its parent has enough. */
import * as fs from "node:fs"
import { workerData } from "node:worker_threads"

const { pairs, stopped } = workerData as {
  /** What is there, and what comes into its place. */
  readonly pairs: ReadonlyArray<readonly [place: string, other: string]>
  readonly stopped: Int32Array
}

while (Atomics.load(stopped, 0) === 0) {
  for (const [place, other] of pairs) {
    const aside = `${place}.aside`
    fs.renameSync(place, aside)
    fs.renameSync(other, place)
    fs.renameSync(place, other)
    fs.renameSync(aside, place)
  }
  Atomics.add(stopped, 1, 1)
}
