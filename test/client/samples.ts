/** Files as hosts and their documentation have them. */

export const claudeDesktop = `{
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "C:\\\\Users\\\\ada\\\\Desktop"],
      "env": { "APPDATA": "C:\\\\Users\\\\ada\\\\AppData\\\\Roaming\\\\" }
    }
  },
  "globalShortcut": "Ctrl+Space"
}
`

export const claudeCodeUser = `{
  "numStartups": 12,
  "mcpServers": {
    "sentry": { "type": "http", "url": "https://mcp.sentry.dev/mcp" }
  },
  "projects": {
    "/home/ada/empty": { "mcpServers": {}, "allowedTools": [] },
    "/home/ada/shop": {
      "allowedTools": [],
      "mcpServers": {
        "stripe": { "type": "http", "url": "https://mcp.stripe.com" },
        "sentry": { "type": "stdio", "command": "sentry-mcp" }
      }
    }
  }
}
`

export const claudeCodeProject = `{
  "mcpServers": {
    "api": {
      "type": "sse",
      "url": "\${API_BASE_URL:-https://api.example.com}/mcp",
      "headers": { "Authorization": "Bearer \${API_KEY}" }
    },
    "paypal": {
      "type": "http",
      "url": "https://mcp.paypal.com/mcp",
      "oauth": { "clientId": "c", "callbackPort": 8080 }
    },
    "events": { "type": "ws", "url": "wss://mcp.example.com/socket" },
    "db": { "command": "npx", "args": ["-y", "@bytebase/dbhub"], "env": { "DB": "\${DB}" } }
  }
}
`

export const cursor = `{
  "mcpServers": {
    "local": {
      "type": "stdio",
      "command": "python",
      "args": ["\${workspaceFolder}/tools/mcp_server.py"],
      "env": { "API_KEY": "\${env:API_KEY}" },
      "envFile": "\${workspaceFolder}/.env"
    },
    "remote": {
      "url": "https://api.example.com/mcp",
      "headers": { "Authorization": "Bearer \${env:TOKEN}" }
    },
    "old": { "url": "https://api.example.com/sse" }
  }
}
`

export const windsurf = `{
  "mcpServers": {
    "figma": {
      "serverUrl": "https://figma.example/mcp",
      "headers": { "API_KEY": "Bearer \${env:AUTH_TOKEN}" }
    },
    "github": { "command": "docker", "args": ["run", "-i"], "disabled": true, "disabledTools": ["a"] }
  }
}
`

export const vscode = `{
    // Asked for when the server starts
    "inputs": [
        {
            "type": "promptString",
            "id": "perplexity-key",
            "description": "Perplexity API Key",
            "password": true
        }
    ],
    "servers": {
        "perplexity": {
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "server-perplexity-ask"],
            "env": { "KEY": "\${input:perplexity-key}" },
            "dev": { "watch": "src/**/*.ts" },
        },
        "context7": { "type": "http", "url": "https://mcp.context7.com/mcp" },
    },
}
`

export const codex = `model = "gpt-5"

[mcp_servers.docs]
command = "npx"
args = ["-y", "docs-server"] # all of them
env_vars = ["TOKEN", { name = "HOME", source = "local" }]
cwd = "/srv"
startup_timeout_sec = 20

[mcp_servers.docs.env]
LOG = "info"

[mcp_servers.figma]
url = "https://mcp.figma.com/mcp"
bearer_token_env_var = "FIGMA_TOKEN"
http_headers = { "X-Region" = "eu" }
env_http_headers = { "X-User" = "FIGMA_USER" }
enabled = false
`

export const gemini = `{
  "theme": "GitHub",
  "mcpServers": {
    "github": {
      "httpUrl": "https://api.githubcopilot.com/mcp/",
      "headers": { "Authorization": "$TOKEN" },
      "timeout": 5000
    },
    "older": { "url": "http://localhost:8080/events" },
    "python": { "command": "python", "args": ["-m", "my_server"], "cwd": "./server", "trust": false }
  }
}
`

