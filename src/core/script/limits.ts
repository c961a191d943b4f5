/** Consensus limits of script execution, from Bitcoin Core's script/script.h. */

/** Bytes of one stack element; tapscript keeps it. */
export const ELEMENT_BYTES_MAX = 520;
/** Operations above OP_16 in one script, keys of OP_CHECKMULTISIG included; not in tapscript. */
export const OPERATIONS_MAX = 201;
/** Keys of one OP_CHECKMULTISIG. */
export const MULTISIG_KEYS_MAX = 20;
/** Bytes of one script; not in tapscript. */
export const SCRIPT_BYTES_MAX = 10_000;
/** Elements on the two stacks together. */
export const STACK_ELEMENTS_MAX = 1_000;
/** Lock times below are heights, from here on seconds since 1970. */
export const LOCKTIME_THRESHOLD = 500_000_000;
/** BIP342: each signature that passes costs so much of the budget ... */
export const WEIGHT_PER_SIGNATURE = 50;
/** ... which is the serialized size of the witness and this. */
export const WEIGHT_BUDGET_OFFSET = 50;
