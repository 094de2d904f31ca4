// Opens a heap snapshot with memlab, and prints as JSON what it found: node memlab.mjs FILE. A file that memlab cannot
// read ends the process.

import heapAnalysis from "@memlab/heap-analysis";

const heap = await heapAnalysis.getFullHeapFromFile(process.argv[2]);
const root = heap.nodes.get(0);
let total = 0;
let dominated = 0;
let unreachable = 0;
const classes = Object.create(null);
heap.nodes.forEach((node) => {
  total += node.self_size;
  const sum = (classes[node.name] ??= { count: 0, bytes: 0 });
  sum.count += 1;
  sum.bytes += node.self_size;
  if (node.id === root.id) return;
  if (node.dominatorNode?.id === root.id) dominated += node.retainedSize;
  if (!node.hasPathEdge) unreachable += 1;
});
const nodes = heap.nodes.length;
const seen = { nodes, total, classes, retained: root.retainedSize, dominated, unreachable };
process.stdout.write(`\n${JSON.stringify(seen)}\n`);
