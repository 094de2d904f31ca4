// B14: names from the service are text, whatever they contain.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { fixture, siblings, start } from "./lib/service.mjs";

const browser = await launch();

test("B14 hostile names of the service are text on every page", async () => {
  const service = await fixture({ report: "hostile" });
  const page = await tab(browser);
  const titles = new Set();
  await crawl(page, service.base, async () => {
    assert.deepEqual(page.trouble, [], page.url());
    assert.equal(await page.locator("main img, main svg[onload], main script").count(), 0, page.url());
    titles.add(await page.title());
  });
  assert.ok([...titles].some((title) => title.includes("<script>alert(1)</script>")), [...titles].join("; "));
  await page.goto(`${service.base}/types?top=50`);
  const names = await page.locator("#type-table tbody th").allInnerTexts();
  for (const name of ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt; &amp;",
    "left\\u{202e}right", "zero\\u{0}byte", "Vec<Box<dyn Fn(&str) -> Result<(), E>>>"]) {
    assert.ok(names.includes(name), `${name} is not among ${names.join(" ")}`);
  }
  assert.deepEqual(page.trouble, []);
});

test("B14 a hostile filter is text, and stays in its field", async () => {
  const service = await fixture();
  const page = await tab(browser);
  const hostile = '"><script>alert(1)</script>';
  await page.goto(`${service.base}/types?filter=${encodeURIComponent(hostile)}`);
  assert.equal(await page.locator("input[name=filter]").inputValue(), hostile);
  assert.deepEqual(page.trouble, []);
});

test("B14 a hostile label of a snapshot is text", async () => {
  const service = await start("axum-service");
  const label = "<img src=x onerror=alert(1)>";
  const taken = await service.ask(`/snapshots?label=${encodeURIComponent(label)}`, { method: "POST" });
  assert.equal(taken.status, 201, await taken.text());
  const page = await tab(browser);
  await page.goto(`${service.base}/snapshots`);
  assert.ok((await page.locator("main").innerText()).includes(label));
  assert.equal(await page.locator("main img").count(), 0);
  assert.deepEqual(page.trouble, []);
});

test("B14 hostile names of other instances are text", async () => {
  const [one, other] = await siblings(2, { report: "hostile" });
  const page = await tab(browser);
  const text = async () => {
    await page.goto(`${one.base}/fleet`);
    assert.equal(await page.locator("main img, main svg[onload], main script").count(), 0);
    return page.locator("main").innerText();
  };
  const name = "<script>alert(1)</script>";
  assert.ok((await text()).split(name).length > 2, "two instances and a type have this name");
  other.end();
  assert.ok((await text()).includes(name));
  assert.deepEqual(page.trouble, []);
});
