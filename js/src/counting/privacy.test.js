import { afterEach, expect, test, vi } from 'vitest';
import { asksForPrivacy } from './privacy.js';

afterEach(() => vi.unstubAllGlobals());

test.each([
  [{}, false],
  [{ globalPrivacyControl: true }, true],
  [{ globalPrivacyControl: false }, false],
  [{ doNotTrack: '1' }, true],
  [{ doNotTrack: '0' }, false],
  [{ doNotTrack: 'unspecified' }, false],
  [{ doNotTrack: null, globalPrivacyControl: true }, true],
])('a browser that says %j asks for privacy: %j', (navigator, asks) => {
  vi.stubGlobal('navigator', navigator);
  expect(asksForPrivacy()).toBe(asks);
});
