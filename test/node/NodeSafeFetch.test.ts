import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as NodeSafeFetch from "fastmcp-effect/node/NodeSafeFetch"
import * as SafeFetch from "fastmcp-effect/oauth/SafeFetch"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll } from "vitest"

/** A server of this machine that is not to be reached, at both of its addresses. */
const servers = ["127.0.0.1", "::1"].map((host) => ({
  host,
  server: http.createServer((request, response) => visit(request, response))
}))
let visits = 0
let answer: http.RequestListener = (_, response) => response.end("secret")
const visit: http.RequestListener = (request, response) => {
  visits++
  answer(request, response)
}
let port = 0

beforeAll(async () => {
  for (const { host, server } of servers) {
    await new Promise<void>((resolve) => server.listen(port, host, resolve))
    port = (server.address() as AddressInfo).port
  }
})
afterAll(() => {
  for (const { server } of servers) {
    server.closeAllConnections()
    server.close()
  }
})

/** What names resolve to; those that are not here do not exist. */
const names: { readonly [name: string]: ReadonlyArray<string> } = {
  "loopback.evil.example": ["127.0.0.1"],
  "loopback6.evil.example": ["::1"],
  "mapped.evil.example": ["::ffff:127.0.0.1"],
  "compatible.evil.example": ["::127.0.0.1"],
  "nat64.evil.example": ["64:ff9b::7f00:1"],
  "6to4.evil.example": ["2002:7f00:1::"],
  "zero.evil.example": ["0.0.0.0"],
  "any6.evil.example": ["::"],
  "private.evil.example": ["10.0.0.1"],
  "metadata.evil.example": ["169.254.169.254"],
  "linklocal.evil.example": ["fe80::1"],
  "unique.evil.example": ["fd00::1"],
  "one-of-two.evil.example": ["93.184.215.14", "127.0.0.1"],
  "two-of-two.evil.example": ["127.0.0.1", "93.184.215.14"],
  "multicast.evil.example": ["224.0.0.1"],
  "nothing.evil.example": [],
  "sso.corp.example": ["127.0.0.1"],
  "localhost": ["127.0.0.1"],
  "app.localhost": ["127.0.0.1"],
  "ip6-localhost": ["::1"],
  "localhost.evil.example": ["127.0.0.1"]
}

const resolve: NodeSafeFetch.Resolve = async (host) => {
  const found = names[host.replace(/\.$/u, "")]
  if (found === undefined) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" })
  return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
}

const fetch = (url: string, options: NodeSafeFetch.Options = {}, request: Partial<SafeFetch.Request> = {}) =>
  Effect.flatMap(SafeFetch.SafeFetch, ({ fetch }) => fetch({ url, ...request })).pipe(
    Effect.provide(NodeSafeFetch.layer({ resolve, timeout: "2 seconds", ...options }), { local: true })
  )

const reasonOf = <A>(effect: Effect.Effect<A, SafeFetch.SafeFetchError>) =>
  Effect.matchEffect(effect, {
    onSuccess: () => Effect.die(new Error("it was fetched")),
    onFailure: ({ reason }) => Effect.succeed(reason)
  })

/** Nobody has been there, and that is why. */
const isNotReached = (url: string, options: NodeSafeFetch.Options = {}, request: Partial<SafeFetch.Request> = {}) =>
  Effect.gen(function*() {
    const before = visits
    const reason = yield* reasonOf(fetch(url, options, request))
    assert.strictEqual(visits, before, url)
    return reason
  })

describe("addresses and names that are not reached", () => {
  const hosts = [
    // IPv4, in all the ways that a URL may write it
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "127.0.0.1.",
    "127.255.255.254",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "%31%32%37.0.0.1",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    // IPv6
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[fec0::1]",
    "[2001:0:7f00:1::]",
    // names
    ...Object.keys(names).filter((name) => name !== "nothing.evil.example"),
    "LOCALHOST",
    "localhost.",
    "loopback.evil.example."
  ]

  it.live("without TLS, for that alone", () =>
    Effect.gen(function*() {
      for (const host of hosts) {
        assert.strictEqual((yield* isNotReached(`http://${host}:${port}/`))._tag, "Forbidden", host)
      }
    }))

  for (const host of hosts) {
    it.live(`https://${host}`, () =>
      Effect.gen(function*() {
        const reason = yield* isNotReached(`https://${host}:${port}/.well-known/x`)
        assert.strictEqual(reason._tag, "Forbidden")
      }))
  }

  for (
    const url of [
      "ftp://127.0.0.1/",
      "file:///etc/passwd",
      "data:text/plain,x",
      "javascript:alert(1)",
      "gopher://127.0.0.1/",
      "https://user:pw@acme.example/",
      "https://acme.example@127.0.0.1/",
      "//127.0.0.1/",
      "127.0.0.1",
      "",
      "https://",
      "https://[::1"
    ]
  ) {
    it.live(
      JSON.stringify(url),
      () => Effect.map(isNotReached(url), (reason) => assert.strictEqual(reason._tag, "Forbidden"))
    )
  }

  it.live("they are more than sixty", () => Effect.sync(() => assert.isAbove(hosts.length, 60)))
})

