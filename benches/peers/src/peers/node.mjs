// What `measure.rs` does, in Node: node.mjs worker_threads|vm speed|memory SCRIPT PAYLOADS
import { Worker } from 'node:worker_threads';
import vm from 'node:vm';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const [shape, measure, script, payloads] = process.argv.slice(2);
const { integer, object, table } = JSON.parse(payloads);
const DEADLINE = 50;
const median = values => values.sort((a, b) => a - b)[(values.length - 1) >> 1];

// Data crosses as the structured clone that `postMessage` makes.
class Thread {
  static together = true;
  waiting = [];
  constructor() {
    this.worker = new Worker(
      `${script}\nconst { parentPort } = require('node:worker_threads');
      parentPort.on('message', ([hook, x]) =>
        parentPort.postMessage(hook === 'echo' ? echo(x) : spin(x)));`, { eval: true });
    this.worker.on('message', answer => this.waiting.shift()(answer));
  }
  call(argument, hook = 'echo') {
    return new Promise(resolve => {
      this.waiting.push(resolve);
      this.worker.postMessage([hook, argument]);
    });
  }
  // The worker is lost with its loop: Node can stop nothing less.
  static async spin() {
    const thread = new Thread();
    await thread.call(null);
    const began = performance.now();
    thread.call(null, 'spin');
    await sleep(DEADLINE);
    await thread.worker.terminate();
    return performance.now() - began - DEADLINE;
  }
  end() { return this.worker.terminate(); }
}

// JSON text both ways, as objects may not cross between realms.
class Realm {
  static together = false;
  constructor() {
    this.context = vm.createContext(Object.create(null));
    vm.runInContext(`${script}\nfunction onText(x) { return JSON.stringify(echo(JSON.parse(x))) }`,
      this.context);
  }
  call(argument) { return JSON.parse(this.context.onText(JSON.stringify(argument))); }
  static spin() {
    const realm = new Realm();
    const began = performance.now();
    try { vm.runInContext('spin()', realm.context, { timeout: DEADLINE }); } catch { /* in time */ }
    return performance.now() - began - DEADLINE;
  }
  end() {}
}

const Shape = shape === 'vm' ? Realm : Thread;

async function perCall(one) {
  let began = performance.now(), calls = 0;
  while (performance.now() - began < 400) { await one(); calls++; }
  const batch = Math.max(1, Math.floor(0.2 / ((performance.now() - began) / calls)));
  const samples = [];
  began = performance.now();
  while (performance.now() - began < 1500) {
    const sample = performance.now();
    // A promise costs a turn of its own: only where there is one to wait for.
    for (let i = 0; i < batch; i++) { const answer = one(); if (answer?.then) await answer; }
    samples.push((performance.now() - sample) / batch * 1000);
  }
  return median(samples);
}

async function speed() {
  const peer = new Shape();
  const figures = {
    integer_us: await perCall(() => peer.call(integer)),
    object_us: await perCall(() => peer.call(object)),
    table_us: await perCall(() => peer.call(table)),
  };
  figures.pipelined_us = Shape.together
    ? await perCall(() => Promise.all(Array.from({ length: 64 }, () => peer.call(object)))) / 64
    : null;
  await peer.end();
  const starts = [], stops = [];
  for (let i = 0; i < 30; i++) {
    const began = performance.now();
    const peer = new Shape();
    await peer.call(null);
    starts.push((performance.now() - began) * 1000);
    await peer.end();
    await sleep(5);
  }
  for (let i = 0; i < 9; i++) stops.push(await Shape.spin() * 1000);
  return { ...figures, start_us: median(starts), stop_us: median(stops), memory_kib: null };
}

async function memory() {
  const idle = [], one = async () => {
    const peer = new Shape();
    await peer.call(null);
    idle.push(peer);
  };
  await one();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 50; i++) await one();
  return { memory_kib: (process.memoryUsage().rss - before) / 50 / 1024 };
}

process.stdout.write(JSON.stringify(await (measure === 'memory' ? memory() : speed())),
  () => process.exit(0));
