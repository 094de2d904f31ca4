// B8: a page collects once, and nothing happens unless someone watches.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { launch, tab } from "./lib/browser.mjs";
import { fixture } from "./lib/service.mjs";

const browser = await launch();

test("B8 loading the overview collects once, with all its assets", async () => {
  const service = await fixture();
  const page = await tab(browser);
  const assets = [];
  page.on("response", (reply) => reply.url().includes("/assets/") && assets.push(reply.status()));
  await page.goto(service.base, { waitUntil: "networkidle" });
  assert.ok(assets.length >= 3, `${assets}`);
  assert.equal(await service.control(), 1);
});

test("B8 an idle tab and a frozen tab collect nothing in 30 seconds", async () => {
  const service = await fixture();
  const idle = await tab(browser);
  await idle.goto(service.base);
  const frozen = await tab(browser);
  await frozen.goto(service.base);
  const session = await frozen.context().newCDPSession(frozen);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  await wait(30_000);
  assert.equal(await service.control(), 2);
  assert.deepEqual([...idle.trouble, ...frozen.trouble], []);
});

test("B8 ten tabs at once share one collection", async () => {
  const service = await fixture({ delay_ms: 3_000 });
  const tabs = await Promise.all(Array.from({ length: 10 }, () => tab(browser)));
  await Promise.all(tabs.map((page) => page.goto(service.base)));
  assert.equal(await service.control(), 1);
});

test("B8 problems and refused logins collect nothing", async () => {
  const service = await fixture();
  const page = await tab(browser);
  await page.goto(`${service.base}/unknown`);
  await page.goto(`${service.base}/types?top=-1`);
  const stranger = await tab(browser, { login: null });
  await stranger.goto(service.base).catch(() => {});
  assert.equal(await service.control(), 0);
});
