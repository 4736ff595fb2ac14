// The workload under Node: npm.mjs TURN_MS; script and document are the first line that comes, and
// each further line is a turn.
import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';
import vm from 'node:vm';

const turn = Number(process.argv[2]);
let work, document;
for await (const line of createInterface({ input: process.stdin })) {
  if (work === undefined) {
    const input = JSON.parse(line);
    document = input.document;
    // As a script in the main realm, not a module: the packages find no loader, as in the others.
    work = vm.runInThisContext(`${input.script}\nwork`);
    continue;
  }
  const began = performance.now();
  let calls = 0;
  let result;
  while (calls === 0 || performance.now() - began < turn) {
    result = await work(document);
    calls++;
  }
  console.log(JSON.stringify({
    call_us: (performance.now() - began) * 1000 / calls,
    result_length: Buffer.byteLength(result),
  }));
}
