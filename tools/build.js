// Makes dist/: types stripped and declared by tsc, @oclif/core with its 60 packages in one file (half the start-up), oclif's manifest.
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { build } from "esbuild";

process.chdir(dirname(import.meta.dirname));
rmSync("dist", { recursive: true, force: true });
const run = (file, ...args) => execFileSync(process.execPath, [file, ...args], { stdio: "inherit" });
run("node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json");

mkdirSync("dist/vendor");
const names = ["Args", "Command", "Flags", "flush", "Help", "run", "settings"];
await build({
  stdin: { contents: `import * as oclif from "@oclif/core";\nexport const { ${names.join(", ")} } = oclif;`, resolveDir: "." },
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node24",
  legalComments: "inline",
  outfile: "dist/vendor/oclif.cjs",
  logLevel: "warning",
});
for (const file of globSync("dist/{*.js,commands/**/*.js,ui/**/*.js}")) {
  const path = relative(dirname(file), "dist/vendor/oclif.cjs");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replaceAll('from "@oclif/core"', `from "${path.startsWith(".") ? path : `./${path}`}"`));
}
run("node_modules/oclif/bin/run.js", "manifest");
