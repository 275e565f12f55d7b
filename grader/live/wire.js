
/*
 * wire: the frames as they pass: a ladder that grows, and the panel of states below it.
 */

const MOST_ROWS = 500;  /* of the ladder on the page at a time; it keeps MOST_KEPT */
const MOST_KEPT = 20000;
const AT_ONCE = 60;       /* new rows with one picture, so that the page answers in between */
const MOST_READ = 80;    /* rows of a ladder that somebody reads to its end */
const LONG_MS = 99999.5; /* from here on, a time is in seconds */
const NEAR = 60;        /* pixels from the end of the ladder: a reader who is there sees what comes */

class LiveLadder extends Ladder {
  constructor() {
    super([], null);
    this.type = 'all';
    this.fresh = [];
    this.numbers = new Set();
    this.streams = new Set();
    this.from = ''; /* the step whose command this was, if it is not the one on the page */
    this.programs = new Map(); /* by process number: name */
    this.ends = new Map();     /* by number of a connection: who is at its two ends */
    this.program = 'all';
    this.marks = new Set(); /* of indices */
    this.number = 0;  /* of frames that have passed */
    this.leftOut = 0; /* frames that no program has sent us, because there were too many */
    this.waits = []; /* what is held, as the gate says it */
    this.held = new Set(); /* indices of frames that their sender has sent, and that have not arrived */
    this.lost = new Set(); /* of these, those that waited when their connection ended */
    this.losses = [];      /* what the gate says of those, until the rows of their connection are all here */
    this.closed = new Set(); /* numbers of connections that have ended */
    this.starts = new Map(); /* by number of a connection: the time of its first frame or note */
    this.apart = false; /* whether each connection has a clock of its own */
    this.wasHeld = false; /* whether frames were held here: their times say when they were sent */
    this.first = 0; /* frames that are not kept */
    this.back = 0;  /* rows below those on the page; 0: the last one is there */
  }

  tools() {
    this.facts = element('span', {class: 'facts'}, 'Nothing has passed yet');
    this.select = element('select', {'aria-label': 'Streams'}, element('option', {value: 'all'}, 'All streams'),
                          element('option', {value: 'connection'}, 'Stream 0: the connection'));
    this.select.addEventListener('change', () => this.show(this.select.value));
    this.kinds = element('select', {'aria-label': 'Types'}, element('option', {value: 'all'}, 'All types'),
      ...Object.keys(SECTIONS).filter((type) => isFrame({type})).map((type) => element('option', {value: type}, type)));
    this.kinds.addEventListener('change', () => {
      this.type = this.kinds.value;
      this.render();
    });
    this.seenBy = element('select', {'aria-label': 'Programs', hidden: true}, element('option', {value: 'all'}, 'All programs'));
    this.seenBy.addEventListener('change', () => {
      this.program = this.seenBy.value;
      this.render();
    });
    return element('figcaption', {class: 'tools'}, this.facts, this.seenBy, this.select, this.kinds, this.scaleSwitch('Even', 'To scale'));
  }

  heading() {
    const made = super.heading();
    made.querySelector('.time').title = 'When its sender sent it: milliseconds from the beginning of the first connection of a command; otherwise, of its own connection';
    return made;
  }

  /* What belongs to no command has no common beginning: minutes may be between two connections. */
  moment(row) {
    return row.ms - (this.apart ? this.starts.get(row.connection) : 0);
  }

  /* The column has room for five digits. */
  time(row) {
    const ms = this.moment(row);
    return ms < LONG_MS ? super.time(row) : `${Math.round(ms / 1000).toLocaleString('en')} s`;
  }

