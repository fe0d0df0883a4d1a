// Small changes to the document. Data only ever becomes text: nothing here parses markup.

const svgSpace = "http://www.w3.org/2000/svg";

export const find = (id) => document.getElementById(id);

/** A new element with attributes and children, which are elements or texts. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  setAttributes(node, attributes);
  node.append(...children);
  return node;
}

export function shape(name, attributes = {}) {
  const node = document.createElementNS(svgSpace, name);
  setAttributes(node, attributes);
  return node;
}

/** Sets what has changed and removes what is null. */
export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setHidden(node, isHidden) {
  if (node.hidden !== isHidden) node.hidden = isHidden;
}

/** A notice that is only there while it has something to say. */
export function setNotice(node, text, isBad = false) {
  setText(node, text ?? "");
  setHidden(node, !text);
  setAttributes(node, { class: isBad ? "notice bad" : "notice" });
}

/**
 * Makes a parent's children those of a list: kept by key, made where new, moved where out of order, removed where gone.
 * What stays in its place keeps focus and selection. Keys must differ.
 */
export function reconcile(parent, items, key, make, update) {
  const wanted = new Set(items.map((item) => String(key(item))));
  const kept = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) kept.set(child.dataset.key, child);
    else child.remove();
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = kept.get(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}
