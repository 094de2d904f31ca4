// B2: the policy lets all pages work and nothing else run.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { crawl } from "./lib/crawl.mjs";
import { fixture } from "./lib/service.mjs";

const browser = await launch();
const service = await fixture();

test("B2 no page violates its own policy", async () => {
  const page = await tab(browser);
  let styled = 0;
  await crawl(page, service.base, async () => {
    assert.deepEqual(page.trouble, [], page.url());
    styled += await page.evaluate(() => document.styleSheets.length);
  });
  assert.ok(styled >= 6, `the style sheet was loaded ${styled} times`);
});

/** Runs `attack` on the overview, and returns what it left behind and what went wrong. */
async function attempt(attack) {
  const page = await tab(browser);
  await page.goto(service.base);
  assert.deepEqual(page.trouble, []);
  const outcome = await page.evaluate(attack);
  await page.waitForTimeout(300);
  const ran = await page.evaluate(() => Object.keys(window).filter((name) => /ScriptRan$/.test(name)));
  await page.context().close();
  return { outcome, ran, trouble: page.trouble.join("\n") };
}

test("B2 the policy blocks an injected inline script", async () => {
  const { ran, trouble } = await attempt(() => {
    const script = document.createElement("script");
    try {
      script.textContent = "window.inlineScriptRan = true";
    } catch {
      // Trusted Types refuse the text already.
      script.append("window.inlineScriptRan = true");
    }
    document.body.append(script);
  });
  assert.deepEqual(ran, []);
  assert.match(trouble, /violation of (script-src|require-trusted-types-for)/);
});

test("B2 the policy blocks a file of the same origin", async () => {
  const { ran, outcome } = await attempt(() => {
    const script = document.createElement("script");
    try {
      script.src = "/uploads/x.js";
      document.body.append(script);
      return "appended";
    } catch (error) {
      return error.name;
    }
  });
  assert.deepEqual(ran, []);
  assert.equal(outcome, "TypeError");
});

test("B2 the policy blocks a script of the same origin that the page itself contains", async () => {
  const page = await tab(browser);
  await page.route(service.base, async (route) => {
    const reply = await route.fetch();
    const body = (await reply.text()).replace("<head>", '<head><script src="/uploads/x.js"></script>');
    await route.fulfill({ response: reply, body });
  });
  await page.goto(service.base);
  assert.equal(await page.evaluate(() => window.uploadedScriptRan), undefined);
  assert.match(page.trouble.join("\n"), /violation of script-src/);
});

test("B2 the policy refuses HTML made of text", async () => {
  const { outcome, trouble } = await attempt(() => {
    try {
      document.body.innerHTML = "<p>made of text</p>";
      return "written";
    } catch (error) {
      return error.name;
    }
  });
  assert.equal(outcome, "TypeError");
  assert.match(trouble, /violation of require-trusted-types-for/);
});
