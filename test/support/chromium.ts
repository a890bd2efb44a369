/** A browser as people have it, for the tests of pages: the one at `CHROMIUM`, or of the system. */
import * as fs from "node:fs"
import * as path from "node:path"
import { type Browser, chromium as engine } from "playwright-core"
import type { Need } from "./services.ts"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

const executable = process.env["CHROMIUM"] ??
  (process.env["PATH"] ?? "").split(path.delimiter)
    .flatMap((folder) => names.map((name) => path.join(folder, name)))
    .concat("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    .find((file) => fs.existsSync(file))

export const chromium: Need = {
  name: "Chromium",
  answers: executable !== undefined && fs.existsSync(executable),
  otherwise: "there is none at CHROMIUM or in the PATH"
}

export const launch = (): Promise<Browser> =>
  engine.launch({
    executablePath: executable!,
    // Its sandbox does not work as root, and the pages are our own.
    args: ["--no-sandbox", "--disable-background-networking"],
    handleSIGHUP: false,
    handleSIGINT: false,
    handleSIGTERM: false
  })
