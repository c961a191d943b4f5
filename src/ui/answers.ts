/** How the node's answers look on a terminal: fields and columns, no logic. */
import type {
  AccountAnswer,
  BlockAnswer,
  ChainInfo,
  CoinAnswer,
  MempoolAnswer,
  NodeStatus,
  TransactionAnswer,
} from "../core/client/index.ts";
import { formatAmount } from "./amounts.ts";
import type { Column } from "./table.ts";
import { formatBytes, formatDuration, formatHashRate, formatTime } from "./units.ts";

type Fields = readonly (readonly [string, string | number])[];

export const nodeStatusFields = (status: NodeStatus): Fields => [
  ["node", `${status.node} of session ${status.session} (${status.network})`],
  ["process", `${status.pid}, up ${formatDuration(Date.now() - status.startedAt * 1_000)}`],
  ["api", status.urls.api ?? "none"],
  ["p2p", status.urls.p2p ?? "none"],
  ["socket", status.socket],
  ["folder", status.folder],
  ["height", status.height],
  ["tip", status.tip],
  ["peers", status.peers],
  ["mempool", `${status.mempool.transactions} transactions, ${formatBytes(status.mempool.bytes)}`],
  ["mining", `${status.mining.miners} miners, ${formatHashRate(status.mining.hashesPerSecond)}`],
  ...stratumField(status),
  ["memory", `${formatBytes(status.memory.rssBytes)}, heap ${formatBytes(status.memory.heapBytes)}`],
  ["engines", `signatures ${status.signatureEngine}, mining ${status.kernel ?? "by no thread of this process"}`],
];

/** Only where there is such a port. */
function stratumField({ stratum }: NodeStatus): Fields {
  if (stratum === null) return [];
  const { accepted, rejected, blocks } = stratum.shares;
  return [
    [
      "stratum",
      `${stratum.address}, ${stratum.miners} miners, shares ${accepted} accepted, ${rejected} rejected, ${blocks} blocks`,
    ],
  ];
}

export const chainInfoFields = (info: ChainInfo): Fields => [
  ["network", info.network],
  ["height", info.height],
  ["tip", info.tip],
  ["time", `${formatTime(info.time)} (median ${formatTime(info.medianTime)})`],
  ["bits", `${info.bits}, difficulty ${info.difficulty.toPrecision(4)}`],
  ["chainwork", info.chainwork.replace(/^0+(?=.)/, "")],
  ["coins", info.coins],
  ["disk", formatBytes(info.bytesOnDisk)],
  ...info.tips
    .filter((tip) => tip.branchLength > 0)
    .map((tip) => ["branch", `${tip.hash} at ${tip.height}, ${tip.branchLength} blocks, ${tip.status}`] as const),
];

export const blockFields = (block: BlockAnswer): Fields => [
  ["hash", block.hash],
  ["height", `${block.height}, ${block.confirmations} confirmations`],
  ["previous", block.previous ?? "none"],
  ["next", block.next ?? "none"],
  ["time", formatTime(block.time)],
  ["bits", `${block.bits}, nonce ${block.nonce}, version ${block.version}`],
  ["merkle root", block.merkleRoot],
  ["size", `${block.size} bytes, weight ${block.weight}`],
  ["transactions", block.transactions.length],
];

export const transactionFields = (tx: TransactionAnswer): Fields => [
  ["txid", tx.txid],
  ["state", tx.block ? `in block ${tx.block.height}, ${tx.block.confirmations} confirmations` : "waits in the pool"],
  ["size", `${tx.size} bytes, ${tx.vsize} virtual`],
  ["inputs", tx.inputs.map((input) => (input.coinbase ? "coinbase" : `${input.txid}:${input.vout}`)).join("\n        ")],
];

export const outputColumns: readonly Column<TransactionAnswer["outputs"][number]>[] = [
  { title: "AMOUNT", value: (output) => formatAmount(output.valueSats), align: "right" },
  { title: "TO", value: (output) => output.address ?? output.script, mayShrink: true },
];

export const coinColumns: readonly Column<CoinAnswer>[] = [
  { title: "AMOUNT", value: (coin) => formatAmount(coin.valueSats), align: "right" },
  { title: "HEIGHT", value: (coin) => coin.height, align: "right" },
  { title: "KIND", value: (coin) => (coin.coinbase ? "coinbase" : "payment") },
  { title: "OUTPOINT", value: (coin) => `${coin.txid}:${coin.vout}`, mayShrink: true },
];

export const accountColumns: readonly Column<AccountAnswer>[] = [
  { title: "ACCOUNT", value: (account) => account.index, align: "right" },
  { title: "SPENDABLE", value: (account) => formatAmount(account.spendableSats), align: "right" },
  { title: "IMMATURE", value: (account) => formatAmount(account.immatureSats), align: "right" },
  { title: "PENDING", value: (account) => formatAmount(account.pendingSats), align: "right" },
  { title: "ADDRESS", value: (account) => account.address, mayShrink: true },
];

export const mempoolFields = (pool: MempoolAnswer): Fields => [
  ["transactions", pool.transactions],
  ["bytes", `${formatBytes(pool.bytes)} of ${formatBytes(pool.bytesMax)}`],
  ["fees", formatAmount(pool.feesSats)],
  ["fee rate from", `${pool.feeRateMin / 1_000} sat/vB`],
];

export const mempoolColumns: readonly Column<MempoolAnswer["entries"][number]>[] = [
  { title: "SAT/VB", value: (entry) => (entry.feeSats / entry.vsize).toFixed(1), align: "right" },
  { title: "VSIZE", value: (entry) => entry.vsize, align: "right" },
  { title: "FEE", value: (entry) => formatAmount(entry.feeSats), align: "right" },
  { title: "PARENTS", value: (entry) => entry.ancestors, align: "right" },
  { title: "TXID", value: (entry) => entry.txid, mayShrink: true },
];
