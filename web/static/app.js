// The chat with a script: the answer comes into the page, and the conversation stays in the tab.
// Everything works without this file as well; the server renders all HTML either way.

const $ = (selector, within = document) => within.querySelector(selector);
const [form, transcript, alertBox, status] = ['#composer', '#transcript', '#alert', '#status'].map((id) => $(id));
const KEY = 'chappe.conversation';
const policy = window.trustedTypes?.createPolicy('app', { createHTML: (html) => html })
  ?? { createHTML: (html) => html };

/**
 * What was said: `{role, content, mark, receipt, html}`; the mark says how it ended if that needs
 * words, the receipt what it took, the HTML is as it was rendered by the server.
 */
let turns = [];
/** The answer that is being written, if one is. */
let current = null;

function begin() {
  const { prompt } = form.elements;
  placeStop();
  const sent = form.elements.conversation.value;
  if (sent && sent !== '[]') adopt(JSON.parse(sent));
  else restore();

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (current) return;
    if (event.submitter?.name === 'again') askAgain();
    else if (prompt.value.trim()) ask(prompt.value);
  });
  prompt.addEventListener('keydown', (event) => {
    // Some keyboards end a word with Enter; 229 is how Safari says so.
    const composing = event.isComposing || event.keyCode === 229;
    const touch = matchMedia('(hover: none) and (pointer: coarse)').matches;
    if (event.key !== 'Enter' || event.shiftKey || composing || touch) return;
    event.preventDefault();
    if (!current) form.requestSubmit();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.isComposing && current) current.stop();
    if (event.key.toLowerCase() === 'o' && event.shiftKey && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      startAnew();
    }
  });
  document.addEventListener('click', (event) => {
    const { target } = event;
    if (target.closest('[data-new]') && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      startAnew();
    } else if (target.closest('#stop')) {
      event.preventDefault();
      current?.stop();
      focusPrompt();
    } else if (target.closest('.copy')) {
      copy(target.closest('.copy'));
    }
  });
  // A page that is left, for another one or for itself, keeps what was said so far.
  addEventListener('pagehide', () => {
    if (current?.text) current.keep({ interrupted: 'this page was left.' });
    save();
  });
  followReader();
  focusPrompt();
}

/** Focus stays where the next question is written; a touch keyboard comes only when it is asked for. */
function focusPrompt() {
  if (!matchMedia('(pointer: coarse)').matches) form.elements.prompt.focus();
}

/** A streamed page has its button in a form of its own. */
function placeStop() {
  const stop = $('#stop');
  stop.type = 'button';
  stop.hidden = true;
  $('.actions', form).prepend(stop);
  $('#stop-form')?.remove();
}

/** Asks the last question again: its answer broke off. What is being written stays. */
function askAgain() {
  const dropped = transcript.querySelectorAll('.turn');
  if (turns.at(-1)?.role === 'assistant') turns.pop();
  const question = turns.pop()?.content;
  for (let index = turns.length; index < dropped.length; index += 1) dropped[index].remove();
  write();
  if (question) ask(question, form.elements.prompt.value);
}

async function ask(question, draft = '') {
  const data = new URLSearchParams(new FormData(form));
  data.set('prompt', question);
  alertBox.replaceChildren();
  form.elements.prompt.value = draft;
  show({ role: 'user', content: question });
  current = new Answer(question);
  $('#stop').hidden = false;
  $('#send').hidden = true;
  focusPrompt();
  scrollDown();
  current.done = current.read(data);
  await current.done;
  current = null;
  $('#stop').hidden = true;
  $('#send').hidden = false;
  save();
}

/** One answer, from the first byte to the last. */
class Answer {
  constructor(question) {
    this.question = question;
    this.text = '';
    this.leaving = new AbortController();
    this.item = add('assistant');
    this.article = $('article', this.item);
    this.body = $('.body', this.item);
    this.article.setAttribute('aria-busy', 'true');
    this.article.setAttribute('aria-live', 'off');
    this.tail = document.createElement('span');
    this.tail.className = 'tail';
    this.tailHtml = '';
    this.begun = performance.now();
    say('Asking');
    this.reminder = setInterval(() => say('Still answering'), 9000);
  }

