/**
 * The servers and programs some tests need. Where one does not answer, its tests are left out with a word on stderr; with `CI` set
 * they fail.
 */
import * as Net from "node:net"
import { assert, it } from "vitest"

export interface Need {
  readonly name: string
  readonly answers: boolean
  /** Why it may not be there. */
  readonly otherwise: string
}

export interface Service extends Need {
  readonly url: string
}

const probe = async (name: string, variable: string, otherwise: string): Promise<Service> => {
  const url = process.env[variable] ?? otherwise
  const { hostname, port } = new URL(url)
  const answers = await new Promise<boolean>((resolve) => {
    const socket = Net.connect({ host: hostname, port: Number(port) })
    const done = (answers: boolean) => () => {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(2000, done(false))
    socket.once("connect", done(true)).once("error", done(false))
  })
  return { name, url, answers, otherwise: `${name} does not answer at ${new URL(url).host}` }
}

export const postgres = await probe("Postgres", "DATABASE_URL", "postgres://postgres@127.0.0.1:5432/test")

export const redis = await probe("Redis", "REDIS_URL", "redis://127.0.0.1:6379")

/** Undefined for what needs nothing. */
export const needing = (need: Need | undefined, tests: () => void): void => {
  if (need === undefined || need.answers) return tests()
  const { name, otherwise } = need
  if (process.env["CI"]) return void it(`${name} answers`, () => assert.fail(otherwise))
  console.warn(`LEFT OUT: the tests on ${name}, for ${otherwise}.`)
  it.skip(`LEFT OUT: the tests on ${name} (${otherwise})`, () => {})
}
