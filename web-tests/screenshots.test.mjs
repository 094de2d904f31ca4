// B20: the look of all pages, light and dark, wide and narrow.
//
// MEMORY_DEBUG_BLESS=1 scripts/browser screenshots writes them to docs/images. A person looks at them before they are
// committed. Later runs compare the pages of the fixture with them; the numbers of a live service differ.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { fixture, siblings, start } from "./lib/service.mjs";

const FOLDER = new URL("../docs/images/", import.meta.url);
const MAX_BYTES = 2 << 20;
/** The part of the pixels that may differ, because fonts of two machines do. */
const TOLERANCE = 0.01;
const WIDTHS = { wide: 1024, narrow: 360 };
const MAX_HEIGHT = 900;
/** Small enough for all pages together, and text is still sharp. */
const QUALITY = 0.18;

const browser = await launch();
const service = await fixture();
const studio = await tab(browser, { login: null });

/** Replaces what differs between two runs: ids and times. */
const settle = (page) => page.evaluate(() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    text.data = text.data
      .replaceAll(/instance [0-9a-f]{8}/g, "instance b4ddac3f")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "2026-11-20T09:00:00Z");
  }
});

/**
 * A picture of each page as PNG, by name.
 * @param {Map<string, string>} addresses by name
 */
async function pictures(addresses) {
  const taken = new Map();
  for (const colorScheme of ["light", "dark"]) {
    for (const [size, width] of Object.entries(WIDTHS)) {
      const page = await tab(browser, { colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce" });
      for (const [name, address] of addresses) {
        await page.goto(address, { waitUntil: "networkidle" });
        if (name === "purge") await Promise.all([page.waitForURL(/purge$/), page.locator("form[action$=purge] button").click()
          .then(() => page.locator("dialog").getByRole("button", { name: "Purge" }).click())]);
        await settle(page);
        const height = Math.min(MAX_HEIGHT, await page.evaluate(() => document.documentElement.scrollHeight));
        await page.setViewportSize({ width, height });
        taken.set(`${name}-${size}-${colorScheme}.webp`, await page.screenshot());
      }
      await page.context().close();
    }
  }
  return taken;
}

/** The pages of the fixture, whose numbers never change. */
async function fixedPages() {
  const page = await tab(browser);
  await page.goto(service.base);
  const links = await page.locator("nav a").evaluateAll((links) => links.map((link) => link.href));
  await page.context().close();
  // Without a heap profile there is nothing to draw.
  const drawn = links.filter((link) => !/flamegraph|leaks/.test(link));
  const pages = drawn.map((link) => [link.slice(service.base.length + 1).split("?")[0] || "overview", link]);
  const [one] = await siblings(3);
  return new Map([...pages, ["problem", `${service.base}/unknown`], ["fleet", `${one.base}/fleet`]]);
}

/** Pages that need a heap profile, of a service with a leak. Their numbers differ from run to run. */
async function livePages() {
  const shop = await start("axum-service", { args: ["--leak"] });
  for (let count = 0; count < 4; count++) {
    await shop.ask("/snapshots", { method: "POST" });
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
  const { types } = await (await shop.ask("/types?format=json")).json();
  const { snapshots } = await (await shop.ask("/snapshots?format=json")).json();
  const paths = {
    shop: "", type: `/types/${types.rows[0].id}`, flamegraph: "/heap/flamegraph", "flamegraph-change": "/heap/flamegraph?base=first",
    leaks: "/leaks", diff: "/diff?base=first", snapshot: `/snapshots/${snapshots[0].id}`, snapshots: "/snapshots",
    allocator: "/stats?detail=arena_bins", profiling: "/profiling", instance: "/instance", purge: "/stats",
  };
  return new Map(Object.entries(paths).map(([name, path]) => [name, shop.base + path]));
}

/** Encodes a PNG as WebP. */
async function encode(png) {
  const encoded = await studio.evaluate(async ([data, quality]) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp", quality })).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }, /** @type {[string, number]} */ ([png.toString("base64"), QUALITY]));
  return Buffer.from(encoded, "base64");
}

/** The part of the pixels in which two pictures differ visibly. 1 if their sizes differ. */
const difference = (first, second) => studio.evaluate(async (pair) => {
  const [a, b] = await Promise.all(pair.map(async (data) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:;base64,${data}`)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  }));
  if (a.width !== b.width || a.height !== b.height) return 1;
  let different = 0;
  for (let at = 0; at < a.data.length; at += 4) {
    different += [0, 1, 2].some((channel) => Math.abs(a.data[at + channel] - b.data[at + channel]) > 48);
  }
  return different / (a.width * a.height);
}, [first, second].map((bytes) => bytes.toString("base64")));

const isBlessing = process.env.MEMORY_DEBUG_BLESS === "1";
const taken = await pictures(await fixedPages());
const live = await pictures(await livePages());
/** @type {Map<string, Buffer>} */
const encoded = new Map();
for (const [name, png] of [...live, ...taken]) encoded.set(name, await encode(png));

test("B20 there is a picture of every page in four forms, and they are small together", () => {
  assert.ok(taken.size >= 4 * 6, `${[...taken.keys()]}`);
  const bytes = [...encoded.values()].reduce((sum, picture) => sum + picture.length, 0);
  assert.ok(bytes <= MAX_BYTES, `${bytes} bytes in ${encoded.size} pictures`);
});

test("B20 the four forms of a page differ", async () => {
  const forms = [...taken.keys()].filter((name) => name.startsWith("overview-")).map((name) => taken.get(name));
  assert.equal(forms.length, 4);
  for (const [index, form] of forms.entries()) {
    for (const other of forms.slice(index + 1)) assert.ok((await difference(form, other)) > 0.2);
  }
});

if (isBlessing) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, picture] of encoded) writeFileSync(new URL(name, FOLDER), picture);
} else if (existsSync(FOLDER)) {
  test("B20 pages look as in the kept pictures", async () => {
    for (const name of encoded.keys()) assert.ok(existsSync(new URL(name, FOLDER)), `${name} is missing`);
    for (const name of taken.keys()) {
      const part = await difference(readFileSync(new URL(name, FOLDER)), encoded.get(name));
      assert.ok(part <= TOLERANCE, `${name}: ${(100 * part).toFixed(1)} % of the pixels differ`);
    }
  });
}
