export * as OidcProvider from "./OidcProvider.ts"
export * as UserClaims from "./UserClaims.ts"
