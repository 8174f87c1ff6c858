// The chat with a script: an answer that is being written comes into the page, and keys do what people expect of them.
// Everything works without this file as well; the server renders all HTML either way.

const $ = (selector, within = document) => within?.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const [composer, alertBox, status, help] = ['#composer', '#alert', '#status', '#help'].map((id) => $(id));
const prompt = $('#prompt');
const policy = window.trustedTypes?.createPolicy('app', { createHTML: (html) => html })
  ?? { createHTML: (html) => html };
const page = document.scrollingElement;
const isBelow = () => page.scrollHeight - page.scrollTop - page.clientHeight < 120;
const scrollDown = () => { page.scrollTop = page.scrollHeight; };

/** The answer that is being written, if one is. */
let current = null;

/** What is said here: the page has it, since the server knows the reader's language. */
const words = $('#words')?.dataset ?? {};

// From now on pages need not wait for answers: they come by this file.
const [host, secure] = location.protocol === 'https:' ? ['__Host-', '; secure'] : ['', ''];
document.cookie = `${host}chappe_script=1; path=/; max-age=31536000; samesite=lax${secure}`;

/** Speaks to screen readers. */
function say(words) {
  status.textContent = words;
}

/** Gives a whole answer to screen readers, where that is wished. */
function read(text) {
  const line = document.createElement('p');
  line.textContent = text;
  $('#aloud')?.append(line);
}

/** Says what went wrong, and what can be done. */
function complain(words) {
  const line = document.createElement('p');
  line.textContent = words;
  alertBox.replaceChildren(line);
}

/** One answer, from what the page has of it to its last word. */
class Answer {
  constructor(article) {
    this.article = article;
    this.body = $('.body', article);
    this.tail = $('.tail', article);
    this.tailHtml = '';
    this.cursor = article.dataset.cursor;
    this.code = 'code' in article.dataset ? all('pre code', this.body).at(-1) : null;
    this.spoken = this.body.textContent.trim() !== '';
    this.line = $('.waiting', article);
    this.titles = this.line && [document.title, this.line.dataset.title];
    this.untold = 3;
    this.toldAt = -Infinity;
    this.begun = performance.now();
    this.remind(9000);
    this.entitle();
    if (!document.hidden) this.listen();
    document.addEventListener('visibilitychange', () => {
      // A browser has few connections: only what is looked at keeps one.
      if (this.ended) return;
      this.entitle();
      if (document.hidden) this.close();
      else this.listen();
    });
  }

  listen() {
    if (this.source || this.ended) return;
    clearTimeout(this.again);
    const source = new EventSource(`${this.article.dataset.live}?from=${this.cursor}`);
    this.source = source;
    source.onopen = () => {
      // What is not sealed comes whole on a new connection.
      this.tailHtml = '';
      clearTimeout(this.lost);
      this.lost = null;
      if (alertBox.textContent === words.lost || $('[data-passes]', alertBox)) alertBox.replaceChildren();
    };
    source.onmessage = ({ data, lastEventId }) => {
      this.cursor = lastEventId;
      this.take(JSON.parse(data));
    };
    source.onerror = () => {
      if (this.source !== source) return;
      this.lost ??= setTimeout(() => $('[data-passes]', alertBox) || complain(words.lost), 4000);
      // It comes again by itself, unless it was refused.
      if (source.readyState !== EventSource.CLOSED) return;
      this.close();
      const later = () => { this.again = setTimeout(() => this.listen(), 2000); };
      fetch(source.url, { method: 'HEAD' }).then(({ status }) => (status === 404 ? this.gone() : later()), later);
    };
  }

  /** Says what is between the first word and the last: not too often, of one answer. */
  tell(text, spare = 0) {
    if (this.untold <= spare) return;
    this.untold -= 1;
    say(text);
  }

