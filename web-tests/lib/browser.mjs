// Chromium, and pages that record whatever goes wrong on them.

import { after } from "node:test";
import { chromium } from "playwright-core";

import { OPS } from "./service.mjs";

/** Runs Debian's Chromium until the tests of the file have ended. */
export async function launch(args = []) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", ...args],
  });
  after(() => browser.close());
  return browser;
}

/** Whether the page itself says why this request failed: the flame graph does, if there is no heap profile. */
const isExplained = (address) => address.includes("/heap/tree?");

/**
 * Opens a new tab with a login. `page.trouble` lists violations of the policy, errors, dialogs and failed requests.
 * @param {import("playwright-core").Browser} browser
 */
export async function tab(browser, { login = OPS, ...options } = {}) {
  const context = await browser.newContext({ httpCredentials: login ?? undefined, ...options });
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`violation of ${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  const trouble = [];
  page.on("console", (message) => {
    const isTrouble = message.type() === "error" && !isExplained(message.location().url);
    if (isTrouble || /Content Security Policy/.test(message.text())) trouble.push(message.text());
  });
  page.on("pageerror", (error) => trouble.push(`uncaught: ${error.message}`));
  page.on("dialog", (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("requestfailed", (request) => {
    // The browser gives up on the icon if the test goes on to the next page.
    const why = request.failure()?.errorText;
    if (why !== "net::ERR_ABORTED") trouble.push(`failed: ${request.url()} ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400 && !isExplained(response.url())) trouble.push(`${response.status()} ${response.url()}`);
  });
  return Object.assign(page, { trouble });
}
