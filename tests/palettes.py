"""Screenshots made small: PNGs of at most 64 colours, made by the browser that took them."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import NamedTuple

from playwright.sync_api import Page

#: Takes a PNG as base64; gives its size, how often each colour is there, a palette, and the packed rows of its numbers.
#: What is not among the most frequent colours becomes the nearest of these.
REDUCING = """async (png) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const {width, height} = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    const seen = new Map();
    for (const pixel of pixels) seen.set(pixel, (seen.get(pixel) ?? 0) + 1);
    const colours = [...seen].sort(([, a], [, b]) => b - a);
    const rgb = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
    const palette = colours.slice(0, 64).map(([pixel]) => rgb(pixel));
    const distance = (one, other) => one.reduce((sum, part, i) => sum + (part - other[i]) ** 2, 0);
    const numbers = new Map(colours.map(([pixel], index) => {
        if (index < palette.length) return [pixel, index];
        const distances = palette.map((other) => distance(rgb(pixel), other));
        return [pixel, distances.indexOf(Math.min(...distances))];
    }));
    const rows = new Uint8Array((width + 1) * height);
    for (let i = 0; i < pixels.length; i += 1) rows[i + Math.floor(i / width) + 1] = numbers.get(pixels[i]);
    const packing = new Blob([rows]).stream().pipeThrough(new CompressionStream('deflate'));
    const packed = new Uint8Array(await new Response(packing).arrayBuffer());
    const text = Array.from(packed, (byte) => String.fromCharCode(byte)).join('');
    const hex = (pixel) => `#${rgb(pixel).map((part) => part.toString(16).padStart(2, '0')).join('')}`;
    const counts = colours.map(([pixel, n]) => [hex(pixel), n]);
    return {width, height, colours: counts, palette: palette.flat(), packed: btoa(text)};
}"""


class Shot(NamedTuple):
    """A PNG, its size, and how often each colour was there before, the most frequent first."""

    png: bytes
    size: tuple[int, int]
    colours: dict[str, int]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def shrunk(page: Page, png: bytes) -> Shot:
    """The same picture with fewer colours; the page is any that allows scripts."""
    found = page.evaluate(REDUCING, base64.b64encode(png).decode())
    header = struct.pack('>IIBBBBB', found['width'], found['height'], 8, 3, 0, 0, 0)
    body = (b'IHDR', header), (b'PLTE', bytes(found['palette'])), (b'IDAT', base64.b64decode(found['packed']))
    made = b'\x89PNG\r\n\x1a\n' + b''.join(_chunk(*part) for part in (*body, (b'IEND', b'')))
    return Shot(made, (found['width'], found['height']), dict(found['colours']))


def size_of(png: bytes) -> tuple[int, int]:
    """How large a PNG is."""
    assert png.startswith(b'\x89PNG\r\n\x1a\n')
    width, height = struct.unpack('>II', png[16:24])
    return width, height
