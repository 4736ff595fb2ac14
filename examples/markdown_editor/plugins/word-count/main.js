// Shows the number of words in the status line, and keeps a diary of it beside the documents.
const count = (text) => (text.match(/[\p{L}\p{N}]+/gu) ?? []).length;

onActivate(() => ui.setStatus(`${count(editor.getContent())} words`));

registerHook('on_file_save', async (file) => {
  const words = count(file.text);
  ui.setStatus(`${words} words`);
  const diary = 'workspace/words.csv';
  const before = await files.readFile(diary).catch((error) => {
    if (error.code === 'E_NOT_FOUND') return 'file,words\n';
    throw error;
  });
  await files.writeFile(diary, `${before}${file.name},${words}\n`);
});
