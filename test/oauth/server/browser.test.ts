import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Browser } from "playwright-core"
import { afterAll, beforeAll } from "vitest"
import { chromium, launch } from "../../support/chromium.ts"
import { needing } from "../../support/services.ts"
import * as Server from "./browser/server.ts"
import * as Site from "./browser/site.ts"
import { arrived, decide, logIn, looks, person } from "./browser/walk.ts"
import { hostile } from "./pages.ts"

const limit = 60_000

interface World {
  readonly browser: Browser
  readonly site: Site.Site
  readonly client: Site.ClientSite
  readonly other: Site.ClientSite
}

let browser: Browser

const live = (name: string, body: (world: World) => Promise<void>) =>
  it.live(name, () =>
    Effect.all({ site: Site.start, client: Site.client(), other: Site.client("[::1]") }).pipe(
      Effect.flatMap((sites) => Effect.promise(() => body({ browser, ...sites }))),
      Effect.scoped
    ), limit)

needing(chromium, () =>
  describe("in Chromium", () => {
    beforeAll(async () => {
      browser = await launch()
    }, limit)

    afterAll(() => browser.close())

    for (const look of looks) {
      live(`a person logs in and says yes, or no: ${look.name}`, async ({ browser, client, site }) => {
        const one = await person(browser, look, [site.url, client.url])
        const asking = { redirectUri: `${client.url}/callback?a=b` }
        await one.page.goto(site.begin(asking))
        await logIn(one)
        await decide(one, "Allow")
        assert.strictEqual((await arrived(one, client.url)).search, "?a=b&code=c0de")

        await one.page.goto(`${site.url}/consent?asking=${encodeURIComponent(JSON.stringify(asking))}`)
        await decide(one, "Deny")
        assert.strictEqual((await arrived(one, client.url)).search, "?a=b&error=access_denied")

        await one.page.goto(`${site.url}/device?user_code=WDJB-MJHT`)
        await one.look("device")
        await one.page.getByRole("button", { name: "Go on" }).click()
        await one.page.getByRole("alert").waitFor()
        await one.look("device-wrong")
        await one.page.goto(`${site.url}/logout`)
        await one.look("logout")
        await one.page.getByRole("button", { name: "Log out" }).click()
        await one.page.getByRole("heading", { name: "You are logged out" }).waitFor()
        await one.look("logged-out")
        await one.page.goto(`${site.url}/nothing`)
        await one.look("error")
        assert.deepStrictEqual(one.complaints, [])
      })
    }

    for (const look of looks.slice(1, 3)) {
      it.live(`a person comes to an authorization server, and back: ${look.name}`, () =>
        Effect.gen(function*() {
          const client = yield* Site.client()
          const { begin, url } = yield* Server.start
          yield* Effect.promise(async () => {
            const one = await person(browser, look, [url, client.url])
            await one.page.goto(begin(client.url))
            await logIn(one)
            await decide(one, "Deny", "real-consent")
            const refused = await arrived(one, client.url)
            assert.strictEqual(refused.searchParams.get("error"), "access_denied")
            await one.page.goto(begin(client.url))
            // They are still logged in.
            await decide(one, "Allow", "real-consent")
            const { searchParams } = await arrived(one, client.url)
            assert.deepStrictEqual([...searchParams.keys()], ["code", "state", "iss"])
            assert.strictEqual(searchParams.get("iss"), url)
            assert.deepStrictEqual(one.complaints, [])
          })
        }).pipe(Effect.scoped), limit)
    }

    live("names of strangers stay where they are", async ({ browser, client, site }) => {
      const look = looks[2]!
      const one = await person(browser, look, [site.url, client.url])
      await one.page.goto(site.begin({ redirectUri: client.url }))
      await logIn(one)
      await one.page.getByRole("button", { name: "Deny" }).waitFor()
      for (const [index, name] of hostile.entries()) {
        const asking: Site.Asking = {
          client: name.slice(0, 500),
          origin: "registered",
          redirectUri:
            "https://a-very-long-name-of-a-host-that-does-not-fit.subdomain.of.somebody.evil.example/callback",
          scopes: [{ name, description: name.slice(0, 300) }].map(({ description, name }) => ({
            name: name.slice(0, 300),
            description
          }))
        }
        await one.page.goto(`${site.url}/consent?asking=${encodeURIComponent(JSON.stringify(asking))}`)
        await one.look(`hostile-${index}`)
        assert.isTrue(await one.page.getByRole("button", { name: "Deny" }).isVisible())
      }
      assert.deepStrictEqual(one.complaints, [])
    })

    live("a page leads on wherever a client sends on, and a redirect does not", async (world) => {
      const { browser, client, other, site } = world
      const one = await person(browser, looks[0]!, [site.url, client.url, other.url])
      const redirectUri = `${client.url}/chain?to=${encodeURIComponent(`${other.url}/end`)}`
      await one.page.goto(site.begin({ redirectUri, leavesByRedirect: true }))
      await logIn(one)
      const blocked = one.page.waitForEvent("console", (message) => message.text().includes("form-action"))
      await decide(one, "Allow", "consent-chain")
      await blocked
      assert.deepStrictEqual(client.visits, [])
      assert.strictEqual(one.complaints.length, 1)

      await one.page.goto(site.begin({ redirectUri }))
      await logIn(one)
      await decide(one, "Allow", "consent-chain")
      assert.strictEqual((await arrived(one, other.url)).pathname, "/end")
      assert.strictEqual(client.visits.length, 1)
      assert.strictEqual(one.complaints.length, 1)
    })

    live("a page stays where a program of the user's own opens", async ({ browser, site }) => {
      const one = await person(browser, looks[0]!, [site.url])
      await one.page.goto(site.begin({ redirectUri: "com.acme.notes:/callback", origin: "configured" }))
      await logIn(one)
      await decide(one, "Allow", "consent-own-scheme")
      const link = one.page.getByRole("link")
      await link.waitFor()
      await one.look("leaving")
      assert.strictEqual(await link.getAttribute("href"), "com.acme.notes:/callback?code=c0de")
    })

    live("a page leads on to an address of IPv6", async ({ browser, other, site }) => {
      const one = await person(browser, looks[0]!, [site.url, other.url])
      await one.page.goto(site.begin({ redirectUri: `${other.url}/callback` }))
      await logIn(one)
      await decide(one, "Allow", "consent-ipv6")
      assert.strictEqual((await arrived(one, other.url)).search, "?code=c0de")
    })

    live("a window that a client has opened comes back to it", async ({ browser, client, site }) => {
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(client.url)
      const opened = context.waitForEvent("page")
      const url = site.begin({ redirectUri: `${client.url}/callback` })
      await page.evaluate(`window.open(${JSON.stringify(url)}, "login", "width=500,height=700") !== null`)
      const popup = await opened
      const one = { page: popup, context, complaints: [], look: async () => {} }
      await logIn(one)
      await decide(one, "Allow")
      await arrived(one, client.url)
      await popup.waitForFunction("document.title !== 'Client'")
      assert.strictEqual(await popup.title(), "opened")
    })

    live("no other site shows a page within its own", async ({ browser, client, site }) => {
      const page = await browser.newPage()
      await page.goto(client.url)
      const url = site.begin({ redirectUri: client.url })
      await page.evaluate(`new Promise((resolve) => {
        const frame = document.createElement("iframe")
        frame.src = ${JSON.stringify(url)}
        frame.addEventListener("load", resolve)
        document.body.append(frame)
      })`)
      assert.strictEqual(await page.frameLocator("iframe").getByLabel("Password").count(), 0)
    })
  }))
