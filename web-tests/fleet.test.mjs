// B1: the page of a fleet, over two processes of the fixture.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { siblings } from "./lib/service.mjs";

const browser = await launch();
const [first] = await siblings(2);

test("B1 the fleet shows each instance and the sum of its types", async () => {
  const page = await tab(browser);
  await page.goto(`${first.base}/fleet`);
  assert.equal(await page.locator("table").first().locator("tbody tr").count(), 2);
  const text = await page.locator("main").textContent();
  assert.match(text, /2 instances/);
  assert.match(text, /Vec<shop::Record1>/);
  assert.deepEqual(page.trouble, []);
});

test("B1 a missing instance is named with the reason", async () => {
  const [one, other] = await siblings(2);
  other.end();
  const page = await tab(browser);
  await page.goto(`${one.base}/fleet`);
  assert.equal(await page.locator("table").first().locator("tbody tr").count(), 1);
  assert.deepEqual(page.trouble, []);
});
