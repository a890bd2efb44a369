/**
 * Whether an IP address is one of the public internet, by IANA's registries of special-purpose addresses. Addresses
 * that carry another (IPv4-mapped, NAT64, 6to4, Teredo) are none: what they lead to cannot be told from here.
 */

/** Of an address as it stands in a URL or comes from a resolver; false for what is none. @category guards @since 0.1.0 */
export const isPublic = (address: string): boolean => {
  const v4 = parseV4(address)
  if (v4 !== undefined) return !specialV4.some((range) => contains(range, v4))
  const v6 = parseV6(address)
  return v6 !== undefined && contains(globalV6, v6) && !specialV6.some((range) => contains(range, v6))
}

/** `127.0.0.0/8` and `::1`. @category guards @since 0.1.0 */
export const isLoopback = (address: string): boolean => {
  const v4 = parseV4(address)
  if (v4 !== undefined) return contains(loopbackV4, v4)
  const v6 = parseV6(address)
  return v6 !== undefined && contains(loopbackV6, v6)
}

/** Whether it is an address and no name. @category guards @since 0.1.0 */
export const isAddress = (text: string): boolean => parseV4(text) !== undefined || parseV6(text) !== undefined

/**
 * What one subscriber has, for limits: the address of IPv4, the first 64 bits of IPv6, of which anybody has the rest.
 *
 * @category constructors
 * @since 0.1.0
 */
export const networkOf = (address: string): string => {
  const v6 = address.includes(":") ? parseV6(address) : undefined
  if (v6 === undefined) return address
  const isMapped = v6 >> 32n === 0xffffn
  const kept = isMapped ? v6 & 0xffffffffn : v6 >> 64n
  const groups = Array.from({ length: 4 }, (_, index) => kept >> BigInt((3 - index) * (isMapped ? 8 : 16)))
  return isMapped
    ? groups.map((group) => String(group & 0xffn)).join(".")
    : `${groups.map((group) => (group & 0xffffn).toString(16)).join(":")}::/64`
}

interface Range {
  readonly prefix: bigint
  /** Bits that are not compared. */
  readonly free: bigint
}

const contains = ({ free, prefix }: Range, address: bigint): boolean => address >> free === prefix >> free

/** Four decimal numbers; the other ways to write one are undone by URLs and resolvers, and are no addresses here. */
const parseV4 = (text: string): bigint | undefined => {
  const parts = text.split(".")
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/u.test(part) && Number(part) < 256)) {
    return undefined
  }
  return parts.reduce((address, part) => address << 8n | BigInt(part), 0n)
}

const parseV6 = (text: string): bigint | undefined => {
  // A zone says which network a link-local address is of.
  const [address = "", zone] = text.replace(/^\[|\]$/gu, "").split("%")
  if (zone === "" || !address.includes(":")) return undefined
  const tail = /^(.*:)([^:]*\.[^:]*)$/u.exec(address)
  const v4 = tail === null ? undefined : parseV4(tail[2]!)
  if (tail !== null && v4 === undefined) return undefined
  const halves = (v4 === undefined ? address : `${tail![1]}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`)
    .split("::")
  if (halves.length > 2) return undefined
  const [head = [], rest] = halves.map((half) => half === "" ? [] : half.split(":"))
  const given = head.length + (rest?.length ?? 0)
  if (rest === undefined ? given !== 8 : given > 7) return undefined
  const groups = [...head, ...Array.from({ length: 8 - given }, () => "0"), ...rest ?? []]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/iu.test(group))) return undefined
  return groups.reduce((whole, group) => whole << 16n | BigInt(`0x${group}`), 0n)
}

const v4 = (text: string): Range => {
  const [address, bits] = text.split("/")
  return { prefix: parseV4(address!)!, free: 32n - BigInt(bits!) }
}

const v6 = (text: string): Range => {
  const [address, bits] = text.split("/")
  return { prefix: parseV6(address!)!, free: 128n - BigInt(bits!) }
}

const loopbackV4 = v4("127.0.0.0/8")

const loopbackV6 = v6("::1/128")

const specialV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3"
].map(v4)

/** What has been given out of IPv6; all else is for special use, or for nobody yet. */
const globalV6 = v6("2000::/3")

const specialV6 = [
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "2620:4f:8000::/48",
  "3fff::/20"
].map(v6)
