// B9: watching shows what happens, costs little, and ends.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { Polls, stopClock } from "./lib/polls.mjs";
import { fixture } from "./lib/service.mjs";

const STATS = /\/stats\?/;

const browser = await launch();
const service = await fixture();

/** Opens a page, and returns it with its polls before anyone watches. `prepare` sees the page before it loads. */
async function opened(path, { of = service, prepare = async () => {} } = {}) {
  const page = await tab(browser);
  await stopClock(page);
  const polls = new Polls(page, /format=json/);
  await prepare(page);
  await page.goto(of.base + path);
  return { page, polls };
}

/** Presses the button, and waits for the first replies. */
async function watch({ page, polls }) {
  await page.getByRole("button", { name: "Watch" }).click();
  await polls.after(1);
}

const state = (page) => page.locator(".watch .state").textContent();
const isPressed = (page) => page.locator(".watch [aria-pressed]").getAttribute("aria-pressed");
const points = (page) => page.locator(".plot polyline").first().getAttribute("points");

/** Answers all polls with this status. */
const refusing = (status, headers = {}) => (page) =>
  page.route(STATS, (route) => route.fulfill({ status, headers, body: "{}" }));

test("B9 points appear, and the charts say their range in words", async () => {
  const { page, polls } = await opened("/stats");
  await watch({ page, polls });
  for (let count = 2; count <= 4; count++) {
    await service.control({ resident_bytes: count * 100_000_000 });
    assert.equal(await polls.after(2_000), 1);
    assert.equal((await points(page)).split(" ").length, count);
  }
  const name = await page.locator(".plot svg").first().getAttribute("aria-label");
  assert.equal(name, "resident: 190.7 MiB to 381.5 MiB in 6 s");
  assert.equal(await page.locator(".plot b").first().textContent(), "381.5 MiB");
  await page.getByRole("button", { name: "Watch" }).click();
  assert.equal(await isPressed(page), "false");
  assert.equal(await polls.after(60_000), 0);
  assert.deepEqual(page.trouble, []);
});

test("B9 the numbers at the top of the page follow", async () => {
  const { page, polls } = await opened("");
  await service.control({ resident_bytes: 123_456_789 });
  await watch({ page, polls });
  assert.match(await page.locator(".numbers").textContent(), /^resident 117\.7 MiB · allocated 235\.2 MiB · /);
});

test("B9 the page polls its own instance, and says what that costs", async () => {
  const { page, polls } = await opened("/stats");
  await watch({ page, polls });
  const address = new URL(polls.addresses[0]);
  const report = await (await service.ask("/stats?format=json")).json();
  assert.equal(address.searchParams.get("instance"), report.instance.id);
  assert.equal(await state(page), "This page costs 4.1 ms every 2 s.");
  await page.getByLabel("every").selectOption("30 s");
  assert.equal(await polls.after(1), 1, "the new interval begins with a request");
  assert.equal(await polls.after(29_000), 0);
  assert.equal(await polls.after(1_100), 1);
});

test("B9 a page with types polls them every ten seconds, with its own query", async () => {
  const { page, polls } = await opened("/types?top=20&sort=count");
  const types = () => polls.addresses.filter((address) => address.includes("/types?"));
  const before = await page.locator("#type-table tbody").innerText();
  await watch({ page, polls });
  await polls.after(1);
  assert.equal(types().length, 1);
  const query = new URL(types()[0]).searchParams;
  assert.deepEqual([query.get("top"), query.get("sort"), query.get("format")], ["20", "count", "json"]);
  for (let second = 1; second < 10; second++) await polls.after(1_000);
  assert.equal(types().length, 1);
  await polls.after(1_100);
  await polls.after(1);
  assert.equal(types().length, 2);
  assert.ok(polls.count >= 2 + 4, `${polls.addresses}`);
  assert.match(await state(page), /^This page costs 4\.1 ms every 2 s and 4\.1 ms every 10 s\.$/);
  // The report is fixed, so the script writes what the server wrote.
  assert.equal(await page.locator("#type-table tbody").innerText(), before);
  assert.equal(await page.locator("#type-table [data-field]").count(), 40);
});

test("B9 watching takes at most a twentieth of one core", async () => {
  const slow = await fixture({ delay_ms: 400 });
  const { page, polls } = await opened("/stats", { of: slow });
  await page.getByRole("button", { name: "Watch" }).click();
  await polls.after(1);
  assert.equal(polls.count, 1);
  assert.equal(await polls.after(8_000), 0, "20 times 404.1 ms have not passed");
  assert.equal(await polls.after(100), 1);
  assert.equal(await state(page), "This page costs 404.1 ms every 8.1 s.");
});

