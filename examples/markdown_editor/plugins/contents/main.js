// The command "Insert table of contents": puts one where `[[toc]]` stands.
const slug = (title) => title.toLowerCase().replace(/[^\p{L}\p{N} -]/gu, '').replaceAll(' ', '-');

registerCommand('toc', 'Insert table of contents', () => {
  const text = editor.getContent();
  if (!text.includes('[[toc]]')) return ui.notify('there is no [[toc]] in the document', 'warning');
  const lines = [...text.matchAll(/^(#{2,6}) (.+)$/gm)]
    .map(([, marks, title]) => `${'  '.repeat(marks.length - 2)}- [${title}](#${slug(title)})`);
  editor.setContent(text.replace('[[toc]]', lines.join('\n')));
});
