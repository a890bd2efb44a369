/** What the official client asks of an application: it keeps all that it is given, and has somebody at a browser. */
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens
} from "@modelcontextprotocol/client"

export interface Options {
  readonly redirectUri: string
  /** Besides its name and its redirect address. */
  readonly metadata?: Partial<OAuthClientMetadata>
  /** The address of its own description. */
  readonly metadataUrl?: string
  /** What it is known by already; it registers itself otherwise. */
  readonly registered?: StoredOAuthClientInformation | undefined
  /** Logs in there, to what the client is told at its redirect address. */
  readonly visit: (url: URL) => Promise<URLSearchParams>
}

export interface User {
  readonly provider: OAuthClientProvider
  /** What the client was last told at its redirect address. */
  readonly callback: () => URLSearchParams
  readonly clientId: () => string | undefined
  /** Makes the client forget who it is to the authorization server; it keeps its tokens. */
  readonly unregister: () => void
}

export const make = ({ metadata, metadataUrl, redirectUri, registered, visit }: Options): User => {
  let client = registered
  let tokens: StoredOAuthTokens | undefined
  let discovery: OAuthDiscoveryState | undefined
  let verifier: string
  let callback: URLSearchParams
  return {
    provider: {
      redirectUrl: redirectUri,
      clientMetadata: { client_name: "official", redirect_uris: [redirectUri], ...metadata },
      ...(metadataUrl === undefined ? undefined : { clientMetadataUrl: metadataUrl }),
      clientInformation: () => client,
      saveClientInformation: (saved) => {
        client = saved
      },
      tokens: () => tokens,
      saveTokens: (saved) => {
        tokens = saved
      },
      codeVerifier: () => verifier,
      saveCodeVerifier: (saved) => {
        verifier = saved
      },
      discoveryState: () => discovery,
      saveDiscoveryState: (saved) => {
        discovery = saved
      },
      redirectToAuthorization: async (url) => {
        callback = await visit(url)
      }
    },
    callback: () => callback,
    clientId: () => client?.client_id,
    unregister: () => {
      client = undefined
    }
  }
}
