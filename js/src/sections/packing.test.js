import { deflateRawSync } from 'node:zlib';
import { Blob as NodeBlob } from 'node:buffer';
import { beforeAll, afterAll, expect, test } from 'vitest';
import { pack, unpack } from './packing.js';

const BOARD = { title: 'Größe', graphs: [{ pk: ['shop', '<b>'], period: '1h:7d' }, { pk: 'shop', columns: 2 }] };
const own = globalThis.Blob;
const base64 = (text) => deflateRawSync(text).toString('base64url');

// That of jsdom has no stream.
beforeAll(() => { globalThis.Blob = NodeBlob; });
afterAll(() => { globalThis.Blob = own; });

test('a link brings the board that was packed, in letters that an address may have', async () => {
  const text = await pack(BOARD);
  expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(await unpack(text)).toEqual(BOARD);
  expect(await unpack(base64(JSON.stringify(BOARD)))).toEqual(BOARD);
});

test('where the browser packs nothing, the link is plain, and is read everywhere', async () => {
  const text = await pack(BOARD, {});
  expect(text).toBe(JSON.stringify(BOARD));
  expect(await unpack(text, {})).toEqual(BOARD);
  await expect(unpack('abc', {})).rejects.toThrow('this browser is too old for the board of this link: ask for its file');
});

test.each(['%', 'AAAA', base64(JSON.stringify(BOARD)).slice(0, 20)])('what is no board is told: %s', async (text) => {
  await expect(unpack(text)).rejects.toThrow('the board of this link cannot be read: a part of the link may be missing');
});

test('what is small while it is packed, and large when it is not, is not read to its end', async () => {
  await expect(unpack(base64('a'.repeat(50_000_000)))).rejects.toThrow(/this is too large for a board/);
  await expect(unpack(base64('{}'))).rejects.toThrow('the title of a board is a text');
});
