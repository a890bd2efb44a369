/**
 * What `ClientConfig` has to know of this machine to find and write its files.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as os from "node:os"
import * as ClientConfig from "../client/ClientConfig.ts"

/**
 * This machine, with its user and the folder the process was started in, and its file system.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ClientConfig.Machine | FileSystem.FileSystem | Path.Path> = Layer.mergeAll(
  Layer.sync(ClientConfig.Machine, () =>
    ClientConfig.Machine.of({
      platform: process.platform === "darwin" || process.platform === "win32" ? process.platform : "linux",
      home: os.homedir(),
      folder: process.cwd()
    })),
  NodeFileSystem.layer,
  NodePath.layer
)
