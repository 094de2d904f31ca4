// Opens a file with the importer of speedscope, and prints as JSON what it would show: node speedscope.mjs FILE.
//
// The package is a page for a browser. Everything before its last statements is without effect on a page, so that
// part runs here, and the importer is taken from it.

import { readdirSync, readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";

const FOLDER = new URL("node_modules/speedscope/dist/release/", import.meta.url);

const [bundle] = readdirSync(FOLDER).filter((name) => /^speedscope-.*\.js$/.test(name));
const text = readFileSync(new URL(bundle, FOLDER), "utf8");
const start = text.lastIndexOf("console.log(`speedscope v");
const importer = /async function (\w+)\(\w,\w\)\{return\(await \w+\)\.importProfilesFromArrayBuffer/.exec(text)?.[1];
if (start < 0 || !importer) throw new Error("speedscope has changed: its importer was not found");

const warnings = [];
const warn = (...words) => warnings.push(words.join(" "));
/** Whatever a page asks of a browser while it is set up. */
const anything = new Proxy(function () {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => "" : anything),
  apply: () => anything,
  construct: () => anything,
  set: () => true,
});
const page = {
  console: {
    log() {},
    warn,
    error: warn,
    assert: (holds, ...words) => holds || warn("assertion failed", ...words),
  },
  ...{ URL, TextDecoder, TextEncoder, performance, setTimeout, atob, Uint8Array, ArrayBuffer, DataView },
  document: anything,
  navigator: anything,
  localStorage: anything,
  location: { protocol: "http:", hash: "", href: "http://localhost/" },
  matchMedia: () => anything,
  addEventListener() {},
  requestAnimationFrame() {},
};
page.window = page.self = createContext(page);
runInContext(`${text.slice(0, start)}globalThis.importProfile=${importer};return;${text.slice(start)}`, page);

/** The profiles of a file with the own weight of each function. */
function shown(profile) {
  const own = Object.create(null);
  const inclusive = Object.create(null);
  profile.forEachFrame((frame) => {
    own[frame.name] = (own[frame.name] ?? 0) + frame.getSelfWeight();
    inclusive[frame.name] = (inclusive[frame.name] ?? 0) + frame.getTotalWeight();
  });
  return { name: profile.getName(), unit: profile.getWeightUnit(), total: profile.getTotalWeight(), own, inclusive };
}

const [file] = process.argv.slice(2);
const body = readFileSync(file);
let seen;
try {
  const bytes = body.buffer.slice(body.byteOffset, body.byteOffset + body.length);
  const group = await page.importProfile(file.split("/").pop(), bytes);
  seen = group ? { profiles: group.profiles.map(shown) } : { error: "speedscope does not know this format" };
} catch (error) {
  seen = { error: String(error) };
}
process.stdout.write(JSON.stringify({ ...seen, warnings }));
