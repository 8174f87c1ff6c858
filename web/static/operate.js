// Keeps the operators' page new: fetches it every two seconds and takes over what has changed, so
// that focus, what is unfolded, and how far it is scrolled stay. Without this file it reloads itself.

const $ = (selector, within = document) => within.querySelector(selector);
const [main, age, status] = ['#operate', '#age', '#status'].map((id) => $(id));
const EVERY_MS = 2000;
const OLD_AFTER_MS = 8000;
const policy = window.trustedTypes?.createPolicy('app', { createHTML: (html) => html })
  ?? { createHTML: (html) => html };

let seen = Date.now();
let timer;
let busy = false;

async function renew() {
  clearTimeout(timer);
  if (busy || document.hidden) return;
  busy = true;
  try {
    // Text that is being selected would slip from under the reader's hand.
    if (!isSelecting()) await take();
  } catch {
    // It is told how old the figures are; the next try follows.
  }
  busy = false;
  tell();
  timer = setTimeout(renew, EVERY_MS);
}

async function take() {
  const response = await fetch(location.pathname, { signal: AbortSignal.timeout(OLD_AFTER_MS) });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const html = await response.text();
  const page = new DOMParser().parseFromString(policy.createHTML(html), 'text/html');
  const next = $('#operate', page);
  if (!next?.dataset.level) {
    // It asks for a key.
    location.reload();
    return;
  }
  const before = main.dataset.level;
  morph(main, next);
  document.title = page.title;
  seen = Date.now();
  if (before !== next.dataset.level) say($('#verdict').textContent);
}

/** Makes `old` what `next` is, and keeps every element that is still there. */
function morph(old, next) {
  if (old.isEqualNode(next)) return;
  for (const { name } of [...old.attributes]) {
    // Whether something is unfolded is the reader's business.
    if (name !== 'open' && !next.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const nodes = [...next.childNodes];
  const keys = new Set(nodes.map(keyOf));
  let at = old.firstChild;
  for (const node of nodes) {
    while (at && keyOf(at) && !keys.has(keyOf(at))) at = drop(at);
    let there = at;
    if (keyOf(node) !== keyOf(at)) {
      there = keyOf(node) && [...old.children].find((one) => keyOf(one) === keyOf(node));
      if (there) old.insertBefore(there, at);
    } else if (at) {
      at = at.nextSibling;
    }
    if (!there) old.insertBefore(node, at);
    else if (there.nodeName !== node.nodeName) there.replaceWith(node);
    else if (node.nodeType === Node.ELEMENT_NODE) morph(there, node);
    else if (there.data !== node.data) there.data = node.data;
  }
  while (at) at = drop(at);
}

const keyOf = (node) => node?.dataset?.key ?? node?.id;

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function isSelecting() {
  const selection = getSelection();
  return !selection.isCollapsed && main.contains(selection.anchorNode);
}

/** Says how old the figures are, once they are. */
function tell() {
  const old = Date.now() - seen;
  const words = old < OLD_AFTER_MS ? 'Live'
    : isSelecting() ? 'Held while text is selected'
      : `These figures are ${Math.round(old / 1000)} s old`;
  if (age.textContent === words) return;
  age.textContent = words;
  age.classList.toggle('old', old >= OLD_AFTER_MS);
  main.classList.toggle('old', old >= OLD_AFTER_MS);
  if (old >= OLD_AFTER_MS && !status.dataset.old) say('The figures on this page are old');
  status.toggleAttribute('data-old', old >= OLD_AFTER_MS);
}

/** Speaks to screen readers. */
function say(words) {
  status.textContent = words;
}

document.addEventListener('visibilitychange', renew);
setInterval(tell, 1000);
tell();
timer = setTimeout(renew, EVERY_MS);
