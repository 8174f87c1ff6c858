// Files of a question: chosen, dropped or pasted, each to be taken out again. What cannot be sent is said before it is sent.
// Without this file the input works by itself; the server looks at everything once more either way.

const $ = (selector, within = document) => within?.querySelector(selector);

/** What many try and no model here reads; the rest is told by its first bytes, on the server. */
const STRANGE = /^(image\/(?!png|jpeg|webp|gif)|audio|video|font|application\/(pdf|zip|gzip|msword|vnd))/;

/** The place of one form in which files are chosen. */
class Chooser {
  constructor(input) {
    this.input = input;
    this.form = input.form;
    this.details = input.closest('details');
    this.summary = $('summary', this.details);
    this.list = $('.chosen', this.details);
    this.box = $('textarea', this.form);
    // A browser forgets what was chosen before.
    let before = [];
    input.addEventListener('click', () => { before = [...input.files]; });
    input.addEventListener('change', () => {
      const [kept, chosen] = [before, [...input.files]];
      before = [];
      const isNew = (one) => !kept.some((other) => ['name', 'size', 'lastModified'].every((of) => one[of] === other[of]));
      this.show([...kept, ...chosen.filter(isNew)]);
    });
    this.summary.addEventListener('click', ({ detail }) => {
      // One click will do; a keyboard opens the place first.
      if (detail && !this.details.open) input.click();
    });
    this.form.addEventListener('change', () => this.check());
    // What is dropped beside the composer is meant for it: a browser would leave the page and open it.
    const area = this.form.id === 'composer' ? document : this.form;
    for (const kind of ['paste', 'drop', 'dragover', 'dragleave']) {
      area.addEventListener(kind, (event) => this.takes(event));
    }
    // As it was when the reader comes back to this page.
    this.show([...input.files], false);
  }

  get files() { return [...this.input.files]; }

  takes(event) {
    const { type, target, clipboardData, dataTransfer, defaultPrevented } = event;
    const { types, files } = clipboardData ?? dataTransfer;
    // What is copied out of a document has a picture of itself as well.
    const isText = clipboardData && types.includes('text/plain');
    if (defaultPrevented || isText || !types.includes('Files')) return;
    this.form.classList.toggle('dropping', type === 'dragover');
    if (target === this.input || type === 'dragleave') return;
    event.preventDefault();
    if (type !== 'dragover' && files.length) this.show([...this.files, ...files]);
  }

  show(files, aloud = true) {
    const data = new DataTransfer();
    for (const file of files) data.items.add(file);
    this.input.files = data.files;
    this.details.open ||= files.length > 0;
    this.list.hidden = !files.length;
    this.list.replaceChildren(...files.map((file) => this.line(file)));
    if (files.length) this.summary.dataset.count = files.length;
    else delete this.summary.dataset.count;
    if (aloud) $('#status').textContent = `${this.summary.textContent}: ${files.length}`;
    this.check();
    if (aloud) this.input.reportValidity();
  }

  line(file) {
    const line = $('#chosen').content.firstElementChild.cloneNode(true);
    const [name, remove] = line.children;
    name.textContent = file.name;
    remove.ariaLabel += ` ${file.name}`;
    remove.addEventListener('click', () => {
      this.show(this.files.filter((one) => one !== file));
      ($('button', this.list) ?? this.box).focus();
    });
    return line;
  }

  check() {
    const { input, files, box, form } = this;
    const limits = input.dataset;
    const cannot = ({ type, size }) =>
      STRANGE.test(type) || !size || size > limits[type.startsWith('image/') ? 'image' : 'text'];
    const strange = files.find(cannot);
    const together = files.reduce((sum, { size }) => sum + size, 0);
    const count = files.length + form.querySelectorAll('[name=keep]:checked').length;
    const much = count > limits.most || together > limits.together;
    const words = $(`#${input.getAttribute('aria-describedby')}`).textContent;
    input.setCustomValidity(strange ? `${strange.name}: ${words}` : much ? words : '');
    // A question may be files alone, and not nothing.
    box.required = !count;
  }
}

for (const input of document.querySelectorAll('.choose [type=file]')) new Chooser(input);
