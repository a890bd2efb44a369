/** Secrets of an authorization server by `node:crypto`. */
import * as Layer from "effect/Layer"
import * as Crypto from "node:crypto"
import * as AuthorizationServer from "../../oauth/server/AuthorizationServer.ts"

/** A few random bytes take as long to get as many. Each is given out once, and not kept. */
const random = (): (size: number) => string => {
  const bytes = Buffer.alloc(4096)
  let next = bytes.length
  return (size) => {
    if (next + size > bytes.length) {
      Crypto.randomFillSync(bytes)
      next = 0
    }
    const [from, to] = [next, next += size]
    const text = bytes.toString("base64url", from, to)
    bytes.fill(0, from, to)
    return text
  }
}

export const layer: Layer.Layer<never> = Layer.sync(AuthorizationServer.HostSecrets, () => ({
  random: random(),
  hash: (text) => Crypto.hash("sha256", text, "base64url")
}))
