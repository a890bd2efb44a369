/** What a person does with the pages of an authorization server, whichever it is: by what is on them. */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core"
import { assert } from "vitest"

export interface Look {
  readonly name: string
  readonly options: BrowserContextOptions
}

const phone = { viewport: { width: 375, height: 667 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }

const desktop = { viewport: { width: 1280, height: 800 } }

export const looks: ReadonlyArray<Look> = [
  { name: "desktop", options: { ...desktop, colorScheme: "light" } },
  { name: "desktop, dark, no JavaScript", options: { ...desktop, colorScheme: "dark", javaScriptEnabled: false } },
  { name: "phone, dark", options: { ...phone, colorScheme: "dark" } },
  { name: "phone, no JavaScript", options: { ...phone, colorScheme: "light", javaScriptEnabled: false } }
]

export interface Person {
  readonly page: Page
  readonly context: BrowserContext
  /** What the console says, and what was asked of any host that is not one of these. */
  readonly complaints: Array<string>
  /** Looks at the page it is on: it fits, what can be pressed is large enough, and a picture for `SCREENSHOTS`. */
  readonly look: (name: string) => Promise<void>
}

/** A new browser of a person, who expects to see only these hosts. */
export const person = async (
  browser: Browser,
  { name: kind, options }: Look,
  origins: ReadonlyArray<string>
): Promise<Person> => {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: Array<string> = []
  page.on("console", (message) => {
    // It tells of every status that is none of success.
    if (!/^Failed to load resource: .* a status of 4\d\d/.test(message.text())) complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  context.on("request", (request) => {
    if (!origins.includes(new URL(request.url()).origin)) complaints.push(`asked ${request.url()}`)
  })
  const look = async (name: string) => {
    const width = Number(await page.evaluate("document.documentElement.scrollWidth"))
    assert.isAtMost(width, page.viewportSize()!.width, `${name} is too wide`)
    for (const each of await page.locator("button, input:not([type=hidden]), summary, a").all()) {
      const box = await each.boundingBox()
      assert.isAtLeast(box!.height, 44, `${name}: too small to touch`)
    }
    const folder = process.env["SCREENSHOTS"]
    if (folder === undefined) return
    fs.mkdirSync(folder, { recursive: true })
    const file = path.join(folder, `${name} - ${kind}.png`.replace(/[^\w.]+/g, "-"))
    await page.screenshot({ path: file, fullPage: true })
  }
  return { page, context, complaints, look }
}

/** On the page that asks for it; wrong once, for what it then says. */
export const logIn = async ({ look, page }: Person): Promise<void> => {
  await page.getByRole("heading", { level: 1, name: "Log in" }).waitFor()
  await look("login")
  await page.getByLabel("Username").fill("anna")
  await page.getByLabel("Password").fill("wrong")
  await page.getByRole("button", { name: "Log in" }).click()
  await page.getByRole("alert").waitFor()
  await look("login-wrong")
  assert.strictEqual(await page.getByLabel("Username").inputValue(), "anna")
  assert.strictEqual(await page.getByLabel("Password").inputValue(), "")
  // As people do: the password is where the cursor is.
  await page.keyboard.type("correct horse")
  await page.keyboard.press("Enter")
}

export const decide = async ({ look, page }: Person, decision: "Allow" | "Deny", name = "consent"): Promise<void> => {
  await page.getByRole("heading", { level: 1, name: "Allow access?" }).waitFor()
  await look(name)
  // Nothing happens by itself.
  const before = page.url()
  await page.keyboard.press("Enter")
  assert.strictEqual(page.url(), before)
  await page.getByRole("button", { name: decision }).click()
}

/** Where the client has the browser at last. */
export const arrived = async ({ page }: Person, origin: string): Promise<URL> => {
  await page.waitForURL((url) => url.origin === origin)
  return new URL(page.url())
}
