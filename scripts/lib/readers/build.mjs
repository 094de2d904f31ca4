// Bundles Chromium DevTools' own loaders for Node.js: `devtools.ts` becomes `devtools.cjs`.
//
// The package is the source of DevTools. Three of its files need a build of Chromium, and one a browser, so they are
// replaced while they are read; the package itself stays as it was published.

import { readFileSync } from "node:fs";
import { build } from "esbuild";

const FRONT_END = `${import.meta.dirname}/node_modules/chrome-devtools-frontend/front_end`;

/** Ends the build if a new version of DevTools no longer has what is replaced. */
function replaced(text, pattern, replacement) {
  if (!pattern.test(text)) throw new Error(`DevTools has changed: ${pattern} is not in the file`);
  return text.replace(pattern, replacement);
}

const edits = {
  name: "edits",
  setup(build) {
    // A build of Chromium generates this file.
    build.onResolve({ filter: /\/locales\.js$/ }, () => ({ path: "locales", namespace: "edits" }));
    build.onLoad({ filter: /^locales$/, namespace: "edits" }, () => ({
      contents: `export const LOCALES = ["en-US"], BUNDLED_LOCALES = ["en-US"], DEFAULT_LOCALE = "en-US",
        REMOTE_FETCH_PATTERN = "", LOCAL_FETCH_PATTERN = "";`,
    }));
    // CommonJS has no `await` outside of functions. The loaders only read settings from it.
    build.onLoad({ filter: /\/core\/platform\/HostRuntime\.ts$/ }, ({ path }) => ({
      contents: replaced(
        readFileSync(path, "utf8"),
        /(HOST_RUNTIME[^=]*= )await [^]*/,
        "$1{ getLocalStorage() {} } as any;",
      ),
      loader: "ts",
    }));
    // The model of `.heapprofile` is in the file of its view, which needs a browser.
    build.onLoad({ filter: /\/panels\/profiler\/HeapProfileView\.ts$/ }, ({ path }) => ({
      contents: replaced(
        readFileSync(path, "utf8"),
        /[^]*(export class SamplingHeapProfileNode [^]*?)export class NodeFormatter [^]*/,
        'import * as CPUProfile from "../../models/cpu_profile/cpu_profile.js";\n$1',
      ),
      loader: "ts",
    }));
  },
};

await build({
  entryPoints: ["devtools.ts"],
  outfile: "devtools.cjs",
  bundle: true,
  platform: "node",
  format: "cjs",
  alias: { front_end: FRONT_END },
  plugins: [edits],
  // Node.js 20 lacks it.
  banner: {
    js: `Promise.withResolvers ??= function () {
      let resolve, reject;
      const promise = new Promise((...both) => ([resolve, reject] = both));
      return { promise, resolve, reject };
    };`,
  },
  logLevel: "warning",
});
