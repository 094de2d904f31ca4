// The pages in Firefox, over WebDriver BiDi: scripts run by their hashes, and nothing else does.
//
//     MEMORY_DEBUG_URL=http://127.0.0.1:3000/debug/memory MEMORY_DEBUG_USER=ops MEMORY_DEBUG_PASSWORD=… \
//         node --test web-tests/firefox.test.mjs

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import puppeteer from "puppeteer-core";

import { ACCEPT } from "./lib/crawl.mjs";
import { OPS } from "./lib/service.mjs";

const BASE = process.env.MEMORY_DEBUG_URL;
const LOGIN = {
  username: process.env.MEMORY_DEBUG_USER ?? OPS.username,
  password: process.env.MEMORY_DEBUG_PASSWORD ?? OPS.password,
};

const { browser, skip } = await launch();

/** Runs Debian's Firefox until the tests of the file have ended, or says why it does not start. */
async function launch() {
  try {
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    });
    after(() => browser.close());
    console.log(`browser: ${await browser.version()}`);
    return { browser, skip: false };
  } catch (error) {
    const skip = `Firefox does not start: ${error.message.split("\n")[0]}`;
    console.log(skip);
    return { skip };
  }
}

/** Opens a new tab. `page.trouble` lists violations of the policy, errors, dialogs and failed requests. */
async function tab(login = LOGIN) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const trouble = [];
  page.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
  page.on("pageerror", (error) => trouble.push(`uncaught: ${error.message}`));
  page.on("dialog", (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("response", (response) => {
    // The service asks for the login first.
    if (response.status() >= 400 && response.status() !== 401) trouble.push(`${response.status()} ${response.url()}`);
  });
  await page.authenticate(login);
  // Firefox reports violations as errors of the page, in words. The event has the name of the directive.
  await page.evaluateOnNewDocument(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`violation of ${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
  return Object.assign(page, { trouble });
}

/** Opens a page of the service, and returns it after the reply to its last request. */
async function opened(path, base = BASE) {
  const page = await tab();
  const reply = await page.goto(base + path, { waitUntil: "networkidle0" });
  assert.equal(reply.status(), 200);
  return page;
}

const ran = (page) => page.evaluate(() => Object.keys(window).filter((name) => name.endsWith("ScriptRan")));

/** Presses a button that sends a form, and waits for the next page. */
const send = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);

/** A server that passes on the service's pages after a change of their HTML, and adds files of its own. */
async function changed(change, files) {
  const authorization = `Basic ${btoa(`${LOGIN.username}:${LOGIN.password}`)}`;
  const server = createServer(async (request, reply) => {
    const file = files[request.url];
    if (file) return reply.setHeader("content-type", "text/javascript").end(file);
    const found = await fetch(new URL(request.url, BASE), { headers: { authorization, accept: ACCEPT } });
    const type = found.headers.get("content-type") ?? "";
    reply.statusCode = found.status;
    reply.setHeader("content-type", type);
    reply.setHeader("content-security-policy", found.headers.get("content-security-policy") ?? "");
    const text = await found.text();
    reply.end(type.startsWith("text/html") ? change(text) : text);
  });
  after(() => server.closeAllConnections());
  after(() => server.close());
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${server.address().port}`;
}

/** The buttons that only the script adds to every page. */
const buttons = (page) => page.$$eval(".watch button, body > footer button", (all) => all.map((it) => it.textContent));

/** What the script of each page makes. */
const PAGES = {
  "": async (page) => assert.ok((await buttons(page)).includes("Watch")),
  "/types?top=50": async (page) => assert.ok((await buttons(page)).includes("Watch")),
  "/heap/flamegraph": async (page) => {
    await page.waitForSelector("#flame-callees [role=treeitem]");
    assert.ok((await page.$$("#flame-callees [role=treeitem]")).length > 1);
  },
  "/snapshots": async () => {},
  "/stats": async (page) => assert.ok((await buttons(page)).includes("Watch")),
};

for (const [path, look] of Object.entries(PAGES)) {
  test(`Firefox: the page ${path || "/"} runs its scripts and violates no policy`, { skip }, async () => {
    const page = await opened(path);
    assert.ok((await buttons(page)).includes("Keys"), "the script of all pages has run");
    await look(page);
    assert.ok(await page.evaluate(() => document.styleSheets[0].cssRules.length) > 0, "the style sheet is loaded");
    assert.deepEqual(page.trouble, []);
  });
}

test("Firefox: watching draws points", { skip }, async () => {
  const page = await opened("/stats");
  await page.click(".watch button");
  await page.waitForFunction(() => document.querySelector(".plot polyline")?.getAttribute("points")?.includes(" "));
  assert.deepEqual(page.trouble, []);
});

test("Firefox: a name and a password in the address do no harm", { skip }, async () => {
  const page = await tab(null);
  const address = Object.assign(new URL(`${BASE}/heap/flamegraph`), LOGIN);
  await page.goto(address.href);
  await page.waitForSelector("#flame-callees [role=treeitem]");
  assert.deepEqual(page.trouble, []);
});

test("Firefox: an injected inline script does not run", { skip }, async () => {
  const page = await opened("");
  const refused = await page.evaluate(() => {
    const script = document.createElement("script");
    let refused = "";
    try {
      script.textContent = "window.inlineScriptRan = true";
    } catch (error) {
      refused = error.name;
      script.append("window.inlineScriptRan = true");
    }
    document.body.append(script);
    return refused;
  });
  await wait(300);
  assert.equal(refused, "TypeError", "Trusted Types refuse the text");
  assert.deepEqual(await ran(page), []);
  assert.match(page.trouble.join("\n"), /violation of require-trusted-types-for/);
});

test("Firefox: of the scripts in a page, only those run whose hashes the policy names", { skip }, async () => {
  const code = (name) => `window.${name}ScriptRan = true`;
  const hash = createHash("sha256").update(code("hashed")).digest("base64");
  const scripts = `<script>${code("inline")}</script><script src="/plain.js"></script>`
    + `<script src="/hashed.js" integrity="sha256-${hash}"></script>`;
  const origin = await changed((html) => html.replace("<head>", `<head>${scripts}`), {
    "/plain.js": code("plain"),
    "/hashed.js": code("hashed"),
  });
  const page = await opened("", origin + new URL(BASE).pathname);
  assert.equal(await page.$$eval("head > script", (all) => all.length), 4);
  assert.deepEqual(await ran(page), []);
  assert.ok((await buttons(page)).includes("Watch"), "the page's own script has run");
  assert.deepEqual(page.trouble.filter((it) => it.startsWith("violation")).sort(), [
    `violation of script-src-elem: ${origin}/hashed.js`,
    `violation of script-src-elem: ${origin}/plain.js`,
    "violation of script-src-elem: inline",
  ]);
});

test("Firefox: a form takes a snapshot, and another deletes it", { skip }, async () => {
  const page = await opened("/snapshots");
  const ids = () => page.$$eval("tbody th a", (links) => links.map((link) => link.href));
  const before = await ids();
  await send(page, "form[action$='/snapshots'] button");
  await page.goto(`${BASE}/snapshots`);
  const taken = (await ids()).filter((id) => !before.includes(id));
  assert.equal(taken.length, 1);
  await page.goto(taken[0]);
  await send(page, "form[action$='/delete'] button");
  await page.goto(`${BASE}/snapshots`);
  assert.deepEqual(await ids(), before);
  assert.deepEqual(page.trouble, []);
});

test("Firefox: typing in the filter hides the rows of other types", { skip }, async () => {
  const page = await opened("/types?top=50");
  const names = () => page.$$eval("#type-table tbody tr", (rows) =>
    rows.filter((row) => row.checkVisibility()).map((row) => row.dataset.type));
  const all = await names();
  await page.type("input[data-filters]", "HashMap");
  const expected = all.filter((name) => name.includes("HashMap"));
  assert.ok(expected.length > 0 && expected.length < all.length, `${all}`);
  assert.deepEqual(await names(), expected);
  assert.deepEqual(page.trouble, []);
});
