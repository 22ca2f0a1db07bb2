// A board as a text that fits an address: packed where the browser can, plain JSON where it cannot; both are read.
import { BoardError, MOST_BYTES, parseBoard, tooLarge } from './board.js';

const FORM = 'deflate-raw';

/** -> the text of a board for a link. */
export async function pack(board, { CompressionStream } = globalThis) {
  const text = JSON.stringify(board);
  if (typeof CompressionStream !== 'function') return text;
  const packed = await collect(new Blob([text]).stream().pipeThrough(new CompressionStream(FORM)), Infinity);
  return btoa(Array.from(packed, (byte) => String.fromCharCode(byte)).join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** -> the board of a link. Raises `BoardError`. */
export async function unpack(text, { DecompressionStream } = globalThis) {
  if (text.startsWith('{')) return parseBoard(text);
  if (typeof DecompressionStream !== 'function') throw new BoardError('this browser is too old for the board of this link: ask for its file');
  return parseBoard(new TextDecoder().decode(await inflated(text, DecompressionStream)));
}

async function inflated(text, DecompressionStream) {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
    return await collect(new Blob([bytes]).stream().pipeThrough(new DecompressionStream(FORM)), MOST_BYTES);
  } catch (error) {
    if (error instanceof BoardError) throw error;
    throw new BoardError('the board of this link cannot be read: a part of the link may be missing');
  }
}

// What is small while it is packed may be without end.
async function collect(stream, most) {
  const chunks = [];
  let size = 0;
  const reader = stream.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    size += value.length;
    if (size > most) {
      reader.cancel().catch(() => {});
      throw new BoardError(tooLarge(size));
    }
    chunks.push(value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
