// B1: the page of who holds the memory, with the fixed result of the fixture.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { fixture, GUEST } from "./lib/service.mjs";

const browser = await launch();
const service = await fixture();

test("B1 holders are one click away, with unreachable memory first and the graph", async () => {
  const page = await tab(browser);
  await page.goto(service.base);
  await page.locator("nav").getByRole("link", { name: "Holders" }).click();
  assert.match(page.url(), /\/holders\?last=true$/);
  const headings = await page.locator("main h2").allInnerTexts();
  assert.match(headings[0], /unreachable/i);
  assert.match(headings[1], /^String: 28\.61 MiB ± 10 %$/);
  const graph = page.locator("svg.holders");
  // Three types, an unnamed object, a static, and the place of unreachable memory.
  assert.equal(await graph.locator("rect").count(), 6);
  assert.equal(await graph.locator("path").count(), 6);
  assert.equal(await page.locator("nav [aria-current]").innerText(), "Holders");
  assert.deepEqual(page.trouble, []);
});

test("B1 the form scans for one type", async () => {
  const page = await tab(browser);
  await page.goto(`${service.base}/holders?last=true`);
  await page.getByLabel("Type").fill("String");
  await page.getByRole("button", { name: "Scan the heap" }).click();
  assert.match(page.url(), /\/holders\?type=String&scans=3&seconds=20$/);
  // Not the inner texts: a browser may or may not apply `::first-letter` to them.
  const headings = await page.locator("main h2").allTextContents();
  assert.deepEqual(headings.map((heading) => heading.split(":")[0]), ["String", "not available"]);
  assert.equal(await page.getByLabel("Type").inputValue(), "String");
  for (const name of ["the graph as SVG", "the graph for Graphviz", "JSON, for programs"]) {
    const reply = await page.context().request.get(await page.getByRole("link", { name }).evaluate((link) => link.href));
    assert.equal(reply.status(), 200, name);
  }
  assert.deepEqual(page.trouble, []);
});

test("B1 a login that may only read has no link to holders", async () => {
  const page = await tab(browser, { login: GUEST });
  await page.goto(service.base);
  assert.equal(await page.getByRole("link", { name: "Holders" }).count(), 0);
});
