// The tests stand beside the modules; the coverage thresholds hold every line and branch of them.
// The entries of the bundles only name the browser's own parts; the browser tests run them.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    setupFiles: ['dev/browser.js'],
    include: ['src/**/*.test.js'],
    css: true,
    restoreMocks: true,
    // Machines that do other things at the same time are slow.
    testTimeout: 30_000,
    coverage: {
      provider: 'v8',
      reporter: ['text-summary', 'text'],
      setupFiles: ['dev/browser.js'],
      include: ['src/**/*.js'],
      exclude: ['src/**/*.test.js', 'src/page.js', 'src/hailwhale.js', 'src/hailwhale.iife.js', 'src/jquery.hailwhale.js', 'src/graph.js', 'src/table_graph.js', 'src/embed.js'],
      thresholds: { lines: 100, branches: 100 },
    },
  },
});
