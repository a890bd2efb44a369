/** The signing keys of a provider in a file: makes it, or adds the next key to it. */
import * as Effect from "effect/Effect"
import * as NodeSigningKeys from "fastmcp-effect/node/NodeSigningKeys"
import * as fs from "node:fs"
import { parseArgs } from "node:util"

const usage = "keys.ts <file> [--algorithm ES256 | RS256 | EdDSA]"
const algorithms = ["ES256", "RS256", "EdDSA"] as const

const { positionals: [file], values } = parseArgs({
  allowPositionals: true,
  options: { algorithm: { type: "string", default: "ES256" } }
})
const algorithm = algorithms.find((name) => name === values.algorithm)

if (file === undefined || algorithm === undefined) {
  console.error(usage)
  process.exitCode = 2
} else {
  const [run, done] = fs.existsSync(file)
    ? [NodeSigningKeys.rotate, `the next ${algorithm} key is in ${file}; it signs in an hour`] as const
    : [NodeSigningKeys.make, `made ${file} with an ${algorithm} key`] as const
  await Effect.runPromise(Effect.match(run(file, { algorithm }), {
    onFailure: ({ message }) => {
      console.error(message)
      process.exitCode = 1
    },
    onSuccess: () => console.log(done)
  }))
}
