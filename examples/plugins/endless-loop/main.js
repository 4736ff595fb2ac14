// Every trick that a script has against being stopped: it catches, it has a finally that goes
// on, and it would rather start again than return.
plugin.on('render', function render() {
  console.log('I will never return');
  for (;;) {
    try {
      for (;;);
    } catch {
      render();
    } finally {
      continue;
    }
  }
});
