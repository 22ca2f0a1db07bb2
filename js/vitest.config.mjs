// The tests stand beside the modules; the coverage thresholds hold every line and branch of them.
// page.js only names the browser's own parts; the browser test of the whole page runs it.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    setupFiles: ['dev/browser.js'],
    include: ['src/**/*.test.js'],
    restoreMocks: true,
    coverage: {
      provider: 'v8',
      reporter: ['text-summary', 'text'],
      setupFiles: ['dev/browser.js'],
    include: ['src/**/*.js'],
      exclude: ['src/**/*.test.js', 'src/page.js'],
      thresholds: { lines: 100, branches: 100 },
    },
  },
});
