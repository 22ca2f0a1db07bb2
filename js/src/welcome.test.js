import { beforeEach, expect, test, vi } from 'vitest';
import { drawWelcome, firstLines } from './welcome.js';
import { openPage, role } from '../dev/browser.js';

const BASE = 'http://whale.test:8085/below/';

beforeEach(() => openPage());

test('the lines count at the server that the page came from', () => {
  expect(firstLines(BASE)).toEqual({
    curl: "curl 'http://whale.test:8085/below/count_now?pk=signup&dimensions=UK'",
    python: "from hailwhale import Whale; Whale.count_now('signup', 'UK')",
  });
});

test('a line can be copied where the browser lets one', async () => {
  const copy = vi.fn(async () => {});
  drawWelcome(role('welcome'), { base: BASE, copy });
  const button = role('welcome-python').querySelector('button');
  button.click();
  await vi.waitFor(() => expect(button.textContent).toBe('Copied'));
  expect(copy).toHaveBeenCalledWith(firstLines(BASE).python);
});

test('without a clipboard there is no button', () => {
  drawWelcome(role('welcome'), { base: BASE, copy: null });
  expect(role('welcome-curl').textContent).toBe(firstLines(BASE).curl);
});
