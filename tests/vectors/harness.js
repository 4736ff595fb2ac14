// As much of testharness.js as the files in wpt/ ask for. `finish()` answers the outcome of each
// test, in order: [name, what went wrong or null].
var self = globalThis;
var GLOBAL = { isWindow: () => false, isWorker: () => false, isShadowRealm: () => false };
var location = { search: '' };
var results = [];
var pending = [];
var titles = 0;

function fail(message, description) { throw new Error((description ? description + ': ' : '') + message); }
function format_value(value) {
  if (typeof value === 'string') return JSON.stringify(value);
  try { return String(value); } catch { return typeof value; }
}
function assert_true(value, description) { if (value !== true) fail('expected true, got ' + format_value(value), description); }
function assert_false(value, description) { if (value !== false) fail('expected false, got ' + format_value(value), description); }
function assert_equals(actual, expected, description) {
  if (!Object.is(actual, expected)) fail('expected ' + format_value(expected) + ', got ' + format_value(actual), description);
}
function assert_not_equals(actual, expected, description) {
  if (Object.is(actual, expected)) fail('got ' + format_value(actual), description);
}
function assert_array_equals(actual, expected, description) {
  assert_equals(actual.length, expected.length, (description ?? '') + ' length');
  for (let i = 0; i < expected.length; i++) assert_equals(actual[i], expected[i], (description ?? '') + ' item ' + i);
}
function assert_own_property(object, name, description) {
  if (!Object.hasOwn(object, name)) fail('no own property ' + name, description);
}
function assert_unreached(description) { fail('reached', description); }
function assert_throws_js(constructor, call, description) {
  try { call(); } catch (error) {
    if (error?.constructor !== constructor) fail('threw ' + format_value(error), description);
    return;
  }
  fail('threw nothing', description);
}
function assert_throws_dom(name, call, description) {
  try { call(); } catch (error) {
    if (!(error instanceof DOMException) || error.name !== name) fail('threw ' + format_value(error), description);
    return;
  }
  fail('threw nothing', description);
}
function assert_throws_exactly(value, call, description) {
  try { call(); } catch (error) { return assert_equals(error, value, description); }
  fail('threw nothing', description);
}

class Test {
  constructor(name) {
    this.result = [name ?? 'untitled ' + titles++, null];
    results.push(this.result);
    this.cleanups = [];
    this.ended = new Promise((resolve) => { this.end = resolve; });
  }
  step(call, receiver, ...list) {
    try { return call.apply(receiver ?? this, list); } catch (error) {
      this.result[1] ??= String(error);
      this.done();
    }
  }
  step_func(call, receiver) { const t = this; return function (...list) { return t.step(call, receiver ?? this, ...list); }; }
  step_func_done(call) {
    const t = this;
    return function (...list) { if (call) t.step(call, this, ...list); t.done(); };
  }
  step_timeout(call, ms) { return setTimeout(this.step_func(call), ms); }
  unreached_func(description) { return this.step_func(() => assert_unreached(description)); }
  add_cleanup(call) { this.cleanups.push(call); }
  done() { this.end(); for (const call of this.cleanups.splice(0)) call(); }
}
function test(call, name) {
  const t = new Test(name);
  t.step(call, t, t);
  t.done();
}
function async_test(call, name) {
  if (typeof call !== 'function') [call, name] = [undefined, call];
  const t = new Test(name);
  if (call) t.step(call, t, t);
  const late = new Promise((resolve) => setTimeout(() => { resolve('late'); }, 5000));
  pending.push(Promise.race([t.ended, late]).then((outcome) => { if (outcome === 'late') t.result[1] ??= 'never done'; }));
  return t;
}
function promise_test(call, name) {
  const t = new Test(name);
  const outcome = (async () => call.call(t, t))();
  pending.push(outcome.catch((error) => { t.result[1] ??= String(error); }).then(() => t.done()));
}
function generate_tests(call, lists) { for (const [name, ...list] of lists) test(() => call(...list), name); }
function setup(call) { if (typeof call === 'function') call(); }
function done() {}
function step_timeout(call, ms) { return setTimeout(call, ms); }
function subsetTest(run, ...list) { return run(...list); }
function subsetTestByKey(key, run, ...list) { return run(...list); }
// Some are made before the tests begin.
class Blob {}
// What tests use to detach a buffer.
class MessageChannel {
  port1 = { postMessage: (value, transfer) => { structuredClone(value, { transfer }); } };
}
// The files beside a test, put there by the Rust side.
var files = {};
function fetch(path) { return Promise.resolve({ json: () => JSON.parse(files[path]) }); }
async function finish() {
  for (let i = 0; i < pending.length; i++) await pending[i];
  return results;
}
