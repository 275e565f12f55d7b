
/*
 * wire: the frames as they pass: a ladder that grows, and the panel of states below it.
 */

const MOST_ROWS = 500;  /* of the ladder on the page at a time; it keeps MOST_KEPT */
const MOST_KEPT = 20000;
const NEAR = 60;        /* pixels from the end of the ladder: a reader who is there sees what comes */

class LiveLadder extends Ladder {
  constructor() {
    super([], null);
    this.type = 'all';
    this.fresh = [];
    this.numbers = new Set();
    this.streams = new Set();
    this.first = 0; /* frames that are not kept */
    this.back = 0;  /* rows below those on the page; 0: the last one is there */
  }

  tools() {
    this.facts = element('span', {class: 'facts'}, 'Nothing has passed yet');
    this.select = element('select', {'aria-label': 'Streams'}, element('option', {value: 'all'}, 'All streams'),
                          element('option', {value: 'connection'}, 'Stream 0: the connection'));
    this.select.addEventListener('change', () => this.show(this.select.value));
    this.kinds = element('select', {'aria-label': 'Types'}, element('option', {value: 'all'}, 'All types'),
      ...Object.keys(SECTIONS).map((type) => element('option', {value: type}, type)));
    this.kinds.addEventListener('change', () => {
      this.type = this.kinds.value;
      this.render();
    });
    return element('figcaption', {class: 'tools'}, this.facts, this.select, this.kinds, this.scaleSwitch('Even', 'To scale'));
  }

  clear() {
    this.all = [];
    this.frames = [];
    this.fresh = [];
    this.numbers = new Set();
    this.streams = new Set();
    this.connections = 0;
    this.first = 0;
    this.back = 0;
    this.openFrames = new Set();
    this.shown = this.select.value = 'all';
    this.type = this.kinds.value = 'all';
    [...this.select.options].slice(2).forEach((option) => option.remove());
    this.render();
    this.count();
  }

  passes(row) {
    if (row.kind !== 'frame')
      return this.shown === 'all' && this.type === 'all';
    return (this.type === 'all' || row.frame.type === this.type) &&
      (this.shown === 'all' || (this.shown === 'connection' ? isConnection(row.frame) : this.shown === streamKey(row.frame)));
  }

  visible() {
    const rows = this.all.filter((row) => this.passes(row));
    this.back = Math.max(0, Math.min(this.back || 0, rows.length - MOST_ROWS));
    const end = rows.length - this.back;
    const start = Math.max(0, end - MOST_ROWS);
    const earlier = start > 0 ? [{kind: 'gap', number: start, what: 'earlier', by: MOST_ROWS}] : [];
    const later = this.back > 0 ? [{kind: 'gap', number: this.back, what: 'later', by: -MOST_ROWS}] : [];
    return [...earlier, ...rows.slice(start, end), ...later];
  }

  /* A gap is a button that shows what is in it. */
  item(row) {
    if (row.kind !== 'gap')
      return super.item(row);
    const button = element('button', {class: 'line', type: 'button', tabindex: -1, 'data-key': row.what},
      element('span', {class: 'text'}, `${count(row.number, `${row.what} row`)}: show them`));
    button.addEventListener('click', () => {
      this.back += row.by;
      this.render();
    });
    return element('li', {class: 'gap'}, button);
  }

  show(key) {
    this.back = 0;
    super.show(key);
  }

  /* A frame, or a note, has passed. It is on the page with the next flush. */
  add(entry) {
    const row = {kind: entry.note === undefined ? 'frame' : 'note', ms: entry.ms, index: this.first + this.all.length,
                 connection: entry.connection, text: entry.note, frame: entry};
    this.all.push(row);
    this.numbers.add(entry.connection);
    if (row.kind === 'frame') {
      this.frames.push(entry);
      if (!isConnection(entry) && !this.streams.has(streamKey(entry)))
        this.addStream(entry);
    }
    if (this.all.length > MOST_KEPT) {
      this.all.splice(0, MOST_ROWS);
      this.frames.splice(0, MOST_ROWS);
      this.first += MOST_ROWS;
    }
    if (this.passes(row))
      this.fresh.push(row);
  }

  addStream(frame) {
    const key = streamKey(frame);
    const title = request(frame);
    this.streams.add(key);
    this.select.append(element('option', {value: key},
      `${frame.connection > 1 ? `Connection ${frame.connection}, s` : 'S'}tream ${frame.stream}${title ? `: ${title.slice(0, 40)}` : ''}`));
  }

  flush() {
    const fresh = this.fresh.splice(0);
    const others = this.numbers.size > 1 && this.connections < 2; /* now each row names its connection */
    this.connections = this.numbers.size;
    if (this.back > 0)
      this.back += fresh.length;
    if (others || this.toScale || this.back > 0 || this.current.length + fresh.length > 1.5 * MOST_ROWS)
      this.render();
    else
      this.grow(fresh);
    this.count();
  }

  grow(fresh) {
    const from = this.current.length;
    this.current.push(...fresh);
    for (const row of fresh)
      row.item = this.item(row);
    this.list.append(...fresh.map((row) => row.item));
    const button = from === 0 && this.list.querySelector('button.line');
    if (button)
      button.tabIndex = 0;
    this.draw(from);
  }

  count() {
    const facts = [count(this.frames.length + this.first, 'frame'), count(this.streams.size, 'stream')];
    if (this.connections > 1)
      facts.push(count(this.connections, 'connection'));
    this.facts.textContent = this.all.length > 0 ? facts.join(' · ') : 'Nothing has passed yet';
  }
}

class WirePane {
  constructor(ask) {
    this.ladder = new LiveLadder();
    this.states = new StatesPanel();
    this.gate = new GatePanel(ask);
    this.waiting = false;
    this.latest = element('p', {class: 'unseen', 'aria-live': 'polite'});
    const button = (text, title, action) => {
      const made = element('button', {type: 'button', title}, text);
      made.addEventListener('click', action);
      return made;
    };
    this.ladder.element.querySelector('.tools').append(
      button('Save', 'Save the frames, as H2_TRACE=FILE.json writes them', () => this.save()),
      button('Clear', 'Empty the wire', () => ask('clear', {})));
    this.hint = element('p', {class: 'hint'}, 'Run a command, and see its frames here. Other programs show theirs too: ',
                        element('code', {}, 'H2_TRACE=live make serve'));
    this.scroll = element('div', {class: 'scroll', tabindex: -1}, this.ladder.element, this.hint);
    this.element = element('section', {class: 'pane wire', 'aria-label': 'The wire'}, this.scroll, this.gate.element, this.states.element, this.latest);
  }

  clear() {
    this.ladder.clear();
    this.states.clear();
    this.states.render();
    this.hint.hidden = false;
  }

  take(event) {
    this.ladder.add(event);
    if (event.note === undefined)
      this.states.take(event);
    if (this.waiting)
      return;
    this.waiting = true;
    if (document.hidden)
      setTimeout(() => this.show(), 50); /* no frames of animation there */
    else
      requestAnimationFrame(() => this.show());
  }

  show() {
    const follows = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR;
    this.waiting = false;
    this.hint.hidden = true;
    this.ladder.flush();
    this.states.render();
    if (follows)
      this.scroll.scrollTop = this.scroll.scrollHeight;
    this.latest.textContent = this.ladder.facts.textContent;
  }

  save() {
    const frames = this.ladder.frames.map(({kind, by, ...frame}) => frame);
    const link = element('a', {href: URL.createObjectURL(new Blob([`${JSON.stringify(frames, null, 1)}\n`], {type: 'application/json'})),
                               download: 'trace.json'});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}
