// Requests of a page, and a clock that stands still until the test moves it.

import { setTimeout as wait } from "node:timers/promises";

/** Counts requests whose address matches a pattern, and waits for their replies. */
export class Polls {
  /** @param {import("playwright-core").Page} page @param {RegExp} pattern */
  constructor(page, pattern) {
    this.page = page;
    this.count = 0;
    this.pending = 0;
    this.addresses = [];
    page.on("request", (request) => {
      if (!pattern.test(request.url())) return;
      this.count += 1;
      this.pending += 1;
      this.addresses.push(request.url());
    });
    for (const end of ["requestfinished", "requestfailed"]) {
      page.on(end, (request) => pattern.test(request.url()) && (this.pending -= 1));
    }
  }

  /** Waits until all requests have replies, and the script has read them. */
  async settled() {
    do {
      await wait(100);
      // A round trip to the page runs after the tasks that were waiting there.
      await this.page.evaluate(() => new Promise((done) => queueMicrotask(() => done(undefined))));
    } while (this.pending > 0);
    // The service reuses a page of statistics for 250 ms.
    await wait(250);
  }

  /** Moves the clock, and waits for the requests that this causes. Returns their number. */
  async after(milliseconds) {
    const before = this.count;
    await this.page.clock.runFor(milliseconds);
    await this.settled();
    return this.count - before;
  }
}

/** Stops the clock of a page. */
export async function stopClock(page) {
  await page.clock.install({ time: new Date("2026-11-20T09:00:00Z") });
  await page.clock.pauseAt(new Date("2026-11-20T09:00:01Z"));
}
