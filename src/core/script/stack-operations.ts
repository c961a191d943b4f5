import { bytesEqual } from "../encoding/hash.ts";
import { Flag } from "./flags.ts";
import { verifyTop } from "./flow-operations.ts";
import { does, type Machine, needs, type Operation, type OperationTable } from "./machine.ts";
import { Op } from "./opcodes.ts";
import type { ScriptError } from "./script-error.ts";
import { decodeNumber, encodeBoolean, encodeNumber, isTrue } from "./script-number.ts";

/** Pushes copies of the elements that stand at these depths now, in that order. */
function copy(...depths: readonly number[]): Operation {
  const deepest = Math.max(...depths);
  return needs(deepest, (machine) => {
    const size = machine.stack.length;
    for (const depth of depths) machine.push(machine.stack[size - depth]!);
    return "OK";
  });
}

/** Moves the top `moved` of `total` elements below the others. */
function rotate(total: number, moved: number): Operation {
  return needs(total, ({ stack }) => {
    stack.splice(stack.length - total, 0, ...stack.splice(stack.length - moved, moved));
    return "OK";
  });
}

function drop(count: number): Operation {
  return needs(count, ({ stack }) => {
    stack.length -= count;
    return "OK";
  });
}

/** OP_PICK copies the n-th element, OP_ROLL moves it. */
function pick(isMove: boolean): Operation {
  return needs(2, ({ stack, flags }) => {
    const depth = decodeNumber(stack[stack.length - 1]!, (flags & Flag.MINIMALDATA) !== 0);
    if (Number.isNaN(depth)) return "SCRIPTNUM";
    stack.pop();
    if (depth < 0 || depth >= stack.length) return "INVALID_STACK_OPERATION";
    const at = stack.length - 1 - depth;
    const element = stack[at]!;
    if (isMove) stack.splice(at, 1);
    stack.push(element);
    return "OK";
  });
}

function equal(machine: Machine): ScriptError {
  const b = machine.pop();
  const a = machine.pop();
  machine.push(encodeBoolean(a.length === b.length && bytesEqual(a, b)));
  return "OK";
}

export const STACK_OPERATIONS: OperationTable = [
  [
    Op.OP_TOALTSTACK,
    needs(
      1,
      does((machine) => machine.altStack.push(machine.pop())),
    ),
  ],
  [
    Op.OP_FROMALTSTACK,
    (machine) => {
      const element = machine.altStack.pop();
      if (element === undefined) return "INVALID_ALTSTACK_OPERATION";
      machine.push(element);
      return "OK";
    },
  ],
  [Op.OP_2DROP, drop(2)],
  [Op.OP_2DUP, copy(2, 1)],
  [Op.OP_3DUP, copy(3, 2, 1)],
  [Op.OP_2OVER, copy(4, 3)],
  [Op.OP_2ROT, rotate(6, 4)],
  [Op.OP_2SWAP, rotate(4, 2)],
  [
    Op.OP_IFDUP,
    needs(1, (machine) => {
      if (isTrue(machine.top(1))) machine.push(machine.top(1));
      return "OK";
    }),
  ],
  [Op.OP_DEPTH, does((machine) => machine.push(encodeNumber(machine.stack.length)))],
  [Op.OP_DROP, drop(1)],
  [Op.OP_DUP, copy(1)],
  [
    Op.OP_NIP,
    needs(
      2,
      does(({ stack }) => stack.splice(stack.length - 2, 1)),
    ),
  ],
  [Op.OP_OVER, copy(2)],
  [Op.OP_PICK, pick(false)],
  [Op.OP_ROLL, pick(true)],
  [Op.OP_ROT, rotate(3, 2)],
  [Op.OP_SWAP, rotate(2, 1)],
  [
    Op.OP_TUCK,
    needs(
      2,
      does(({ stack }) => stack.splice(stack.length - 2, 0, stack[stack.length - 1]!)),
    ),
  ],
  [
    Op.OP_SIZE,
    needs(
      1,
      does((machine) => machine.push(encodeNumber(machine.top(1).length))),
    ),
  ],
  [Op.OP_EQUAL, needs(2, equal)],
  [
    Op.OP_EQUALVERIFY,
    needs(2, (machine) => {
      equal(machine);
      return verifyTop(machine, "EQUALVERIFY");
    }),
  ],
];
