// B4: without script, a user can read, sort, filter, group and change everything.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { fixture, start } from "./lib/service.mjs";

const browser = await launch();
const unscripted = () => tab(browser, { javaScriptEnabled: false });

test("B4 every page is the same text with and without script", async () => {
  const service = await fixture();
  const [plain, scripted] = [await unscripted(), await tab(browser)];
  const { pages } = await crawl(scripted, service.base);
  // The numbers of the allocator are live, so two loads differ. The flame graph is drawn by its script.
  for (const address of pages.filter((address) => !/detail=|flamegraph/.test(address))) {
    const texts = [];
    for (const page of [plain, scripted]) {
      await page.goto(address);
      // What script adds: controls, and arrows of sorted columns.
      texts.push((await page.locator("main").textContent()).replaceAll(/\s+/g, " "));
    }
    const added = (await scripted.locator(".watch, .live").allTextContents()).join("").replaceAll(/\s+/g, " ");
    assert.ok(texts[0].length > 0);
    assert.equal(texts[1].replace(added, "").length, texts[0].length, address);
  }
});

test("B4 there are no buttons without an effect", async () => {
  const service = await fixture();
  const page = await unscripted();
  for (const path of ["", "/types", "/stats?detail=bins", "/doctor", "/snapshots", "/profiling"]) {
    await page.goto(service.base + path);
    assert.equal(await page.locator("button").count(), await page.locator("form button").count(), path);
  }
});

test("B4 types are sorted and filtered by links and forms", async () => {
  const service = await fixture();
  const page = await unscripted();
  await page.goto(service.base);
  await page.locator("nav").getByRole("link", { name: "Types" }).click();
  await page.locator("#type-table thead").getByRole("link").first().click();
  assert.equal(new URL(page.url()).searchParams.get("sort"), "name");
  assert.equal(await page.locator("#type-table th").first().getAttribute("aria-sort"), "ascending");
  await page.locator("input[name=filter]").fill("Record2");
  await page.locator("input[name=filter]").press("Enter");
  assert.equal(await page.locator("#type-table tbody tr").count(), 11);
});

test("B4 snapshots are taken, compared and deleted by forms", async () => {
  const service = await start("axum-service");
  const page = await unscripted();
  await page.goto(`${service.base}/snapshots`);
  for (let count = 1; count <= 2; count++) {
    await page.getByRole("button", { name: /take/i }).click();
    await page.goto(`${service.base}/snapshots`);
    assert.equal(await page.locator("tbody th a").count(), count);
  }
  await page.getByRole("button", { name: /compare/i }).click();
  const query = new URL(page.url());
  assert.ok(query.pathname.endsWith("/diff"), page.url());
  assert.ok((await page.locator("main").textContent()).trim().length > 100);
  assert.notEqual(query.searchParams.get("base"), query.searchParams.get("target"));
  await page.goto(`${service.base}/snapshots`);
  await page.getByRole("link", { name: /^Delete/ }).first().click();
  await page.getByRole("button", { name: /delete/i }).click();
  await page.goto(`${service.base}/snapshots`);
  assert.equal(await page.locator("tbody th a").count(), 1);
});

test("B4 sampling is changed and ended, and pages are purged, by forms", async () => {
  const service = await start("axum-service", { args: ["--small"] });
  const page = await unscripted();
  const state = async () => (await service.ask("/profiling?format=json")).json();
  await page.goto(`${service.base}/profiling`);
  await page.locator("form[method=post]").first().getByRole("button").click();
  assert.ok((await state()).window, JSON.stringify(await state()));
  await page.goto(`${service.base}/profiling`);
  await page.getByRole("button", { name: "End it now" }).click();
  assert.equal((await state()).window, null);
  await page.goto(`${service.base}/stats`);
  await page.getByRole("button", { name: "Purge" }).click();
  assert.ok(page.url().endsWith("/purge"), page.url());
  assert.match(await page.locator("main").textContent(), /[KM]iB/);
});

test("B4 the tracer is started and stopped by forms", async () => {
  const service = await fixture();
  const page = await unscripted();
  const counts = async () => (await (await service.ask("/trace?format=json")).json()).trace.counting;
  await page.goto(`${service.base}/trace`);
  await page.getByRole("button", { name: "Start" }).click();
  assert.ok(page.url().endsWith("/trace"), page.url());
  assert.equal(await counts(), true);
  await page.getByRole("button", { name: "Stop" }).click();
  assert.equal(await counts(), false);
});
