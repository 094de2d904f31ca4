"use strict";
// Adds to every page what only a script can do: sorting in place, filtering while typing, watching, and dialogs. Pages
// are complete without it. Templates say what it may do, by these attributes:
//
//   body[data-base]              relative link to the overview
//   table[data-sortable]         all rows are on the page; [data-value] of a cell is its number
//   input[data-filters=ID]       filters the rows of that table
//   form, button[data-confirm]   a question to answer first
//   [data-watch="stats types"]   the pages to poll; [data-instance] is the instance to watch
//   [data-live=PATH]             shows the bytes at this path of /stats
//   tr[data-type], td[data-field]  a row of /types, and its cells
{
const NUMBERS = new Map([0, 1, 2].map((digits) => [digits, new Intl.NumberFormat("en", {
  minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven", useGrouping: digits === 0,
})]));

/** @param {number} number @param {number} digits */
const fixed = (number, digits) => /** @type {Intl.NumberFormat} */ (NUMBERS.get(digits)).format(number);

/**
 * Bytes as the server writes them.
 * @param {number} number @param {number} digits
 */
function bytes(number, digits) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let exponent = 0;
  for (; number >= 1024 && exponent < 6; exponent++) number /= 1024;
  return exponent === 0 ? `${number} B` : `${fixed(number, digits).replaceAll(",", "")} ${units[exponent]}`;
}

/**
 * Makes an element. A child can be text.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, string>} attributes @param {(Node | string)[]} children
 */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {string} label @param {() => void} act */
function button(label, act) {
  const made = element("button", { type: "button" }, label);
  made.addEventListener("click", act);
  return made;
}

/**
 * All elements that a selector finds.
 * @template {HTMLElement} T
 * @param {string} selector @param {new () => T} type @param {ParentNode} within
 * @returns {T[]}
 */
const all = (selector, type, within = document) =>
  [...within.querySelectorAll(selector)].flatMap((found) => (found instanceof type ? [found] : []));

/**
 * The store of the browser. It throws if the user has forbidden it.
 * @param {"localStorage" | "sessionStorage"} area @param {string} key @param {string} [value]
 */
function stored(area, key, value) {
  try {
    if (value !== undefined) window[area].setItem(key, value);
    return window[area].getItem(key);
  } catch {
    return null;
  }
}

// ---- Sorting

/**
 * The number in a cell: `97,100`, `6.99 MiB`, `-27 %`. NaN if it has none.
 * @param {HTMLTableCellElement} cell
 */
function quantity(cell) {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  const [, number, unit] = (cell.textContent ?? "").match(/^\s*([+-]?[\d,]*\.?\d+) ?(?:([KMGTPE])i)?/) ?? [];
  return Number(number?.replaceAll(",", "") ?? NaN) * 1024 ** (unit ? "KMGTPE".indexOf(unit) + 1 : 0);
}

/**
 * Sorts the rows of a table. Rows without a number in this column stay at the end.
 * @param {HTMLTableElement} table @param {number} column @param {string} direction
 */
function sort(table, column, direction) {
  const sign = direction === "descending" ? -1 : 1;
  for (const body of table.tBodies) {
    const rows = [...body.rows].map((row) => {
      const cell = row.cells[column];
      return { row, number: cell ? quantity(cell) : NaN, text: cell?.textContent ?? "" };
    });
    const isText = rows.every(({ number }) => Number.isNaN(number));
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    rows.sort((a, b) => {
      if (isText) return sign * compare(a.text, b.text);
      const missing = Number(Number.isNaN(a.number)) - Number(Number.isNaN(b.number));
      return missing || sign * (a.number - b.number);
    });
    body.append(...rows.map(({ row }) => row));
  }
  for (const [index, heading] of headings(table).entries()) {
    if (index === column) heading.setAttribute("aria-sort", direction);
    else heading.removeAttribute("aria-sort");
  }
}

/** @param {HTMLTableElement} table */
const headings = (table) => [...(table.tHead?.rows[0]?.cells ?? [])];

/**
 * The direction in which the server sorts this column, and the direction of a first click.
 * @param {HTMLTableElement} table @param {number} column
 */
