function echo(x) { return x }
function spin() { for (;;); }
