/** What a server at `/mcp` and its authorization server, both of one origin, say of themselves; of the rest nothing. */
export const documentAt = (origin: string, pathname: string): unknown => {
  switch (pathname) {
    case "/.well-known/oauth-protected-resource/mcp":
      return { resource: `${origin}/mcp`, authorization_servers: [origin] }
    case "/.well-known/oauth-authorization-server":
      return {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        registration_endpoint: `${origin}/register`,
        code_challenge_methods_supported: ["S256"]
      }
    default:
      return undefined
  }
}
