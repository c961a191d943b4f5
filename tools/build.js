// Makes dist/: types stripped and declared by tsc, @oclif/core with its 60 packages in one file, our 350 modules in some 90 (each halves
// the start-up of what loads it), oclif's manifest.
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { build } from "esbuild";

process.chdir(dirname(import.meta.dirname));
rmSync("dist", { recursive: true, force: true });
const run = (file, ...args) => execFileSync(process.execPath, [file, ...args], { stdio: "inherit" });
run("node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json");

const places = {
  name: "places",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^@oclif\/core$/ }, () => ({ path: "#oclif", external: true })); // package.json's "imports" says where.
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const place = JSON.stringify(relative("dist", path).replaceAll("\\", "/"));
      return { contents: text.replaceAll("import.meta.url", `(__dist + ${place})`), loader: "js" };
    });
  },
};

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
await joinModules();
run("node_modules/oclif/bin/run.js", "manifest");

/**
 * Joins what tsc wrote into few files. Every module stays one object, however many entries load it (shared code goes to chunks). A file keeps the
 * name that others know it by: commands, doors of the library, files that threads run. A module that asks where it is gets its place in dist/.
 */
async function joinModules() {
  const threads = [
    "verify/worker",
    "mining/worker",
    "bench/locks-worker",
    "bench/coins-reader",
    "bench/api-client",
    "bench/hostile-crowd",
  ];
  const entryPoints = [
    "dist/main.js",
    "dist/core/index.js",
    "dist/core/client/index.js",
    "dist/core/testing.js",
    ...threads.map((name) => `dist/core/${name}.js`),
    ...globSync("dist/commands/**/*.js"),
  ];
  const { outputFiles } = await build({
    entryPoints,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node24",
    packages: "external",
    outdir: "dist",
    outbase: "dist",
    chunkNames: "chunks/[name]-[hash]",
    banner: { js: 'const __dist = import.meta.url.slice(0, import.meta.url.lastIndexOf("/dist/") + 6);' },
    plugins: [places],
    logLevel: "warning",
    write: false,
  });
  for (const file of globSync("dist/**/*.js")) rmSync(file);
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
  }
}
