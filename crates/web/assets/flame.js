// The flame graph: the call tree of /heap/tree as boxes and as a table.
//
// Boxes are HTML, so they can be read aloud. The state is in the address, so Back works.
"use strict";
{
const ROW = 24; // Pixels, as in flame.css and as WCAG 2.2 asks.
const MOST_BOXES = 4000;
const MOST_ROWS = 500;
const PRUNED = 1 / 16384; // Callers below it are summed.
const LEAST_FOUND = 8; // Pixels.

const page = document.getElementById("flame");
/** @returns {any} */
const at = (id) => document.getElementById(`flame-${id}`);
const make = (tag, properties, ...content) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
};
const button = (text, onclick) => make("button", { type: "button", onclick }, text);
const press = (event, acts) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !acts[event.key]) return;
  acts[event.key]();
  event.preventDefault();
};
const tableOf = (properties, heads, rows) => make("table", properties,
  make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))), make("tbody", {}, ...rows));

// Numbers and names, as the server writes them.
const bytes = (n) => {
  let unit = 0;
  for (n = Math.round(n); n >= 1024; n /= 1024) unit++;
  return unit ? `${n.toFixed(2)} ${" KMGTPE"[unit]}iB` : `${n} B`;
};
const count = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const percent = (part, whole) => whole > 0 ? `${(100 * part / whole).toFixed(1)} %` : "–";
const printable = (text) =>
  text.replace(/(?! )[\p{C}\p{Z}\p{DI}\u2800]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

/** Fetches JSON. Chromium refuses addresses with a password, which a relative one inherits. */
async function get(relative) {
  const url = new URL(relative, location.href);
  url.username = url.password = "";
  const reply = await fetch(url);
  const json = await reply.json();
  if (!reply.ok) throw new Error(`${reply.status} ${json.title}: ${json.detail}`);
  return json;
}

// The call tree: columns by node.

let json, parent, children;
let inner; // All nodes but the root.
const kind = [], name = [], place = [];
let total, own, ends; // Sums with all children, without those that are functions, and without all.

function read(reply) {
  json = reply;
  const { nodes, frames } = json, strings = json.strings.map(printable);
  ({ parent } = nodes);
  children = parent.map(() => []);
  inner = [...parent.keys()].slice(1);
  parent.forEach((above, i) => {
    const frame = frames[nodes.frame[i]], type = strings[nodes.type[i]], smaller = nodes.smaller[i];
    if (i > 0) children[above].push(i);
    [kind[i], name[i]] = frame ? ["function", strings[frame[0]]] : type ? ["type", `[${type}]`]
      : smaller ? ["smaller", `(${count(smaller)} smaller)`] : ["all", "all"];
    place[i] = frame && frame[1] >= 0 ? strings[frame[1]] + (frame[2] ? `:${frame[2]}` : "") : "";
  });
  const none = parent.map(() => 0), squares = (column = none) => column.map((n) => n * n);
  total = {
    bytes: nodes.bytes, objects: nodes.objects, before: nodes.before_bytes || none,
    variance: squares(nodes.stderr), noise: squares(nodes.change_stderr),
  };
  const without = (isLeftOut) => Object.fromEntries(Object.entries(total).map(([key, column]) => {
    const rest = [...column];
    for (const i of inner) if (isLeftOut(i)) rest[parent[i]] -= column[i];
    return [key, rest.map((n) => Math.max(0, n))];
  }));
  own = without((i) => kind[i] !== "type");
  ends = without(() => true);
}

// The graph: nodes of the call tree, merged by name when they are first shown.
//
// `refs` are nodes of the call tree. A node of callees has their sums. A node of callers has the memory that was
// allocated at `ends`, each by way of the ref at the same index.

let view, graphKey, top = [];

function nodeOf(above, kind, name, refs, ends, weights = above?.weights) {
  const node = { parent: above, kind, name, refs, ends, weights, depth: above ? above.depth + 1 : 0 };
  const from = ends ? weights : total;
  for (const key in total) node[key] = (ends || refs).reduce((sum, i) => sum + from[key][i], 0);
  node.value = node[view.m];
  return node;
}

/** The children of `above`, the largest first. */
function grouped(above, pairs) {
  const groups = new Map();
  for (const [ref, end] of pairs) {
    const key = kind[ref] + name[ref];
    const [refs, ends] = groups.get(key) || groups.set(key, [[], []]).get(key);
    refs.push(ref);
    ends.push(end);
  }
  const kids = [...groups.values()].map(([refs, ends]) => nodeOf(above, kind[refs[0]], name[refs[0]], refs, above.ends && ends));
  return kids.sort((a, b) => b.value - a.value || b.before - a.before || (a.name < b.name ? -1 : 1));
}

const isShown = (i) => view.by !== "function" || kind[i] !== "type";

function kidsOf(node) {
  const { refs, ends, kids } = node;
  if (kids) return kids;
  const callees = (ref) => children[ref].filter(isShown).map((kid) => [kid]);
  const callers = (ref, j) => parent[ref] > 0 ? [[parent[ref], ends[j]]] : [];
  node.kids = grouped(node, refs.flatMap(ends ? callers : callees));
  // All callers would be too many.
  const from = ends ? node.kids.findIndex((kid) => kid.value < top[0].value * PRUNED) : -1;
  if (from >= 0) node.kids.push({ ...sumOf(node, "smaller", node.kids.splice(from)), kids: [] });
  return node.kids;
}

function sumOf(node, kind, kids) {
  const sum = { kind, parent: node, name: `(${count(kids.length)} narrower)`, refs: [], ends: node.ends && [], depth: node.depth + 1, kids };
  for (const key of [...Object.keys(total), "value"]) sum[key] = kids.reduce((sum, kid) => sum + kid[key], 0);
  return sum;
}

/** The children from index `from` on, each of which is too narrow to see. */
const restOf = (node, from) => ({ ...sumOf(node, "rest", kidsOf(node).slice(from)), from });

/** The matching nodes that are not below others, so that each stack counts once. */
function outermost(isMatch) {
  const isInside = [];
  return inner.filter((i) => {
    const isOuter = isMatch(i) && !isInside[parent[i]];
    isInside[i] = isOuter || isInside[parent[i]];
    return isOuter;
  });
}

/** Makes one tree, or the callees and the callers of a function. */
function build() {
  const key = [view.m, view.by, view.inv, view.fn].join("\n");
  if (key === graphKey) return;
  graphKey = key;
  top = [nodeOf(null, "all", "all", [0])];
  if (view.fn) {
    const refs = outermost((i) => name[i] === view.fn);
    top = [nodeOf(null, "function", view.fn, refs), nodeOf(null, "function", view.fn, refs, refs, total)];
  } else if (view.inv) {
    const [all] = top;
    all.weights = view.by === "function" ? own : ends;
    all.ends = [];
    const isEnd = (i) => isShown(i) && (all.weights.bytes[i] || all.weights.before[i]);
    all.kids = grouped(all, inner.filter(isEnd).map((i) => [i, i]));
  }
}

// Paths consist of hashes of names, so they are the same in every collection.
const hash = (text) => [...text].reduce((sum, c) => Math.imul(sum ^ c.codePointAt(0), 0x01000193) >>> 0, 0x811c9dc5);
const stepTo = (node) => node.kind === "rest" ? `~${node.from}` : hash(node.kind + node.name).toString(36);
const wayTo = (node) => node.parent ? [...wayTo(node.parent), node] : [node];
function pathOf(node) {
  const [root, ...way] = wayTo(node);
  return [top.indexOf(root), ...way.map(stepTo)].join(".");
}
function nodeAt(path) {
  const [root, ...steps] = path.split(".");
  let node = top[root] || top[0];
  for (const step of steps) {
    const next = step[0] === "~" ? restOf(node, +step.slice(1)) : kidsOf(node).find((kid) => stepTo(kid) === step);
    if (!(next?.value > 0)) break;
    node = next;
  }
  return node;
}

// Words and colours.

/** The server's test; for merged nodes, on the sum of their noise. */
function isBeyondNoise(node) {
  if (!node.ends && node.refs.length === 1) return json.nodes.significant[node.refs[0]] === 1;
  return Math.abs(node.bytes - node.before) > json.threshold * Math.sqrt(node.noise);
}

function changeOf(node) {
  const change = node.bytes - node.before, test = isBeyondNoise(node) ? "beyond" : "within";
  return `${bytes(node.before)} → ${bytes(node.bytes)}, ${change < 0 ? "-" : "+"}${bytes(Math.abs(change))} ± ${bytes(Math.sqrt(node.noise))}, ${test} noise`;
}

const amountOf = (sums) => view.m === "objects" ? `${count(sums.objects)} objects` : bytes(sums.bytes);
const labelOf = (node) => `${node.name}, ${amountOf(node)}, ${percent(node.value, total[view.m][0])} of all${json.base ? `, ${changeOf(node)}` : ""}`;

function colourOf(node) {
  if (json.base) {
    if (!isBeyondNoise(node)) return "same";
    const share = Math.abs(node.bytes - node.before) / Math.max(node.bytes, node.before);
    return (node.bytes > node.before ? "grown" : "shrunk") + Math.ceil(3 * share);
  }
  if (node.kind === "type") return "type";
  return node.kind === "function" ? `crate${hash(node.name.split("::")[0]) % 4}` : "same";
}

// Boxes.

let shown; // The node in the details.

const pictures = ["callees", "callers"].map((id) => {
  const scroll = at(id), content = scroll.firstElementChild, picture = { scroll, content, elements: new Map() };
  const on = (act) => (event) => { if (event.target.node) act(event.target.node, event); };
  scroll.onscroll = () => draw(picture);
  content.onclick = on(zoom);
  content.onmouseover = on(describe);
  content.onmouseleave = () => describe(shown);
  content.onkeydown = on((node, event) => pressBox(picture, node, event));
  content.addEventListener("focusin", on((node) => describe(shown = node)));
  return picture;
});
const pictureOf = (node) => pictures[view.fn && node.ends ? 1 : 0];

/** Places the boxes up to row `last`: the way to the zoomed node, and all below it. */
function layOut({ rows, root, width }, last) {
  if (rows.length === 0) wayTo(root).forEach((node) => rows.push([{ node, x: 0, width }]));
  while (rows.length <= last) {
    const row = [];
    for (const box of rows[rows.length - 1]) {
      if (box.node.kind === "rest" && box.node !== root) continue;
      let x = box.x;
      const kids = kidsOf(box.node), wide = (node) => node.value / root.value * width;
      for (let i = 0; i < kids.length; i++) {
        // All others are narrower.
        const node = wide(kids[i]) >= 1 ? kids[i] : restOf(box.node, i);
        if (wide(node) >= 1) row.push({ node, x, width: wide(node) });
        if (node !== kids[i]) break;
        x += wide(node);
      }
    }
    if (row.length === 0) break;
    rows.push(row);
  }
}

// Each layout makes new nodes for rests.
const keyOf = (node) => node.kind === "rest" ? `${pathOf(node.parent)}~` : node;

function fit(picture, last) {
  const { scroll, content, height } = picture;
  layOut(picture, last);
  picture.height = picture.rows.length * ROW;
  content.style.height = `${picture.height}px`;
  if (picture.isFlame) scroll.scrollTop += picture.height - height;
}

function draw(picture) {
  const { scroll, content, elements, height, isFlame } = picture;
  if (!picture.rows) return;
  // Flames count from the bottom.
  const above = isFlame ? Math.max(0, height - scroll.scrollTop - scroll.clientHeight) : scroll.scrollTop;
  const first = Math.floor(above / ROW), last = first + Math.ceil(innerHeight / ROW) + 1;
  fit(picture, last);
  let left = MOST_BOXES;
  const inView = picture.rows.slice(first, last), visible = inView.filter((row) => (left -= row.length) >= 0);
  at("limit").hidden = visible.length === inView.length;
  const old = new Set(elements.keys());
  visible.forEach((row, i) => row.forEach((box) => {
    const key = keyOf(box.node);
    if (!old.delete(key)) elements.set(key, content.appendChild(make("div", { role: "treeitem" })));
    dress(picture, elements.get(key), box, first + i);
  }));
  for (const key of old) {
    elements.get(key).remove();
    elements.delete(key);
  }
  // The tab stop stays in view.
  if (!content.querySelector("[tabindex='0']")) content.firstChild.tabIndex = 0;
}

function dress({ root, focus, isFlame, height }, element, { node, x, width }, depth) {
  const mark = json.base && isBeyondNoise(node) ? node.bytes > node.before ? "▲ " : "▼ " : "";
  const match = query && (isFound(node) ? " found" : " faded");
  element.style.left = `${x}px`;
  element.style.width = `${width}px`;
  element.style.top = `${isFlame ? height - (depth + 1) * ROW : depth * ROW}px`;
  element.className = `${colourOf(node)}${match}${depth < root.depth ? " above" : ""}`;
  element.textContent = width < 16 ? "" : (mark + node.name).slice(0, 200);
  Object.assign(element, { node, tabIndex: keyOf(node) === keyOf(focus) ? 0 : -1, ariaLabel: labelOf(node), ariaLevel: depth + 1 });
}

function focusOn(picture, node) {
  const { scroll, isFlame } = picture, row = node.depth * ROW;
  fit(picture, node.depth + 1);
  picture.focus = node;
  const y = isFlame ? picture.height - row - ROW : row;
  scroll.scrollTop = Math.min(y, Math.max(scroll.scrollTop, y + ROW - scroll.clientHeight));
  draw(picture);
  for (const element of picture.elements.values()) if (element.tabIndex === 0) element.focus({ preventScroll: true });
}

function pressBox(picture, node, event) {
  layOut(picture, node.depth + 1);
  const { rows, isFlame, root } = picture, row = rows[node.depth], deeper = isFlame ? -1 : 1;
  const i = row.findIndex((box) => keyOf(box.node) === keyOf(node)), { x, width } = row[i];
  const touching = (row) => row?.find((box) => box.x + box.width > x + 0.001 && box.x < x + width);
  const go = (box) => () => { if (box) focusOn(picture, box.node); };
  press(event, {
    ArrowLeft: go(row[i - 1]), ArrowRight: go(row[i + 1]), Home: go(row[0]), End: go(row.at(-1)),
    ArrowDown: go(touching(rows[node.depth + deeper])), ArrowUp: go(touching(rows[node.depth - deeper])),
    Enter: () => zoom(node), " ": () => zoom(node), Escape: () => zoom(root.parent || root),
  });
}

function zoom(node) {
  change({ root: pathOf(node) });
  if (view.tab === "graph") focusOn(pictureOf(node), pictureOf(node).root);
}

// Search.

let query = "", found, index, searched;

const isNamed = ({ kind }) => kind === "function" || kind === "type";
const isFound = (node) => isNamed(node) && node.name.toLowerCase().includes(query);

function search() {
  if (searched === graphKey + view.q) return;
  searched = graphKey + view.q;
  query = view.q.toLowerCase();
  [found, index] = [null, -1];
  const sum = { bytes: 0, objects: 0 }, isMatch = (i) => query && isShown(i) && isFound({ kind: kind[i], name: name[i] });
  for (const i of outermost(isMatch)) for (const key in sum) sum[key] += total[key][i];
  at("step").value = "";
  at("found").value = !query ? "" : sum.objects ? `matched ${amountOf(sum)}, ${percent(sum[view.m], total[view.m][0])}` : "nothing matches";
}

/** Zooms until the next match can be seen. */
function find(direction) {
  if (!found) {
    found = [];
    const open = top.toReversed();
    for (let visited = 0; query && open.length > 0 && visited < 50000; visited++) {
      const node = open.pop();
      if (node.value > 0 && isFound(node)) found.push(node);
      open.push(...kidsOf(node).toReversed());
    }
  }
  if (found.length === 0) return;
  index = (Math.max(index, direction < 0 ? 0 : -1) + direction + found.length) % found.length;
  const node = found[index], picture = pictureOf(node);
  let root = node;
  while (root.parent && root !== picture.root && node.value / root.parent.value * picture.width >= LEAST_FOUND) root = root.parent;
  change({ root: pathOf(root), tab: "graph" });
  focusOn(picture, node);
  at("step").value = `${index + 1} of ${found.length}`;
}

// Details of one node.

function describe(node) {
  const types = typesOf(node).map(([type, sum]) => `${type} ${bytes(sum)}`);
  const rows = {
    [node.kind]: node.name,
    source: [...new Set(node.refs.map((i) => place[i]))].slice(0, 3).join(", "),
    total: `${bytes(node.bytes)} ± ${bytes(Math.sqrt(node.variance))}, ${percent(node.bytes, total.bytes[0])} of all, in ${count(node.objects)} objects`,
    own: node.ends ? "" : bytes(ownOf(node)),
    change: json.base ? changeOf(node) : "",
    types: types.slice(0, 5).join(", ") + (types.length > 5 ? ` and ${types.length - 5} more` : ""),
  };
  const list = Object.entries(rows).flatMap(([term, value]) => value ? [make("dt", {}, term), make("dd", {}, value)] : []);
  const both = button("Callers and callees", () => change({ fn: node.name, root: "0", inv: "" }));
  at("details").replaceChildren(make("dl", {}, ...list), isNamed(node) && node.name !== view.fn ? both : "");
}

function typesOf(node) {
  const sums = new Map(), open = node.ends ? [] : [...node.refs];
  for (let i; (i = open.pop()) >= 0; open.push(...children[i])) {
    if (kind[i] === "type") sums.set(name[i], (sums.get(name[i]) || 0) + total.bytes[i]);
  }
  return [...sums].sort((a, b) => b[1] - a[1]);
}

const ownOf = (node) => node.refs.reduce((sum, i) => sum + own.bytes[i], 0);

// Tables.

let order = { key: "total", sign: -1 }, opened, openedOf;

// The number of each column, and its text.
const COLUMNS = {
  name: [(node) => node.name, String],
  total: [(node) => node.bytes, bytes],
  share: [(node) => node.bytes, (n) => percent(n, total.bytes[0])],
  "±": [(node) => Math.sqrt(node.variance), bytes],
  own: [ownOf, bytes],
  objects: [(node) => node.objects, count],
  change: [(node) => node.bytes - node.before, (_, node) => changeOf(node)],
};

function drawTable(focused) {
  const root = nodeAt(view.root);
  if (openedOf !== root) {
    // Open the way to the first branch.
    openedOf = root;
    opened = new Set([root]);
    for (let node = root; kidsOf(node)[0]?.bytes > root.bytes / 2; opened.add(node)) [node] = kidsOf(node);
  }
  const columns = Object.keys(COLUMNS).filter((key) => key === "own" ? !root.ends : key !== "change" || json.base);
  const heads = columns.map((key) => button(key, () => {
    order = { key, sign: order.key === key ? -order.sign : -1 };
    drawTable();
  }));
  const rows = [], open = [root], [number] = COLUMNS[order.key];
  while (open.length > 0 && rows.length < MOST_ROWS) {
    const node = open.pop(), kids = kidsOf(node).filter((kid) => kid.value > 0 || kid.before > 0);
    if (opened.has(node)) {
      open.push(...kids.sort((a, b) => (number(a) < number(b) ? 1 : number(a) > number(b) ? -1 : 0) * order.sign));
    }
    rows.push(rowOf(node, node.depth - root.depth, kids.length > 0, columns));
  }
  const table = tableOf({ role: "treegrid", ariaLabel: "Call tree" }, heads, rows);
  table.querySelectorAll("th")[columns.indexOf(order.key)].ariaSort = order.sign > 0 ? "ascending" : "descending";
  at("rows").replaceChildren(table);
  at("more").hidden = open.length === 0;
  const goal = rows.find((row) => row.node === focused);
  (goal || rows[0]).tabIndex = 0;
  goal?.focus();
}

function rowOf(node, depth, hasKids, columns) {
  const cells = columns.map((key, i) => {
    const [number, write] = COLUMNS[key];
    return make(i ? "td" : "th", { role: i ? "gridcell" : "rowheader" }, write(number(node), node));
  });
  cells[0].style.paddingLeft = `${8 + 12 * Math.min(depth, 30)}px`;
  const row = make("tr", { node, ariaLevel: depth + 1, tabIndex: -1, onfocus: () => describe(shown = node) }, ...cells);
  if (hasKids) row.ariaExpanded = opened.has(node);
  const toggle = () => {
    if (!opened.delete(node)) opened.add(node);
    drawTable(node);
  };
  row.onclick = toggle;
  row.onkeydown = (event) => {
    const rows = [...row.parentElement.children], i = rows.indexOf(row);
    const go = (goal) => {
      row.tabIndex = -1;
      (goal || row).tabIndex = 0;
      (goal || row).focus();
    };
    press(event, {
      ArrowDown: () => go(rows[i + 1]), ArrowUp: () => go(rows[i - 1]),
      ArrowRight: () => opened.has(node) ? go(rows[i + 1]) : toggle(),
      ArrowLeft: () => opened.has(node) ? toggle() : go(rows.find((other) => other.node === node.parent)),
      Home: () => go(rows[0]), End: () => go(rows.at(-1)),
      Enter: () => zoom(node), Escape: () => zoom(openedOf.parent || openedOf),
    });
  };
  return row;
}

function drawGone() {
  const { bytes: now, before } = total, { significant } = json.nodes;
  const gone = inner.filter((i) => now[i] === 0 && before[i] > 0 && now[parent[i]] > 0);
  gone.sort((a, b) => before[b] - before[a]);
  const rows = gone.slice(0, MOST_ROWS).map((i) => {
    const cells = [name[parent[i]], bytes(before[i]), significant[i] ? "beyond noise" : "within noise"];
    return make("tr", {}, make("th", { scope: "row" }, name[i]), ...cells.map((cell) => make("td", {}, cell)));
  });
  const table = tableOf({}, ["name", "called by", "before", "change"], rows);
  at("gone").replaceChildren(`${rows.length} of ${count(gone.length)}, the largest first`, table);
}

// The state, and what shows it.

const DEFAULTS = { root: "0", q: "", m: "bytes", by: "type", inv: "", flip: "", fn: "", tab: "graph" };
const TABS = { graph: () => {}, table: drawTable, gone: drawGone };
const CONTROLS = ["m", "by", "inv", "flip", "q"];

function change(parts, isTyping) {
  const state = Object.entries({ ...view, ...parts }).filter(([key, value]) => value !== DEFAULTS[key]);
  history[isTyping ? "replaceState" : "pushState"](null, "", `#${new URLSearchParams(state)}`);
  render();
}

function render() {
  view = { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) };
  if (view.m !== "objects") view.m = "bytes";
  build();
  search();
  for (const id of CONTROLS) if (at(id).value !== view[id]) at(id).value = view[id];
  const root = nodeAt(view.root);
  drawTrail(root);
  for (const tab in TABS) {
    at(tab).hidden = view.tab !== tab;
    at(`tab-${tab}`).ariaPressed = `${view.tab === tab}`;
  }
  TABS[view.tab]?.();
  at("callers").hidden = !view.fn;
  pictures.forEach((picture, i) => {
    picture.rows = null;
    if (view.tab === "graph" && top[i]) open(picture, pictureOf(root) === picture ? root : top[i], !!view.flip !== (i === 1));
  });
  describe(shown = root);
}

