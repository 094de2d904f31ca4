// B17: behind a balancer, a page shows data of one instance only.

import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { after, test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { Polls, stopClock } from "./lib/polls.mjs";
import { fixture } from "./lib/service.mjs";

const browser = await launch();
const instances = await Promise.all([fixture(), fixture(), fixture()]);
for (const [index, instance] of instances.entries()) {
  await instance.control({ resident_bytes: (index + 1) * 100_000_000 });
}

/** Sends each request for a page to the instance that `choose` picks. All instances have the same assets. */
async function balancer(choose) {
  const server = createServer((incoming, reply) => {
    const { hostname, port } = new URL(choose(incoming).origin);
    const { method, headers, url: path } = incoming;
    incoming.pipe(request({ hostname, port, path, method, headers }, (answer) => {
      reply.writeHead(answer.statusCode, answer.headers);
      answer.pipe(reply);
    }));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/debug/memory`;
}

/** Opens a page behind a balancer, and watches it for some seconds. */
async function watched(choose, seconds) {
  const page = await tab(browser);
  await stopClock(page);
  const polls = new Polls(page, /format=json/);
  await page.goto(`${await balancer(choose)}/stats`);
  await page.getByRole("button", { name: "Watch" }).click();
  await polls.after(1);
  for (let second = 0; second < seconds; second += 2) await polls.after(2_000);
  return { page, polls, state: await page.locator(".state").textContent() };
}

test("B17 behind a round robin the page keeps to its instance, and says that others answer", async () => {
  let turn = 0;
  const { page, state } = await watched((incoming) => instances[incoming.url.includes("json") ? turn++ % 3 : 1], 10);
  const range = await page.locator(".plot svg").first().getAttribute("aria-label");
  assert.equal(range, "resident: 190.7 MiB to 190.7 MiB in 10 s", "the second instance has 200 MB");
  assert.match(state, /Other instances answer here: \d of 10\./);
  assert.equal(await page.locator(".watch [aria-pressed]").getAttribute("aria-pressed"), "true");
});

test("B17 if only other instances answer, watching says so and stops", async () => {
  const { page, polls, state } = await watched((incoming) => instances[incoming.url.includes("json") ? 0 : 1], 20);
  assert.equal(state, "Watching stopped after 5 failures: another instance answers.");
  assert.equal(polls.count, 50, "ten tries for each of five polls");
  assert.equal(await page.locator(".plot:visible").count(), 0);
});