function usual(table, column) {
  const first = table.tBodies[0]?.rows[0]?.cells[column];
  return first && !Number.isNaN(quantity(first)) ? "descending" : "ascending";
}

/**
 * Lets the headings of a table sort it. The address keeps the order: in the query if the server knows it, else in the
 * fragment.
 * @param {HTMLTableElement} table @param {number} number
 */
function makeSortable(table, number) {
  for (const [column, heading] of headings(table).entries()) {
    const link = heading.querySelector("a");
    /** @param {Event} event */
    const act = (event) => {
      if (event instanceof MouseEvent && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
      event.preventDefault();
      const first = usual(table, column);
      const other = first === "ascending" ? "descending" : "ascending";
      const direction = heading.getAttribute("aria-sort") === first ? other : first;
      sort(table, column, direction);
      const address = new URL(location.href);
      const target = link && new URL(link.href);
      const order = target?.pathname === address.pathname ? target.searchParams.get("sort") : null;
      if (order) address.searchParams.set("sort", order);
      address.hash = order && direction === first ? "" : `sort=${number}.${column}.${direction}`;
      history.replaceState(history.state, "", address);
    };
    if (link) {
      link.addEventListener("click", act);
    } else if (heading.childElementCount === 0 && heading.textContent) {
      const inside = element("button", { type: "button", class: "sort" }, ...heading.childNodes);
      inside.addEventListener("click", act);
      heading.append(inside);
    }
  }
  const [, kept, column, direction] = location.hash.match(/^#sort=(\d+)\.(\d+)\.((?:a|de)scending)$/) ?? [];
  if (direction && Number(kept) === number) sort(table, Number(column), direction);
}

// ---- Filtering

/**
 * Hides rows without the typed text, and says how many are left. Like the server, it compares letters exactly. Enter
 * still sends the form, and then the server searches all rows.
 * @param {HTMLInputElement} input
 */
function makeFilter(input) {
  const table = document.getElementById(input.dataset.filters ?? "");
  if (!(table instanceof HTMLTableElement)) return;
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  const names = rows.map((row) => `${row.cells[0]?.textContent}\n${row.dataset.type ?? ""}`);
  const count = element("output", { class: "count" });
  input.closest("form")?.append(count);
  const more = "sortable" in table.dataset ? "" : "; Enter searches all types";
  input.addEventListener("input", () => {
    let shown = 0;
    for (const [index, row] of rows.entries()) {
      row.hidden = !names[index]?.includes(input.value);
      shown += Number(!row.hidden);
    }
    count.textContent = `${fixed(shown, 0)} of ${fixed(rows.length, 0)} rows${more}`;
  });
}

// ---- Dialogs and keys

/** @param {string} title @param {(close: () => void) => Node[]} content */
function openDialog(title, content) {
  const heading = element("h2", { id: "dialog-title" }, title);
  const dialog = element("dialog", { "aria-labelledby": "dialog-title" }, heading);
  dialog.append(...content(() => dialog.close()));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** @type {WeakSet<HTMLFormElement>} */
const confirmed = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  const submitter = event.submitter;
  const question = submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || confirmed.delete(form)) return;
  event.preventDefault();
  openDialog(question, (close) => [element("p", { class: "choices" }, button("Cancel", close),
    button(submitter?.textContent || "Continue", () => {
      close();
      confirmed.add(form);
      form.requestSubmit(submitter);
    }))]);
});

const hasShortcuts = () => stored("localStorage", "memory-debug:shortcuts") !== "off";

function listKeys() {
  openDialog("Keys", (close) => {
    const keys = element("dl", { class: "keys" });
    for (const [key, meaning] of [["/", "go to the filter or the search"], ["?", "show this list"],
      ["Tab", "go to the next link, button or table"], ["Enter", "follow, press, or search all types"],
      ["Esc", "close this list"]]) {
      keys.append(element("dt", {}, element("kbd", {}, key ?? "")), element("dd", {}, meaning ?? ""));
    }
    const choice = element("input", { type: "checkbox" });
    choice.checked = hasShortcuts();
    choice.addEventListener("change", () => {
      stored("localStorage", "memory-debug:shortcuts", choice.checked ? "on" : "off");
    });
    return [keys, element("p", {}, element("label", {}, choice, " Use the keys / and ?")),
      element("p", { class: "choices" }, button("Close", close))];
  });
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !hasShortcuts()) return;
  const field = all("input[data-filters], input[type=search], input[name=filter]", HTMLInputElement)[0];
  if (event.key === "?") listKeys();
  else if (event.key === "/" && field) field.focus();
  else return;
  event.preventDefault();
});