function open(picture, root, isFlame) {
  const { scroll } = picture;
  Object.assign(picture, { root, isFlame, rows: [], height: 0, width: scroll.clientWidth, focus: root });
  fit(picture, root.depth + innerHeight / ROW);
  // Two of its callers stay in view.
  const above = Math.max(0, root.depth - 2) * ROW;
  scroll.scrollTop = isFlame ? picture.height - above - scroll.clientHeight : above;
  draw(picture);
}

function drawTrail(root) {
  const way = wayTo(root).map((node) => make("li", {}, node === root ? make("b", {}, node.name) : button(node.name, () => zoom(node))));
  if (way.length > 8) way.splice(1, way.length - 7, make("li", {}, "…"));
  at("trail").replaceChildren(make("ol", {}, ...way), button("Reset", () => change({ root: "0", fn: "", q: "" })));
}

async function load() {
  at("status").textContent = "Collecting …";
  try {
    read(await get(page.dataset.tree));
  } catch (error) {
    at("status").textContent = `The call tree cannot be shown: ${error.message} `;
    at("status").append(button("Try again", load));
    return;
  }
  const { pruned, base } = json;
  const notes = [`collected ${json.collected_at}`, `one sample per ${bytes(json.sample_bytes)}`];
  if (base) notes.push(`compared with ${base.taken_at}`);
  if (pruned.nodes > 0) notes.push(`the smallest ${count(pruned.nodes)} nodes are summed, ${bytes(pruned.bytes)}`);
  at("status").textContent = [...notes, ...json.notes.map(printable)].join(" · ");
  page.hidden = false;
  render();
  addEventListener("popstate", render);
  addEventListener("resize", () => { if (pictures[0].width !== at("callees").clientWidth) render(); });
  const { snapshots } = await get(page.dataset.snapshots);
  const option = ({ id, taken_at, label }) => make("option", { value: id }, printable(`${taken_at} ${label || ""}`));
  at("base").append(...snapshots.map(option));
  at("base").value = base?.id || "";
}

for (const id of CONTROLS) at(id).oninput = () => change({ [id]: at(id).value, root: id === "by" || id === "inv" ? "0" : view.root }, id === "q");
for (const tab in TABS) at(`tab-${tab}`).onclick = () => change({ tab });
at("base").onchange = ({ target }) => target.form.submit();
at("next").onclick = () => find(1);
at("previous").onclick = () => find(-1);
at("q").onkeydown = (event) => { if (event.key === "Enter") find(event.shiftKey ? -1 : 1); };
page.onkeydown = (/** @type {any} */ event) => {
  if (event.target.closest("input, select")) return;
  press(event, { "/": () => at("q").focus(), n: () => find(1), p: () => find(-1) });
};
load();
}
