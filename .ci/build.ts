/** `npm run build`: src to a clean dist. */
import * as fs from "node:fs"
import * as path from "node:path"
import { command, root } from "./steps.ts"

fs.rmSync(path.join(root, "dist"), { recursive: true, force: true })
const { ok } = await command("tsc", ["-p", "tsconfig.json"], { live: true })
process.exitCode = ok ? 0 : 1
