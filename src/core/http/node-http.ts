/**
 * node:http, without what nobody here uses of it: an `import` of that module reads all its exports, WebSocket among them, and so
 * loads Node's own copy of undici: 60 ms of CPU, a tenth of a node's start.
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule("node:http");
