/**
 * The servers some tests need. Where one does not answer, its tests are left out with a word on stderr; with `CI` set
 * they fail.
 */
import * as Net from "node:net"
import { assert, it } from "vitest"

export interface Service {
  readonly name: string
  readonly url: string
  readonly answers: boolean
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
  return { name, url, answers }
}

export const postgres = await probe("Postgres", "DATABASE_URL", "postgres://postgres@127.0.0.1:5432/test")

export const redis = await probe("Redis", "REDIS_URL", "redis://127.0.0.1:6379")

export const needing = ({ answers, name, url }: Service, tests: () => void): void => {
  if (answers) return tests()
  const reason = `${name} does not answer at ${new URL(url).host}`
  if (process.env["CI"]) return void it(`${name} answers`, () => assert.fail(reason))
  console.warn(`LEFT OUT: the tests on ${name}, for ${reason}.`)
  it.skip(`LEFT OUT: the tests on ${name} (${reason})`, () => {})
}
