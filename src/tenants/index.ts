export * as Tenants from "./Tenants.ts"
