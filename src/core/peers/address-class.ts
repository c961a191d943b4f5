import { BlockList, isIP } from "node:net";

/** Where an address lies: on this machine, in somebody's own network, or on the internet. */
export type AddressClass = "loopback" | "private" | "public";

const LOOPBACK = listOf([
  ["127.0.0.0", 8, "ipv4"],
  ["::1", 128, "ipv6"],
]);

/** RFC 1918, RFC 6598, link-local, RFC 4193, and what is no place at all. */
const PRIVATE = listOf([
  ["10.0.0.0", 8, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["0.0.0.0", 8, "ipv4"],
  ["224.0.0.0", 3, "ipv4"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
  ["::", 128, "ipv6"],
]);

/** @param address an IP address, IPv4 perhaps in its IPv6 form */
export function classOfAddress(address: string): AddressClass {
  const plain = plainAddress(address);
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  if (LOOPBACK.check(plain, family)) return "loopback";
  return PRIVATE.check(plain, family) ? "private" : "public";
}

/** ::ffff:127.0.0.1 is 127.0.0.1. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

/**
 * Whether a node may be made to connect to `target` by one that sits at `source`: never deeper into our own networks than where
 * the news comes from.
 */
export function mayPointTo(source: AddressClass, target: AddressClass): boolean {
  const depth = { public: 0, private: 1, loopback: 2 };
  return depth[target] <= depth[source];
}

function listOf(ranges: readonly (readonly [string, number, "ipv4" | "ipv6"])[]): BlockList {
  const list = new BlockList();
  for (const [network, bits, family] of ranges) list.addSubnet(network, bits, family);
  return list;
}
