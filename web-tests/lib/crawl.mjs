// Follows all links of the page.

/** What browsers send. */
export const ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/**
 * Whether a reply says what is missing: enough snapshots for `/leaks`; a heap profile, which the fixture lacks; a type whose
 * memory was freed meanwhile.
 */
const isExplained = (status, address) => [409, 503].includes(status) || status === 404 && address.includes("/types/");

/**
 * Visits `start` and every page that links lead to, each once. `look` sees each page after it has loaded.
 * Returns what was found: the addresses of pages, of other files, of pages that lack something, and links that lead nowhere.
 * @param {import("playwright-core").Page} page
 * @param {(address: string) => Promise<void> | void} look
 */
export async function crawl(page, start, look = () => {}) {
  const seen = new Set();
  const waiting = [start];
  const found = { pages: [], files: [], lacking: [], broken: [] };
  for (let address = waiting.shift(); address; address = waiting.shift()) {
    if (seen.has(address)) continue;
    seen.add(address);
    const reply = await page.context().request.get(address, { headers: { accept: ACCEPT }, maxRedirects: 0 });
    if (reply.status() >= 400) {
      (isExplained(reply.status(), address) ? found.lacking : found.broken).push(`${reply.status()} ${address}`);
      continue;
    }
    if (!reply.headers()["content-type"]?.startsWith("text/html")) {
      found.files.push(address);
      continue;
    }
    await page.goto(address);
    found.pages.push(address);
    await look(address);
    for (const link of await links(page)) {
      if (link.startsWith(start)) waiting.push(link);
      else found.broken.push(`${link} on ${address} leaves ${start}`);
    }
  }
  return found;
}

/** The addresses that a page links to or loads, and the targets of its GET forms. */
async function links(page) {
  return page.evaluate(() => {
    const linked = [...document.querySelectorAll("a[href], link[href]")].map((element) => element.href);
    const loaded = [...document.querySelectorAll("script[src], img[src]")].map((element) => element.src);
    const forms = [...document.querySelectorAll("form")].filter((form) => form.method === "get");
    const all = [...linked, ...loaded, ...forms.map((form) => form.action)];
    return all.map((address) => address.replace(/#.*/, ""));
  });
}
