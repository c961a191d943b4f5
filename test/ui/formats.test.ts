import fc from "fast-check";
import { expect, test } from "vitest";
import { formatAmount, parseAmount } from "../../src/ui/amounts.ts";
import { renderFields, renderTable } from "../../src/ui/table.ts";
import { formatBytes, formatDuration, formatHashRate, formatTime, shortHash } from "../../src/ui/units.ts";

test("amounts are coins with up to eight decimals, or satoshis with a suffix", () => {
  expect(parseAmount("1.5")).toBe(150_000_000);
  expect(parseAmount("150000000sat")).toBe(150_000_000);
  expect(parseAmount("0.00000001")).toBe(1);
  expect(parseAmount("20999999.99999999")).toBe(2_099_999_999_999_999);
  expect(parseAmount("1sats")).toBe(1);
});

test.each([
  "",
  "0",
  "0.0",
  "-1",
  "1e3",
  "1,5",
  ".5",
  "1.",
  "0x10",
  "1.123456789",
  "21000001",
  "1.5sat",
  "0sat",
  "١",
  " 1",
  "9".repeat(40),
])("%j is refused as an amount, with the reason", (text) => {
  expect(() => parseAmount(text)).toThrow(/is no amount: ./);
});

test("nine decimals are refused by name", () => {
  expect(() => parseAmount("1.123456789")).toThrow("it has 9 decimals, a coin has 8");
});

test("what is printed of an amount reads back as the same amount", () => {
  expect([150_000_000, 1, 0, -10_000_000].map(formatAmount)).toEqual(["1.50", "0.00000001", "0.00", "-0.10"]);
  fc.assert(fc.property(fc.integer({ min: 1, max: 2_100_000_000_000_000 }), (sats) => parseAmount(formatAmount(sats)) === sats));
});

test("quantities have three digits and a unit", () => {
  expect([0, 999, 12_345_678, 5.65e6].map(formatHashRate)).toEqual(["0 H/s", "999 H/s", "12.3 MH/s", "5.7 MH/s"]);
  expect([0, 1_023, 1_024, 123 * 1_048_576].map(formatBytes)).toEqual(["0 B", "1023 B", "1.0 KiB", "123 MiB"]);
  expect([0.31, 4.2, 3_100, 242_000, 3_600_000 * 3.12, 86_400_000 * 2.2].map(formatDuration)).toEqual([
    "310 us",
    "4.2 ms",
    "3.1 s",
    "4 min 2 s",
    "3 h 7 min",
    "2 d 4 h",
  ]);
  expect(formatTime(1_296_688_602)).toBe("2011-02-02 23:16:42Z");
  expect(shortHash("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206")).toBe("0f9188f1…6e2206");
});

const columns = [
  { title: "NODE", value: (row: { id: string; n: number }) => row.id, mayShrink: true },
  { title: "HEIGHT", value: (row: { id: string; n: number }) => row.n, align: "right" as const },
];

test("a table aligns words left and numbers right", () => {
  const rows = [
    { id: "core0", n: 7 },
    { id: "a-long-name", n: 12_345 },
  ];
  expect(renderTable(columns, rows)).toBe(["NODE         HEIGHT", "core0             7", "a-long-name   12345"].join("\n"));
});

test("a table gives way in its shrinkable columns when the terminal is narrow", () => {
  const rows = [{ id: "a-very-long-name-indeed", n: 1 }];
  expect(renderTable(columns, rows, { width: 20 }).split("\n")[1]).toBe("a-very-long…       1");
  expect(renderTable(columns, rows, { width: 3 }).split("\n")[1]).toBe("a-ver…       1");
});

test("fields stand in two columns", () => {
  expect(
    renderFields([
      ["tip", "ab"],
      ["height", 7],
    ]),
  ).toBe("tip     ab\nheight  7");
});
