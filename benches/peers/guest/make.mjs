// The script that all peers run, and QuickJS, as a component: make.mjs BINDING COMPONENT
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const [binding, output] = process.argv.slice(2);
const { componentize } = createRequire(import.meta.url)(binding);
const here = file => fileURLToPath(new URL(file, import.meta.url));
const script = readFileSync(here('../src/script.js'), 'utf8');
const { component } = await componentize({
  witPath: here('plugin.wit'),
  jsSource: `${script}const hooks = { echo, spin };
    export const call = (hook, text) => JSON.stringify(hooks[hook](JSON.parse(text)));`,
  // Imports nothing then: plain calls, and what WASI there would be ends in a trap.
  sync: true,
  stubWasi: true,
});
writeFileSync(output, component);
