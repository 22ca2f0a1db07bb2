// Light or dark: what the options say, else what the page around the graph can be.

/**
 * True for dark. `auto` follows the reader's preference on pages that declare `color-scheme`, in a style sheet or a meta element;
 * a page that declares nothing is light, and so is its graph.
 */
export function isDark(theme, target, window) {
  if (theme !== 'auto') return theme === 'dark';
  const declared = window.getComputedStyle(target).getPropertyValue('color-scheme');
  const meta = window.document.querySelector('meta[name="color-scheme"]')?.content ?? '';
  const schemes = (declared === '' || declared === 'normal' ? meta : declared).split(' ');
  if (!schemes.includes('dark')) return false;
  return !schemes.includes('light') || window.matchMedia('(prefers-color-scheme: dark)').matches;
}
