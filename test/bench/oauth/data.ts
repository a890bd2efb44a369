/** What the servers of this folder agree on: one client, one resource, one user who has said yes. */
import { createHash } from "node:crypto"

export const resource = "https://bench.example/mcp"
export const scope = "use"
export const subject = "ann"
export const client = { id: "bench", secret: "a secret of the bench, which is long enough" }
export const redirectUri = "https://app.example/callback"
export const verifier = "v".repeat(43)
export const challenge = createHash("sha256").update(verifier).digest("base64url")

/** Seconds that an access token lasts. */
export const lasts = 300

/** The path that answers with so many codes, as JSON; no other path is the bench's own. */
export const codes = /^\/codes\?count=(\d+)$/
