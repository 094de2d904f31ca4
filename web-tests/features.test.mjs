// B18: a service can be built without each feature of the crates.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { start } from "./lib/service.mjs";

const browser = await launch();

for (const feature of ["jemalloc", "prometheus", "tracing"]) {
  test(`B18 without the feature ${feature}, no link leads nowhere, and pages say what is missing`, async () => {
    const service = await start(`page-without-${feature}`);
    const page = await tab(browser);
    const { pages, broken } = await crawl(page, service.base, () => assert.deepEqual(page.trouble, [], page.url()));
    // Other forms of the heap profile say why there is none.
    const isExplained = (found) => feature === "jemalloc" && /^501 .*\/heap/.test(found);
    assert.deepEqual(broken.filter((found) => !isExplained(found)), []);
    assert.ok(pages.length >= 6, `${pages}`);
    await page.goto(`${service.base}/types`);
    const reason = /not available: no jemalloc/;
    assert.equal(reason.test(await page.locator("main").textContent()), feature === "jemalloc");
  });
}

test("B18 without the feature html, browsers get text", async () => {
  const service = await start("page-without-html");
  const page = await tab(browser);
  const reply = await page.goto(service.base);
  assert.equal(reply.status(), 200);
  assert.equal(reply.headers()["content-type"], "text/plain; charset=utf-8");
  assert.match(await page.locator("body").innerText(), /^pid \d+ · host /);
  for (const path of ["/assets/ui.js", "/heap/flamegraph"]) {
    const missing = await service.ask(path, { headers: { accept: "text/html" } });
    assert.ok([404, 406, 501].includes(missing.status), `${path}: ${missing.status}`);
  }
});
