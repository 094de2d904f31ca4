// B13: tables sort and filter in place, also with 10,000 types in the report.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { Polls } from "./lib/polls.mjs";
import { fixture, OPS } from "./lib/service.mjs";

const browser = await launch();
const plain = await fixture();
const many = await fixture({ report: "many" });

/** The sums of a column as numbers. */
const column = (page, index) => page.locator("#type-table tbody tr").evaluateAll(
  (rows, index) => rows.map((row) => Number(row.cells[index].dataset.value)), index);

/** Milliseconds from the first byte of the page to its first paint. */
const paint = (page) => page.evaluate(() => new Promise((done) => {
  const since = performance.getEntriesByType("navigation")[0].responseStart;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) done(entry.startTime - since);
  }).observe({ type: "paint", buffered: true });
}));

const names = (page) => page.locator("#type-table tbody tr:visible th").allInnerTexts();

test("B13 a heading sorts in place, and the order survives a reload", async () => {
  const page = await tab(browser);
  await page.goto(`${plain.base}/types?top=50`);
  const polls = new Polls(page, /\/types/);
  const heading = page.locator("#type-table thead th", { hasText: "objects" });
  const rising = (numbers) => [...numbers].sort((a, b) => a - b);
  await heading.getByRole("link").click();
  assert.equal(await heading.getAttribute("aria-sort"), "descending");
  assert.equal(new URL(page.url()).searchParams.get("sort"), "count");
  assert.equal(new URL(page.url()).searchParams.get("top"), "50", "the rest of the query stays");
  assert.deepEqual(await column(page, 1), rising(await column(page, 1)).reverse());
  await heading.getByRole("link").click();
  assert.equal(await heading.getAttribute("aria-sort"), "ascending");
  assert.equal(await page.locator("#type-table [aria-sort]").count(), 1);
  assert.deepEqual(await column(page, 1), rising(await column(page, 1)));
  assert.deepEqual(polls.addresses, [], "no request");
  await page.reload();
  assert.equal(await heading.getAttribute("aria-sort"), "ascending");
  assert.deepEqual(await column(page, 1), rising(await column(page, 1)));
  assert.deepEqual(page.trouble, []);
});

test("B13 names sort as numbers within them do", async () => {
  const page = await tab(browser);
  await page.goto(`${plain.base}/types?top=50`);
  await page.locator("#type-table thead th").first().getByRole("link").click();
  const expected = Array.from({ length: 30 }, (_, index) => `Vec<shop::Record${index + 1}>`);
  assert.deepEqual(await names(page), expected);
});

test("B13 without all rows on the page, a heading asks the server", async () => {
  const page = await tab(browser);
  await page.goto(`${many.base}/types?top=20`);
  assert.equal(await page.locator("#type-table").getAttribute("data-sortable"), null);
  const polls = new Polls(page, /\/types/);
  await page.locator("#type-table thead th", { hasText: "objects" }).getByRole("link").click();
  await page.waitForURL(/sort=count/);
  assert.equal(polls.count, 1);
});

test("B13 a table of the allocator sorts by quantities in its text", async () => {
  const page = await tab(browser);
  await page.goto(`${plain.base}/stats?detail=bins`);
  const table = page.locator("table[data-sortable]").first();
  await table.getByRole("button").first().click();
  assert.match(await table.locator("th").first().getAttribute("aria-sort"), /ending$/);
  const first = await table.locator("tbody tr th").allInnerTexts();
  await table.getByRole("button").first().click();
  assert.deepEqual(await table.locator("tbody tr th").allInnerTexts(), first.reverse());
  assert.match(page.url(), /#sort=0\.0\.(a|de)scending$/);
});

test("B13 the filter hides rows while typing, and Enter asks the server", async () => {
  const page = await tab(browser);
  await page.goto(`${plain.base}/types?top=50`);
  await page.locator("input[data-filters]").pressSequentially("Record2");
  assert.deepEqual((await names(page)).length, 11);
  assert.equal(await page.locator(".count").textContent(), "11 of 30 rows");
  await page.locator("input[data-filters]").press("Enter");
  await page.waitForURL(/filter=Record2/);
  assert.equal((await names(page)).length, 11);
});

test("B13 10,000 types: painted within a second, and the server finds the rest", async () => {
  const page = await tab(browser);
  await page.goto(`${many.base}/types?top=1000`);
  const painted = await paint(page);
  assert.ok(painted < 1000, `${painted} ms`);
  assert.match(await page.locator("main").innerText(), /… and 9,000 more/);
  assert.equal(await page.locator("#type-table tbody tr").count(), 1000);
  const input = page.locator("input[data-filters]");
  await input.fill("Record9999");
  assert.equal(await page.locator(".count").textContent(), "0 of 1,000 rows; Enter searches all types");
  await input.press("Enter");
  await page.waitForURL(/filter=/);
  assert.deepEqual(await names(page), ["Vec<shop::Record9999>"]);
});

test("B13 a keystroke filters 1,000 rows within 50 ms", async () => {
  const page = await tab(browser);
  await page.goto(`${many.base}/types?top=1000`);
  const spent = await page.evaluate(async () => {
    const input = document.querySelector("input[data-filters]");
    const times = [];
    for (const text of ["R", "Re", "Rec", "Record1", "Record12", "Record1", ""]) {
      const before = performance.now();
      input.value = text;
      input.dispatchEvent(new Event("input"));
      // Layout is part of what the user waits for.
      document.body.getBoundingClientRect();
      times.push(performance.now() - before);
      await new Promise(requestAnimationFrame);
    }
    return times.sort((a, b) => a - b);
  });
  // Another process can take the core for a moment, so the middle one counts.
  assert.ok(spent[3] < 50, `${spent}`);
});

test("B13 the overview is painted within 100 ms after the collection", async () => {
  // With a login of Playwright, the browser would not use its cache.
  const authorization = `Basic ${btoa(`${OPS.username}:${OPS.password}`)}`;
  const page = await tab(browser, { login: null, extraHTTPHeaders: { authorization } });
  const painted = [];
  for (let visit = 0; visit < 10; visit++) {
    await page.goto(plain.base);
    painted.push(await paint(page));
  }
  // Other processes can take the core for a moment, so the best visit counts.
  assert.ok(Math.min(...painted) < 100, `${painted}`);
});