describe("names that change", () => {
  it.live("a name is resolved once for a connection, which goes where it was judged", () =>
    Effect.gen(function*() {
      let times = 0
      const resolve: NodeSafeFetch.Resolve = async () => {
        times++
        // One that may be reached and is not there, and then this machine.
        return [{ address: times % 2 === 1 ? "10.255.255.1" : "127.0.0.1", family: 4 }]
      }
      const options = { resolve, timeout: "300 millis", privateHosts: ["rebind.evil.example"] } as const
      const first = yield* isNotReached(`https://rebind.evil.example:${port}/`, options)
      assert.include(["TimedOut", "Unreachable"], first._tag)
      assert.strictEqual(times, 1)
      const second = yield* isNotReached(`https://rebind.evil.example:${port}/`, options)
      assert.strictEqual(second._tag, "Forbidden")
    }))

  it.live("a name without addresses, and one that does not exist, are not reachable", () =>
    Effect.gen(function*() {
      for (const name of ["nothing", "unknown"]) {
        assert.strictEqual((yield* isNotReached(`https://${name}.evil.example/`))._tag, "Unreachable")
      }
    }))
})

describe("for development", () => {
  const local = { allowLoopback: true }
  const base = () => `http://localhost:${port}`

  it.live("this machine is reached by its own names where that is allowed, and by no other name", () =>
    Effect.gen(function*() {
      for (const host of ["localhost", "127.0.0.1", "[::1]", "app.localhost"]) {
        assert.strictEqual((yield* fetch(`http://${host}:${port}/`, local)).text, "secret", host)
      }
      for (const host of ["loopback.evil.example", "one-of-two.evil.example", "localhost.evil.example"]) {
        assert.strictEqual((yield* isNotReached(`https://${host}:${port}/`, local))._tag, "Forbidden")
        assert.strictEqual((yield* isNotReached(`http://${host}:${port}/`, local))._tag, "Forbidden")
      }
      for (const host of ["10.0.0.1", "169.254.169.254", "0.0.0.0", "[::ffff:127.0.0.1]"]) {
        assert.strictEqual((yield* isNotReached(`http://${host}:${port}/`, local))._tag, "Forbidden")
      }
    }))

  it.live("localhost that is another machine is not fetched from", () =>
    Effect.gen(function*() {
      const resolve: NodeSafeFetch.Resolve = async () => [{ address: "93.184.215.14", family: 4 }]
      assert.strictEqual((yield* isNotReached(`${base()}/`, { ...local, resolve }))._tag, "Forbidden")
    }))

  it.live("a host of a private network is reached where it is named, though not this machine", () =>
    Effect.gen(function*() {
      const resolve: NodeSafeFetch.Resolve = async () => [{ address: "10.255.255.1", family: 4 }]
      const options = { privateHosts: ["sso.corp.example"], resolve, timeout: "200 millis" } as const
      assert.include(["TimedOut", "Unreachable"], (yield* isNotReached("https://sso.corp.example/", options))._tag)
      assert.strictEqual((yield* isNotReached("https://other.corp.example/", options))._tag, "Forbidden")
      assert.strictEqual(
        (yield* isNotReached(`https://sso.corp.example:${port}/`, { privateHosts: ["sso.corp.example"] }))._tag,
        "Forbidden"
      )
    }))

  const redirects = (location: string) => {
    answer = (request, response) =>
      request.url === "/from" ? response.writeHead(302, { location }).end() : response.end("arrived")
  }

  it.live("a redirect is followed within the origin, and nowhere else", () =>
    Effect.gen(function*() {
      redirects("/to")
      assert.strictEqual((yield* fetch(`${base()}/from`, local)).text, "arrived")
      for (
        const location of [
          `http://127.0.0.1:${port}/to`,
          "https://acme.example/to",
          "http://169.254.169.254/latest/meta-data",
          "file:///etc/passwd",
          "//acme.example/to",
          `https://localhost:${port}/to`,
          "http://[",
          `http://me:pw@localhost:${port}/to`
        ]
      ) {
        redirects(location)
        const reason = yield* reasonOf(fetch(`${base()}/from`, local))
        assert.include(["Redirected", "Forbidden"], reason._tag, location)
        assert.notInclude(JSON.stringify(reason), "pw@")
      }
      redirects("/from")
      assert.strictEqual((yield* reasonOf(fetch(`${base()}/from`, local)))._tag, "Redirected")
    }))

  it.live("a POST is followed nowhere", () =>
    Effect.gen(function*() {
      redirects("/to")
      const reason = yield* reasonOf(fetch(`${base()}/from`, local, { method: "POST", body: "secret" }))
      assert.strictEqual(reason._tag, "Redirected")
    }))

  it.live("no more is read than is allowed, compressed or not, and no longer", () =>
    Effect.gen(function*() {
      answer = (_, response) => {
        const timer = setInterval(() => response.write("x".repeat(1000)), 1)
        response.on("close", () => clearInterval(timer))
      }
      assert.deepInclude(yield* reasonOf(fetch(base(), { ...local, maxBytes: 10_000 })), {
        _tag: "TooLarge",
        limit: 10_000
      })
      answer = (_, response) => response.write("x")
      assert.deepInclude(yield* reasonOf(fetch(base(), { ...local, timeout: "100 millis" })), {
        _tag: "TimedOut",
        after: 100
      })
    }))
})