export const cline = `{
  "mcpServers": {
    "local": { "command": "node", "args": ["/x.js"], "alwaysAllow": ["a"], "disabled": true },
    "older": { "url": "https://example.com/events" },
    "newer": { "type": "streamableHttp", "url": "https://example.com/mcp" }
  }
}
`

/** One server a line, each wrong in its own way but two. */
export const broken = String.raw`{
  "mcpServers": {
    "good": { "command": "npx" },
    "text": "npx",
    "empty": {},
    "blank": { "command": " " },
    "list": { "command": ["npx", "-y"] },
    "args": { "command": "x", "args": ["-p", 3000] },
    "args2": { "command": "x", "args": "-y" },
    "env": { "command": "x", "env": { "PORT": 3000, "DEBUG": true } },
    "env2": { "command": "x", "env": { "A=B": "1" } },
    "env3": { "command": "x", "env": { "__proto__": "1" } },
    "scheme": { "url": "example.com/mcp" },
    "ftp": { "url": "ftp://example.com" },
    "host": { "url": "https://" },
    "header": { "url": "https://example.com", "headers": { "X Y": "1" } },
    "inject": { "url": "https://example.com", "headers": { "X": "a\r\nb: c" } },
    "kind": { "type": "grpc", "url": "https://example.com" },
    "both": { "command": "x", "url": "https://example.com" },
    "no-url": { "type": "http", "command": "x" },
    "no-command": { "type": "stdio", "url": "https://example.com" },
    "disabled": { "command": "x", "disabled": "true" },
    "twice-in": { "command": "x", "command": "y" },
    "__proto__": { "command": "x" },
    "": { "command": "x" },
    "last": { "command": "x" },
    "last": { "command": "y" }
  }
}
`

export const codexProblem =
  `The server "figma" cannot be used: env_http_headers needs the environment variable FIGMA_USER, which is not set or empty; set it; bearer_token_env_var needs the environment variable FIGMA_TOKEN, which is not set or empty; set it`

