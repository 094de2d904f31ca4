// B1: every page loads wherever an application mounts it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { EXAMPLES, fixture, MOUNTS, start } from "./lib/service.mjs";

const browser = await launch();

/** What pages may lack: snapshots, and a type that was freed meanwhile. The fixture also lacks a heap profile. */
const OF_LIVE_DATA = /^409 .*\/leaks$|^404 .*\/types\/|^503 .*type=/, OF_FIXTURE = /^409 .*\/leaks$|^503 .*\/heap/;

/** Asserts that all pages of a service load and that their links lead somewhere. */
async function assertWhole(service, mayLack) {
  const page = await tab(browser);
  const { pages, files, lacking, broken } = await crawl(page, service.base, () => {
    assert.deepEqual(page.trouble, [], page.url());
  });
  assert.deepEqual(broken, []);
  assert.deepEqual(lacking.filter((page) => !mayLack.test(page)), []);
  assert.ok(pages.length >= 6, `only these pages: ${pages}`);
  assert.ok(files.length >= 3, `only these files: ${files}`);
  await page.context().close();
}

for (const program of EXAMPLES) {
  test(`B1 every page of ${program} loads, and every link leads somewhere`, async () => {
    await assertWhole(await start(program), OF_LIVE_DATA);
  });
}

for (const adapter of ["axum", "actix", "tower"]) {
  for (const mount of Object.keys(MOUNTS)) {
    test(`B1 every page loads on ${adapter} at ${MOUNTS[mount]}`, async () => {
      const service = await fixture({ adapter, mount });
      await assertWhole(service, OF_FIXTURE);
      service.end();
    });
  }
}