  /** Shows why nothing is said yet. It is spoken when it has stood for a moment: another reason, or other numbers now and then. */
  wait([kind, text]) {
    const { line } = this;
    if (!line || line.textContent === text) return;
    line.textContent = text;
    clearTimeout(this.soon);
    const isOther = kind !== line.dataset.kind;
    if (!isOther && performance.now() - this.toldAt < 10_000) return;
    this.soon = setTimeout(() => {
      line.dataset.kind = kind;
      this.toldAt = performance.now();
      // A reason may still come.
      this.tell(line.textContent, isOther ? 0 : 1);
    }, 1000);
  }

  /** Something was said, or never will be. */
  waitNoMore() {
    clearTimeout(this.soon);
    this.line?.remove();
    this.line = null;
    this.entitle();
  }

  /** While it is looked at, the window's title says that something is waited for. */
  entitle() {
    if (!this.titles) return;
    document.title = this.titles[this.line && !document.hidden ? 0 : 1];
  }

  /** Says that it goes on, less and less often. */
  remind(after) {
    this.reminder = setTimeout(() => {
      if (this.spoken) this.tell(words.still);
      if (after < 200_000) this.remind(after * 3);
    }, after);
  }

  /** The chat was deleted elsewhere, or belongs to another session by now. */
  gone() {
    clearTimeout(this.lost);
    complain(words.gone);
    this.end({ how: 'failed', words: 0, actions: '' });
  }

  close() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.again);
  }

  take({ anew, status: why, thoughts, add = [], tail, end }) {
    const below = isBelow() || (end?.how === 'failed' && !this.spoken);
    if (anew) this.startOver();
    if (why) this.wait(why);
    if ((add.length || tail?.[1]) && !this.spoken) {
      this.spoken = true;
      if (!end) say(words.answering);
      this.waitNoMore();
    }
    if (thoughts) this.think(thoughts);
    for (const [place, html] of add) this.add(place, html);
    if (tail) {
      this.tailHtml = this.tailHtml.slice(0, tail[0]) + tail[1];
      this.tail.innerHTML = policy.createHTML(this.tailHtml);
    }
    if (add.length || tail) (this.code ?? this.body).append(this.tail);
    if (end) this.end(end);
    if (below) scrollDown();
  }

  add(place, html) {
    if (place === 'close') {
      this.code = null;
      return;
    }
    const target = (place === 'code' && this.code) || this.body;
    this.tail.remove();
    target.insertAdjacentHTML('beforeend', policy.createHTML(html));
    if (place === 'open') this.code = all('code', this.body.lastElementChild).at(-1);
  }

  startOver() {
    this.body.replaceChildren();
    this.tail.replaceChildren();
    this.tailHtml = '';
    this.code = null;
    $('.thoughts', this.article)?.remove();
    if (this.spoken) this.tell(words.anew);
  }

  think(text) {
    if (!$('.thoughts', this.article)) {
      this.body.before($('#thoughts').content.cloneNode(true));
    }
    $('.thought', this.article).append(text);
  }

  async stop(button) {
    const form = new URLSearchParams({ answer: button.value });
    const failed = () => complain(words.notStopped);
    say(words.stopping);
    const response = await fetch(button.formAction, { method: 'POST', body: form, redirect: 'manual' }).catch(failed);
    if (response?.type === 'opaqueredirect') alertBox.replaceChildren();
    else if (response) failed();
  }

  end({ how, words: count, actions }) {
    this.ended = true;
    this.close();
    clearTimeout(this.reminder);
    this.article.removeAttribute('aria-busy');
    this.waitNoMore();
    this.tail.remove();
    if (alertBox.textContent === words.notStopped) alertBox.replaceChildren();
    this.article.insertAdjacentHTML('beforeend', policy.createHTML(actions));
    current = null;
    const focused = document.activeElement?.id === 'stop';
    $('#stop')?.remove();
    $('#send').hidden = false;
    if (focused) focusPrompt() ?? $('#send').focus();
    equip(this.article);
    const seconds = Math.round((performance.now() - this.begun) / 1000);
    const told = { how: words[how], words: count, seconds };
    read(bodyOf(this.article));
    say(words.ended.replace(/{(\w+)}/g, (_, name) => told[name]));
  }
}

