import { defineConfig } from "vitest/config"

export default defineConfig({
  // Tests import `fastmcp-effect/...` as a user does and get src. (`resolve.conditions` has no say for tests in Node.)
  ssr: { resolve: { conditions: ["fastmcp-effect/source", "module", "node", "development|production"] } },
  test: {
    alias: [{ find: /^@effect\/vitest$/, replacement: `${import.meta.dirname}/test/support/effectVitest.ts` }],
    setupFiles: ["test/support/leaks.ts"],
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // One would be left out of two, for whoever watches.
    maxWorkers: "100%",
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 5_000,
    typecheck: {
      enabled: true,
      include: ["test/types/**/*.test-d.ts"],
      tsconfig: "test/types/tsconfig.json",
      ignoreSourceErrors: true
    }
  }
})
