
/*
 * live: the page of `make live`: the lecture on the left, the wire on the right, the keys, the lecturer's own window.
 */

const SIZES = [0.75, 0.875, 1, 1.125, 1.25, 1.5, 1.75, 2, 2.5, 3];
const NARROW_REMS = 34; /* a ladder that has less room has its rails closer together */
const CLOCK_MS = 1000;
const STORE = `live ${location.pathname}`;
const SCROLLED_REMS = 8; /* by one key */

/* What this window knew before it was loaded again. */
function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE)) || {};
  } catch {
    return {};
  }
}

class Live {
  constructor(labs) {
    this.labs = labs;
    this.kept = remembered();
    this.size = SIZES.includes(this.kept.size) ? SIZES.indexOf(this.kept.size) : SIZES.indexOf(1);
    this.channel = new BroadcastChannel(`live ${location.pathname}`);
    this.channel.onmessage = ({data}) => this.hear(data);
    this.lecture = new LecturePane((part, running, fault) => this.order(part, running, fault));
    this.wire = new WirePane((what, order) => this.ask(what, order));
    this.blackness = element('div', {class: 'black', hidden: true, 'aria-label': 'The screen is black: press b'});
    this.blackness.addEventListener('click', () => this.black(false));
    this.started = this.kept.started || Date.now();
    this.told = null; /* what the lecturer's window knows of this one; null: there is none */
    document.body.append(this.header(), element('main', {}, this.lecture.element, this.wire.element), this.aside(), this.help(), this.blackness);
    document.addEventListener('keydown', (event) => this.onKey(event));
    this.pointed = false; /* the focus came from a mouse: keys are for the lecture, not for what was clicked */
    document.addEventListener('pointerdown', () => (this.pointed = true));
    document.addEventListener('change', (event) => this.pointed && event.target.blur());
    this.lecture.element.addEventListener('scroll', () => this.showRunning());
    this.wire.seen = () => this.showSoon();
    window.addEventListener('hashchange', () => this.goToHash(false));
    window.addEventListener('resize', () => this.resize());
    onWidth(this.lecture.element, () => this.refold());
    onWidth(this.wire.sheet, () => this.fitLadder());
    this.alone = labs.labs.length === 0; /* no lecture: only the wire */
    document.body.classList.toggle('alone', this.alone);
    document.body.classList.toggle('noted', Boolean(this.kept.noted));
    this.view(this.kept.view || 'both');
    this.resize();
    this.listen();
    this.goToHash();
    this.screen = null; /* in the lecturer's window: what the other one shows */
    window.addEventListener('pagehide', () => this.presents() || this.channel.postMessage({seen: null}));
    this.channel.postMessage(this.presents() ? {order: 'tell'} : {seen: null});
  }

  /* What another window says: where the lecture is, or an order of the lecturer's window for the one that all see. */
  hear({place, black, started, seen, order}) {
    if (place)
      this.go(place.lab, place.step, false);
    else if (started)
      this.startClock(started, false);
    else if (black !== undefined)
      this.black(black, false);
    else if (this.presents() && seen !== undefined)
      this.see(seen);
    else if (!this.presents() && order)
      this.obey(order);
  }

  presents() {
    return document.body.classList.contains('presenter');
  }

  obey(order) {
    this.told = ''; /* somebody has a window for the lecturer, perhaps a new one */
    if (order === 'more')
      this.more();
    else if (order === 'view')
      this.view();
    else if (order !== 'tell')
      this.scroll(order === 'down' ? 1 : -1);
    this.tell();
  }

  /* To the lecturer's window: what of the step is in this one. */
  tell() {
    if (this.told === null || this.tells)
      return;
    this.tells = true;
    requestAnimationFrame(() => this.tellNow());
  }

  tellNow() {
    this.tells = false;
    if (this.presents() || !this.lecture.place)
      return;
    const seen = {...this.lecture.place, top: this.lecture.top(), rest: this.lecture.rest() || this.wire.rest(), unread: this.lecture.unread(),
                  view: document.body.classList.contains('whole') ? 'lecture' : this.kept.view, ladder: this.wire.top()};
    if (this.told === JSON.stringify(seen))
      return;
    this.told = JSON.stringify(seen);
    this.channel.postMessage({seen});
  }

