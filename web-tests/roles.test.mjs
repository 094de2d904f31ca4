// B18: a login sees what it may use, and why it may not see the rest.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { fixture, GUEST, start } from "./lib/service.mjs";

const browser = await launch();

test("B18 a login that may only read has no button that changes something", async () => {
  const service = await fixture();
  const page = await tab(browser, { login: GUEST });
  const { pages } = await crawl(page, service.base, async () => {
    assert.equal(await page.locator("form[method=post]").count(), 0, page.url());
  });
  assert.ok(pages.length >= 6, `${pages}`);
  assert.match(await page.locator("footer").textContent(), /guest, read/);
  const ops = await tab(browser);
  await ops.goto(`${service.base}/snapshots`);
  assert.equal(await ops.locator("form[method=post]").count(), 1);
});

test("B18 a login that may not see types gets a page with the reason, and can watch numbers", async () => {
  const service = await fixture({ hide_types: true });
  const page = await tab(browser, { login: GUEST });
  for (const path of ["", "/types", "/doctor", "/snapshots"]) {
    const reply = await page.goto(service.base + path);
    assert.equal(reply.status(), 403, path);
    assert.match(await page.locator("main").textContent(), /role/, path);
    assert.ok(!(await page.content()).includes("Record1"), path);
  }
  assert.equal(await service.control(), 0);
  await page.goto(`${service.base}/stats`);
  await page.getByRole("button", { name: "Watch" }).click();
  await page.locator(".plot").first().waitFor();
});

test("B18 a hidden host name is on no page", async () => {
  const [hidden, shown] = [await fixture({ report: "hostile", hide_host: true }), await fixture({ report: "hostile" })];
  const page = await tab(browser);
  await page.goto(shown.base);
  assert.match(await page.locator(".identity").textContent(), /host </);
  await crawl(page, hidden.base, async () => {
    assert.doesNotMatch(await page.locator("header").textContent(), /host </, page.url());
  });
});

test("B18 without jemalloc's profiler, pages say what is missing", async () => {
  const service = await start("axum-service", { args: ["--small"], env: { MALLOC_CONF: "prof:false", _RJEM_MALLOC_CONF: "prof:false" } });
  const page = await tab(browser);
  await page.goto(`${service.base}/types`);
  assert.match(await page.locator("main").textContent(), /not available: |no-profile|prof/);
  assert.equal(await page.locator("#type-table").count(), 0);
});
