import { assert, describe, it } from "vitest"
import { missing, readLock } from "../../.ci/lock.ts"
import { packageJson } from "./modules.ts"

describe("package-lock.json", () => {
  const lock = readLock()

  it("names the binaries of every platform, as npm ci demands", () =>
    assert.deepStrictEqual(missing(lock), {}, "run `npm run generate`"))

  it("names no registry", () => assert.notInclude(JSON.stringify(lock), "\"resolved\""))

  it("is in step with package.json", () => {
    const { devDependencies, peerDependencies, version } = packageJson()
    assert.deepInclude(lock.packages[""], { version, devDependencies, peerDependencies })
  })

  it("pins Effect to the one version everything is measured with", () => {
    for (const name of ["effect", "@effect/platform-node"]) {
      assert.strictEqual(packageJson().peerDependencies[name], "~4.1.0")
      assert.strictEqual(packageJson().devDependencies[name], "4.1.0")
      assert.strictEqual(lock.packages[`node_modules/${name}`]?.version, "4.1.0")
    }
  })

  it("is completed beside the package that wants another version than the top one", () => {
    const bundler = (version: string) => ({
      version,
      dev: true,
      optionalDependencies: { "@b/darwin-arm64": version, "@b/linux-x64-musl": version, "fsevents": "~2.3.0" }
    })
    const musl = { cpu: ["x64"], dev: true, libc: ["musl"], optional: true, os: ["linux"] }
    assert.deepStrictEqual(
      missing({
        packages: {
          "": {},
          "node_modules/b": bundler("2.0.0"),
          "node_modules/v/node_modules/b": bundler("1.0.0"),
          "node_modules/@b/darwin-arm64": { version: "2.0.0" },
          "node_modules/v/node_modules/@b/darwin-arm64": { version: "1.0.0" }
        }
      }),
      {
        "node_modules/@b/linux-x64-musl": { version: "2.0.0", ...musl },
        "node_modules/v/node_modules/@b/linux-x64-musl": { version: "1.0.0", ...musl }
      }
    )
  })
})
