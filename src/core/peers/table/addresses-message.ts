import { isIP } from "node:net";
import { DecodeError } from "../../encoding/reader.ts";
import { type AddressClass, classOfAddress, mayPointTo } from "../address-class.ts";
import { ADDRESSES_MAX } from "../messages.ts";
import { parsePeerUrl } from "../peer-url.ts";

/* get-addresses is answered with a JSON list of URLs. Only addresses travel, no names: a name is looked up by whoever uses it. */

export function encodeAddresses(urls: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify(urls.slice(0, ADDRESSES_MAX)));
}

/** Those that may be dialled on this source's word. @throws DecodeError */
export function decodeAddresses(body: Uint8Array, source: AddressClass): readonly string[] {
  let list: unknown;
  try {
    list = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    throw new DecodeError("addresses", 0, "a list of addresses that is no JSON");
  }
  if (!Array.isArray(list) || list.length > ADDRESSES_MAX)
    throw new DecodeError("addresses", 0, "no list of addresses, or one too long");
  return list.flatMap((item: unknown) => (typeof item === "string" && item.length <= 300 ? usable(item, source) : []));
}

/** What may be told to a node at `target`: nothing of our own network to somebody outside it. */
export function tellable(url: string, target: AddressClass): boolean {
  const { host } = parsePeerUrl(url);
  return isIP(host) !== 0 && mayPointTo(target, classOfAddress(host));
}

function usable(text: string, source: AddressClass): readonly string[] {
  try {
    const { host, text: url } = parsePeerUrl(text);
    return isIP(host) !== 0 && mayPointTo(source, classOfAddress(host)) ? [url] : [];
  } catch {
    return [];
  }
}
