/** Bytes that a length takes in Bitcoin's variable form: 1, 3, 5 or 9. */
export function compactSizeLength(value: number): number {
  return value < 0xfd ? 1 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9;
}
