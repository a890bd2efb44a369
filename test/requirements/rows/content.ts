/** Resources, prompts and completion. */
import { cite, over, type Row, row, stateful, stateless } from "../row.ts"

const resource = { needs: "resources" } as const
const prompt = { needs: "prompts" } as const
const completion = { needs: "completion" } as const
const resources = "server/resources"
const prompts = "server/prompts"

export const content: ReadonlyArray<Row> = [
  row("resources:capability", "MUST", "A server with resources says so.", [
    cite(resources, "MUST declare the resources capability")
  ], resource),
  row("resources:list", "MUST", "resources/list brings each resource with its URI and name.", [
    cite(resources, "MUST respond to resources/list requests", stateless),
    cite(resources, "clients send a resources/list request")
  ], resource),
  row("resources:list:same-for-all", "MUST", "The list is the same on every connection and after any other request.", [
    cite(resources, "MUST NOT vary per-connection")
  ], { ...stateless, ...resource }),
  row("resources:templates", "plain", "resources/templates/list brings each template.", [
    cite(resources, "URI templates")
  ], resource),
  row("resources:uris", "MUST", "Every URI it lists is one by RFC 3986.", [
    cite(resources, "MUST be in accordance with RFC3986", { since: "2025-06-18" }),
    cite(resources, "Unique identifier for the resource", { until: "2025-03-26" })
  ], resource),
  row("resources:read:text", "plain", "Text comes back as it is, under the URI that was asked for.", [
    cite(resources, "clients send a resources/read request")
  ], resource),
  row("resources:read:binary", "MUST", "Bytes come back in base64.", [
    cite(resources, "Binary data MUST be properly encoded")
  ], resource),
  row("resources:read:missing", "MUST", "What is not there is an error with -32602, and no empty list.", [
    cite(resources, "servers MUST return a JSON-RPC error with code -32602"),
    cite(resources, "MUST NOT return an empty contents array")
  ], { ...stateless, ...resource }),
  row("resources:read:missing-legacy", "SHOULD", "What is not there is an error with -32002.", [
    cite(resources, "Resource not found: -32002")
  ], { ...stateful, ...resource }),
  row("resources:read:validates", "MUST", "What is no URI is refused.", [
    cite(resources, "MUST validate all resource URIs")
  ], resource),
  row("resources:read:traversal", "MUST", "A path out of a template's place is refused.", [
    cite(resources, "MUST sanitize file paths", stateless),
    cite(resources, "MUST validate all resource URIs")
  ], resource),
  row("resources:subscribe", "plain", "A client that subscribed to a resource hears of its change.", [
    cite(resources, "supports optional subscriptions to resource changes")
  ], { ...stateful, ...over("memory", "stdio"), needs: "subscribe" }),

  row("prompts:capability", "MUST", "A server with prompts says so.", [
    cite(prompts, "MUST declare the prompts capability")
  ], prompt),
  row("prompts:list", "MUST", "prompts/list brings each prompt with its arguments.", [
    cite(prompts, "MUST respond to prompts/list requests", stateless),
    cite(prompts, "clients send a prompts/list request")
  ], prompt),
  row("prompts:list:same-for-all", "MUST", "The list is the same on every connection and after any other request.", [
    cite(prompts, "MUST NOT vary per-connection")
  ], { ...stateless, ...prompt }),
  row("prompts:get", "plain", "prompts/get brings messages made with the arguments.", [
    cite(prompts, "clients send a prompts/get request")
  ], prompt),
  row("prompts:get:unknown-name", "SHOULD", "A prompt that does not exist is refused with -32602.", [
    cite(prompts, "Invalid prompt name: -32602")
  ], prompt),
  row("prompts:get:validates", "MUST", "Arguments the prompt does not allow never reach it: -32602.", [
    cite(prompts, "MUST carefully validate all prompt inputs"),
    cite(prompts, "Missing required arguments: -32602")
  ], prompt),
  row("prompts:content:image", "MUST", "Images come in base64, with their MIME type.", [
    cite(prompts, "The image data MUST be base64-encoded")
  ], prompt),
  row("prompts:content:audio", "MUST", "Audio comes in base64, with its MIME type.", [
    cite(prompts, "The audio data MUST be base64-encoded")
  ], { since: "2025-03-26", ...prompt }),
  row("prompts:content:resource", "MUST", "An embedded resource has its URI, its MIME type, and text or bytes.", [
    cite(prompts, "MUST include: A valid resource URI"),
    cite(prompts, "MUST include: The appropriate MIME type"),
    cite(prompts, "MUST include: Either text content or base64-encoded")
  ], prompt),

  row("completion:capability", "MUST", "A server that completes says so.", [
    cite("server/utilities/completion", "MUST declare the completions capability")
  ], { since: "2025-03-26", ...completion }),
  row("completion:values", "plain", "completion/complete brings at most 100 values that fit.", [
    cite("server/utilities/completion", "100")
  ], completion),
  row("completion:validates", "MUST", "A reference to nothing, or to no argument of it, is refused with -32602.", [
    cite("server/utilities/completion", "Validate all completion inputs"),
    cite("server/utilities/completion", "Invalid prompt name: -32602", { since: "2025-06-18" })
  ], completion)
]
