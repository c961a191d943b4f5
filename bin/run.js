#!/usr/bin/env node
// Any Node that knows ES modules must be able to parse this file, so nothing newer than the check stands here.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major >= 26 || (major === 24 && minor >= 15)) {
  import("./start.js");
} else {
  process.stderr.write(
    `chaincore: needs Node.js 24.15+ (LTS) or 26+, but this is ${process.version}; inside a checkout run "npm ci" and then "./chaincore".\n`,
  );
  process.exitCode = 78;
}
