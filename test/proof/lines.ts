/** A server that writes a line of a gigabyte: the client's memory stays what it was, and the next line is read. */
import * as Effect from "effect/Effect"
import * as hearing from "../transport/hearing.ts"
import * as stdioServers from "../transport/stdioServers.ts"

const gigabyte = 1 << 30

export const run = async (): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const { connection, heard } = yield* stdioServers.connect(stdioServers.program(`
      const chunk = Buffer.alloc(1 << 20, "x")
      const write = (text) => new Promise((done) => process.stdout.write(text, done))
      onLine(async ({ id }) => {
        if (id === 1) {
          await write('{"jsonrpc":"2.0","id":1,"result":{"text":"')
          for (let size = 0; size < ${gigabyte}; size += chunk.length) await write(chunk)
          await write('"}}\\n')
        } else say({ id, result: {} })
      })
    `))
    connection.send(hearing.request(0, "x"))
    yield* hearing.until(() => heard.messages.length === 1, () => "a first answer")
    globalThis.gc?.()
    const before = process.memoryUsage.rss()
    let peak = before
    const start = performance.now()
    connection.send(hearing.request(1, "x"))
    yield* hearing.until(
      () => {
        peak = Math.max(peak, process.memoryUsage.rss())
        return heard.failures.length > 0 || heard.ends.length > 0
      },
      () => "the end of the line",
      100_000
    )
    const seconds = (performance.now() - start) / 1000
    connection.send(hearing.request(2, "x"))
    yield* hearing.until(() => heard.messages.length === 2, () => "an answer after it")
    const grown = (peak - before) / (1 << 20)
    console.log(`a line of 1 GiB in ${seconds.toFixed(1)} s: at most ${grown.toFixed(0)} MiB more than before`)
    if (heard.failures[0]?.id !== 1 || heard.failures[0].error.reason._tag !== "TooLarge") {
      failures.push(`the request was told ${JSON.stringify(heard.failures)} ${heard.ends[0]?.message}`)
    }
    if (grown > 200) failures.push(`${grown} MiB`)
  })))
  return failures
}
