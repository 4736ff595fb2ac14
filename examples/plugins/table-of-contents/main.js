// Headings, as CommonMark has them at the start of a line, with the words that stand under
// each; what is inside a code fence is no heading and is read at half the speed.
'use strict';

const WORDS_A_MINUTE = 230;

function sections(markdown) {
  const found = [];
  let fence = null;
  let current = { level: 0, title: '(before the first heading)', words: 0 };
  for (const line of markdown.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line);
    if (mark && (fence === null || mark[1].startsWith(fence))) {
      fence = fence === null ? mark[1] : null;
      continue;
    }
    const heading = fence === null && /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*$/.exec(line);
    if (heading) {
      found.push(current);
      current = { level: heading[1].length, title: heading[2], words: 0 };
    } else {
      current.words += (line.match(/[\p{L}\p{N}]+/gu) ?? []).length * (fence === null ? 1 : 2);
    }
  }
  found.push(current);
  return found.filter(({ level, words }) => level > 0 || words > 0);
}

const time = (words) => {
  const seconds = Math.round((words / WORDS_A_MINUTE) * 60);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
};

plugin.on('render', (markdown) => {
  if (typeof markdown !== 'string') throw new TypeError('render wants the document as a string');
  const all = sections(markdown);
  const words = all.reduce((sum, section) => sum + section.words, 0);
  const top = Math.min(...all.map(({ level }) => level).filter((level) => level > 0));
  const lines = all
    .filter(({ level }) => level > 0)
    .map(({ level, title, words }) => `${'  '.repeat(level - top)}- ${title} (${time(words)})`);
  console.info('%d headings, %d words', lines.length, words);
  return [...lines, '', `Reading time: ${time(words)}`].join('\n');
});
