/**
 * `oidc-provider` on SQLite: the adapter of its documentation, synchronous and on prepared statements.
 * Usage: oidc-provider PORT FILE
 */
import { exportJWK, generateKeyPair } from "jose"
import { createServer } from "node:http"
import { DatabaseSync } from "node:sqlite"
// @ts-expect-error: the package has no types
import { Provider } from "oidc-provider"
import { challenge, client, codes, lasts, redirectUri, resource, scope, subject } from "./data.ts"

const [, , port, file] = process.argv

const database = new DatabaseSync(file!)
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = normal;
  CREATE TABLE artifacts (
    model TEXT NOT NULL,
    id TEXT NOT NULL,
    payload TEXT NOT NULL,
    grant_id TEXT,
    consumed_at INTEGER,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (model, id)
  );
  CREATE INDEX artifacts_by_grant ON artifacts (grant_id);
  CREATE INDEX artifacts_by_end ON artifacts (expires_at)`)

const upsert = database.prepare(`
  INSERT INTO artifacts (model, id, payload, grant_id, expires_at) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (model, id) DO UPDATE SET
    payload = excluded.payload, grant_id = excluded.grant_id, expires_at = excluded.expires_at`)
const find = database.prepare(
  "SELECT payload, consumed_at FROM artifacts WHERE model = ? AND id = ? AND expires_at > ?"
)
const consume = database.prepare("UPDATE artifacts SET consumed_at = ? WHERE model = ? AND id = ?")
const destroy = database.prepare("DELETE FROM artifacts WHERE model = ? AND id = ?")
const revoke = database.prepare("DELETE FROM artifacts WHERE grant_id = ?")

const seconds = () => Math.floor(Date.now() / 1000)

const adapter = (model: string) => ({
  upsert: async (id: string, payload: { readonly grantId?: string }, expiresIn: number) =>
    void upsert.run(model, id, JSON.stringify(payload), payload.grantId ?? null, seconds() + expiresIn),
  find: async (id: string) => {
    const row = find.get(model, id, seconds())
    if (row === undefined) return undefined
    const payload = JSON.parse(String(row.payload))
    return row.consumed_at === null ? payload : { ...payload, consumed: row.consumed_at }
  },
  consume: async (id: string) => void consume.run(seconds(), model, id),
  destroy: async (id: string) => void destroy.run(model, id),
  revokeByGrantId: async (grantId: string) => void revoke.run(grantId)
})

const { privateKey } = await generateKeyPair("ES256", { extractable: true })

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter,
  jwks: { keys: [{ ...await exportJWK(privateKey), alg: "ES256", use: "sig" }] },
  cookies: { keys: ["of the bench"] },
  clientDefaults: { id_token_signed_response_alg: "ES256" },
  clients: [{
    client_id: client.id,
    client_secret: client.secret,
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token", "client_credentials"],
    response_types: ["code"]
  }],
  scopes: [],
  responseTypes: ["code"],
  pkce: { required: () => true },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope,
        audience: resource,
        accessTokenTTL: lasts,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } }
      })
    },
    userinfo: { enabled: false }
  },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  expiresWithSession: () => false,
  ttl: { AccessToken: lasts, AuthorizationCode: 60, ClientCredentials: lasts, Grant: 86_400, RefreshToken: 86_400 },
  findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) })
})
provider.silent = true
const handle = provider.callback()

const makeCode = async (): Promise<string> => {
  const of = { accountId: subject, client: await provider.Client.find(client.id), clientId: client.id }
  const grant = new provider.Grant(of)
  grant.addResourceScope(resource, scope)
  return new provider.AuthorizationCode({
    ...of,
    grantId: await grant.save(),
    authTime: seconds(),
    codeChallenge: challenge,
    codeChallengeMethod: "S256",
    redirectUri,
    resource,
    scope
  }).save()
}

createServer(async (request, response) => {
  const count = codes.exec(request.url!)?.[1]
  if (count === undefined) return handle(request, response)
  const made: Array<string> = []
  while (made.length < Number(count)) made.push(await makeCode())
  const out = JSON.stringify(made)
  response.writeHead(200, { "content-type": "application/json", "content-length": out.length }).end(out)
}).listen(Number(port), "127.0.0.1")
