// Writes files with Node.js' own profilers into a folder: node --expose-gc reference.mjs FOLDER. They show whether a
// check fails on a file that is right.

import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { writeHeapSnapshot } from "node:v8";

const folder = process.argv[2];
const session = new Session();
session.connect();

let pieces = [];
session.on("HeapProfiler.addHeapSnapshotChunk", ({ params }) => pieces.push(params.chunk));

class Basket {
  constructor(number) {
    this.items = new Array(100).fill(number);
  }
}

function fill(count) {
  return Array.from({ length: count }, (_, number) => new Basket(number));
}

function busy(milliseconds) {
  const end = performance.now() + milliseconds;
  let sum = 0;
  while (performance.now() < end) sum += Math.sqrt(sum + 1);
  return sum;
}

const save = (ending, text) => writeFileSync(`${folder}/node.${ending}`, text);

await session.post("Profiler.enable");
await session.post("Profiler.start");
busy(300);
save("cpuprofile", JSON.stringify((await session.post("Profiler.stop")).profile));

await session.post("HeapProfiler.enable");
await session.post("HeapProfiler.startSampling");
globalThis.kept = fill(10_000);
save("heapprofile", JSON.stringify((await session.post("HeapProfiler.stopSampling")).profile));

writeHeapSnapshot(`${folder}/node.heapsnapshot`);

await session.post("HeapProfiler.startTrackingHeapObjects", { trackAllocations: true });
globalThis.more = fill(5000);
// The functions that receive the file must be known before it begins: V8 writes the list of functions first.
await session.post("HeapProfiler.takeHeapSnapshot");
pieces = [];
await session.post("HeapProfiler.stopTrackingHeapObjects");
save("heaptimeline", pieces.join(""));