  clear() {
    this.all = [];
    this.frames = [];
    this.fresh = [];
    this.numbers = new Set();
    this.streams = new Set();
    this.connections = 0;
    this.several = false;
    this.programs = new Map();
    this.ends = new Map();
    this.program = this.seenBy.value = 'all';
    this.seenBy.hidden = true;
    [...this.seenBy.options].slice(1).forEach((option) => option.remove());
    this.marks = new Set();
    this.held = new Set();
    this.lost = new Set();
    this.losses = [];
    this.closed = new Set();
    this.starts = new Map();
    this.number = 0;
    this.leftOut = 0;
    this.wasHeld = false;
    this.first = 0;
    this.back = 0;
    this.openFrames = new Set();
    this.shown = this.select.value = 'all';
    this.type = this.kinds.value = 'all';
    this.drawing.replaceChildren(); /* also while nobody sees it */
    [...this.select.options].slice(2).forEach((option) => option.remove());
    this.render();
    this.count();
  }

  passes(row) {
    if (this.program !== 'all' && this.program !== String(row.pid))
      return false;
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
      return this.withMark(row, super.item(row));
    const button = element('button', {class: 'line', type: 'button', tabindex: -1, 'data-key': row.what},
      element('span', {class: 'text'}, `${count(row.number, `${row.what} row`)}: show them`));
    button.addEventListener('click', () => {
      this.back += row.by;
      this.render();
    });
    return element('li', {class: 'gap'}, button);
  }

  /* A frame has a star, to mark it, and says who has seen it if several programs have. */
  withMark(row, item) {
    if (row.kind !== 'frame')
      return item;
    const marked = this.marks.has(row.index);
    const star = element('button', {class: 'star', type: 'button', tabindex: -1, title: 'Mark this frame (m)', 'aria-label': 'Mark this frame', 'aria-pressed': marked}, '★');
    star.addEventListener('click', () => this.mark(row.index));
    item.classList.toggle('marked', marked);
    this.dash(row, item);
    if (this.several)
      item.querySelector('.first').append(element('span', {class: 'by'}, ` · seen by ${row.by}`));
    item.append(star);
    return item;
  }

  /* The indices of the rows of these frames. Look for the latest first: those of one sender pass in order. */
  find(units) {
    const queueOf = ({connection, sender}) => `${connection} ${sender}`;
    const queues = new Map(units.map((unit) => [queueOf(unit), {units: [], rows: []}]));
    for (const unit of units)
      queues.get(queueOf(unit)).units.push(unit);
    if (queues.size > 0)
      for (const row of this.all)
        if (row.kind === 'frame')
          queues.get(queueOf(row.frame))?.rows.push(row);
    return new Set([...queues.values()].flatMap((queue) => this.match(queue)));
  }

  /* The same, for the frames and the rows of one sender. */
  match({units, rows}) {
    const indices = [];
    let end = rows.length; /* look before this row */
    for (const unit of units.reverse()) {
      const isUnit = ({frame}) => label(frame) === unit.type && frame.stream === unit.stream && frame.length === unit.length;
      let at = end - 1;
      while (at >= 0 && !isUnit(rows[at]))
        at--;
      if (at < 0)
        continue;
      indices.push(rows[at].index);
      end = at;
    }
    return indices;
  }

  /* A frame is on the page as soon as its program has sent it. */
  hold(waits) {
    const [held, lost] = [this.held, this.lost];
    const known = this.losses.filter((loss) => this.closed.has(loss.connection)); /* all its rows are here */
    this.losses = this.losses.filter((loss) => !this.closed.has(loss.connection));
    this.waits = waits;
    this.lost = new Set([...lost, ...this.find(known.flatMap((loss) => loss.units))]);
    this.held = new Set([...this.find(waits), ...this.lost]);
    const changed = this.current.filter(({index}) => held.has(index) !== this.held.has(index) || lost.has(index) !== this.lost.has(index));
    for (const row of changed)
      for (const each of [row.item, row.drawn])
        this.dash(row, each);
    this.moved = this.moved || changed.length > 0; /* a row may have more lines now, or fewer */
  }

  dash(row, each) {
    each?.classList.toggle('held', this.held.has(row.index));
    each?.classList.toggle('lost', this.lost.has(row.index));
  }

  /* What has kept a frame from arriving, in words; "" if it has arrived. */
  fate({index}) {
    return this.lost.has(index) ? 'never arrived' : this.held.has(index) ? 'waits' : '';
  }

  heldFrames() {
    return new Set([...this.held].map((index) => this.all[index - this.first]?.frame));
  }