/** Counts down to when another try may help. The alert keeps its words until then: nobody has to hear each second. */
function countDown() {
  const advice = $('[data-wait]', alertBox);
  if (!advice) return;
  const count = document.createElement('span');
  count.className = 'count';
  count.ariaHidden = 'true';
  advice.closest('p').after(count);
  const end = performance.now() + advice.dataset.wait * 1000;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    count.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    if (left > 0) {
      setTimeout(tick, 250);
      return;
    }
    count.remove();
    advice.textContent = advice.dataset.then;
  };
  tick();
}

/** Focus stays where the next question is written; a touch keyboard comes only when it is asked for. */
function focusPrompt() {
  if (matchMedia('(pointer: coarse)').matches) return null;
  prompt.focus({ preventScroll: true });
  return prompt;
}

/** An address that names a place in the page takes the focus from the box, once and at a time of its own. */
function keepFocus(focus) {
  const box = document.activeElement;
  const taken = ({ relatedTarget }) => { if (!relatedTarget) focus(); };
  box.addEventListener('blur', taken, { once: true });
  addEventListener('pointerdown', () => box.removeEventListener('blur', taken), { once: true });
}

/** Adds what only a script can do. */
function equip(within) {
  if (!navigator.clipboard) return;
  for (const button of all('[data-copy]', within)) button.hidden = false;
  for (const name of all('.code-name:not(:has(.copy))', within)) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.ariaLabel = words.copyCode;
    button.dataset.label = words.copyLabel;
    name.append(button);
  }
}

async function copy(text, button) {
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    say(words.notCopied);
    return;
  }
  if (button) {
    button.dataset.done = words.copied;
    setTimeout(() => delete button.dataset.done, 1500);
  }
  say(words.copied);
}

/** What the model wrote, without what the page adds to it. */
function bodyOf(article) {
  const parts = [...($('.body', article)?.children ?? [])].filter((one) => !one.matches('.note, .aside, .receipt'));
  return parts.map((one) => ($('pre', one) ?? one).innerText.trim()).filter(Boolean).join('\n\n');
}

/** What was written stays until it was sent, and somebody has it. */
function keepDraft() {
  const key = `chappe.draft ${location.pathname}`;
  const SENT = 'chappe.sent';
  try {
    // What was sent leads to the page of its answer.
    const sent = sessionStorage.getItem(SENT);
    const arrived = location.hash === '#latest';
    if (sent && arrived) for (const one of sent.split('\n')) sessionStorage.removeItem(one);
    sessionStorage.removeItem(SENT);
    prompt.value ||= sessionStorage.getItem(key) ?? '';
    prompt.addEventListener('input', () => sessionStorage.setItem(key, prompt.value));
    composer.addEventListener('submit', ({ submitter }) => {
      // What was given back is sent from another page than the one that keeps it.
      if (submitter?.id === 'send' || !submitter?.name) sessionStorage.setItem(SENT, arrived || !sent ? key : `${sent}\n${key}`);
    });
  } catch {
    // Without storage there is nothing to keep.
  }
}

/** Sends with Enter, as chats do, unless it is set otherwise; with Ctrl in any case. */
function sendWithEnter(event) {
  // Some keyboards end a word with Enter; 229 is how Safari says so.
  const composing = event.isComposing || event.keyCode === 229;
  const touch = matchMedia('(hover: none) and (pointer: coarse)').matches;
  const breaks = event.shiftKey || touch || document.documentElement.dataset.enter === 'newline';
  if (event.key !== 'Enter' || composing || (breaks && !event.ctrlKey && !event.metaKey)) return;
  event.preventDefault();
  const { form } = event.target;
  if (form === composer && current) say(words.stillWritten);
  else if (event.target.value.trim() || $('[name=keep]:checked', form) || $('[type=file]', form).files.length) form.requestSubmit(form === composer ? $('#send') : undefined);
}

