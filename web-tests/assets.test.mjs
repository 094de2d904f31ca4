// B19: the assets are small, load nothing from elsewhere, and pass the type checker.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const FOLDER = new URL("../crates/web/assets/", import.meta.url);
const LIMITS = { "ui.css": 12 << 10, "ui.js": 24 << 10, "flame.js": 24 << 10 };

const assets = new Map(readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER))]));

test("B19 all assets together have at most 60 KiB, and 24 KiB compressed", () => {
  const raw = [...assets.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  const compressed = [...assets.values()].reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length, 0);
  assert.ok(raw <= 60 << 10, `${raw} bytes`);
  assert.ok(compressed <= 24 << 10, `${compressed} bytes`);
  for (const [name, limit] of Object.entries(LIMITS)) {
    const length = assets.get(name)?.length ?? 0;
    assert.ok(length <= limit, `${name} has ${length} bytes`);
  }
});

test("B19 no asset names another origin or makes code of text", () => {
  for (const [name, bytes] of assets) {
    const text = bytes.toString().replaceAll("http://www.w3.org/2000/svg", "");
    const found = text.match(/https?:|@import|url\(|\beval\b|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|style=|\.src\s*=/);
    assert.equal(found, null, `${name}: ${found?.[0]}`);
  }
});

test("B19 the type checker accepts the scripts", () => {
  const folder = new URL(".", import.meta.url);
  for (const project of ["tsconfig.json", "tsconfig.flame.json"]) {
    execFileSync("node_modules/.bin/tsc", ["--project", project], { cwd: folder, stdio: "inherit" });
  }
});
