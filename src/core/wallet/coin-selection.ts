import type { Sats } from "../primitives/units.ts";

/** A coin that may be spent. */
export interface Spendable {
  readonly value: Sats;
}

export interface SelectionRequest<C extends Spendable> {
  readonly coins: readonly C[];
  /** To be paid, fee not included. */
  readonly amount: number;
  /** Satoshis per 1,000 virtual bytes. */
  readonly feeRate: number;
  /** Virtual bytes of the transaction without any input and without change. */
  readonly baseVsize: number;
  readonly inputVsize: number;
  readonly changeVsize: number;
  /** Change below this is given to the miner: dust, or not worth the input that would spend it. */
  readonly changeMin: number;
  /** The fee is taken out of `amount`. */
  readonly subtractsFee?: boolean;
}

export interface CoinSelection<C extends Spendable> {
  readonly coins: readonly C[];
  /** What the payee gets: the amount, less the fee where that is taken out of it. Paid, fee and change are all that the coins hold. */
  readonly paid: number;
  readonly fee: number;
  /** 0: no change output. */
  readonly change: number;
}

/** Nodes of the search tree that are looked at before giving up on a changeless selection. */
const SEARCH_STEPS_MAX = 20_000;

/**
 * Chooses coins to pay an amount and its fee: if a set without change is found by branch and bound (M. Erhardt, "An Evaluation of
 * Coin Selection Strategies", 2016), that one; else the largest coins first, with change. Undefined when all coins are not enough.
 */
export function selectCoins<C extends Spendable>(request: SelectionRequest<C>): CoinSelection<C> | undefined {
  const inputFee = feeOf(request, request.inputVsize);
  const useful = request.coins.filter(({ value }) => value > inputFee).sort((a, b) => b.value - a.value);
  return withoutChange(useful, request) ?? largestFirst(useful, request);
}

function feeOf({ feeRate }: { readonly feeRate: number }, vsize: number): number {
  return Math.ceil((feeRate * vsize) / 1000);
}

function largestFirst<C extends Spendable>(coins: readonly C[], request: SelectionRequest<C>): CoinSelection<C> | undefined {
  const chosen: C[] = [];
  let sum = 0;
  for (const coin of coins) {
    chosen.push(coin);
    sum += coin.value;
    const settled = settle(chosen, sum, request);
    if (settled !== undefined) return settled;
  }
  return undefined;
}

/** What these coins make of the request; undefined when they are too few. */
function settle<C extends Spendable>(
  coins: readonly C[],
  sum: number,
  request: SelectionRequest<C>,
): CoinSelection<C> | undefined {
  const { amount, subtractsFee = false } = request;
  const vsize = request.baseVsize + coins.length * request.inputVsize;
  const payable = (fee: number) => (subtractsFee ? amount - fee : amount);
  const feeWithChange = feeOf(request, vsize + request.changeVsize);
  const change = sum - payable(feeWithChange) - feeWithChange;
  if (change >= request.changeMin && payable(feeWithChange) > 0) {
    return { coins: [...coins], paid: payable(feeWithChange), fee: feeWithChange, change };
  }
  const fee = feeOf(request, vsize);
  const paid = payable(fee);
  return sum < paid + fee || paid <= 0 ? undefined : { coins: [...coins], paid, fee: sum - paid, change: 0 };
}

/** A set whose surplus costs less than making and spending change would. */
function withoutChange<C extends Spendable>(coins: readonly C[], request: SelectionRequest<C>): CoinSelection<C> | undefined {
  if (request.subtractsFee) return undefined;
  const inputFee = feeOf(request, request.inputVsize);
  const target = request.amount + feeOf(request, request.baseVsize);
  const slack = feeOf(request, request.changeVsize + request.inputVsize);
  const worth = coins.map(({ value }) => value - inputFee);
  const rest = worth.slice();
  for (let i = rest.length - 2; i >= 0; i--) rest[i]! += rest[i + 1]!;
  const chosen: number[] = [];
  let steps = 0;
  const search = (at: number, sum: number): boolean => {
    if (sum >= target) return sum <= target + slack;
    if (at === worth.length || sum + rest[at]! < target || ++steps > SEARCH_STEPS_MAX) return false;
    chosen.push(at);
    if (search(at + 1, sum + worth[at]!)) return true;
    chosen.pop();
    // A coin of the same value left out was left out already.
    let next = at + 1;
    while (next < worth.length && worth[next] === worth[at]) next++;
    return search(next, sum);
  };
  if (!search(0, 0)) return undefined;
  const found = chosen.map((index) => coins[index]!);
  const sum = found.reduce((total, { value }) => total + value, 0);
  return { coins: found, paid: request.amount, fee: sum - request.amount, change: 0 };
}
