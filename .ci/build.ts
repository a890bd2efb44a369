/** `npm run build`: src to a clean dist. */
import * as fs from "node:fs"
import * as path from "node:path"
import { folderManifest } from "../test/architecture/folderManifest.ts"
import { command, root } from "./steps.ts"

fs.rmSync(path.join(root, "dist"), { recursive: true, force: true })
const { ok } = await command("tsc", ["-p", "tsconfig.json"], { live: true })
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"))
if (ok) fs.writeFileSync(path.join(root, "dist/package.json"), JSON.stringify(folderManifest("dist", manifest)))
process.exitCode = ok ? 0 : 1
