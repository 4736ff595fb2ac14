// Keeps a count of how often a document was saved, in its front matter.
registerHook('on_file_save', (file) => {
  const found = /^---\n([\s\S]*?)\n---\n/.exec(file.text);
  const head = found === null ? '' : found[1];
  const revision = Number(/^revision: (\d+)$/m.exec(head)?.[1] ?? 0) + 1;
  const kept = head.split('\n').filter((line) => line !== '' && !line.startsWith('revision: '));
  ui.notify(`${file.name} is at revision ${revision}`);
  const body = found === null ? file.text : file.text.slice(found[0].length);
  return { ...file, text: `---\n${[...kept, `revision: ${revision}`].join('\n')}\n---\n${body}` };
});
