/**
 * What is kept for somebody who has a secret, so that nobody else can read it, whoever reads the store: the key is made
 * of the secret, and the store knows no more than its hash.
 */
import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto"

const algorithm = "aes-256-gcm"
const [nonceBytes, tagBytes] = [12, 16]

const keyOf = (secret: string): Buffer => hash("sha256", `seal ${secret}`, "buffer")

export const seal = (secret: string, text: string): string => {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, keyOf(secret), nonce)
  return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64url")
}

/** Undefined of what has been sealed with another secret. */
export const open = (secret: string, sealed: string): string | undefined => {
  const bytes = Buffer.from(sealed, "base64url")
  try {
    const decipher = createDecipheriv(algorithm, keyOf(secret), bytes.subarray(0, nonceBytes))
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, "utf8") + decipher.final("utf8")
  } catch {
    return undefined
  }
}
