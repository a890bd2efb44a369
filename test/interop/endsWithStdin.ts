/** Preloaded into a server that is started for tests: whoever started it is gone when its stdin ends, however it went. */
process.stdin.resume().on("end", () => process.exit(99))