/** @type {HTMLDetailsElement[]} */
let closed = [];
addEventListener("beforeprint", () => {
  closed = all("details:not([open])", HTMLDetailsElement);
  for (const details of closed) details.open = true;
});
addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));

// ---- Watching

const SECONDS = [1, 2, 5, 10, 30];
const MINUTES = new Map([["10 min", 10], ["1 h", 60]]);
const MAX_POINTS = 300, MAX_FAILURES = 5, MAX_TRIES = 10, QUIET_MS = 10_000;
/** Watching costs at most a twentieth of the time of one core. */
const SHARE = 20;

/**
 * The address of a page below the base. Browsers refuse to fetch an address with a password in it.
 * @param {string} path
 */
function addressOf(path) {
  const address = new URL(document.body.dataset.base + path, location.href);
  address.username = address.password = address.hash = "";
  return address;
}

/** @param {any} report @param {string} path @returns {unknown} */
const at = (report, path) => path.split(".").reduce((value, name) => value?.[name], report);

/** A line chart of one number. */
class Chart {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    const svg = (/** @type {string} */ tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    this.picture = svg("svg");
    for (const [key, value] of Object.entries({ viewBox: "0 0 300 60", preserveAspectRatio: "none", role: "img" })) {
      this.picture.setAttribute(key, value);
    }
    this.line = svg("polyline");
    this.picture.append(this.line);
    this.value = element("b");
    this.range = element("small");
    const caption = element("figcaption", {}, `${name} `, this.value, " ", this.range);
    this.figure = element("figure", { class: "plot" }, caption);
    this.figure.append(this.picture);
  }

  /** @param {{at: number, value: number}[]} points */
  draw(points) {
    const [first, last] = [points[0], points[points.length - 1]];
    this.figure.hidden = !first || !last;
    if (!first || !last) return;
    const values = points.map(({ value }) => value);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const place = ({ at: time = 0, value = 0 }) => {
      const x = (300 * (time - first.at)) / Math.max(1, last.at - first.at);
      return `${x.toFixed(1)},${(high === low ? 30 : 58 - (56 * (value - low)) / (high - low)).toFixed(1)}`;
    };
    this.line.setAttribute("points", points.map(place).join(" "));
    this.value.textContent = bytes(last.value, 1);
    const range = `${bytes(low, 1)} to ${bytes(high, 1)} in ${Math.round((last.at - first.at) / 1000)} s`;
    this.range.textContent = range;
    this.picture.setAttribute("aria-label", `${this.name}: ${range}`);
  }
}

/** Polls the instance while the user watches. */
class Watch {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.instance = place.dataset.instance ?? "";
    this.feeds = (place.dataset.watch ?? "").split(" ").map((page) => ({
      page, least: page === "types" ? 10 : 1, due: 0, factor: 1, retryMs: 0, costUs: 0,
    }));
    /** @type {[string, string][]} */
    const shown = [["resident", "process.resident_bytes"], ["allocated", "allocator.allocated_bytes"]];
    this.charts = shown.map(([name, path]) => ({ path, chart: new Chart(name) }));
    /** @type {{at: number, values: (number | null)[]}[]} */
    this.points = [];
    try {
      this.points = JSON.parse(stored("sessionStorage", this.key) ?? "[]");
    } catch { /* Another version wrote it. */ }
    /** @type {boolean[]} Which of the last tries another instance answered. */
    this.strangers = [];
    this.ends = this.failures = this.timer = this.announced = this.tenth = 0;
    this.isOn = false;
    this.abort = new AbortController();

