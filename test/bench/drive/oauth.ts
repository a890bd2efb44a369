/** Drives the token endpoint of an authorization server: a code, a refresh token or nothing more for each token. */
import { client, lasts, redirectUri, resource, scope, verifier } from "../oauth/data.ts"
import type { Command } from "./child.ts"
import { type Driver, type Latency, latency, type Load, stopwatch, type Throughput, throughput } from "./driver.ts"
import { type Answer, type Client, openClient, startHttp } from "./httpWire.ts"

export const grants = ["refresh_token", "authorization_code", "client_credentials"] as const

export type Grant = typeof grants[number]

/** Latencies are of requests while as many are in flight as the load says. */
export interface OauthFigures extends Throughput, Latency {}

const basic = Buffer.from(`${client.id}:${encodeURIComponent(client.secret)}`).toString("base64")

const post = (port: number, parameters: Readonly<Record<string, string>>): string => {
  const body = String(new URLSearchParams(parameters))
  return `POST /token HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Basic ${basic}\r\n` +
    `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

/** What came: a token of the right kind. Who looks at the clock twice, for its beginning and its end, may find a second between. */
const read = ({ body, status }: Answer, grant: Grant): { readonly refresh_token?: string } => {
  if (status !== 200) throw new Error(`HTTP status ${status}: ${body.slice(0, 300)}`)
  const answer = JSON.parse(body)
  const { aud, exp, iat, scope: granted } = JSON.parse(
    Buffer.from(String(answer.access_token).split(".")[1]!, "base64url").toString()
  )
  const isRight = answer.token_type === "Bearer" && aud === resource && Math.abs(exp - iat - lasts) <= 1
    && granted === scope
    && (grant === "client_credentials" || typeof answer.refresh_token === "string")
  if (!isRight) throw new Error(`not the token that was asked for: ${body.slice(0, 600)}`)
  return answer
}

const forCode = (code: string) => ({
  grant_type: "authorization_code",
  code,
  redirect_uri: redirectUri,
  code_verifier: verifier
})

/** As many codes are made before the first is used as will be. */
export const measureOauth = async (
  command: (port: number) => Command,
  grant: Grant,
  load: Load
): Promise<OauthFigures> => {
  const { child, close, port, wait } = await startHttp(command)
  const clients: Array<Client> = []
  try {
    while (clients.length < load.inFlight) clients.push(await openClient(port))
    const wanted = {
      refresh_token: load.inFlight,
      authorization_code: load.warmup + load.calls,
      client_credentials: 0
    }[grant]
    const seeding = clients[0]!.ask(`GET /codes?count=${wanted} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
    const codes: Array<string> = JSON.parse((await wait(55_000, "codes", seeding)).body)
    const chains = grant !== "refresh_token" ? [] : await Promise.all(
      clients.map(async (client, n) => read(await client.ask(post(port, forCode(codes[n]!))), grant).refresh_token!)
    )

    const ask = async (client: Client, n: number): Promise<void> => {
      const parameters = grant === "refresh_token"
        ? { grant_type: grant, refresh_token: chains[n]! }
        : grant === "authorization_code"
        ? forCode(codes.pop()!)
        : { grant_type: grant, scope }
      const answer = read(await client.ask(post(port, parameters)), grant)
      if (grant === "refresh_token") chains[n] = answer.refresh_token!
    }

    const run: Driver["run"] = async (calls, _inFlight, samples) => {
      let next = 0
      const spent = stopwatch()
      const work = clients.map(async (client, n) => {
        while (next < calls) {
          const call = next++
          const began = performance.now()
          await ask(client, n)
          if (samples !== undefined) samples[call] = performance.now() - began
        }
      })
      await wait(30_000 + calls * 20, `tokens for ${calls} requests`, Promise.all(work))
      return spent()
    }

    const samples = new Float64Array(load.calls)
    return { ...await throughput({ child, run }, load, samples), ...latency(samples) }
  } finally {
    for (const client of clients) client.close()
    await close()
  }
}
