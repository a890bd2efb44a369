export * as Mount from "./Mount.ts"
export * as Proxy from "./Proxy.ts"
export * as ProxyError from "./ProxyError.ts"
