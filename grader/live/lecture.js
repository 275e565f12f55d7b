
/*
 * lecture: one step of a lecture: its text, its code, its commands with what they print.
 */

/* Comments and strings of JavaScript and C. A string may go on below, because its line was too long. */
const MARKED = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|^ *\.\.\.$/gm;

const WIDEST_CODE = 100; /* letters: longer lines are hard to read */
const LONGEST_WORD = 28; /* so many letters have room on a telephone */

function paragraphs(text) {
  return text.trim().split(/\n\s*\n/).filter(Boolean).map((paragraph) => element('p', {},
    ...paragraph.replace(/\s+/g, ' ').split(/(`[^`]+`)/).map((piece) =>
      (piece.startsWith('`') ? element('code', {}, ...words(piece.slice(1, -1))) : piece))));
}

/* Code, line by line, each with its comments and strings: [[kind, text], ...]. */
function tokens(text) {
  const pieces = [];
  let last = 0;
  for (const found of text.matchAll(MARKED)) {
    pieces.push(['plain', text.slice(last, found.index)], [/^["'`]/.test(found[0]) ? 'string' : 'comment', found[0]]);
    last = found.index + found[0].length;
  }
  const lines = [[]];
  for (const [kind, piece] of [...pieces, ['plain', text.slice(last)]])
    piece.split('\n').forEach((part, i) => {
      if (i > 0)
        lines.push([]);
      lines[lines.length - 1].push([kind, part]);
    });
  return lines;
}

/* Words that a browser must not break at a hyphen, as in `a->b`; longer ones may break anywhere. */
function words(text) {
  return text.split(/(\s+)/).filter(Boolean).map((word) =>
    (word.includes('-') && word.length <= LONGEST_WORD ? element('span', {class: 'word'}, word) : word));
}

/* A line that is too long goes on below, further to the right than it begins. */
function codeLine(line) {
  const text = line.map(([, piece]) => piece).join('');
  const made = element('span', {class: 'row'}, ...line.flatMap(([kind, piece]) => (kind === 'plain' ? words(piece) : [element('span', {class: kind}, piece)])), '\n');
  made.style.setProperty('--indent', `${text.length - text.trimStart().length + 4}ch`);
  return made;
}

function codeElement(part) {
  return element('div', {class: `codes ${part.code.length > 1 ? 'several' : ''}`}, ...part.code.map((quote) =>
    element('figure', {class: `code ${quote.language}`}, element('figcaption', {}, quote.heading),
            element('pre', {}, ...tokens(quote.lines.join('\n')).map(codeLine)))));
}

/* What a command has printed so far, whether or not it is on the page. */
class Log {
  constructor() {
    this.begin();
  }

  begin() {
    this.at = Log.runs = (Log.runs || 0) + 1; /* which of them has begun last */
    this.command = '';
    this.events = [];
    this.running = false;
    this.right = null;
    this.port = 0;      /* of a server */
    this.gone = false;  /* a server that has ended */
  }

  take(event) {
    if (event.kind === 'run') {
      this.begin();
      this.running = true;
    } else if (event.kind === 'end') {
      this.running = false; /* a server may print something after that */
      this.right = event.right;
      this.port = event.port || 0;
    } else if (event.kind === 'gone') {
      this.gone = true;
    } else if (event.kind === 'command') {
      this.command = event.text;
    } else {
      this.events.push(event);
    }
  }
}

/* What the reference server can do, in words (--misbehave of grader/serve). */
const FAULTS = {
  slow: 'one byte every 20 ms', late: 'after two seconds', hints: 'with 103, and then nothing', never: 'never',
  refuse: 'with RST_STREAM, REFUSED_STREAM', goaway: 'with GOAWAY', garbage: 'in HTTP/1.1', half: 'half, and closes',
  window: 'as usual, but the body of a POST has to wait (window 0)',
};

/* A command on the page. */
class Card {
  constructor(part, log, run) {
    this.part = part;
    this.log = log;
    this.command = element('code', {class: 'command'});
    this.listens = () => true; /* whether a server listens at this port now */
    this.ended = element('span', {class: 'ended', title: 'It starts again when a command needs it', hidden: true}, 'ended');
    this.button = element('button', {type: 'button', class: 'run'});
    this.button.addEventListener('click', () => run(part.part, log.running));
    this.faults = this.choice(run);
    this.output = element('pre', {class: 'output', tabindex: 0, role: 'log', 'aria-label': 'What it prints'});
    this.bars = element('div', {class: 'chart'});
    this.element = element('div', {class: `card of-${part.kind}`, id: `part-${part.part}`},
      element('div', {class: 'prompt'}, element('span', {class: 'dollar', 'aria-hidden': 'true'}, '$ '), this.command, this.ended, this.button),
      this.faults, this.output, this.bars);
    this.render();
  }

  /* What the reference server does from now on; null for other commands. */
  choice(run) {
    if (!this.part.faults)
      return null;
    const select = element('select', {}, element('option', {value: ''}, 'as usual'),
      ...this.part.faults.map((fault) => element('option', {value: fault}, FAULTS[fault] || fault)));
    select.value = this.part.fault;
    select.addEventListener('change', () => run(this.part.part, false, select.value));
    return element('label', {class: 'faults'}, 'This server answers ', select);
  }

  render() {
    this.output.replaceChildren();
    this.bars.replaceChildren();
    for (const event of this.log.events)
      this.show(event);
    this.state();
  }

  state() {
    const log = this.log;
    const [, port] = /\blocalhost:(\d+)/.exec(log.command) || [];
    const isOld = port && !log.running && !this.listens(Number(port)); /* nobody reaches anything there now */
    this.ended.hidden = !log.gone;
    this.command.replaceChildren(...words((!isOld && log.command) || `${this.part.command}${this.part.kind === 'server' ? ' &' : ''}`));
    this.button.textContent = log.running ? 'Stop' : log.right === null ? 'Run' : 'Again';
    this.element.classList.toggle('running', log.running);
    this.element.classList.toggle('failed', log.right === false);
    const fault = / --misbehave (\w+)/.exec(log.command);
    if (this.faults && log.command)
      this.faults.querySelector('select').value = fault ? fault[1] : '';
    this.output.hidden = this.output.childElementCount === 0;
  }

  take(event) {
    if (event.kind === 'run')
      this.render();
    else if (event.kind !== 'end' && this.log.events.includes(event))
      this.show(event);
    this.state();
    this.output.scrollTop = this.output.scrollHeight;
  }

  show(event) {
    if (event.kind === 'bars') {
      this.showBars(event.rows);
      return;
    }
    if (event.kind === 'text' && event.source === 'server')
      event.text.split(/(?<=\n)/).forEach((line) => this.print('server', line)); /* each line says whose it is */
    else if (event.kind === 'text')
      this.print(event.source, event.text);
    else
      this.print(event.wrong ? 'wrong' : 'note', `${event.text}\n`);
  }

  print(source, text) {
    const last = this.output.lastElementChild;
    const isWhole = !last || last.textContent.endsWith('\n');
    if (last && last.dataset.source === source && !(source === 'server' && isWhole)) {
      last.textContent += text;
      return;
    }
    this.output.append(isWhole ? '' : '\n', element('span', {class: `from ${source}`, 'data-source': source}, text));
  }

  showBars(rows) {
    const longest = Math.max(...rows.map(([, ms]) => ms), 1);
    this.bars.replaceChildren(...rows.map(([what, ms]) => {
      const bar = element('span', {class: 'bar'}, element('span'));
      bar.firstChild.style.width = `${(100 * ms) / longest}%`;
      return element('p', {}, element('span', {class: 'label'}, what), bar, element('span', {class: 'time'}, `${milliseconds(ms)} ms`));
    }));
  }
}

class LecturePane {
  /* `run` runs a part of the step on the page, or stops it. */
  constructor(run) {
    this.run = run;
    this.logs = new Map();
    this.cards = [];
    this.seen = new WeakSet(); /* parts of the step whose end has been in the window */
    this.body = element('article', {class: 'step'});
    this.element = element('section', {class: 'pane lecture', 'aria-label': 'The lecture', tabindex: -1}, this.body);
  }

  /* How many letters of code have room on a line, beside other code and alone. */
  columns() {
    const ruler = element('code', {class: 'unseen'}, '0'.repeat(100));
    this.element.append(ruler);
    const letter = ruler.scrollWidth / 100;
    ruler.remove();
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const width = (this.element.clientWidth || window.innerWidth) - 4.25 * unit;
    const letters = (room) => Math.max(30, Math.min(WIDEST_CODE, Math.floor(room / letter)));
    return [letters(width > 53 * unit ? 0.55 * width - 2 * unit : width), letters(width)];
  }

  log(lab, step, part) {
    const key = `${lab}/${step}/${part}`;
    if (!this.logs.has(key))
      this.logs.set(key, new Log());
    return this.logs.get(key);
  }

  show(lab, number, step) {
    this.place = {lab: lab.lab, step: number};
    this.notes = step.parts.filter((part) => part.kind === 'note').map((part) => part.text);
    this.cards = [];
    const heading = element('h2', {tabindex: -1}, step.title);
    this.body.replaceChildren(
      element('p', {class: 'place'}, `Step ${number} of ${lab.steps.length}`, element('span', {class: 'minutes'}, ` · about ${step.minutes} min`)),
      heading, ...(number === 1 ? [element('div', {class: 'intro'}, ...paragraphs(lab.intro))] : []),
      ...step.parts.flatMap((part) => this.part(part)));
    this.element.scrollTop = 0;
    return heading;
  }

  /* The same step, with other line ends in its code. */
  fold(step) {
    const top = this.top();
    const code = step.parts.filter((part) => part.kind === 'code');
    this.body.querySelectorAll(':scope > .codes').forEach((each, i) => {
      const made = codeElement(code[i]);
      if (this.seen.has(each))
        this.seen.add(made);
      each.replaceWith(made);
    });
    this.showTop(top);
  }

  part(part) {
    if (part.kind === 'text')
      return paragraphs(part.text);
    if (part.kind === 'note')
      return [element('aside', {class: 'aside'}, ...paragraphs(part.text))];
    if (part.kind === 'broken')
      return [element('p', {class: 'wrong'}, part.text)];
    if (part.kind === 'code')
      return [codeElement(part)];
    const card = new Card(part, this.log(this.place.lab, this.place.step, part.part), this.run);
    card.listens = (port) => [...this.logs.values()].some((each) => each.port === port && !each.gone);
    card.state();
    this.cards.push(card);
    return [card.element];
  }

  take(event) {
    const log = this.log(event.lab, event.step, event.part);
    log.take(event);
    const card = this.cards.find((each) => each.log === log);
    if (event.kind === 'gone' || event.port)
      this.cards.forEach((each) => each.state()); /* their commands name its port */
    if (!card || event.kind === 'gone')
      return;
    card.take(event);
    const running = this.cards.find((each) => each.log.running) || card; /* its server has begun, or it prints */
    if (event.kind === 'run' || event.kind === 'end' || running === card)
      running.element.scrollIntoView({block: 'nearest'});
  }

  /* The command that a lecturer wants to run next; null once all have run. */
  next() {
    return this.cards.find((card) => card.part.kind !== 'server' && card.log.right === null && !card.log.running) || null;
  }

  /* Whether somebody who leads by one key has not seen yet all that comes before the next command: its code, say. */
  unread() {
    const children = [...this.body.children];
    const bottom = this.element.getBoundingClientRect().bottom + 2;
    for (const child of children)
      if (this.element.clientHeight > 0 && child.getBoundingClientRect().bottom <= bottom)
        this.seen.add(child);
    const next = this.next();
    return next !== null && this.element.clientHeight > 0 &&
      children.slice(0, children.indexOf(next.element)).some((child) => !child.matches('.card') && child.offsetHeight > 0 && !this.seen.has(child));
  }

  /* Whether some of the step is below the window. */
  rest() {
    const end = 1.5 * parseFloat(getComputedStyle(this.element).paddingBottom); /* and the margin of the last part */
    return this.element.clientHeight > 0 && this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight > end;
  }

  /* A function that puts what is at the top of the window there again, once the letters have another size; or the end,
   * if the reader is there. */
  held() {
    if (this.element.scrollTop > 0 && !this.rest())
      return () => this.scroll(this.element.scrollHeight);
    const top = this.element.getBoundingClientRect().top;
    const first = [...this.body.querySelectorAll('h2, p, figcaption, .row, .prompt, .output')].find((child) => child.getBoundingClientRect().bottom > top);
    const {top: from, height} = first?.getBoundingClientRect() || {};
    return () => {
      const now = first?.getBoundingClientRect();
      if (height > 0 && this.element.scrollTop > 0)
        this.element.scrollTop += now.top - top + ((top - from) * now.height) / height;
    };
  }

  scroll(by) {
    this.element.scrollBy(0, by);
  }

  /* What is at the top of the window: a part of the step, and how much of it is above; showTop puts it there. */
  top() {
    const above = this.element.getBoundingClientRect().top;
    const parts = [...this.body.children].map((child) => child.getBoundingClientRect());
    const at = this.element.scrollTop > 0 ? parts.findIndex((part) => part.height > 0 && part.bottom > above) : -1;
    return at < 0 ? null : {at, share: (above - parts[at].top) / parts[at].height};
  }

  showTop(top) {
    const part = top && this.body.children[top.at]?.getBoundingClientRect();
    this.element.scrollTop = part ? this.element.scrollTop + part.top + top.share * part.height - this.element.getBoundingClientRect().top : 0;
  }

  running() {
    return [...this.logs.values()].some((log) => log.running);
  }
}
