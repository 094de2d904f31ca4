// B6: other sites can neither read the page nor make it collect.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { fixture, OPS } from "./lib/service.mjs";

const browser = await launch();
const service = await fixture();

/** A site of another origin and site, because `localhost` and `127.0.0.1` differ. */
async function site(body) {
  const server = createServer((request, reply) => {
    reply.setHeader("content-type", "text/html").end(request.url === "/" ? body : "");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  after(() => server.close());
  return `http://localhost:${server.address().port}/`;
}

/**
 * Opens a site with this body. The browser sends the password with every request to the service, as it does after a
 * login. Returns the page, and the statuses of the replies of the service, including those that the site may not see.
 */
async function visit(body) {
  const authorization = `Basic ${btoa(`${OPS.username}:${OPS.password}`)}`;
  const page = await tab(browser, { login: null, extraHTTPHeaders: { authorization } });
  // The two events of a request come in any order.
  const addresses = new Map(), received = [], seen = [];
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.requestWillBeSent", ({ requestId, request }) => addresses.set(requestId, request.url));
  session.on("Network.responseReceivedExtraInfo", (reply) => received.push(reply));
  // A frame of another site is another process, which the session does not see.
  page.on("response", (reply) => isPage(reply.url()) && seen.push(reply.status()));
  await page.goto(await site(body));
  const statuses = () => [...seen, ...received.filter(({ requestId }) => isPage(addresses.get(requestId)))
    .map(({ statusCode }) => statusCode)];
  return { page, statuses };
}

const isPage = (address) => address?.startsWith(service.base) && !address.includes("/assets/");

const ATTACKS = {
  "an image": `<img src="${service.base}/types">`,
  "a frame": `<iframe src="${service.base}/types"></iframe>`,
  "a script": `<script src="${service.base}/types?format=json"></script>`,
  "a fetch": `<script>fetch("${service.base}/types", { credentials: "include", mode: "no-cors" })</script>`,
  "a form that sends itself": `<form method="post" action="${service.base}/snapshots"></form><script>document.forms[0].submit()</script>`,
};

for (const [name, body] of Object.entries(ATTACKS)) {
  test(`B6 ${name} of another site is refused, and nothing is collected`, async () => {
    const before = await service.control();
    const { page, statuses } = await visit(body);
    await page.waitForTimeout(1_000);
    assert.ok(statuses().includes(403), `${statuses()}`);
    assert.deepEqual(statuses().filter((status) => status !== 403), []);
    assert.equal(await service.control(), before);
  });
}

test("B6 a link of another site leads to a page that collects nothing until it is confirmed", async () => {
  const before = await service.control();
  const { page } = await visit(`<a href="${service.base}/types">memory</a>`);
  await page.getByRole("link").click();
  await page.waitForURL(/types/);
  assert.equal(await service.control(), before);
  assert.equal(await page.locator("#type-table").count(), 0);
  await page.locator("main").getByRole("link").click();
  await page.locator("#type-table").waitFor();
  assert.equal(await service.control(), before + 1);
});

test("B6 a window that another site opens shows no data, and the site cannot read it", async () => {
  const before = await service.control();
  const { page } = await visit(`<button onclick="opened = window.open('${service.base}/types')">open</button>`);
  const [popup] = await Promise.all([page.context().waitForEvent("page"), page.getByRole("button").click()]);
  await popup.waitForLoadState();
  assert.equal(await popup.locator("#type-table").count(), 0);
  assert.equal(await service.control(), before);
  assert.match(await page.evaluate(() => {
    try {
      return window.opened.document.title;
    } catch (error) {
      return error.name;
    }
  }), /SecurityError|TypeError/);
});
