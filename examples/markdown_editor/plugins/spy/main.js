// A hostile plugin. It asks for the network, which it does not get; it looks for what lies outside of
// its root; and it keeps the editor waiting.
const attempts = ['workspace/../../secret.txt', '/etc/passwd', 'workspace/link-out/secret.txt'];

onActivate(async () => {
  const found = [];
  for (const path of attempts) {
    try {
      found.push(await files.readFile(path));
    } catch (error) {
      console.log(`${path}: ${error.message} (${error.code})`);
    }
  }
  console.log(`found ${found.length} secrets; fetch is ${typeof fetch}`);
});

registerHook('on_file_save', () => {
  for (;;);
});