  arrow(row, ...rest) {
    row.top = row.item.offsetTop;
    row.drawn = super.arrow(row, ...rest);
    this.dash(row, row.drawn);
    return row.drawn;
  }

  /* Its client, if that is a program that we know. */
  who(number) {
    const client = programAt(this.ends.get(number)?.client) || 'port';
    return client.startsWith('port') ? super.who(number) : `${super.who(number)}, ${client}`;
  }

  mark(index) {
    this.toggle(this.marks, index);
  }

  onKey(event) {
    const line = event.target.closest('button.line');
    if (event.key === 'm' && !event.ctrlKey && !event.altKey && !event.metaKey && /^f/.test(line?.dataset.key || ''))
      this.mark(Number(line.dataset.key.slice(1)));
    else
      super.onKey(event);
  }

  /* Give the focus to the next frame, or the one before; first to the first, or the last. */
  step(by) {
    const buttons = this.buttons();
    const at = buttons.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : buttons.length - 1) : Math.max(0, Math.min(buttons.length - 1, at + by));
    buttons[next]?.focus();
  }

  /* What has been opened is in the window, if it has room there. */
  toggle(set, index) {
    super.toggle(set, index);
    if (set === this.openFrames && set.has(index))
      this.current.find((row) => row.kind === 'frame' && row.index === index)?.item.scrollIntoView({block: 'nearest'});
  }

  /* All rows are on the page then, those too that have just come. */
  render() {
    if (this.back > 0)
      this.back += this.fresh.length;
    this.fresh = [];
    super.render();
    if (this.facts && this.waits)
      this.count();
  }

  show(key) {
    this.back = 0;
    super.show(key);
  }

  /* A frame, or a note, has passed. It is on the page with the next flush. */
  add(entry) {
    const row = {kind: entry.note === undefined ? 'frame' : 'note', ms: entry.ms, index: this.first + this.all.length,
                 connection: entry.connection, text: entry.note?.replace(/without close_notify$/, '$&, the goodbye of TLS'), frame: entry, by: entry.by, pid: entry.pid};
    this.all.push(row);
    if (!this.starts.has(row.connection))
      this.starts.set(row.connection, row.ms);
    this.leftOut += entry.left_out || 0;
    this.wasHeld = this.wasHeld || Boolean(entry.held);
    if (row.kind === 'note' && /^closed/.test(row.text))
      this.closed.add(row.connection);
    if (!this.programs.has(entry.pid))
      this.addProgram(entry);
    this.numbers.add(entry.connection);
    if (row.kind === 'frame') {
      this.frames.push(entry);
      this.number += isFrame(entry) ? 1 : 0;
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

  /* Two programs may show the same connection, one from each side. */
  addProgram(entry) {
    this.programs.set(entry.pid, entry.by);
    this.seenBy.append(element('option', {value: String(entry.pid)}, `Seen by ${entry.by} (${entry.pid})`));
    this.seenBy.hidden = this.programs.size < 2;
  }

  addStream(frame) {
    const key = streamKey(frame);
    const title = request(frame);
    this.streams.add(key);
    this.select.append(element('option', {value: key},
      `${frame.connection > 1 ? `Connection ${frame.connection}, s` : 'S'}tream ${frame.stream}${title ? `: ${title.slice(0, 40)}` : ''}`));
  }

  /* Put on the page what has come; perhaps not all of it at once. */
  flush() {
    const several = new Set(this.programs.values()).size > 1;
    const others = (this.numbers.size > 1 && (this.connections < 2 || this.renamed)) || (several && !this.several); /* now each row names them */
    this.renamed = false;
    this.several = several;
    this.connections = this.numbers.size;
    if (others || this.toScale || this.back > 0) {
      this.render();
    } else {
      if (this.current.length + this.fresh.length > 1.5 * MOST_ROWS)
        this.makeRoom();
      this.grow(this.fresh.splice(0, document.hidden ? MOST_ROWS : AT_ONCE));
    }
    this.count();
  }

  /* Take rows away at the top, and some that have come may never be on the page: a button shows them. */
  makeRoom() {
    this.fresh = this.fresh.slice(-MOST_ROWS);
    const rows = this.current.filter((row) => row.kind !== 'gap');
    const kept = rows.slice(Math.max(0, rows.length + this.fresh.length - MOST_ROWS));
    for (const row of this.current.slice(0, this.current.length - kept.length)) {
      row.item.remove();
      row.item = row.drawn = null;
    }
    const number = this.all.filter((row) => this.passes(row)).length - kept.length - this.fresh.length;
    const gap = {kind: 'gap', number, what: 'earlier', by: MOST_ROWS};
    gap.item = this.item(gap);
    gap.item.querySelector('button').tabIndex = 0;
    this.list.prepend(gap.item);
    this.current = [gap, ...kept];
    this.moved = true;
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
    this.draw(this.moved && !this.toScale ? this.unmoved(from) : from);
  }

  /* How many rows are where they have been drawn, of the first `count`. Forget the arrows of the others. */
  unmoved(count) {
    const moved = this.current.findIndex((row, i) => i < count && row.item.offsetTop !== row.top);
    if (moved < 0)
      return count;
    for (const row of this.current.slice(moved, count))
      row.drawn?.remove();
    return moved;
  }

  draw(from = 0) {
    super.draw(from);
    this.moved = false;
    this.drawn?.();
  }

  count() {
    const isFiltered = this.shown !== 'all' || this.type !== 'all' || this.program !== 'all';
    const facts = isFiltered ? [`${this.all.filter((row) => row.kind === 'frame' && isFrame(row.frame) && this.passes(row)).length} of ${count(this.number, 'frame')}`]
      : [count(this.number, 'frame'), this.connections > 1 ? count(this.connections, 'connection') : count(this.streams.size, 'stream')];
    if (this.leftOut > 0)
      facts.push(`${this.leftOut.toLocaleString('en')} left out`);
    if (this.from)
      facts.unshift(this.from);
    this.facts.classList.toggle('old', Boolean(this.from));
    this.facts.textContent = this.all.length > 0 ? facts.join(' · ') : 'Nothing has passed yet';
  }
}

/* What has passed for one command, or since the wire was cleared: its events, in order, and what a reader has marked. */
class Tape {
  /* `of`: the lab and the step of the command; undefined if there is none. */
  constructor(of, look = '') {
    this.of = of;
    this.look = look; /* a type of frames: what its step is about */
    this.events = [];
    this.first = 0; /* frames and notes that it does not keep */
    this.gone = 0;  /* and of these, the frames */
    this.marks = new Set();
  }

  add(event) {
    this.events.push(event);
    if (this.events.length > MOST_KEPT + MOST_ROWS) {
      const gone = this.events.splice(0, MOST_ROWS).filter(({kind}) => kind === 'wire');
      this.first += gone.length;
      this.gone += gone.filter(({note, type}) => note === undefined && isFrame({type})).length;
    }
  }
}

class WirePane {
  constructor(ask) {
    this.ladder = new LiveLadder();
    this.tapes = new Map(); /* by "lab/step": of each step that has run, the last command's */
    this.free = new Tape(); /* what belongs to no command: `make serve`, any program */
    this.last = this.free;  /* what the last command has made */
    this.now = this.free;   /* what passes now */
    this.tape = this.now;   /* the one on the page */
    this.alone = false;     /* the wire alone is in sight, without the lecture */
    this.hasAll = false;    /* what passed before this page was loaded */
    this.states = new StatesPanel();
    this.gate = new GatePanel(ask);
    this.play = new PlayPanel(ask);
    this.waiting = false;
    this.waits = null; /* the gate's last word, if it is not on the page yet */
    this.latest = element('p', {class: 'unseen', 'aria-live': 'polite'});
    const button = (text, title, action) => {
      const made = element('button', {type: 'button', title, 'aria-label': `${text}: ${title}`}, text);
      made.addEventListener('click', action);
      return made;
    };
    this.ladder.element.querySelector('.tools').append(
      this.menu = element('button', {type: 'button', class: 'menu', 'aria-expanded': false}, 'Save'),
      button('Clear', 'Empty the wire', () => ask('clear', {})));
    this.tools = this.ladder.element.querySelector('.tools');
    this.tools.after(element('p', {class: 'of-scale'}, 'Here a distance is a time: each arrow is at its moment, and a thin line leads to its words. ' +
                                                       'A break in the rails is a long silence.'));
    this.tools.querySelector('.switch').addEventListener('change', () => this.sheet.scrollTo(0, 0));
    this.tools.append(element('div', {class: 'ends'}, ...[...this.tools.children].slice(-2))); /* on the same line */
    this.saves = element('div', {class: 'saves', hidden: true},
      button('Trace, as JSON', 'The frames that are shown, as H2_TRACE=FILE.json writes them', () => this.saveTrace()),
      button('Capture, for Wireshark', 'All frames, for Wireshark; there, decode TCP port 8080 as HTTP2 if the first ones are not', () => this.saveCapture()),
      button('Picture, as SVG', 'The frames that are shown, with the marks, as SVG', () => this.savePicture()));
    this.tools.append(this.saves);
    this.menu.addEventListener('click', () => this.showSaves(this.saves.hidden));
    new ResizeObserver(() => this.measure()).observe(this.tools);
    this.above = element('button', {type: 'button', class: 'above', title: 'From the beginning'});
    this.above.addEventListener('click', () => this.sheet.scrollTo(0, 0));
    this.below = element('button', {type: 'button', class: 'below'});
    this.below.addEventListener('click', () => (this.news > 0 ? this.showNews() : this.more()));
    this.ofTimes = element('p', {class: 'of-times', title: 'Frames were held or slowed down here: a time says when its frame was sent, not when it arrived'}, 'ms: when it was sent');
    this.foot = element('div', {class: 'foot', hidden: true}, this.above, this.ofTimes, this.below);
    this.news = 0;     /* rows that have come below the window, and that nobody has seen there */
    this.placed = NaN; /* where we have put the ladder; NaN once a reader has scrolled */
    this.hint = element('p', {class: 'hint'}, 'Here are the frames of a lecture’s commands, and what passes ', element('code', {}, 'make serve'),
                        ', from curl or a browser, say. Other programs show their frames with ', element('code', {}, 'H2_TRACE=live'), ' before their names. A connection that has begun before ',
                        element('code', {}, 'make live'), ' is not shown.');
    this.sheet = element('div', {class: 'scroll', tabindex: -1}, this.ladder.element, this.hint);
    this.sheet.addEventListener('scroll', () => {
      if (!this.isPlaced())
        this.placed = NaN;
      this.showBelow();
    });
    new ResizeObserver(() => this.roomChanged()).observe(this.sheet);
    this.wasAtEnd = false; /* the reader was there before the ladder had another room */
    this.ladder.drawn = () => this.showBelowSoon();
    this.gate.element.append(this.play.element);
    this.element = element('section', {class: 'pane wire', 'aria-label': 'The wire'}, element('div', {class: 'room'}, this.sheet, this.foot),
                           this.states.element, this.gate.element, this.latest);
  }

  /* `of`: the lab and the step of the command whose frames come now. */
  clear({of, look} = {}) {
    this.now = new Tape(of, look);
    if (of)
      this.tapes.set(of.join('/'), this.last = this.now);
    else
      this.free = this.now;
    if (this.hasAll)
      this.open(this.now);
  }

  /* The step on the page has its own ladder, if it has run. What belongs to no step stays. */
  at(place, servers) {
    this.place = place;
    this.play.at(place, servers);
    this.choose();
  }

  /* Whether the wire has all the room, without the lecture. */
  turn(alone) {
    this.alone = alone;
    if (this.hasAll)
      this.choose();
  }

  /* The ladder of the step on the page, if it has one; alone, what passes now. */
  own() {
    return (this.alone && this.now === this.free && this.now) || this.tapes.get(`${this.place?.lab}/${this.place?.step}`);
  }

  choose() {
    const tape = this.own() || (this.now.of ? new Tape() : this.now);
    if (tape !== this.tape)
      this.open(tape);
    this.label();
  }

  /* Say so if what is here is another step's. */
  label() {
    const {tape: {of}, place} = this;
    const isOther = of && place && (of[0] !== place.lab || of[1] !== place.step);
    this.ladder.from = isOther ? `From ${of[0] === place.lab ? '' : `lab ${Number(of[0])}, `}step ${of[1]}` : '';
    this.ladder.count();
  }

  /* All that passed before is here. */
  takeAll() {
    this.hasAll = true;
    this.open(this.own() || this.now);
  }

  /* Show this tape, from the beginning, and then what comes. */
  open(tape) {
    this.tape = tape;
    this.ladder.clear();
    this.ladder.apart = tape.of === undefined;
    this.label();
    this.states.clear();
    this.states.render();
    this.ladder.first = tape.first;
    this.ladder.number = tape.gone;
    this.ladder.marks = tape.marks;
    this.news = 0;
    this.hint.hidden = tape.events.length > 0;
    tape.events.forEach((event) => this.feed(event));
    this.waits = this.waits || this.gate.last;
    this.rewinds = tape.events.length > 0;
    this.soon();
  }

  /* The bar above the ladder has one line, or two. */
  measure() {
    this.sheet.style.setProperty('--tools', `${this.tools.offsetHeight}px`);
  }

  takeServers(event) {
    this.play.take(event);
  }

  /* What waits now. The last word counts: with many connections, they come faster than anybody can read. */
  takeGate(event) {
    this.waits = event;
    this.gate.mode = event.mode; /* at once: the key that changes it may come before the next picture */
    this.soon();
  }

  /* A frame or a note, for the ladder on the page. */
  feed(event) {
    if (event.kind === 'ends') {
      this.feedEnds(event);
    } else if (event.kind === 'lost') {
      this.ladder.losses.push(event); /* a connection has ended while these frames waited */
    } else {
      this.ladder.add(event);
      this.states.take(event);
    }
  }

  /* Who is at the two ends of a connection. */
  feedEnds(event) {
    const known = this.ladder.ends.has(event.connection);
    this.ladder.ends.set(event.connection, event);
    this.ladder.renamed = this.ladder.renamed || known;
    this.states.ends = this.ladder.ends;
  }

  hold(waits) {
    this.ladder.hold(waits);
    this.states.hold(this.ladder.heldFrames());
  }

  scroll(by) {
    this.sheet.scrollBy(0, by);
  }

  /* Something passes: it is on the page, whichever step is there. */
  take(event) {
    const tape = event.of?.length > 0 ? this.tapes.get(event.of.join('/')) : this.free;
    if (!tape)
      return;
    tape.add(event);
    if (tape === this.last || !tape.of)
      this.now = tape;
    if (!this.hasAll || (this.tape !== tape && !this.comes(tape)))
      return;
    if (this.tape !== tape) {
      this.open(tape);
      this.rewinds = false;
    } else {
      this.feed(event);
    }
    this.soon();
  }

  /* Whether the page shows this instead of another ladder, now that something passes there: not the end of an earlier
   * command, and what belongs to no command not in place of a step's own ladder. */
  comes(tape) {
    return tape.of ? tape === this.last : this.alone || this.tape !== this.own();
  }

  /* What waits on the ladder that is on the page. */
  waitsHere(waiting) {
    const of = String(this.tape.of || []);
    return waiting.filter((unit) => String(unit.of) === of);
  }

  /* Show all that has come, once, with the next picture. */
  soon() {
    if (this.waiting)
      return;
    this.waiting = true;
    if (document.hidden)
      setTimeout(() => this.show(), 50); /* no frames of animation there */
    else
      requestAnimationFrame(() => this.show());
  }

  /* Whether the reader is at the end of the ladder, or where we have gone, and so sees what comes. */
  follows() {
    return this.isAtEnd(NEAR) || Math.abs(this.sheet.scrollTop - this.followed) < 1;
  }

  /* To the end; or, while frames wait, to the first of these, with what has passed above it. */
  follow() {
    this.sheet.scrollTop = this.sheet.scrollHeight;
    const next = this.ladder.list.querySelector('li.held:not(.lost)');
    const above = next ? next.getBoundingClientRect().top - this.sheet.getBoundingClientRect().top - this.sheet.clientHeight / 2 : 0;
    if (above < 0)
      this.sheet.scrollTop += above;
    this.followed = this.sheet.scrollTop;
  }

  /* A command has ended: its ladder is told from the top. While it ran, we have followed its end. */
  ended({lab, step}) {
    if (this.tape.of?.[0] !== lab || this.tape.of[1] !== step)
      return;
    if (this.waiting)
      this.rewinds = true;
    else if (this.follows())
      this.rewind();
    this.showBelow();
  }

  /* To the first frame that the step is about, or to the top. */
  rewind() {
    const first = this.tape.look && this.sheet.querySelector(`.rows > li[data-type="${this.tape.look}"]`);
    this.sheet.scrollTop = 0;
    if (first)
      first.scrollIntoView({block: 'start', behavior: 'instant'});
    this.placed = this.sheet.scrollTop;
    this.wasAtEnd = this.isAtEnd(2);
    this.told = this.ladder.numbers.size;
  }

  isPlaced() {
    return Math.abs(this.sheet.scrollTop - this.placed) < 1;
  }

  /* Whether the ladder is where we have put it, and something new passes: not the end of what is told there. */
  isFree() {
    return this.isPlaced() && (!this.tape.of || this.ladder.numbers.size > this.told);
  }

  /* The first of the rows that nobody has seen, below the bar. */
  showNews() {
    const rows = this.ladder.list.children;
    rows[rows.length - this.news]?.scrollIntoView({block: 'start', behavior: 'instant'});
  }

  /* Whether the step on the page has more of its ladder below the window; not if that is so long that nobody reads it. */
  rest() {
    const {tape: {of}, place} = this;
    return this.hidden > 0 && this.sheet.clientHeight > 0 && of !== undefined && of[0] === place?.lab && of[1] === place.step &&
      this.ladder.current.length <= MOST_READ;
  }

  /* Which rows are in the window, from 1; null if there are none. */
  top() {
    const {top, bottom} = this.sheet.getBoundingClientRect();
    const rows = this.sheet.clientHeight > 0 ? [...this.sheet.querySelectorAll('.rows > li')].map((row) => row.getBoundingClientRect()) : [];
    const from = rows.findIndex((row) => row.bottom > top + this.tools.offsetHeight + row.height) + 1;
    return from > 0 ? {from, to: rows.findLastIndex((row) => row.bottom <= bottom + 1) + 1, of: rows.length} : null;
  }

  /* In the lecturer's window: the same row first, as far as there is room. */
  showTop({from}) {
    this.sheet.querySelectorAll('.rows > li')[from - 1]?.scrollIntoView({block: 'start', behavior: 'instant'});
  }

  more() {
    this.scroll(0.8 * this.sheet.clientHeight);
  }

  /* How many rows are above and below the window, so that nobody takes its edge for the end. The line of these two is
   * there as long as not all rows have room: it does not come and go while one scrolls. */
  showBelow() {
    const {scrollHeight, scrollTop, clientHeight} = this.sheet;
    this.ofTimes.hidden = !this.ladder.wasHeld;
    this.foot.hidden = this.ladder.current.length === 0 || (!this.ladder.wasHeld && scrollHeight <= clientHeight + this.foot.offsetHeight + 1);
    if (scrollHeight - scrollTop - clientHeight < 2)
      this.sheet.scrollTop = scrollHeight; /* the line covers no row */
    const {top, bottom} = this.sheet.getBoundingClientRect();
    const first = Math.max(top, ...[this.tools, this.ladder.element.querySelector('.heading')].map((each) => each.getBoundingClientRect().bottom));
    const rows = this.foot.hidden ? [] : this.ladder.list.children;
    const before = this.countRows(rows, (row) => row.top < first - 2);
    this.hidden = rows.length - this.countRows(rows, (row) => row.bottom <= bottom + 1);
    this.news = Math.min(this.news, this.hidden);
    this.say(this.above, `↑ ${before} above`, before > 0);
    this.say(this.below, `↓ ${this.hidden} more${this.news > 0 ? `, ${this.news} new` : ''}`, this.hidden > 0);
    this.below.classList.toggle('news', this.news > 0);
    this.wasAtEnd = this.isAtEnd(2);
    this.seen?.();
  }

  /* The ladder has more room, or less: somebody has opened the states below it. Its end stays in sight. */
  roomChanged() {
    if (this.wasAtEnd && this.ladder.current.length > 0)
      this.sheet.scrollTop = this.sheet.scrollHeight;
    this.showBelow();
  }

  isAtEnd(near) {
    return this.sheet.scrollHeight - this.sheet.scrollTop - this.sheet.clientHeight < near;
  }

  /* The words of a button, and whether it is there; what is the same costs nothing. */
  say(button, words, isThere) {
    if (button.textContent !== words)
      button.textContent = words;
    if (button.hidden === isThere)
      button.hidden = !isThere;
  }

  /* How many rows there are for which this is so: the first ones, and none after them. */
  countRows(rows, isSo) {
    let [some, end] = [0, rows.length]; /* the number is between these */
    while (some < end) {
      const middle = (some + end) >> 1;
      if (isSo(rows[middle].getBoundingClientRect()))
        some = middle + 1;
      else
        end = middle;
    }
    return some;
  }

  /* The same, once, when the ladder has been drawn again: with other rows, or other heights. */
  showBelowSoon() {
    if (this.looks)
      return;
    this.looks = true;
    requestAnimationFrame(() => {
      this.looks = false;
      this.showBelow();
    });
  }

  show() {
    const came = this.ladder.fresh.length;
    const follows = this.follows() || (came > 0 && this.isFree());
    this.waiting = false;
    this.hint.hidden = this.ladder.all.length > 0; /* perhaps somebody has just cleared it */
    const waits = this.waits || {waiting: this.ladder.waits};
    if (this.waits)
      this.gate.take(waits);
    if (this.waits || waits.waiting.length > 0 || this.ladder.losses.length > 0)
      this.hold(this.waitsHere(waits.waiting));
    this.waits = null;
    this.ladder.flush();
    this.measure();
    this.states.render();
    this.news = follows ? 0 : this.news + came - this.ladder.fresh.length;
    if (follows)
      this.follow();
    if (this.ladder.fresh.length > 0) {
      this.soon();
      return;
    }
    if (follows && this.rewinds)
      this.rewind();
    this.rewinds = false;
    this.showBelowSoon();
    this.latest.textContent = this.ladder.facts.textContent;
  }

  /* --- Saving */

  shown() {
    return this.ladder.all.filter((row) => this.ladder.passes(row));
  }

  saveTrace() {
    const frames = this.shown().filter((row) => row.kind === 'frame').map(({frame: {kind, by, pid, held, ...frame}}) => frame);
    this.save(`${JSON.stringify(frames, null, 1)}\n`, 'application/json', 'trace.json');
  }

  async saveCapture() {
    this.save(await (await fetch(this.tape.of ? `capture/${this.tape.of.join('/')}` : 'capture')).blob(), 'application/octet-stream', 'capture.pcapng');
  }

  savePicture() {
    const picture = new Picture(this.ladder.current, this.ladder);
    this.save(picture.text(), 'image/svg+xml', 'wire.svg');
  }

  /* The files of a lecture stay apart, and say what they show. */
  save(content, type, name) {
    const of = this.tape.of ? `lab${this.tape.of[0]}-step${this.tape.of[1]}-` : '';
    const link = element('a', {href: URL.createObjectURL(new Blob([content], {type})), download: of + name});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    this.showSaves(false);
    this.menu.focus();
  }

  /* What can be saved, on a line of its own, which covers nothing. */
  showSaves(yes) {
    this.saves.hidden = !yes;
    this.menu.setAttribute('aria-expanded', yes);
    this.measure();
  }
}
