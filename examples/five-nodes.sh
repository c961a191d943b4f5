#!/usr/bin/env bash
# A network of five nodes on this machine, from nothing to gone: coins, a payment, a network cut in two and healed.
# Run it after `npm run build`; CHAINCORE names another chaincore than this checkout's.
#
# What it shows: both sides of a cut mine a branch of their own; when it heals, the branch with more work is everybody's,
# and the payment that only the shorter branch had confirmed waits in the pools again until the next block.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
CHAINCORE=${CHAINCORE:-$here/chaincore}
CHAINCORE_HOME=$(mktemp -d) # Nothing of your own sessions is touched.
export CHAINCORE_HOME CHAINCORE_SESSION=five

# Unquoted: CHAINCORE may be a program with words of its own.
chaincore() { $CHAINCORE "$@"; }
say() { echo "== $*"; }

tear_down() {
  status=$?
  chaincore session down >/dev/null 2>&1 || true # Nothing runs any more where the script got to its end.
  rm -rf "$CHAINCORE_HOME"
  exit "$status"
}
trap tear_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# field NAME: its value in the JSON on standard input, without another program.
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }
tip_of() { chaincore chain info --json --node "$1" | field tip; }

# agree NODE...: waits until all have the same tip, and prints it.
agree() {
  local deadline=$((SECONDS + 60)) tips
  while [ "$SECONDS" -lt "$deadline" ]; do
    tips=$(for node in "$@"; do tip_of "$node"; done | sort -u)
    if [ "$(wc -l <<<"$tips")" -eq 1 ]; then echo "$tips" && return; fi
    sleep 0.2
  done
  echo "after 60 s $* have different tips" >&2
  return 1
}

# Each side is told to have no link with the other.
left="core0 core1 core2"
right="core3 core4"
cut() {
  for a in $left; do
    for b in $right; do
      chaincore peers partition "$b" --node "$a" >/dev/null
      chaincore peers partition "$a" --node "$b" >/dev/null
    done
  done
}
heal() { for node in $left $right; do chaincore peers heal --node "$node" >/dev/null; done; }

say "five nodes, each a process of its own, on any free ports"
chaincore session up --nodes 5 --api-port 0

say "core0 mines 101 blocks: the first block's coins are mature then"
chaincore mine --node core0 --threads 1 --blocks 101 --json >/dev/null
agree $left $right
chaincore session

say "the network is cut: $left on one side, $right on the other"
cut

say "core0 pays core4's account, and its side confirms that in a block of its own"
address=$(chaincore accounts --json --node core0 | grep -o '"index":4,"address":"[^"]*"' | field address)
txid=$(chaincore tx send "$address" 1.5 --node core0)
chaincore mine --node core0 --threads 1 --blocks 1 --json >/dev/null
short=$(agree $left)

say "the other side, which has not heard of it, mines two blocks"
chaincore mine --node core3 --threads 1 --blocks 2 --json >/dev/null
long=$(agree $right)
[ "$short" != "$long" ]
echo "left   $short"
echo "right  $long"

say "the network heals: the branch with more work is everybody's"
heal
[ "$(agree $left $right)" = "$long" ]
echo "all    $long"

say "the payment waits again, and core4 confirms it in the next block"
for try in $(seq 60); do
  if chaincore mempool --json --node core4 | grep -q "$txid"; then break; fi
  [ "$try" -lt 60 ] || { echo "the payment has not reached core4's pool" >&2; exit 1; }
  sleep 0.5
done
chaincore mine --node core4 --threads 1 --blocks 1 --json >/dev/null
last=$(agree $left $right)
chaincore chain block "$last" --json --node core0 | grep -q "$txid"
chaincore session

say "down"
chaincore session down
