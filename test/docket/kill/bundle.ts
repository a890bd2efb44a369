/** A program of the tests in one file, which starts in a third of the time: processes are started again and again. */
import { buildSync } from "esbuild"

const requires = `import { createRequire } from "node:module"; const require = createRequire(${
  JSON.stringify(import.meta.url)
});`

export const bundle = (from: string, to: string): void => {
  buildSync({
    entryPoints: [from],
    outfile: to,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["fastmcp-effect/source"],
    external: ["pg-native"],
    banner: { js: requires },
    logLevel: "error"
  })
}
