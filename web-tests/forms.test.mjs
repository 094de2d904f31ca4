// B5: forms of the page work over plain HTTP, and forms of other sites do not.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { start } from "./lib/service.mjs";

// A browser trusts loopback more than other plain HTTP, so the service gets a name that is not loopback.
const browser = await launch(["--host-resolver-rules=MAP *.example 127.0.0.1"]);
const service = await start("axum-service");
const port = new URL(service.origin).port;
const base = `http://shop.example:${port}/debug/memory`;

test("B5 a form of the page passes over plain HTTP", async () => {
  const page = await tab(browser);
  await page.goto(`${base}/snapshots`);
  const sent = page.waitForRequest((request) => request.method() === "POST");
  await page.getByRole("button", { name: /take/i }).click();
  const headers = await (await sent).allHeaders();
  assert.equal(headers.origin, `http://shop.example:${port}`);
  assert.equal(headers["sec-fetch-site"], undefined);
  await page.goto(`${base}/snapshots`);
  assert.equal(await page.locator("tbody th a").count(), 1);
});

test("B5 a form of another site is refused and changes nothing", async () => {
  const html = `<form method="post" action="${base}/snapshots"><button>Win</button></form>`;
  const site = createServer((_, reply) => reply.setHeader("content-type", "text/html").end(html)).listen(0, "127.0.0.1");
  after(() => site.close());
  const count = async () => (await (await service.ask("/snapshots?format=json")).json()).snapshots.length;
  const before = await count();
  const page = await tab(browser);
  await page.goto(`http://other.example:${site.address().port}/`);
  const answered = page.waitForResponse((reply) => reply.request().method() === "POST" && reply.status() !== 401);
  await page.getByRole("button").click();
  assert.equal((await answered).status(), 403);
  assert.equal(await count(), before);
});
