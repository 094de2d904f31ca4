// B15: a collection that is slow, fails or is refused is explained, and watching recovers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { fixture } from "./lib/service.mjs";

const browser = await launch();

/** Opens the overview of a service, and returns the status and what the page says. */
async function opened(service, path = "") {
  const page = await tab(browser);
  const reply = await page.goto(service.base + path, { timeout: 60_000 });
  assert.match(reply.headers()["content-type"], /^text\/html/);
  return { status: reply.status(), text: await page.locator("main").innerText(), page };
}

test("B15 a page waits for a collection of ten seconds", async () => {
  const { status, text } = await opened(await fixture({ delay_ms: 10_000 }));
  assert.equal(status, 200);
  assert.match(text, /Record1>/);
});

test("B15 a collection that fails, times out or is refused is a page with advice", async () => {
  for (const [settings, change, expected] of [
    [{}, { failure: "panic" }, 500],
    [{}, { failure: "shortage" }, 503],
    [{ deadline_ms: 300 }, { delay_ms: 3_000 }, 504],
  ]) {
    const service = await fixture(settings);
    await service.control(change);
    const { status, text, page } = await opened(service);
    assert.equal(status, expected);
    assert.match(text, new RegExp(String(expected)));
    assert.ok(text.length > 60, `only: ${text}`);
    assert.ok(await page.locator("nav a").count() >= 6, "there is a way to other pages");
    if (status === 503) assert.match(text, /try again in \d+ s/i);
  }
});

test("B15 a page that is too large loses rows, and says so", async () => {
  const service = await fixture({ report: "many", max_body_bytes: 64 << 10 });
  const { status, text, page } = await opened(service, "/types?top=1000");
  assert.equal(status, 200);
  const rows = await page.locator("#type-table tbody tr").count();
  assert.ok(rows > 10 && rows < 1000, `${rows} rows`);
  assert.match(await page.locator(".note").first().innerText(), /row/);
  assert.match(text, /more/);
});

test("B15 watching reports failures, and recovers", async () => {
  const service = await fixture();
  const { page } = await opened(service, "/stats");
  await page.getByLabel("every").selectOption("1 s");
  await page.getByRole("button", { name: "Watch" }).click();
  await page.getByText(/^This page costs/).waitFor();
  await service.control({ failure: "panic" });
  await page.getByText(/The last request failed: 500/).waitFor();
  await service.control({ failure: "never" });
  await page.waitForFunction(() => !document.querySelector(".state").textContent.includes("failed"), undefined, { timeout: 60_000 });
  assert.equal(await page.locator(".watch [aria-pressed]").getAttribute("aria-pressed"), "true");
});
