import { expect, test } from 'vitest';
import { isLacking, lackingCard } from './lacking.js';

test('the line that installs what is lacking stands by itself', () => {
  const error = { status: 501, message: "decisions needs libraries that are not installed: pip install 'hailwhale[decide]' (No module named 'numpy')" };
  expect(isLacking(error)).toBe(true);
  const card = lackingCard(error);
  expect(card.querySelector('code').textContent).toBe("pip install 'hailwhale[decide]'");
  expect(card.textContent).toContain('The server says: decisions needs libraries that are not installed.');
});

test('what names no line is said as it is', () => {
  expect(isLacking({ status: 500 })).toBe(false);
  const card = lackingCard({ message: 'it is not there' });
  expect(card.querySelector('code')).toBeNull();
  expect(card.textContent).toContain('it is not there.');
});
