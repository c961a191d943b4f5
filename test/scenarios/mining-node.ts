/** A process of its own: hosts a node that mines and says so, line by line, until it is killed. argv: home, threads, block time in seconds. */
import { startMining } from "../../src/core/index.ts";

const [home, threads, blockTimeSeconds] = process.argv.slice(2) as [string, string, string];
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const { node, run } = await startMining({
  home,
  apiPort: 0,
  p2pPort: 0,
  threads: Number(threads),
  blockTimeSeconds: Number(blockTimeSeconds),
});
const { urls, cookie } = node!.status();
say({ ready: { url: urls.api, cookie } });
for await (const event of run.events) {
  if (event.kind === "block" && event.accepted) say({ block: event.hash, height: event.height });
}
