// Pricing rules, as the people who sell write them: pure functions of an order. This plugin is granted
// nothing, not even the web APIs.

const rules = [
  {
    name: 'volume',
    applies: (order) => order.lines.some(({ quantity }) => quantity >= 100),
    discount: (order) => order.lines.filter(({ quantity }) => quantity >= 100)
      .reduce((sum, { quantity, price }) => sum + quantity * price * 0.1, 0),
  },
  {
    name: 'loyal customer',
    applies: ({ customer }) => customer.since < 2020 && customer.orders > 10,
    discount: (_, total) => total * 0.05,
  },
  {
    name: 'clearance',
    applies: (order) => order.lines.some(({ tags }) => tags.includes('clearance')),
    discount: (order) => order.lines.filter(({ tags }) => tags.includes('clearance'))
      .reduce((sum, { quantity, price }) => sum + quantity * price * 0.5, 0),
  },
];

const cents = (amount) => Math.round(amount * 100) / 100;

plugin.on('price', (order) => {
  const total = order.lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0);
  const applied = rules.filter((rule) => rule.applies(order));
  // Rules do not add up beyond half of the price.
  const discount = Math.min(applied.reduce((sum, rule) => sum + rule.discount(order, total), 0), total / 2);
  return { total: cents(total), discount: cents(discount), rules: applied.map(({ name }) => name) };
});
