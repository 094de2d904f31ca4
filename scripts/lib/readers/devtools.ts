// Opens files with the loaders of Chromium DevTools, and prints as JSON what its panels would show:
// node devtools.cjs FILE [BASE]. With BASE also the comparison of two heap snapshots.

import { readFileSync } from "node:fs";
import { MessageChannel } from "node:worker_threads";

import { HeapSnapshotLoader } from "front_end/entrypoints/heap_snapshot_worker/HeapSnapshotLoader.js";
import { SecondaryInitManager } from "front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.js";
import { CPUProfileDataModel } from "front_end/models/cpu_profile/CPUProfileDataModel.js";
import { SamplingHeapProfileModel } from "front_end/panels/profiler/HeapProfileView.js";

/** What DevTools would print to the console of its own window. */
const warnings: string[] = [];
for (const level of ["warn", "error"] as const) console[level] = (...words) => void warnings.push(words.join(" "));
console.assert = (holds, ...words) => void (holds || warnings.push(words.join(" ")));

/** A port of Node.js as DevTools expects it of a browser. */
function port(port: any): any {
  const names = ["addEventListener", "removeEventListener", "postMessage", "start", "close"];
  return Object.fromEntries(names.map((name) => [name, (...all: unknown[]) => port[name](...all)]));
}

async function snapshot(file: string): Promise<any> {
  const { port1, port2 } = new MessageChannel();
  // The second worker computes retainers and dominators.
  new SecondaryInitManager(port(port2));
  const loader = new HeapSnapshotLoader({ sendEvent() {} } as any);
  const text = readFileSync(file, "utf8");
  // A browser reads a file in pieces, so that a token may be in two.
  const piece = 1_000_003;
  for (let at = 0; at < text.length; at += piece) loader.write(text.slice(at, at + piece));
  loader.close();
  try {
    return await loader.buildSnapshot(port(port1));
  } finally {
    port1.close();
    port2.close();
  }
}

/** Sums the values of all entries of one name. */
function summed(entries: Iterable<[string, Record<string, number>]>) {
  const sums: Record<string, Record<string, number>> = Object.create(null);
  for (const [name, values] of entries) {
    const sum = (sums[name] ??= Object.create(null));
    for (const [key, value] of Object.entries(values)) sum[key] = (sum[key] ?? 0) + value;
  }
  return sums;
}

async function heap(file: string, base?: string) {
  const seen = await snapshot(file);
  const root = seen.rootNode();
  const classes = Object.values<any>(seen.aggregatesWithFilter({}));
  const traces: any[] = seen.profile.snapshot.trace_function_count ? seen.allocationTracesTops() : [];
  const samples = seen.getSamples();
  return {
    nodes: seen.nodeCount,
    total: seen.totalSize,
    root: root.name(),
    retained: root.retainedSize(),
    classes: summed(classes.map(({ name, count, self }) => [name, { count, bytes: self }])),
    /** More than the number of names if locations split a class. */
    groups: classes.length,
    distances: classes.map(({ distance }) => distance),
    live: summed(
      traces.map(({ name, liveCount, liveSize }) => [name, { count: liveCount, bytes: liveSize }]),
    ),
    bars: samples && Array.from(samples.sizes),
    timestamps: samples && Array.from(samples.timestamps),
    change: base === undefined ? null : await change(seen, base),
  };
}

async function change(seen: any, file: string) {
  const before = await snapshot(file);
  const base = before.aggregatesForDiff(seen.interfaceDefinitions());
  const classes = Object.values<any>(seen.calculateSnapshotDiff(1, base));
  return summed(classes.map(({ name, sizeDelta }) => [name, { bytes: sizeDelta }]));
}

/** The own and inclusive numbers of each function in a tree. A function inside itself counts once. */
function functions(root: any) {
  const entries: [string, Record<string, number>][] = [];
  const open = new Set<string>();
  const visit = (node: any) => {
    const name = node.functionName;
    const outermost = !open.has(name);
    entries.push([name, { own: node.self, inclusive: outermost ? node.total : 0 }]);
    if (outermost) open.add(name);
    node.children.forEach(visit);
    if (outermost) open.delete(name);
  };
  visit(root);
  return summed(entries);
}

function allocations(file: string) {
  const profile = JSON.parse(readFileSync(file, "utf8"));
  const model: any = new SamplingHeapProfileModel(profile);
  return {
    total: model.total,
    functions: functions(model.root),
    samples: (profile.samples ?? []).reduce((sum: number, { size }: { size: number }) => sum + size, 0),
  };
}

function processor(file: string) {
  const profile = JSON.parse(readFileSync(file, "utf8"));
  const lengths = [profile.samples?.length, profile.timeDeltas?.length];
  const model: any = new CPUProfileDataModel(profile);
  // The chart is drawn from the samples, the table from hit counts.
  const charted: Record<string, number> = Object.create(null);
  model.forEachFrame(
    () => {},
    (_depth: number, node: any, _index: number, _at: number, _duration: number, own: number) => {
      charted[node.functionName] = (charted[node.functionName] ?? 0) + own;
    },
  );
  return {
    total: model.total,
    functions: functions(model.root),
    charted,
    lengths,
    kept: [model.samples?.length, model.timestamps?.length],
    milliseconds: (profile.endTime - profile.startTime) / 1000,
  };
}

/** Recursion in a deep tree needs a large stack, so the caller starts Node.js with `--stack-size`. */
async function open(file: string, base?: string) {
  if (/\.(heapsnapshot|heaptimeline)$/.test(file)) return heap(file, base);
  if (file.endsWith(".heapprofile")) return allocations(file);
  if (file.endsWith(".cpuprofile")) return processor(file);
  throw new Error(`DevTools has no panel for ${file}`);
}

const [file, base] = process.argv.slice(2);
open(file, base).then(
  (seen) => process.stdout.write(JSON.stringify({ ...seen, warnings })),
  (error) => process.stdout.write(JSON.stringify({ error: String(error), warnings })),
);