  /* The lecturer's window: it shows what the other one shows; null: that one is gone. */
  see(seen) {
    this.screen = seen;
    if (!seen)
      this.channel.postMessage({order: 'tell'}); /* perhaps it has only been loaded again */
    if (seen && seen.lab === this.lab?.lab && seen.step === this.step)
      this.lecture.showTop(seen.top);
    if (seen?.ladder)
      this.wire.showTop(seen.ladder);
    this.seenOn.textContent = !seen ? '' : `On the screen: ${seen.view === 'wire' ? 'the wire alone' : seen.view === 'lecture' || !seen.ladder ? 'the lecture alone' : 'the lecture and the wire'}` +
      `${seen.ladder ? `, rows ${seen.ladder.from} to ${seen.ladder.to} of ${seen.ladder.of}` : ''}${seen.rest ? '. There is more below.' : '.'}`;
    this.showRunning();
  }

  /* Whether all have seen this step. The lecturer's window asks the other one, which has more room. */
  rest() {
    const isThis = this.screen && this.screen.lab === this.lab?.lab && this.screen.step === this.step;
    return isThis ? this.screen.rest : this.lecture.rest() || this.wire.rest();
  }

  /* Whether some of what comes before the next command has not been on the screen yet. */
  unread() {
    const isThis = this.screen && this.screen.lab === this.lab?.lab && this.screen.step === this.step;
    return isThis ? this.screen.unread : this.lecture.unread();
  }

  more() {
    if (this.screen)
      this.channel.postMessage({order: 'more'});
    else if (this.lecture.rest())
      this.lecture.scroll(0.8 * this.lecture.element.clientHeight);
    else
      this.wire.more();
  }

  /* Keep this for the page that comes after this one, if it is loaded again. */
  keep(what) {
    Object.assign(this.kept, what);
    try {
      sessionStorage.setItem(STORE, JSON.stringify(this.kept));
    } catch {
      /* a browser that keeps nothing */
    }
  }

  /* --- The server */

