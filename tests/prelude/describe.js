// The value of an expression as text that tells apart what a program could, or the class of what it throws.
(() => {
  const show = (v, depth = 0) => {
    if (typeof v === 'string') return JSON.stringify(v);
    if (typeof v === 'bigint') return v + 'n';
    if (typeof v === 'symbol') return v.toString();
    if (Object.is(v, -0)) return '-0';
    if (typeof v === 'function') return 'function ' + v.name;
    if (typeof v !== 'object' || v === null || depth > 4) return String(v);
    const tag = Object.prototype.toString.call(v) + (v.constructor ? v.constructor.name : '');
    return tag + '{' + Reflect.ownKeys(v).map((k) => { const d = Reflect.getOwnPropertyDescriptor(v, k); return String(k) + ':' + ('value' in d ? show(d.value, depth + 1) : 'accessor'); }).join() + '}';
  };
  try { return show((() => (EXPRESSION
  ))()); } catch (e) { return 'throws ' + (e && e.constructor ? e.constructor.name : show(e)); }
})()
