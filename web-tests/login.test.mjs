// B7: logging in, with and without a password in the address, and losing the login.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch, tab } from "./lib/browser.mjs";
import { fixture, OPS } from "./lib/service.mjs";

const browser = await launch();

/** Opens a tab that counts how often the browser asks for a password, and answers with `answers` in turn. */
async function asked(answers) {
  const page = await tab(browser, { login: null });
  const session = await page.context().newCDPSession(page);
  await session.send("Fetch.enable", { handleAuthRequests: true });
  const prompts = [];
  session.on("Fetch.requestPaused", ({ requestId }) => session.send("Fetch.continueRequest", { requestId }).catch(() => {}));
  session.on("Fetch.authRequired", ({ requestId, authChallenge }) => {
    const login = answers[prompts.length];
    prompts.push(authChallenge.realm);
    const authChallengeResponse = login ? { response: "ProvideCredentials", ...login } : { response: "CancelAuth" };
    session.send("Fetch.continueWithAuth", { requestId, authChallengeResponse }).catch(() => {});
  });
  return { page, prompts };
}

test("B7 the browser asks once, and remembers the login for all pages", async () => {
  const service = await fixture();
  const { page, prompts } = await asked([OPS]);
  await page.goto(service.base);
  await page.goto(`${service.base}/types`);
  await page.getByRole("button", { name: "Watch" }).click();
  await page.locator(".plot").first().waitFor();
  assert.deepEqual(prompts, ["memory"]);
  assert.match(await page.locator("footer").textContent(), /ops, profile/);
});

test("B7 after a wrong password the browser asks again, and no data is shown", async () => {
  const service = await fixture();
  const { page, prompts } = await asked([{ ...OPS, password: "wrong" }]);
  const reply = await page.goto(service.base);
  assert.equal(reply.status(), 401);
  assert.equal(prompts.length, 2);
  assert.equal(await service.control(), 0);
});

test("B7 a page with the password in its address can watch", async () => {
  const service = await fixture();
  const page = await tab(browser, { login: null });
  const address = new URL(`${service.base}/stats`);
  Object.assign(address, OPS);
  await page.goto(address.href);
  await page.getByRole("button", { name: "Watch" }).click();
  await page.locator(".plot").first().waitFor();
  await page.locator("nav").getByRole("link", { name: "Types" }).click();
  await page.getByRole("button", { name: "Watch" }).click();
  await page.getByText(/This page costs .* and /).waitFor();
  assert.deepEqual(page.trouble.filter((line) => !line.includes("401")), []);
});

test("B7 when the password changes, watching stops after one prompt", async () => {
  const service = await fixture();
  const { page, prompts } = await asked([OPS]);
  await page.goto(`${service.base}/stats`);
  await page.getByLabel("every").selectOption("1 s");
  await page.getByRole("button", { name: "Watch" }).click();
  await page.locator(".plot").first().waitFor();
  await service.control({ password: "another-otter-drinks-cold-milk" });
  await page.locator(".state", { hasText: "Watching stopped: the login is not valid any more." }).waitFor();
  await page.waitForTimeout(3_000);
  assert.equal(prompts.length, 2, "one at the start, one at the first refusal");
});