  async ask(what, order) {
    const answer = await fetch(what, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(order)});
    return answer.ok;
  }

  order(part, running, fault) {
    return running ? this.ask('stop', {}) : this.ask('run', {...this.lecture.place, part, ...(fault === undefined ? {} : {fault})});
  }

  listen() {
    const events = new EventSource('events');
    events.onopen = () => this.connected(true);
    events.onerror = () => this.connected(false);
    events.onmessage = ({data}) => this.take(JSON.parse(data));
  }

  connected(yes) {
    this.lost.hidden = yes;
  }

  take(event) {
    if (event.kind === 'wire') {
      this.wire.take(event);
      if (this.wire.hasAll)
        document.body.classList.remove('whole'); /* somebody's program runs */
    } else if (event.kind === 'clear')
      this.wire.clear(event);
    else if (event.kind === 'gate') {
      this.wire.takeGate(event);
      this.showGate(event);
    }
    else if (event.kind === 'ends' || event.kind === 'lost')
      this.wire.take(event);
    else if (event.kind === 'all')
      this.wire.takeAll();
    else if (event.kind === 'servers')
      this.wire.takeServers(event);
    else
      this.lecture.take(event);
    if (event.kind === 'end')
      this.wire.ended(event);
    if (event.port)
      this.wire.play.know(event);
    this.showSoon();
  }

  /* --- The head of the page */

  header() {
    const button = (text, label, action) => {
      const made = element('button', {type: 'button', 'aria-label': label, title: label}, text);
      made.addEventListener('click', action);
      return made;
    };
    this.labSelect = element('select', {'aria-label': 'Lab'}, ...this.labs.labs.map((lab) => element('option', {value: lab.lab}, lab.title)));
    this.labSelect.addEventListener('change', () => this.go(this.labSelect.value, 1));
    this.steps = element('ol', {class: 'steps'});
    this.go_on = button('Run', 'Go on', () => (this.lecture.running() ? this.ask('stop', {}) : this.goOn()));
    this.lost = element('p', {class: 'lost wrong', role: 'alert', hidden: true}, 'make live has ended');
    this.tabs = element('div', {class: 'tabs'}, button('Lecture', 'Show the lecture, and the wire beside it', () => this.view('both')),
                        button('Wire', 'Show the wire alone: every program that runs with H2_TRACE=live', () => this.view('wire')));
    return element('header', {class: 'bar-top'}, element('h1', {}, this.labs.labs.length > 0 ? this.labSelect : 'The wire'),
      element('nav', {'aria-label': 'Steps'}, this.steps), this.tabs, this.lost,
      element('div', {class: 'buttons'}, button('←', 'The step before (left)', () => this.move(-1)), this.go_on,
              button('→', 'The next step (right)', () => this.move(1)), button('?', 'Keys (?)', () => this.helping.showModal())));
  }

  showSteps() {
    this.steps.replaceChildren(...this.lab.steps.map((title, i) => {
      const made = element('button', {type: 'button', title, 'aria-label': `Step ${i + 1}: ${title}`,
                                      'aria-current': this.step === i + 1 ? 'step' : null}, String(i + 1));
      if (this.step !== i + 1)
        made.removeAttribute('aria-current');
      made.addEventListener('click', () => this.go(this.lab.lab, i + 1));
      return element('li', {}, made);
    }));
  }

  /* The same, once, with the next picture: many events may come before it. */
  showSoon() {
    if (this.shows)
      return;
    this.shows = true;
    requestAnimationFrame(() => {
      this.shows = false;
      this.showRunning();
    });
  }

  showRunning() {
    const next = this.lecture.next();
    const running = this.lecture.running();
    this.go_on.hidden = !running && !this.leads(); /* the wire alone has nothing to go on with */
    this.go_on.textContent = running ? 'Stop' : next ? (this.unread() ? 'More' : 'Run') : this.rest() ? 'More' : this.isLast() ? 'End' : 'Next';
    this.go_on.title = running ? 'Stop the command (s)' : this.leads() ? 'Go on (space)' : 'Go on';
    this.go_on.classList.toggle('running', running);
    this.tell();
  }

  /* --- Steps */

  goToHash(tell = true) {
    const [lab, step, mode] = location.hash.slice(1).split('/');
    document.body.classList.toggle('presenter', mode === 'notes');
    if (lab === 'wire')
      this.view('wire');
    if (this.alone)
      document.title = 'The wire';
    this.go(lab, Number(step) || 1, tell);
  }

  async go(number, step, tell = true) {
    if (this.alone)
      return;
    const lab = this.labs.labs.find((each) => each.lab === number) || this.labs.labs[0];
    const wanted = Math.max(1, Math.min(lab.steps.length, step));
    const isNew = this.lab !== lab || this.step !== wanted;
    if (!isNew)
      return;
    [this.lab, this.step] = [lab, wanted];
    document.body.classList.toggle('whole', lab.quiet[wanted - 1]); /* before the code is measured */
    const columns = this.lecture.columns();
    const content = await this.contentOf(lab, wanted, columns);
    if (this.lab !== lab || this.step !== wanted)
      return; /* somebody has gone on */
    const focused = this.lecture.element.contains(document.activeElement);
    const heading = this.lecture.show(lab, wanted, content);
    this.columns = columns.join();
    this.refold(); /* somebody may have changed the window */
    if (focused)
      heading.focus();
    this.labSelect.value = lab.lab;
    this.wire.at(this.lecture.place, content.servers);
    document.title = `${this.presents() ? 'Notes: ' : ''}${lab.title}, step ${wanted}`;
    history.replaceState(null, '', `#${lab.lab}/${wanted}${document.body.classList.contains('presenter') ? '/notes' : ''}`);
    this.showSteps();
    this.showRunning();
    this.showNotes(content);
    if (tell)
      this.channel.postMessage({place: {lab: lab.lab, step: wanted}});
  }

  /* A step's text, code and commands; no line of code has more letters than `columns`: beside other code, and alone. */
  async contentOf(lab, step, [beside, alone]) {
    return (await fetch(`step/${lab.lab}/${step}?columns=${beside}&alone=${alone}`)).json();
  }

  /* The code of the step again, if its lines have more room now, or less: after a change of tab, window or letters. */
  async refold() {
    const columns = this.lecture.columns();
    const place = this.lecture.place;
    if (!place || this.lecture.element.clientWidth === 0 || columns.join() === this.columns)
      return;
    this.columns = columns.join();
    const content = await this.contentOf(place, place.step, columns);
    if (this.lecture.place === place && columns.join() === this.columns)
      this.lecture.fold(content);
  }

  isLast() {
    return Boolean(this.lab) && this.step === this.lab.steps.length && this.lab === this.labs.labs[this.labs.labs.length - 1];
  }

  /* One step on or back; at the end of a lab, the next lab. */
  move(by) {
    if (this.alone)
      return;
    const at = this.labs.labs.indexOf(this.lab);
    const step = this.step + by;
    if (step >= 1 && step <= this.lab.steps.length)
      this.go(this.lab.lab, step);
    else if (this.labs.labs[at + by])
      this.go(this.labs.labs[at + by].lab, by > 0 ? 1 : this.labs.labs[at + by].steps.length);
  }

  /* The space bar: let one of the frames pass that wait; otherwise go on with the lecture, if it is in sight. */
  space() {
    if (this.wire.gate.last.count > 0)
      this.wire.gate.one('');
    else if (this.leads())
      this.goOn();
  }

  /* Whether the lecture is in sight. The lecturer's window always has it. */
  leads() {
    return this.presents() || !document.body.classList.contains('view-wire');
  }

  /* Show what comes before the next command of this step, and run it; if all have run, show the rest of the step and of
   * its ladder, and then the next step. */
  goOn() {
    const next = this.lecture.next();
    if (this.lecture.running())
      return;
    if (next && !this.unread())
      this.order(next.part.part, false);
    else if (next || this.rest())
      this.more();
    else
      this.move(1);
  }

  /* The space bar stays the lecture's. */
  stepFrame(by) {
    this.wire.ladder.step(by);
    this.pointed = true;
  }

  /* The lecture, and the wire below its end. */
  scroll(direction) {
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const ladder = this.wire.sheet;
    const isWire = direction > 0 ? !this.lecture.rest() && ladder.clientHeight > 0 && !this.wire.follows()
                                 : ladder.scrollTop > 0 && ladder.clientHeight > 0;
    const pane = isWire || this.lecture.element.clientHeight === 0 ? this.wire : this.lecture;
    pane.scroll(direction * SCROLLED_REMS * unit);
    if (this.screen)
      this.channel.postMessage({order: direction > 0 ? 'down' : 'up'});
  }

  /* --- The lecturer's window */

  aside() {
    this.notes = element('div', {class: 'words'});
    this.clock = element('p', {class: 'clock'});
    this.plan = element('p', {class: 'plan'});
    this.after = element('p', {class: 'after'});
    this.seenOn = element('p', {class: 'after on-screen', role: 'status'});
    this.dark = element('p', {class: 'dark wrong', role: 'status', hidden: true}, 'The screen is black: b');
    this.holding = element('p', {class: 'dark', role: 'status', hidden: true});
    setInterval(() => this.tick(), CLOCK_MS);
    return element('aside', {class: 'presenting', 'aria-label': 'Notes for the lecturer'}, this.clock, this.plan, this.dark, this.holding, this.notes, this.after, this.seenOn);
  }

  /* The lecturer's window says what waits. */
  showGate({mode, ms, count: waiting}) {
    this.holding.hidden = mode === 'flow';
    this.holding.textContent = mode === 'hold' ? `Frames are held, and ${waiting} wait (space or f: let one pass; h: all)`
      : `A frame passes each ${ms / 1000} s, and ${waiting} wait (h: let all pass)`;
  }

  tick() {
    const gone = Math.floor((Date.now() - this.started) / 1000);
    const two = (number) => String(number).padStart(2, '0');
    this.clock.textContent = `${new Date().toLocaleTimeString('en-GB', {hour: '2-digit', minute: '2-digit'})} · ${Math.floor(gone / 60)}:${two(gone % 60)}`;
  }

  startClock(at, tell = true) {
    this.started = at;
    this.keep({started: at});
    this.tick();
    if (tell)
      this.channel.postMessage({started: at});
  }

  /* When this step should begin, and the lab end, if every step takes as long as its notes say. */
  showPlan() {
    const minutes = this.lab.minutes;
    const sum = (list) => list.reduce((all, each) => all + each, 0);
    this.plan.textContent = `The time, and how long the lecture has run (t: from zero). By the plan, this step begins after ` +
      `${sum(minutes.slice(0, this.step - 1))} of ${sum(minutes)} min.`;
  }

  showNotes(content) {
    this.showPlan();
    this.notes.replaceChildren(...this.lecture.notes.flatMap((text) => paragraphs(text)));
    const next = this.lab.steps[this.step];
    this.after.textContent = `This step takes about ${content.minutes} min. ${next ? `Then: ${next}` : 'It is the last one of this lab.'}`;
    this.tick();
  }

  /* --- Keys, and what they do */

  help() {
    const rows = [['Space', 'while frames wait: let one pass; otherwise, with the lecture in sight: what is below, the next command, the rest of the step and of its ladder, the next step'],
                  ['→  Page Down', 'the next step'], ['←  Page Up', 'the step before'], ['1 to 9', 'the step with this number'], ['↓  ↑', 'scroll'],
                  ['r  s', 'run again the command that ran last; stop it: a frame that is held then never arrives'], ['h  f', 'hold the frames, or let them pass; let one pass'],
                  ['j  k', 'go to the next frame, the one before; Enter opens it, m marks it'],
                  ['w', 'the wire alone, the lecture alone, or both'], ['+  −  0', 'larger, smaller, as it was'], ['b', 'black; then any key: back'],
                  ['n  p', 'notes on this page; in a second window, with a clock'], ['t', 'the clock from zero'], ['?', 'these keys']];
    this.helping = element('dialog', {'aria-label': 'Keys'}, element('h2', {}, 'Keys'),
      element('table', {}, element('tbody', {}, ...rows.map(([key, what]) => element('tr', {}, element('th', {scope: 'row'},
        ...key.split('  ').flatMap((each) => [element('kbd', {}, each), ' '])), element('td', {}, what))))),
      element('form', {method: 'dialog'}, element('button', {}, 'Close')));
    return this.helping;
  }

  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches('input, select, textarea') || this.helping.open)
      return;
    if (!this.blackness.hidden && /^(.|Escape|Enter|Tab|Home|End|Arrow\w+|Page\w+)$/u.test(event.key)) {
      event.preventDefault(); /* nobody wants to go on in the dark */
      this.black(false);
      return;
    }
    if (/^(Tab|Enter|Arrow|Home|End)/.test(event.key))
      this.pointed = false;
    const onButton = event.target.matches('button, a, summary') && !this.pointed;
    const keys = {ArrowRight: () => this.move(1), PageDown: () => this.move(1), ArrowLeft: () => this.move(-1), PageUp: () => this.move(-1),
                  ' ': () => this.space(), r: () => this.again(), s: () => this.ask('stop', {}),
                  h: () => this.wire.gate.toggle(), f: () => this.wire.gate.one(''), b: () => this.black(!this.isBlack),
                  '.': () => this.black(!this.isBlack), t: () => this.startClock(Date.now()), '+': () => this.resize(1), '=': () => this.resize(1), '-': () => this.resize(-1),
                  ArrowDown: () => this.scroll(1), ArrowUp: () => this.scroll(-1), j: () => this.stepFrame(1), k: () => this.stepFrame(-1),
                  0: () => this.resize(0), w: () => (this.screen ? this.channel.postMessage({order: 'view'}) : this.view()), n: () => this.keep({noted: document.body.classList.toggle('noted')}), p: () => this.present(),
                  '?': () => this.helping.showModal(), Escape: () => this.wire.showSaves(false)};
    if (event.defaultPrevented || (onButton && event.key === ' '))
      return; /* the button's own */
    if (this.pointed && event.key === ' ')
      event.target.blur(); /* so that the button is not pressed as well */
    const action = /^[1-9]$/.test(event.key) ? () => !this.alone && Number(event.key) <= this.lab.steps.length && this.go(this.lab.lab, Number(event.key)) : keys[event.key];
    if (!action)
      return;
    event.preventDefault();
    action();
  }

  again() {
    const done = this.lecture.cards.filter((card) => card.part.kind !== 'server' && card.log.right !== null);
    const card = done.sort((a, b) => a.log.at - b.log.at).at(-1) || this.lecture.next();
    if (card && !this.lecture.running())
      this.order(card.part.part, false);
  }

  /* The lecturer's own window says so, and stays as it is. */
  black(yes, tell = true) {
    this.isBlack = yes;
    this.blackness.hidden = !yes || document.body.classList.contains('presenter');
    this.dark.hidden = !yes;
    if (tell)
      this.channel.postMessage({black: yes});
  }

  /* The next of: both, the wire, the lecture; or this one. */
  view(name) {
    const all = ['both', 'wire', 'lecture'];
    const now = all.find((each) => document.body.classList.contains(`view-${each}`)) || 'both';
    document.body.classList.remove(...all.map((each) => `view-${each}`));
    const next = this.alone ? 'wire' : name || all[(all.indexOf(now) + 1) % all.length];
    document.body.classList.add(`view-${next}`);
    if (!this.alone)
      this.keep({view: next});
    this.wire.turn(next === 'wire');
    [...this.tabs.children].forEach((tab, i) => tab.setAttribute('aria-pressed', (next === 'wire') === (i === 1)));
    this.showRunning();
  }

  present() {
    if (this.alone)
      return;
    this.keep({started: this.started}); /* a window that we open begins with what we keep */
    window.open(`${location.pathname}#${this.lab.lab}/${this.step}/notes`, 'notes', 'width=900,height=640');
  }

  /* The rails and columns of the ladder, for the letters that it has and the room. */
  fitLadder() {
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const narrow = (this.wire.sheet.clientWidth || window.innerWidth) < NARROW_REMS * unit;
    this.wire.element.classList.toggle('narrow', narrow);
    for (const [name, rems] of Object.entries(narrow ? {client: 2.5, server: 10.75, text: 11.5, apart: 0.375} : {client: 3.75, server: 13, text: 14, apart: 0.875}))
      this.wire.ladder.element.style.setProperty(`--${name}`, (rems * unit).toFixed(1));
    this.wire.ladder.draw();
    this.wire.measure();
  }

  /* A larger window has larger letters, so that the last row of a lecture hall can read them. */
  resize(by) {
    const [stay, follows] = [this.lecture.place ? this.lecture.held() : null, this.wire.follows()];
    this.size = by === 0 ? SIZES.indexOf(1) : Math.max(0, Math.min(SIZES.length - 1, this.size + (by || 0)));
    if (by !== undefined)
      this.keep({size: SIZES[this.size]});
    const fits = Math.max(1, Math.min(window.innerWidth / 1280, window.innerHeight / 720) ** 0.85);
    const unit = 16 * fits * SIZES[this.size];
    document.documentElement.style.fontSize = `${unit.toFixed(2)}px`;
    this.fitLadder();
    this.refold();
    stay?.();
    if (follows)
      this.wire.follow();
  }
}

(async () => {
  const labs = await (await fetch('labs')).json();
  window.live = new Live(labs);
})();
