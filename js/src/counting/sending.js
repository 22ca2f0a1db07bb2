// Hands an event over so that it arrives even when the page is left at once: as a beacon, else by fetch, else as an image.

/**
 * Sends by the first way that is there and takes it; never throws. `report(error)` hears of what did not arrive, as far
 * as a page can know: a beacon tells nothing.
 *
 * `to` takes POST of `form`, and `image` counts the same by GET. What has a form has an id in it, and so may be sent a
 * second time when nobody knows whether it arrived; what has none is sent once.
 */
export function send(to, image, form, report) {
  const away = () => report(Error(`no answer from ${to.host}`));
  const sendImage = () => {
    const picture = new Image();
    picture.onerror = away;
    // A key that stands in pages needs the origin of this one, whatever policy the page has.
    picture.referrerPolicy = 'origin';
    picture.src = image;
  };
  try {
    if (navigator.sendBeacon(to, form)) return;
  } catch {
    // There are none here.
  }
  try {
    fetch(to, { method: 'POST', body: form, keepalive: true }).then(
      ({ ok, status }) => ok || report(Error(`refused (${status})`)),
      form ? sendImage : away,
    ).catch(report);
  } catch {
    sendImage();
  }
}
