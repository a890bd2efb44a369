import { assert, it } from "@effect/vitest"
import * as NetworkAddress from "fastmcp-effect/oauth/NetworkAddress"

it("addresses of the internet are public", () => {
  for (
    const address of [
      "1.1.1.1",
      "8.8.8.8",
      "9.255.255.255",
      "11.0.0.0",
      "126.255.255.255",
      "128.0.0.1",
      "172.15.255.255",
      "172.32.0.0",
      "192.167.255.255",
      "192.169.0.0",
      "223.255.255.255",
      "2606:4700:4700::1111",
      "2a00:1450:4001:830::200e",
      "[2606:4700::1]"
    ]
  ) assert.isTrue(NetworkAddress.isPublic(address), address)
})

it("addresses for special use are not, nor is what carries another address, nor what is none", () => {
  for (
    const address of [
      "0.0.0.0",
      "0.1.2.3",
      "10.0.0.1",
      "100.64.0.1",
      "100.127.255.255",
      "127.0.0.1",
      "127.255.255.254",
      "169.254.169.254",
      "172.16.0.1",
      "172.31.255.255",
      "192.0.0.192",
      "192.0.2.1",
      "192.88.99.1",
      "192.168.1.1",
      "198.18.0.1",
      "198.19.255.255",
      "198.51.100.1",
      "203.0.113.1",
      "224.0.0.1",
      "239.255.255.255",
      "240.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "::127.0.0.1",
      "::ffff:127.0.0.1",
      "::ffff:8.8.8.8",
      "::ffff:7f00:1",
      "::ffff:0:127.0.0.1",
      "64:ff9b::7f00:1",
      "64:ff9b:1::1",
      "100::1",
      "2001::1",
      "2001:db8::1",
      "2001:10::1",
      "2002:7f00:1::",
      "3fff::1",
      "4000::1",
      "5f00::1",
      "fc00::1",
      "fd12:3456::1",
      "fe80::1",
      "fe80::1%eth0",
      "fec0::1",
      "ff02::1",
      "localhost",
      "acme.example",
      "",
      "1.1.1",
      "01.1.1.1",
      "1.1.1.256",
      "0x7f.1",
      "2606:4700::1::2",
      "2606:4700",
      "2606:4700::g"
    ]
  ) assert.isFalse(NetworkAddress.isPublic(address), address)
})

it("an address of this machine is told from others", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "0:0:0:0:0:0:0:1"]) {
    assert.isTrue(NetworkAddress.isLoopback(address), address)
  }
  for (const address of ["128.0.0.1", "::2", "::ffff:127.0.0.1", "localhost", "127.0.0.1.evil.example"]) {
    assert.isFalse(NetworkAddress.isLoopback(address), address)
  }
})

it("what one subscriber has is one network", () => {
  for (
    const [address, network] of [
      ["192.0.2.1", "192.0.2.1"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
      ["2001:DB8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"],
      ["fe80::1%eth0", "fe80:0:0:0::/64"],
      ["::1", "0:0:0:0::/64"],
      ["somewhere", "somewhere"]
    ] as const
  ) assert.strictEqual(NetworkAddress.networkOf(address), network)
})
