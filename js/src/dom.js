// Making and changing elements. Text always goes in as text: nothing that was counted can become markup.

/** `element('a', {href: '#', onclick: go}, 'text', child)`; null, undefined and false attributes or children are left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.replace(/^on/, ''), value);
    else setAttribute(made, name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Sets or, for null, undefined and false, removes an attribute; leaves the page alone where nothing changes. */
export function setAttribute(target, name, value) {
  if (value === null || value === undefined || value === false) {
    target.removeAttribute(name);
  } else {
    const text = value === true ? '' : String(value);
    if (target.getAttribute(name) !== text) target.setAttribute(name, text);
  }
}

/** Sets the text; an unchanged one is not touched, so that a refresh neither flickers nor is read out again. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`, in their order, keeping the elements of items that stay.
 * `key(item)` tells items apart, `create(item)` makes an element, `update(element, item)` fills it.
 */
export function keyed(parent, items, { key, create, update = () => {} }) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const name = key(item);
    const child = before.get(name) ?? create(item);
    child.dataset.key = name;
    update(child, item);
    return child;
  });
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const child of wanted) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

/** The part of the page that `data-role` names. */
export function part(root, role) {
  const found = root.querySelector(`[data-role="${role}"]`);
  if (!found) throw new Error(`the page has no part called ${role}`);
  return found;
}

/** -> `{role: element}` for several parts. */
export function parts(root, roles) {
  return Object.fromEntries(roles.map((role) => [role, part(root, role)]));
}

/** True for a click that should follow the link as it is: into another tab or window. */
export function isForBrowser(event) {
  return event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button > 0;
}

/** A link within the page: `href` for new tabs and for copying, `go` for a plain click. */
export function link({ href, go, ...attributes }, ...children) {
  const onclick = (event) => {
    if (isForBrowser(event)) return;
    event.preventDefault();
    go();
  };
  return element('a', { href: href || './', onclick, ...attributes }, ...children);
}
