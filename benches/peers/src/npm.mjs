// The workload under Node: npm.mjs WARM_UP_MS MEASURED_MS, script and document on stdin.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import vm from 'node:vm';

const [warmUp, measured] = process.argv.slice(2).map(Number);
const { script, document } = JSON.parse(readFileSync(0, 'utf8'));
// As a script in the main realm, not a module: the packages find no loader, as in the others.
const work = vm.runInThisContext(`${script}\nwork`);

const samples = [];
let result;
const began = performance.now();
while (performance.now() - began < warmUp + measured || samples.length === 0) {
  const sample = performance.now();
  result = await work(document);
  if (sample - began >= warmUp) samples.push((performance.now() - sample) * 1000);
}
samples.sort((a, b) => a - b);
process.stdout.write(JSON.stringify({
  call_us: samples[(samples.length - 1) >> 1],
  result_length: Buffer.byteLength(result),
}));