const keys = {
  'ctrl+shift+o': () => $('#new-chat').click(),
  'ctrl+shift+s': () => location.assign($('#all-chats').href),
  'ctrl+k': () => ($('#find')?.checkVisibility() ? $('#find').focus() : location.assign($('#all-chats').href)),
  'ctrl+shift+c': () => copy(bodyOf(all('[data-author=assistant]').at(-1))),
  'ctrl+shift+;': () => copy(all('.body pre code').at(-1)?.textContent),
  'ctrl+/': () => (help?.open ? help.close() : help?.showModal()),
};
// Where the sign needs Shift.
keys['ctrl+shift+/'] = keys['ctrl+/'];

document.addEventListener('keydown', (event) => {
  if (event.isComposing || !event.key) return;
  const mod = event.ctrlKey || event.metaKey;
  const key = event.code === 'Semicolon' ? ';' : event.key.toLowerCase();
  const name = `${mod ? 'ctrl+' : ''}${event.shiftKey ? 'shift+' : ''}${key}`;
  if (keys[name] && !event.altKey) {
    event.preventDefault();
    keys[name]();
  } else if (event.key === 'Escape' && !help?.open && current) {
    current.stop($('#stop'));
  } else if (event.key === 'ArrowUp' && event.target === prompt && !prompt.value) {
    const edit = all('[data-edit]').at(-1);
    if (edit && !current) location.assign(edit.href);
  }
});

/** A thumb; the same once more takes it back. */
async function rate(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  const response = await fetch(form.action, { method: 'POST', body, redirect: 'manual' }).catch(() => null);
  if (response?.type !== 'opaqueredirect') {
    complain(words.notRated);
    return;
  }
  const now = form.elements.now;
  now.value = now.value === button.value ? '' : button.value;
  for (const one of all('button', form)) one.ariaPressed = one.value === now.value;
  say(now.value ? words.rated : words.unrated);
}

document.addEventListener('submit', (event) => {
  const { target, submitter } = event;
  if (!target.matches('.rate')) return;
  event.preventDefault();
  rate(target, submitter);
});

// What is not as it should be is to be seen, or nothing would happen.
document.addEventListener('invalid', ({ target }) => {
  const place = target.closest('details');
  if (place) place.open = true;
}, true);

document.addEventListener('click', (event) => {
  const { target } = event;
  if (target.id === 'stop' && current) {
    event.preventDefault();
    current.stop(target);
    focusPrompt();
  } else if (target.closest('[data-copy]')) {
    copy(bodyOf(target.closest('article')), target);
  } else if (target.closest('.copy')) {
    copy($('code', target.closest('.code')).textContent, target);
  } else if (target.closest('[data-help]')) {
    keys['ctrl+/']();
  }
});

/** What failed at once is to be seen by whoever has asked it, however long the question is. */
function showFailure() {
  const isNew = performance.getEntriesByType('navigation')[0]?.type === 'navigate';
  if (isNew && location.hash === '#latest' && $('.wrong', all('[data-author=assistant]').at(-1))) scrollDown();
}

/** Offers the way down to a reader who has gone up. */
function followReader() {
  const down = document.createElement('button');
  down.type = 'button';
  down.className = 'button down';
  down.textContent = words.toTheEnd;
  down.addEventListener('click', () => {
    focusPrompt();
    scrollDown();
  });
  $('.bottom').prepend(down);
  const look = () => { down.hidden = isBelow(); };
  addEventListener('scroll', look, { passive: true });
  look();
}

if (composer) {
  for (const box of all('textarea[name=prompt]')) box.addEventListener('keydown', sendWithEnter);
  for (const button of all('[data-help]')) button.hidden = false;
  keepDraft();
  equip(document);
  countDown();
  const writing = $('[data-live]');
  if (writing) current = new Answer(writing);
  followReader();
  addEventListener('load', showFailure);
  const focus = () => ($('#edited') ? $('#edited').focus() : focusPrompt());
  focus();
  if (location.hash) keepFocus(focus);
}
