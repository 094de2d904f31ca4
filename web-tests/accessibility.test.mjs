// B10: axe finds nothing on any page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { fixture, start } from "./lib/service.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = await launch();

/** Runs axe on a page, and returns what it found. It is not subject to the page's policy, like a browser extension. */
async function violations(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), TAGS);
  return violations.map(({ id, help, nodes }) => `${page.url()} ${id}: ${help}: ${nodes[0].html}`);
}

for (const colorScheme of ["light", "dark"]) {
  test(`B10 axe finds nothing on any page, ${colorScheme}`, async () => {
    const service = await fixture();
    const page = await tab(browser, { colorScheme, bypassCSP: true });
    const found = [];
    const { pages } = await crawl(page, service.base, async () => found.push(...(await violations(page))));
    await page.goto(`${service.base}/unknown`);
    found.push(...(await violations(page)));
    assert.deepEqual(found, []);
    assert.ok(pages.length >= 6);
  });

  test(`B10 axe finds nothing with a dialog open, or while watching, ${colorScheme}`, async () => {
    const service = await fixture();
    const page = await tab(browser, { colorScheme, bypassCSP: true });
    await page.goto(service.base);
    await page.keyboard.press("?");
    await page.locator("dialog").waitFor();
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Watch" }).click();
    await page.locator(".plot").first().waitFor();
    assert.deepEqual(await violations(page), []);
  });
}

test("B10 axe finds nothing on pages of live data", async () => {
  const service = await start("axum-service");
  await service.ask("/snapshots", { method: "POST" });
  await service.ask("/snapshots", { method: "POST" });
  const page = await tab(browser, { bypassCSP: true });
  const found = [];
  await crawl(page, service.base, async () => found.push(...(await violations(page))));
  assert.deepEqual(found, []);
});

test("B10 axe finds nothing on a flame graph that is zoomed, searched or turned around", async () => {
  const service = await start("axum-service");
  const taken = await service.ask("/snapshots", { method: "POST" });
  assert.equal(taken.status, 201);
  const page = await tab(browser, { bypassCSP: true });
  const found = [];
  const look = async () => found.push(...(await violations(page)));
  for (const base of ["", "?base=first"]) {
    await page.goto(`${service.base}/heap/flamegraph${base}`);
    await page.waitForSelector("#flame:not([hidden])");
    await page.locator("#flame-callees [role=treeitem]").nth(2).click();
    await look();
    await page.keyboard.press("Escape");
    await page.fill("#flame-q", "Vec");
    await look();
    await page.selectOption("#flame-inv", "1");
    await look();
    await page.selectOption("#flame-inv", "");
    await page.selectOption("#flame-by", "function");
    await look();
    for (const other of await page.locator("[role=tab]").all()) {
      if (!(await other.isVisible())) continue;
      await other.click();
      await look();
    }
  }
  assert.deepEqual(found, []);
  assert.deepEqual(page.trouble, []);
});