    this.toggle = button("Watch", () => (this.isOn ? this.stop("Watching stopped.") : this.start()));
    this.toggle.setAttribute("aria-pressed", "false");
    this.interval = choices("every", SECONDS.map((seconds) => [`${seconds} s`, seconds]), 2);
    this.minutes = choices("for", [...MINUTES], 10);
    this.interval.addEventListener("change", () => this.isOn && this.start());
    this.minutes.addEventListener("change", () => this.isOn && this.start());
    this.state = element("span", { class: "state" });
    this.spoken = element("span", { class: "hidden", role: "status" });
    place.append(this.toggle, " ", label("every", this.interval), " ", label("for", this.minutes), " ",
      this.state, this.spoken);
    this.panel = element("section", { class: "live", "aria-label": "Live numbers" },
      ...this.charts.map(({ chart }) => chart.figure));
    place.after(this.panel);
    this.draw();
    document.addEventListener("visibilitychange", () => this.isOn && (document.hidden ? this.pause() : this.schedule(0)));
  }

  get key() {
    return `memory-debug:${this.instance}`;
  }

  start() {
    this.ends = Date.now() + Number(this.minutes.value) * 60_000;
    this.failures = 0;
    for (const feed of this.feeds) Object.assign(feed, { due: 0, factor: 1, retryMs: 0 });
    this.isOn = true;
    this.toggle.setAttribute("aria-pressed", "true");
    this.toggle.textContent = "Watch";
    this.state.textContent = "Watching.";
    this.announce("Watching.");
    this.schedule(0);
  }

  /** @param {string} why */
  stop(why) {
    this.pause();
    this.isOn = false;
    this.toggle.setAttribute("aria-pressed", "false");
    this.state.textContent = why;
    this.announce(why, true);
  }

  pause() {
    clearTimeout(this.timer);
    this.abort.abort();
  }

  /** Waits for the next request. @param {number} least milliseconds to wait at least */
  schedule(least) {
    this.pause();
    this.abort = new AbortController();
    if (document.hidden) return;
    const next = Math.min(this.ends, ...this.feeds.map(({ due }) => due));
    this.timer = setTimeout(() => this.tick(this.abort.signal), Math.max(least, next - Date.now(), 0));
  }

  /** @param {AbortSignal} signal */
  async tick(signal) {
    if (Date.now() >= this.ends) {
      this.stop("Watching ended. Continue?");
      this.toggle.textContent = "Continue";
      return;
    }
    const feed = this.feeds.reduce((first, other) => (other.due < first.due ? other : first));
    let problem = "";
    try {
      const reply = await this.ask(feed.page, signal);
      if (reply.ok) {
        const report = await reply.json();
        if (signal.aborted) return;
        Object.assign(feed, { costUs: report.duration_us, factor: 1, retryMs: 0 });
        feed.page === "types" ? this.showTypes(report) : this.showStats(report);
      } else {
        problem = `${reply.status} ${reply.statusText}`.trim();
        if (reply.status === 401) return this.stop("Watching stopped: the login is not valid any more. Reload the page.");
        if (reply.status === 403) return this.stop("Watching stopped: this login may not read these numbers.");
        if (reply.status === 421) problem = "another instance answers";
        if ([429, 503, 504].includes(reply.status)) feed.factor *= 2;
        const after = reply.headers.get("retry-after") ?? "";
        feed.retryMs = (/^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now()) || 0;
      }
    } catch {
      if (signal.aborted) return;
      problem = "no answer";
    }
    this.failures = problem ? this.failures + 1 : 0;
    if (this.failures >= MAX_FAILURES) return this.stop(`Watching stopped after ${MAX_FAILURES} failures: ${problem}.`);
    feed.due = Date.now() + this.waitMs(feed);
    this.state.textContent = this.describe(problem);
    this.schedule(0);
  }

  /**
   * Asks for a page of this instance. Behind a balancer another instance may answer; then it tries again.
   * @param {string} page @param {AbortSignal} signal
   */
  async ask(page, signal) {
    const address = addressOf(`/${page}`);
    const query = new URLSearchParams(page === "types" ? location.search : "");
    query.set("format", "json");
    query.set("instance", this.instance);
    address.search = query.toString();
    for (let tries = 1; ; tries++) {
      const reply = await fetch(address, { signal, cache: "no-store", credentials: "same-origin" });
      this.strangers = [...this.strangers, reply.status === 421].slice(-MAX_TRIES);
      if (reply.status !== 421 || tries === MAX_TRIES) return reply;
    }
  }

  /** @param {{least: number, factor: number, retryMs: number, costUs: number}} feed */
  waitMs({ least, factor, retryMs, costUs }) {
    const seconds = Math.max(least, Number(this.interval.value));
    return Math.max(1000 * seconds * factor, retryMs, (SHARE * costUs) / 1000);
  }

  /** What watching costs, and what went wrong. @param {string} problem */
  describe(problem) {
    const costs = this.feeds.filter(({ costUs }) => costUs > 0).map((feed) =>
      `${fixed(feed.costUs / 1000, 1)} ms every ${fixed(Math.round(this.waitMs(feed) / 100) / 10, 1).replace(".0", "")} s`);
    const strangers = this.strangers.filter((stranger) => stranger).length;
    return [
      costs.length > 0 ? `This page costs ${costs.join(" and ")}.` : "Watching.",
      strangers > 0 ? `Other instances answer here: ${strangers} of ${this.strangers.length}.` : "",
      problem && `The last request failed: ${problem}.`,
    ].filter(Boolean).join(" ");
  }

  /** @param {any} report */
  showStats(report) {
    const values = this.charts.map(({ path }) => Number(at(report, path) ?? NaN));
    this.points = [...this.points, { at: Date.now(), values }].slice(-MAX_POINTS);
    stored("sessionStorage", this.key, JSON.stringify(this.points));
    this.draw();
    for (const place of all("[data-live]", HTMLElement)) {
      const value = at(report, place.dataset.live ?? "");
      if (typeof value === "number") place.textContent = bytes(value, 1);
    }
    const tenth = Math.floor((10 * Number(at(report, "ceiling.used_bytes"))) / Number(at(report, "ceiling.limit_bytes")));
    if (this.tenth && tenth && tenth !== this.tenth) this.announce(`Memory is at ${10 * tenth} % of its limit or more.`);
    this.tenth = tenth || this.tenth;
  }

  draw() {
    this.panel.hidden = this.points.length === 0;
    for (const [index, { chart }] of this.charts.entries()) {
      // JSON has `null` for a number that was missing.
      chart.draw(this.points.flatMap(({ at: time, values }) => {
        const value = values[index];
        return typeof value === "number" && value >= 0 ? [{ at: time, value }] : [];
      }));
    }
  }

  /** Updates the numbers in rows that are on the page. @param {any} report */
  showTypes(report) {
    /** @type {Map<string, any>} */
    const rows = new Map();
    for (const row of report.types?.rows ?? []) rows.set(row.full_type, rows.has(row.full_type) ? null : row);
    for (const shown of all("tr[data-type]", HTMLTableRowElement)) {
      const row = rows.get(shown.dataset.type ?? "");
      for (const cell of row ? all("[data-field]", HTMLTableCellElement, shown) : []) {
        const field = cell.dataset.field ?? "";
        const value = Number(row[field]);
        cell.dataset.value = String(value);
        cell.textContent = field === "objects" ? fixed(value, 0) : bytes(value, 2);
      }
    }
  }

  /**
   * Lets a screen reader speak, at most every ten seconds. The end of watching is always spoken.
   * @param {string} text
   */
  announce(text, always = false) {
    if (!always && Date.now() - this.announced < QUIET_MS) return;
    this.announced = Date.now();
    this.spoken.textContent = text;
  }
}

/** @param {string} name @param {[string, number][]} options @param {number} chosen */
function choices(name, options, chosen) {
  const select = element("select", { name: `watch-${name}` });
  for (const [text, value] of options) select.append(element("option", { value: String(value) }, text));
  select.value = String(chosen);
  return select;
}

/** @param {string} text @param {HTMLElement} control */
const label = (text, control) => element("label", {}, `${text} `, control);

// ---- Start

for (const [number, table] of all("table[data-sortable]", HTMLTableElement).entries()) makeSortable(table, number);
for (const input of all("input[data-filters]", HTMLInputElement)) makeFilter(input);
for (const place of all("[data-watch]", HTMLElement)) new Watch(place);
document.querySelector("body > footer")?.append(button("Keys", listKeys));
}