for (const status of [429, 503, 504]) {
  test(`B9 the interval doubles at each ${status}, and a success restores it`, async () => {
    const { page, polls } = await opened("/stats", { prepare: refusing(status) });
    await watch({ page, polls });
    for (const seconds of [4, 8]) {
      assert.equal(await polls.after(seconds * 1000 - 200), 0, `${seconds} s`);
      assert.equal(await polls.after(300), 1, `${seconds} s`);
      assert.match(await state(page), new RegExp(`The last request failed: ${status}`));
    }
    await page.unroute(STATS);
    assert.equal(await polls.after(16_000), 1);
    assert.equal(await polls.after(2_000), 1);
    assert.equal(await state(page), "This page costs 4.1 ms every 2 s.");
  });
}

test("B9 Retry-After is kept, in seconds and as a date", async () => {
  for (const after of ["90", "Fri, 20 Nov 2026 09:01:31 GMT"]) {
    const { page, polls } = await opened("/stats", { prepare: refusing(503, { "retry-after": after }) });
    await watch({ page, polls });
    assert.equal(await polls.after(88_000), 0, after);
    assert.equal(await polls.after(3_000), 1, after);
  }
});

test("B9 watching stops at a refusal, and after five failures", async () => {
  for (const [status, requests, reason] of [
    [401, 1, "Watching stopped: the login is not valid any more. Reload the page."],
    [403, 1, "Watching stopped: this login may not read these numbers."],
    [500, 5, /^Watching stopped after 5 failures: 500/],
  ]) {
    const { page, polls } = await opened("/stats", { prepare: refusing(status) });
    await watch({ page, polls });
    for (let round = 0; round < 8; round++) await polls.after(2_000);
    assert.equal(polls.count, requests, String(status));
    assert.match(await state(page), reason instanceof RegExp ? reason : new RegExp(reason));
    assert.equal(await isPressed(page), "false");
  }
});

test("B9 watching ends after its time, and can be continued", async () => {
  const { page, polls } = await opened("/stats");
  await watch({ page, polls });
  await page.clock.fastForward(10 * 60_000 + 1);
  await polls.settled();
  assert.equal(await state(page), "Watching ended. Continue?");
  assert.equal(await isPressed(page), "false");
  assert.equal(await polls.after(60_000), 0);
  await page.getByRole("button", { name: "Continue" }).click();
  assert.equal(await polls.after(1), 1);
  assert.equal(await isPressed(page), "true");
});

test("B9 the tab keeps at most 300 points of an instance, also on the next page", async () => {
  const { page, polls } = await opened("/stats");
  const instance = await page.locator("[data-watch]").getAttribute("data-instance");
  await page.evaluate((key) => {
    const points = Array.from({ length: 300 }, (_, index) => ({ at: index * 1000, values: [1000 + index, 500] }));
    sessionStorage.setItem(key, JSON.stringify(points));
  }, `memory-debug:${instance}`);
  await page.goto(`${service.base}/doctor`);
  assert.equal((await points(page)).split(" ").length, 300, "kept by the tab");
  await watch({ page, polls });
  assert.equal((await points(page)).split(" ").length, 300);
  const kept = await page.evaluate((key) => JSON.parse(sessionStorage.getItem(key)), `memory-debug:${instance}`);
  assert.equal(kept.length, 300);
  assert.equal(kept[0].values[0], 1001, "the oldest point is gone");
});

test("B9 a hidden page does not poll", async () => {
  const { page, polls } = await opened("/stats");
  await watch({ page, polls });
  const show = (isHidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
  await show(true);
  assert.equal(await polls.after(60_000), 0);
  await show(false);
  assert.equal(await polls.after(1), 1);
});

test("B9 a number that is missing is not drawn as 0", async () => {
  const empty = await fixture({ report: "empty" });
  const { page, polls } = await opened("/stats", { of: empty });
  await watch({ page, polls });
  await polls.after(2_000);
  assert.equal(polls.count, 2);
  assert.equal(await page.locator(".plot:visible").count(), 0);
});

test("B9 a screen reader hears a crossed tenth of the limit, at most every ten seconds", async () => {
  let share = 0.45;
  const ceiling = () => ({ duration_us: 1, ceiling: { used_bytes: share * 1000, limit_bytes: 1000 } });
  const { page, polls } = await opened("/stats", {
    prepare: (page) => page.route(STATS, (route) => route.fulfill({ json: ceiling() })),
  });
  const spoken = () => page.getByRole("status").first().textContent();
  await watch({ page, polls });
  assert.equal(await spoken(), "Watching.");
  share = 0.55;
  await polls.after(2_000);
  assert.equal(await spoken(), "Watching.", "the last announcement was two seconds ago");
  await polls.after(10_000);
  share = 0.71;
  await polls.after(2_000);
  assert.equal(await spoken(), "Memory is at 70 % of its limit or more.");
});
