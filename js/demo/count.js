/** Counts one event at a server; '' is the server of the page. */
export async function count(host, event, key = '') {
  const url = new URL('count_now', new URL(host.replace(/\/?$/, '/') || '/', location.href).href);
  for (const [name, value] of Object.entries(event)) url.searchParams.set(name, typeof value === 'object' ? JSON.stringify(value) : value);
  if (key !== '') url.searchParams.set('key', key);
  const answer = await fetch(url);
  if (!answer.ok) throw new Error((await answer.json()).error.message);
}
