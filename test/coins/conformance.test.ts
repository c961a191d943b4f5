import { CoinTable } from "../../src/core/coins/table.ts";
import { conformance } from "./conformance.ts";
import { MapCoins } from "./support/map-coins.ts";

conformance("the shared-memory table", () => CoinTable.create({ clock: { monotonicMs: () => 0 } }));
conformance("the oracle of plain maps", () => new MapCoins());
