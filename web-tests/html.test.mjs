// B21: the HTML of every page is valid.

import assert from "node:assert/strict";
import { test } from "node:test";

import { HtmlValidate } from "html-validate";

import { launch, tab } from "./lib/browser.mjs";
import { ACCEPT, crawl } from "./lib/crawl.mjs";
import { fixture, start } from "./lib/service.mjs";

const browser = await launch();

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:standard", "html-validate:a11y"],
  rules: {
    // A region that scrolls is a `<div>` with a role and a name, as WAI-ARIA describes it.
    "prefer-native-element": "off",
    // A button of a form sends it by default, and templates have no other buttons.
    "no-implicit-button-type": "off",
  },
});

/** Validates all pages of a service, and returns their number. */
async function assertValid(service) {
  const page = await tab(browser);
  const { pages } = await crawl(page, service.base);
  pages.push(`${service.base}/unknown`, `${service.base}/types?top=-1`);
  for (const address of pages) {
    const reply = await page.context().request.get(address, { headers: { accept: ACCEPT } });
    const { results } = await validator.validateString(await reply.text());
    const messages = results.flatMap((result) => result.messages);
    assert.deepEqual(messages.map(({ line, column, message, ruleId }) => `${address} ${line}:${column} ${message} (${ruleId})`), []);
  }
  return pages.length;
}

for (const report of ["plain", "hostile", "empty"]) {
  test(`B21 all pages of a report that is ${report} are valid`, async () => {
    assert.ok(await assertValid(await fixture({ report })) >= 6);
  });
}

test("B21 all pages of live data are valid", async () => {
  const service = await start("axum-service");
  await service.ask("/snapshots", { method: "POST" });
  await service.ask("/snapshots", { method: "POST" });
  assert.ok(await assertValid(service) >= 7);
});
