#!/usr/bin/env node
// Runs src/ as it stands, by Node's type stripping: no build between an edit and its effect.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { main } from "../src/main.ts";

const root = dirname(import.meta.dirname);
const manifest = JSON.parse(readFileSync(`${root}/package.json`, "utf8").replaceAll('"./dist/', '"./src/'));
await main({ root, manifest, ignoreManifest: true });