  async read(data) {
    try {
      const response = await fetch(form.action.split('#')[0], {
        method: 'POST',
        headers: { accept: 'text/event-stream' },
        body: data,
        signal: this.leaving.signal,
      });
      const type = response.headers.get('content-type') ?? '';
      if (!type.startsWith('text/event-stream')) throw new Error(`status ${response.status}`);
      await this.listen(response.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch {
      if (!this.leaving.signal.aborted) this.fail();
    }
    if (!this.ended) this.end({ kept: this.text.trim() !== '', mark: this.mark });
  }

  async listen(reader) {
    let held = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const frames = (held + value).split('\n\n');
      held = frames.pop();
      for (const frame of frames) {
        if (frame.startsWith('data: ') && !this.ended) this.take(JSON.parse(frame.slice(6)));
      }
    }
    if (!this.ended) throw new Error('cut');
  }

  take({ text, thoughts, add: pieces = [], tail, end }) {
    const below = isBelow();
    if (text && !this.text) say('Answering');
    this.text += text ?? '';
    if (thoughts) this.think(thoughts);
    for (const [place, html] of pieces) this.add(place, html);
    if (tail) {
      this.tailHtml = this.tailHtml.slice(0, tail[0]) + tail[1];
      this.tail.innerHTML = policy.createHTML(this.tailHtml);
      (this.code ?? this.body).append(this.tail);
    }
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
    if (place === 'open') this.code = $('code', this.body.lastElementChild);
  }

  think(text) {
    this.thoughts ??= (() => {
      const details = $('#turn-thoughts').content.cloneNode(true);
      this.article.insertBefore(details, this.body);
      return $('.thought', this.article);
    })();
    this.thoughts.append(text);
  }

  stop() {
    this.leaving.abort();
    this.stopped = true;
    this.mark = { note: 'Stopped.' };
  }

  fail() {
    this.mark = { interrupted: 'the connection to the server broke.' };
    const words = document.createElement('p');
    words.textContent = this.text
      ? 'The connection to the server broke, and the answer ended. What was said is kept: try again, or ask the model to go on.'
      : 'The server cannot be reached. Send it again in a moment.';
    alertBox.replaceChildren(words);
  }

  end({ kept, mark, receipt, alert }) {
    this.ended = true;
    clearInterval(this.reminder);
    this.article.removeAttribute('aria-busy');
    if (alert) alertBox.innerHTML = policy.createHTML(alert);
    if (kept) {
      this.keep(mark, receipt);
    } else {
      // Nothing was said: the question goes back to where it came from.
      turns.pop();
      this.item.previousElementSibling?.remove();
      this.item.remove();
      const { prompt } = form.elements;
      if (!prompt.value) prompt.value = this.question;
      welcome();
    }
    const seconds = Math.round((performance.now() - this.begun) / 1000);
    const words = this.text.split(/\s+/).filter(Boolean).length;
    const how = this.stopped ? 'Stopped' : alert ? 'Ended with an error' : 'Answer complete';
    say(kept ? `${how}, ${words} words, ${seconds} seconds` : how);
  }

  /** Takes the answer, as far as it came, into the conversation. */
  keep(mark, receipt) {
    if (this.kept || !this.item.isConnected) return;
    this.kept = true;
    // The tail stays as it is shown: nothing more will come.
    this.tail.replaceWith(...this.tail.childNodes);
    // The server's own marks came as HTML before.
    if (!this.ended || mark === this.mark) this.showMark(mark);
    addCopyButtons(this.body);
    turns.push({ role: 'assistant', content: this.text, mark, receipt, html: this.body.innerHTML });
    write();
  }

  showMark(mark) {
    if (!mark) return;
    const note = $('#interrupted').content.cloneNode(true).firstElementChild;
    if (mark.interrupted) $('span', note).textContent = mark.interrupted;
    else note.textContent = mark.note;
    this.body.append(note);
  }
}

/** Adds an empty turn to the page. */
function add(role) {
  const item = $(`#turn-${role}`).content.cloneNode(true).firstElementChild;
  transcript.append(item);
  return item;
}

function show(turn) {
  turns.push(turn);
  const body = $('.body', add(turn.role));
  if (turn.role === 'user') body.textContent = turn.content;
  else body.innerHTML = policy.createHTML(turn.html);
  write();
  welcome();
}

/** What the next question carries, and what a page without a script would have. */
function write() {
  const said = turns.map(({ html, ...turn }) => turn);
  form.elements.conversation.value = JSON.stringify(said);
}

function welcome() {
  const welcome = $('#welcome');
  if (welcome) welcome.hidden = turns.length > 0;
}

async function startAnew() {
  if (current) {
    current.stop();
    await current.done;
  }
  turns = [];
  form.elements.prompt.value = '';
  write();
  save();
  if (!$('#welcome')) {
    // This page began in the middle of a conversation.
    location.assign('/');
    return;
  }
  transcript.replaceChildren();
  alertBox.replaceChildren();
  welcome();
  say('New chat');
  focusPrompt();
}

/** Takes over a conversation that the server has put into the page. */
function adopt(said) {
  const bodies = transcript.querySelectorAll('.body');
  turns = said.map((turn, index) => ({ ...turn, html: bodies[index]?.innerHTML ?? '' }));
  addCopyButtons(transcript);
  save();
}

function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY)) ?? { turns: [] };
    for (const turn of kept.turns) show(turn);
    for (const name of ['prompt', 'model', 'preset']) {
      const field = form.elements[name];
      // A model that is gone cannot be picked.
      const known = name !== 'model' || [...field.options].some(({ value }) => value === kept.model);
      if (kept[name] && known) field.value = kept[name];
    }
  } catch {
    forget();
  }
  if (turns.length) scrollDown();
}

function save() {
  try {
    const { prompt, model, preset } = form.elements;
    const kept = { turns, prompt: prompt.value, model: model.value, preset: preset.value };
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // More than a tab may keep: a reload then begins anew, and nothing else changes.
    forget();
  }
}

function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Without storage there is nothing to forget.
  }
}

function addCopyButtons(within) {
  if (!navigator.clipboard) return;
  for (const name of within.querySelectorAll('.code-name:not(:has(.copy))')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.ariaLabel = 'Copy code';
    name.append(button);
  }
}

async function copy(button) {
  await navigator.clipboard.writeText($('code', button.closest('.code')).textContent).catch(() => {});
  button.dataset.done = '';
  say('Copied');
  setTimeout(() => delete button.dataset.done, 1500);
}

/** Speaks to screen readers. */
function say(words) {
  status.textContent = words;
}

const page = document.scrollingElement;
const isBelow = () => page.scrollHeight - page.scrollTop - page.clientHeight < 120;
const scrollDown = () => { page.scrollTop = page.scrollHeight; };

/** Offers the way down to a reader who has gone up. */
function followReader() {
  const down = document.createElement('button');
  down.type = 'button';
  down.className = 'button down';
  down.textContent = 'To the end';
  down.hidden = true;
  down.addEventListener('click', scrollDown);
  $('.bottom').prepend(down);
  addEventListener('scroll', () => { down.hidden = isBelow(); }, { passive: true });
}

if (form) begin();
