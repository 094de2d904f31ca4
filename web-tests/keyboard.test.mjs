// B11: everything works with the keyboard alone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { fixture, start } from "./lib/service.mjs";

const browser = await launch();
const service = await fixture();

/** What has the focus: its tag, its name and whether the user can see that it has it. */
const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  return {
    tag: element.localName,
    text: element.getAttribute("aria-label") ?? element.textContent.trim().slice(0, 40),
    isVisible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
});

test("B11 Tab visits every control in the order of the page, visibly, and leaves at its end", async () => {
  for (const path of ["", "/types?top=20", "/stats", "/doctor", "/snapshots", "/profiling"]) {
    const page = await tab(browser);
    await page.goto(service.base + path);
    const controls = await page.locator("a[href], button, input, select, textarea, summary, [tabindex='0']").count();
    const seen = [];
    // One more than there are controls: then the focus has left the page.
    for (let step = 0; step <= controls; step++) {
      await page.keyboard.press("Tab");
      const now = await focused(page);
      if (now.tag === "body") break;
      assert.ok(now.isVisible, `${page.url()}: ${now.tag} ${now.text} does not show the focus`);
      seen.push(now);
    }
    assert.equal(seen[0].text, "Skip to content");
    // Radio buttons of one group are one stop.
    assert.ok(seen.length <= controls && seen.length >= controls - 2, `${page.url()}: ${seen.length} of ${controls}`);
    const order = await page.evaluate(() => document.querySelectorAll("[tabindex]:not([tabindex='0'], [tabindex='-1'])").length);
    assert.equal(order, 0, "no element has an order of its own");
  }
});

test("B11 the focus is visible in pixels", async () => {
  const page = await tab(browser);
  await page.goto(service.base);
  const link = page.locator("nav a").nth(1);
  const clip = await link.boundingBox();
  const around = { x: clip.x - 4, y: clip.y - 4, width: clip.width + 8, height: clip.height + 8 };
  const before = await page.screenshot({ clip: around });
  for (let step = 0; step < 3; step++) await page.keyboard.press("Tab");
  assert.equal((await focused(page)).text, "Types");
  assert.ok(!before.equals(await page.screenshot({ clip: around })));
});

test("B11 the skip link leads past the navigation", async () => {
  const page = await tab(browser);
  await page.goto(service.base);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.closest("main") !== null), true);
});

test("B11 a slash goes to the filter, and a question mark lists the keys", async () => {
  const page = await tab(browser);
  await page.goto(`${service.base}/types?top=20`);
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.name), "filter");
  await page.keyboard.type("a/b?");
  assert.equal(await page.locator("input[name=filter]").inputValue(), "a/b?", "keys are text while typing");
  assert.equal(await page.locator("dialog").count(), 0);
  await page.keyboard.press("Tab");
  await page.locator("main").focus();
  await page.keyboard.press("?");
  assert.equal(await page.locator("dialog[open]").count(), 1);
  assert.equal(await page.evaluate(() => document.activeElement.closest("dialog") !== null), true);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("dialog").count(), 0);
});

test("B11 the keys can be switched off, which the browser remembers, and on again", async () => {
  const page = await tab(browser);
  const change = async () => {
    await page.getByRole("button", { name: "Keys" }).press("Enter");
    await page.getByLabel("Use the keys / and ?").press("Space");
    await page.getByRole("button", { name: "Close" }).press("Enter");
    await page.reload();
    await page.keyboard.press("?");
  };
  await page.goto(service.base);
  await change();
  assert.equal(await page.locator("dialog").count(), 0);
  await change();
  assert.equal(await page.locator("dialog").count(), 1);
});

test("B11 sorting and watching work with the keyboard, and are announced", async () => {
  const page = await tab(browser);
  await page.goto(`${service.base}/types?top=50`);
  const heading = page.locator("#type-table thead th", { hasText: "objects" });
  await heading.getByRole("link").press("Enter");
  assert.equal(await heading.getAttribute("aria-sort"), "descending");
  const watch = page.getByRole("button", { name: "Watch" });
  await watch.press("Space");
  assert.equal(await watch.getAttribute("aria-pressed"), "true");
  assert.equal(await page.locator(".watch [role=status]").textContent(), "Watching.");
  await watch.press("Space");
  assert.equal(await page.locator(".watch [role=status]").textContent(), "Watching stopped.");
});

test("B11 a form with a question asks it in a dialog, and Escape sends nothing", async () => {
  const live = await start("axum-service", { args: ["--small"] });
  const page = await tab(browser);
  await page.route(`${live.base}/doctor`, async (route) => {
    const reply = await route.fetch();
    const form = '<form method="post" action="./purge" data-confirm="Purge now?"><button>Purge</button></form>';
    await route.fulfill({ response: reply, body: (await reply.text()).replace("</main>", `${form}</main>`) });
  });
  await page.goto(`${live.base}/doctor`);
  const sent = [];
  page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
  await page.getByRole("button", { name: "Purge" }).press("Enter");
  assert.equal(await page.locator("dialog h2").textContent(), "Purge now?");
  assert.equal((await focused(page)).text, "Cancel");
  await page.keyboard.press("Escape");
  assert.deepEqual(sent, []);
  await page.getByRole("button", { name: "Purge" }).press("Enter");
  await page.locator("dialog").getByRole("button", { name: "Purge" }).press("Enter");
  await page.waitForURL(/purge/);
  assert.equal(sent.length, 1);
});