/** What each host gets for the same servers, or why it gets nothing. */
export const written: { readonly [host: string]: { readonly [name: string]: string } } = {
  "claude-code": {
    "program": `{"command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"command":"x"}`,
    "http": `{"type":"http","url":"https://example.com/mcp","headers":{"Authorization":"Bearer \${T}"}}`,
    "http at /sse": `{"type":"http","url":"https://example.com/sse"}`,
    "off": `{"type":"http","url":"https://example.com/mcp","disabled":true}`,
    "sse": `{"type":"sse","url":"https://example.com/events"}`,
    "websocket": `{"type":"ws","url":"wss://example.com"}`
  },
  "claude-desktop": {
    "program": `{"command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"command":"x"}`,
    "http":
      `The server "http" cannot be written: Claude Desktop starts programs only; run a bridge such as "npx mcp-remote https://example.com/mcp", or add it in its settings`,
    "http at /sse":
      `The server "http at /sse" cannot be written: Claude Desktop starts programs only; run a bridge such as "npx mcp-remote https://example.com/sse", or add it in its settings`,
    "off":
      `The server "off" cannot be written: Claude Desktop starts programs only; run a bridge such as "npx mcp-remote https://example.com/mcp", or add it in its settings`,
    "sse":
      `The server "sse" cannot be written: Claude Desktop starts programs only; run a bridge such as "npx mcp-remote https://example.com/events", or add it in its settings`,
    "websocket":
      `The server "websocket" cannot be written: Claude Desktop starts programs only; run a bridge such as "npx mcp-remote wss://example.com", or add it in its settings`
  },
  "cline": {
    "program": `{"command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"command":"x"}`,
    "http": `{"type":"streamableHttp","url":"https://example.com/mcp","headers":{"Authorization":"Bearer \${T}"}}`,
    "http at /sse": `{"type":"streamableHttp","url":"https://example.com/sse"}`,
    "off": `{"type":"streamableHttp","url":"https://example.com/mcp","disabled":true}`,
    "sse": `{"type":"sse","url":"https://example.com/events"}`,
    "websocket": `The server "websocket" cannot be written: Cline has no websocket servers, only stdio, http, sse`
  },
  "codex": {
    "program":
      `[mcp_servers.program]\ncommand = "npx"\nargs = ["-y", "x"]\nenv = { A = "1" }\ncwd = "/srv"\ntimeout = 5\n`,
    "bare": `[mcp_servers.bare]\ncommand = "x"\n`,
    "http": `[mcp_servers.http]\nurl = "https://example.com/mcp"\nhttp_headers = { Authorization = "Bearer \${T}" }\n`,
    "http at /sse": `[mcp_servers."http at /sse"]\nurl = "https://example.com/sse"\n`,
    "off": `[mcp_servers.off]\nurl = "https://example.com/mcp"\nenabled = false\n`,
    "sse": `The server "sse" cannot be written: Codex has no sse servers, only stdio, http`,
    "websocket": `The server "websocket" cannot be written: Codex has no websocket servers, only stdio, http`
  },
  "copilot": {
    "program": `{"type":"local","command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"type":"local","command":"x"}`,
    "http": `{"type":"http","url":"https://example.com/mcp","headers":{"Authorization":"Bearer \${T}"}}`,
    "http at /sse": `{"type":"http","url":"https://example.com/sse"}`,
    "off": `{"type":"http","url":"https://example.com/mcp","disabled":true}`,
    "sse": `{"type":"sse","url":"https://example.com/events"}`,
    "websocket": `The server "websocket" cannot be written: Copilot CLI has no websocket servers, only stdio, http, sse`
  },
  "cursor": {
    "program": `{"command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"command":"x"}`,
    "http": `{"url":"https://example.com/mcp","headers":{"Authorization":"Bearer \${T}"}}`,
    "http at /sse": `{"type":"http","url":"https://example.com/sse"}`,
    "off": `{"url":"https://example.com/mcp","disabled":true}`,
    "sse": `{"type":"sse","url":"https://example.com/events"}`,
    "websocket": `The server "websocket" cannot be written: Cursor has no websocket servers, only stdio, http, sse`
  },
  "gemini": {
    "program": `{"command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"command":"x"}`,
    "http": `{"httpUrl":"https://example.com/mcp","headers":{"Authorization":"Bearer \${T}"}}`,
    "http at /sse": `{"httpUrl":"https://example.com/sse"}`,
    "off": `{"httpUrl":"https://example.com/mcp","disabled":true}`,
    "sse": `{"url":"https://example.com/events"}`,
    "websocket": `The server "websocket" cannot be written: Gemini CLI has no websocket servers, only stdio, http, sse`
  },
  "mcp": {
    "program": `{"command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"command":"x"}`,
    "http": `{"type":"http","url":"https://example.com/mcp","headers":{"Authorization":"Bearer \${T}"}}`,
    "http at /sse": `{"type":"http","url":"https://example.com/sse"}`,
    "off": `{"type":"http","url":"https://example.com/mcp","disabled":true}`,
    "sse": `{"type":"sse","url":"https://example.com/events"}`,
    "websocket": `{"type":"ws","url":"wss://example.com"}`
  },
  "vscode": {
    "program": `{"type":"stdio","command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"type":"stdio","command":"x"}`,
    "http": `{"type":"http","url":"https://example.com/mcp","headers":{"Authorization":"Bearer \${T}"}}`,
    "http at /sse": `{"type":"http","url":"https://example.com/sse"}`,
    "off": `{"type":"http","url":"https://example.com/mcp","disabled":true}`,
    "sse": `{"type":"sse","url":"https://example.com/events"}`,
    "websocket": `The server "websocket" cannot be written: VS Code has no websocket servers, only stdio, http, sse`
  },
  "windsurf": {
    "program": `{"command":"npx","args":["-y","x"],"env":{"A":"1"},"cwd":"/srv","timeout":5}`,
    "bare": `{"command":"x"}`,
    "http": `{"serverUrl":"https://example.com/mcp","headers":{"Authorization":"Bearer \${T}"}}`,
    "http at /sse": `{"type":"http","serverUrl":"https://example.com/sse"}`,
    "off": `{"serverUrl":"https://example.com/mcp","disabled":true}`,
    "sse": `{"type":"sse","serverUrl":"https://example.com/events"}`,
    "websocket": `The server "websocket" cannot be written: Windsurf has no websocket servers, only stdio, http, sse`
  }
}
