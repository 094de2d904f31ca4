// B12: pages fit small screens, large text, few colours, and paper.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { fixture } from "./lib/service.mjs";

const browser = await launch();
const services = [await fixture(), await fixture({ report: "hostile" })];

/** How far the page itself can scroll sideways, and which elements cause that. */
const sideways = (page) => page.evaluate(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const wide = [...document.querySelectorAll("body *")].filter((element) => {
    const scrolls = element.parentElement?.closest(".scroll, pre, dialog");
    return !scrolls && element.getBoundingClientRect().right > clientWidth + 1;
  });
  return scrollWidth > clientWidth ? wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)) : [];
});

// At 200 %, a window of 640 pixels has room for 320 of the page's own.
for (const [name, options] of Object.entries({
  "320 × 640": { viewport: { width: 320, height: 640 } },
  "200 % on 640 × 480": { viewport: { width: 320, height: 240 }, deviceScaleFactor: 2 },
  "forced colours at 320 × 640": { viewport: { width: 320, height: 640 }, forcedColors: "active" },
})) {
  test(`B12 no page scrolls sideways: ${name}`, async () => {
    for (const service of services) {
      const page = await tab(browser, options);
      await crawl(page, service.base, async () => {
        assert.deepEqual(await sideways(page), [], page.url());
      });
    }
  });
}

test("B12 nothing moves for users who want no motion", async () => {
  const page = await tab(browser, { reducedMotion: "reduce" });
  await page.goto(services[0].base);
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
});

test("B12 forced colours keep the parts of a bar apart", async () => {
  const page = await tab(browser, { forcedColors: "active" });
  await page.goto(services[0].base);
  const bar = page.locator("svg.bar").first();
  assert.equal(await bar.evaluate((bar) => getComputedStyle(bar).forcedColorAdjust), "none", "patterns stay");
  assert.equal(await bar.evaluate((bar) => getComputedStyle(bar).borderStyle), "solid");
  assert.ok(await bar.locator("rect.lines").count() >= 1, "colour is not the only sign");
});

test("B12 a printed page has all rows, its details and no buttons", async () => {
  const page = await tab(browser);
  await page.goto(`${services[0].base}/types?top=50`);
  const folder = mkdtempSync(join(tmpdir(), "memory-debug-"));
  try {
    const file = join(folder, "page.pdf");
    await page.evaluate(() => {
      window.openDetails = {};
      for (const moment of ["beforeprint", "afterprint"]) {
        addEventListener(moment, () => (window.openDetails[moment] = document.querySelectorAll("details[open]").length));
      }
    });
    await page.pdf({ path: file });
    const text = execFileSync("pdftotext", ["-layout", file, "-"], { encoding: "utf8" });
    for (let number = 1; number <= 30; number++) {
      assert.match(text, new RegExp(`Record${number}>`), `row ${number} is not on paper`);
    }
    assert.doesNotMatch(text, /Watch/);
    const { beforeprint, afterprint } = await page.evaluate(() => window.openDetails);
    assert.ok(beforeprint > 0 && afterprint === 0, `${beforeprint} details were open, and ${afterprint} afterwards`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
