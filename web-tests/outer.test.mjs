// B3: pages stay usable under a stricter policy of the application.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { fixture } from "./lib/service.mjs";

const browser = await launch();

test("B3 under `default-src 'self'` of the application, everything works", async () => {
  const service = await fixture({ outer_policy: "default-src 'self'" });
  const page = await tab(browser);
  await crawl(page, service.base, () => assert.deepEqual(page.trouble, [], page.url()));
  await page.goto(service.base);
  assert.equal(await page.evaluate(() => document.styleSheets.length), 1);
  await page.getByRole("button", { name: "Watch" }).click();
  await page.locator(".plot").first().waitFor();
  assert.deepEqual(page.trouble, []);
});

test("B3 under `default-src 'none'` of the application, pages are plain, complete and linked", async () => {
  const service = await fixture({ outer_policy: "default-src 'none'" });
  const page = await tab(browser);
  const { pages } = await crawl(page, service.base);
  assert.ok(pages.length >= 6, `${pages}`);
  await page.goto(`${service.base}/types?top=50`);
  const bullets = await page.locator("nav ul").evaluate((list) => getComputedStyle(list).listStyleType);
  assert.equal(bullets, "disc", "the style sheet was not applied");
  assert.equal(await page.getByRole("button", { name: "Watch" }).count(), 0);
  assert.equal(await page.locator("#type-table tbody tr").count(), 30);
  await page.locator("nav").getByRole("link", { name: "Doctor" }).click();
  assert.equal(await page.locator("h1").textContent(), "Doctor");
});
