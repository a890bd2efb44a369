/** `docs/reference/openid-conformance.md`, made of what the tests saw. */
import * as Fs from "node:fs"
import { table } from "../../../support/markdown.ts"
import { type Name, type Outcome, type Plan, plans } from "./plans.ts"

const file = new URL("../../../../docs/reference/openid-conformance.md", import.meta.url)

const head = `# OpenID conformance

<!-- Written by npm run generate from what test/oauth/oidc/openid saw. -->

Every module of three plans of the OpenID Foundation's [conformance suite](https://gitlab.com/openid/conformance-suite), made again as a test of the same name: it makes the module's requests of a running server over HTTP, and asserts its verdict. The certified server \`oidc-provider\` has passed the same tests, and for every module there is a fault that its test has been seen to find.

The verdicts are the suite's. A module that has **passed** had nothing to say. In a **review** the suite wants a screenshot for a person to look at; here the test looks at the page, and says what it saw. A **warning** is of something that may be missing, and a **skipped** module asks for something that nobody has to have: with both a server is certified. A failure is a failed test, so there is none.

Where the tests differ from the suite:

- Every authorization request carries PKCE with S256, which the server demands and the suite sends in one module only.
- The server is at an address of this machine, without TLS: where the suite demands https, an endpoint is to have the issuer's address.
- Clients are registered by hand, but for the modules that are in the plan only for clients that register themselves.
- Nobody waits where the server's clock can be moved on; where it cannot, the remark says how long it was.
`

export const render = (seen: (name: Name) => Outcome): string => {
  const parts = (Object.keys(plans) as Array<Plan>).map((plan) => {
    const rows = plans[plan].map((name) => {
      const { remarks, verdict } = seen(name)
      return [`\`${name}\``, verdict, remarks.join("; ")]
    })
    return `## ${plan}\n\n${table(["Module", "Verdict", "Remark"], rows)}\n`
  })
  return [head, ...parts].join("\n")
}

export const read = (): string | undefined => Fs.existsSync(file) ? Fs.readFileSync(file, "utf8") : undefined

export const write = (text: string): void => Fs.writeFileSync(file, text)
