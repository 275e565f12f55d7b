/*
 * ladder: frames as a drawing, with two rails, client and server, and an arrow for each frame.
 *
 * The rows are an ordinary list of buttons, which flows, wraps and prints like any text. The drawing behind
 * it is one SVG element; it takes the height of each arrow from the place of its row. With time to scale, an arrow
 * is at its time, its row is as near as there is room, and a line connects the two.
 */

const RUN = 6; /* collapse this many frames in a row and in one direction ... */
const PRINTED = 6; /* lines of what the program printed */
const RUNS_FROM = 40; /* ... in a ladder with more frames than this */
/* The types of these frames; unknown types too, which the grader sends in between. */
const MANY = ['HEADERS', 'CONTINUATION', 'DATA', 'RST_STREAM', 'WINDOW_UPDATE'];
const ARROW = 1.5;    /* from the top of a row to its arrow, in lines of 16 pixels, or of the page's own size */

/* --- Rows -------------------------------------------------------------------------------------------- */

/*
 * The rows of the ladder, from top to bottom. A row is one of
 *   {kind: 'frame', frame, index}     {kind: 'note', ms, text}     {kind: 'gap', text}
 *   {kind: 'printed', ms, on, text}   {kind: 'crash', text}    what the program printed, and how it broke
 *   {kind: 'run', rows}               many frames in one direction; the page shows only their number
 *   {kind: 'expected', text, sender}  the frame that should have come in place of the next row
 */
function rowsOf(frames) {
  const rows = [];
  let index = 0;
  for (const entry of frames) {
    if (entry.skipped) {
      rows.push({kind: 'gap', text: `${count(entry.skipped, 'frame')} left out here`});
      index += entry.skipped;
      continue;
    }
    if (entry.printed !== undefined || entry.crash !== undefined) {
      rows.push(entry.crash === undefined ? {kind: 'printed', ms: entry.ms, text: entry.printed, on: entry.on, side: entry.side}
                                          : {kind: 'crash', text: entry.crash, side: entry.side});
      continue; /* these have no place among the frames, which are counted */
    }
    if (entry.note !== undefined)
      rows.push({kind: 'note', ms: entry.ms, connection: entry.connection, text: entry.note, index});
    else
      rows.push({kind: 'frame', ms: entry.ms, frame: entry, index});
    index++;
  }
  return rows;
}

/* Put long runs of rows in one direction together, unless the reader has opened them. */
function collapse(rows, marked, opened) {
  if (rows.length <= RUNS_FROM)
    return rows;
  const result = [];
  for (let i = 0; i < rows.length;) {
    let end = i;
    const belongs = (row) => row.kind === 'frame' && row.index !== marked && !row.frame.error &&
      (MANY.includes(row.frame.type) || /^0x/.test(row.frame.type)) && row.frame.sender === rows[i].frame.sender && row.frame.connection === rows[i].frame.connection;
    while (rows[i].kind === 'frame' && end < rows.length && belongs(rows[end]))
      end++;
    if (end - i >= RUN) {
      const run = {kind: 'run', ms: rows[i].ms, index: rows[i].index, rows: rows.slice(i, end)};
      run.open = opened.has(run.index);
      result.push(run, ...(run.open ? run.rows : []));
    } else {
      result.push(...rows.slice(i, Math.max(end, i + 1)));
    }
    i = Math.max(end, i + 1);
  }
  return result;
}

/* The first lines of what the program printed: all of it stands below the ladder. */
function beginning(text) {
  const lines = text.replace(/\n$/, '').split('\n');
  return lines.length > PRINTED ? `${lines.slice(0, PRINTED).join('\n')}\n… ${count(lines.length - PRINTED, 'more line')}` : lines.join('\n');
}

/* The name of a frame, not a line of output or a status. */
const FRAME_LIKE = /^(?:an? |the )?(?:first |last )?(connection preface|SETTINGS|HEADERS|DATA|PING|GOAWAY|RST_STREAM|WINDOW_UPDATE|frame|response|request)\b/;

/* --- The ladder -------------------------------------------------------------------------------------- */

class Ladder {
  /* `wrong` is null, or the finding of a check: {frame, expected, seen, side}. */
  constructor(frames, wrong) {
    this.all = rowsOf(frames);
    this.frames = this.all.filter((row) => row.kind === 'frame').map((row) => row.frame);
    this.wrong = wrong;
    this.marked = wrong ? wrong.frame : -1;
    this.connections = new Set(this.frames.map((frame) => frame.connection)).size;
    this.shown = 'all';
    this.toScale = false;
    this.openFrames = new Set();
    this.openRuns = new Set();
    this.list = element('ol', {class: 'rows', 'aria-label': 'Frames, in the order in which they passed'});
    this.drawing = shape('svg', {'aria-hidden': 'true', class: 'drawing'});
    this.sheet = element('div', {class: 'sheet'}, this.drawing, this.list);
    this.lanes = new Lanes(this.frames, (key) => this.show(key));
    this.element = element('figure', {class: 'ladder'}, this.tools(), this.lanes.element, this.heading(), this.sheet);
    this.listen();
    this.render();
    onWidth(this.sheet, () => this.draw());
  }

  /* --- The controls above the ladder */

  tools() {
    const streams = streamsOf(this.frames);
    const last = this.all.length > 0 ? Math.max(...this.all.map((row) => row.ms || 0)) : 0;
    const frames = this.frames.filter(isFrame).length;
    const facts = [frames > 0 ? count(frames, 'frame') : 'no frame'];
    if (streams.size > 0)
      facts.push(count(streams.size, 'stream'));
    if (this.connections > 1)
      facts.push(count(this.connections, 'connection'));
    facts.push(`${milliseconds(last)} ms`);
    return element('figcaption', {class: 'tools'}, element('span', {class: 'facts'}, facts.join(' · ')),
                   this.filter(streams), this.scaleSwitch());
  }

  filter(streams) {
    if (streams.size < 2)
      return null;
    const name = ({connection, stream, title}) =>
      `${this.connections > 1 ? `Connection ${connection}, s` : 'S'}tream ${stream}${title ? `: ${title.slice(0, 40)}` : ''}`;
    const select = element('select', {}, element('option', {value: 'all'}, 'All streams'),
      element('option', {value: 'connection'}, 'Stream 0: the connection itself'),
      ...[...streams].map(([key, stream]) => element('option', {value: key}, name(stream))));
    select.addEventListener('change', () => this.show(select.value));
    this.select = select;
    return element('label', {class: 'filter'}, element('span', {}, 'Show'), select);
  }

  /* 'all', 'connection', or one stream: 'CONNECTION/STREAM'. */
  show(key) {
    this.shown = this.select.value = key;
    this.lanes.choose(key);
    this.render();
  }

  scaleSwitch(even = 'Evenly spaced', scaled = 'Time to scale') {
    const group = `scale-${Ladder.made = (Ladder.made || 0) + 1}`;
    const choice = (text, toScale) => {
      const input = element('input', {type: 'radio', name: group, checked: toScale === this.toScale});
      input.addEventListener('change', () => {
        this.toScale = toScale;
        this.lanes.draw(toScale);
        this.render();
      });
      return element('label', {}, input, element('span', {}, text));
    };
    return element('fieldset', {class: 'switch'}, element('legend', {class: 'unseen'}, 'Distances'),
                   choice(even, false), choice(scaled, true));
  }

  heading() {
    return element('div', {class: 'heading', 'aria-hidden': 'true'}, element('span', {class: 'time'}, 'ms'),
      element('span', {class: 'ends'}, element('span', {}, 'client'), element('span', {}, 'server')));
  }

  /* --- Rows */

  visible() {
    if (this.shown === 'all')
      return collapse(this.all, this.marked, this.openRuns);
    return this.all.filter((row) => row.kind === 'frame' &&
      (this.shown === 'connection' ? isConnection(row.frame)
                                   : this.shown === streamKey(row.frame)));
  }

  /* The visible rows, with the expected frame where it should have come. */
  rows() {
    const rows = [...this.visible()];
    const wrong = this.wrong;
    if (!wrong || !wrong.expected)
      return rows;
    const row = {kind: 'expected', text: wrong.expected, sender: wrong.side,
                 arrow: (FRAME_LIKE.exec(wrong.expected) || [])[1]};
    const at = rows.findIndex((other) => other.kind === 'frame' && other.index === this.marked);
    if (at >= 0)
      rows.splice(at, 0, row);
    else if (this.marked < 0 && row.arrow && this.shown === 'all')
      rows.splice(rows.findLastIndex((other) => other.kind !== 'note') + 1, 0, row, {kind: 'seen', text: wrong.seen});
    return rows;
  }

  render() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.current = this.rows();
    this.element.classList.toggle('to-scale', this.toScale);
    this.list.replaceChildren(...this.current.map((row) => (row.item = this.item(row))));
    const buttons = this.buttons();
    const again = buttons.find((button) => button.dataset.key === focused);
    if (buttons.length > 0)
      (again || buttons[0]).tabIndex = 0;
    if (again)
      again.focus();
    this.draw();
  }

  item(row) {
    switch (row.kind) {
    case 'frame': return this.frameItem(row);
    case 'run': return this.runItem(row);
    case 'note':
      return this.plainItem('note', row, element('span', {class: 'time'}, this.time(row)),
        element('span', {class: 'text'}, element('span', {class: 'at', 'aria-hidden': 'true'}, `${this.moment(row).toFixed(2)} `),
          this.connections > 1 ? `${this.who(row.connection)}: ` : null, row.text));
    case 'printed':
      return this.plainItem('printed', row, element('span', {class: 'time'}, this.time(row)),
        element('span', {class: 'text'}, element('span', {class: 'at', 'aria-hidden': 'true'}, `${this.moment(row).toFixed(2)} `),
          element('span', {class: 'caption'}, row.on === 'stderr' ? `the ${row.side} prints as an error ` : `the ${row.side} prints `),
          element('code', {}, beginning(row.text))));
    case 'crash':
      return this.plainItem('crash divergent', row, element('span', {class: 'text'},
        element('strong', {class: 'tag'}, `the ${row.side} breaks`), row.text));
    case 'expected':
      return this.plainItem('expected divergent', row, element('span', {class: 'text'},
        element('strong', {class: 'tag'}, 'expected'), row.text));
    case 'seen':
      return this.plainItem('seen divergent', row, element('span', {class: 'text'},
        element('strong', {class: 'tag'}, 'seen'), row.text || 'nothing more'));
    default: return this.plainItem('gap', row, element('span', {class: 'text'}, row.text));
    }
  }

  /* When it was, in milliseconds. */
  moment(row) {
    return row.ms;
  }

  /* The same, in words. */
  time(row) {
    return milliseconds(this.moment(row));
  }

  timeItem(row) {
    const time = this.time(row);
    return element('span', {class: 'time'}, time, /\d$/.test(time) ? element('span', {class: 'unseen'}, ' ms ') : null);
  }

  /* A connection, in words. */
  who(number) {
    return `connection ${number}`;
  }

  plainItem(kind, row, ...children) {
    return element('li', {class: kind}, element('div', {class: 'line'}, ...children));
  }

  frameItem(row) {
    const frame = row.frame;
    const isMarked = row.index === this.marked;
    const facts = [];
    if (this.connections > 1)
      facts.push(this.who(frame.connection));
    if (isFrame(frame))
      facts.push(`stream ${frame.stream}`);
    const flags = frame.flags.filter((flag) => flag !== 'ACK').join(' | ');
    const rest = [flags, count(frame.length, 'byte')].filter(Boolean).join(' · ');
    const content = summary(frame);
    const button = element('button', {class: 'line', type: 'button', tabindex: -1, 'data-key': `f${row.index}`,
                                      'aria-expanded': this.openFrames.has(row.index)},
      this.timeItem(row),
      element('span', {class: 'text'},
        element('span', {class: 'first'},
          isMarked ? element('strong', {class: 'tag'}, 'seen: first divergence') : null,
          element('span', {class: 'at', 'aria-hidden': 'true'}, `${this.moment(row).toFixed(2)} `),
          element('span', {class: 'type'}, `${label(frame)} `),
          element('span', {class: 'unseen'}, `from the ${frame.sender}, `),
          element('span', {class: 'stream'}, facts.join(' · ')), facts.length > 0 ? ' · ' : '', rest),
        content ? element('span', {class: frame.error ? 'content wrong' : 'content'}, content) : null));
    const item = element('li', {class: `frame${isConnection(frame) ? ' of-connection' : ''}${isMarked ? ' divergent' : ''}`,
                                'data-sender': frame.sender, 'data-type': frame.type}, button);
    item.style.setProperty('--hue', hue(frame));
    if (this.openFrames.has(row.index))
      item.append(element('div', {class: 'details'}, details(frame)));
    button.addEventListener('click', () => this.toggle(this.openFrames, row.index));
    return item;
  }

  runItem(row) {
    const frames = row.rows.map((other) => other.frame);
    const types = new Map();
    for (const frame of frames)
      types.set(frame.type, (types.get(frame.type) || 0) + 1);
    const streams = frames.filter((frame) => !isConnection(frame)).map((frame) => frame.stream);
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    const what = [...types].map(([type, number]) => `${number} × ${type}`).join(', ');
    const facts = [this.connections > 1 ? `connection ${frames[0].connection}` : '',
                   streams.length > 0 ? `streams ${ranges(streams)}` : '', count(bytes, 'byte')];
    const button = element('button', {class: 'line', type: 'button', tabindex: -1, 'data-key': `r${row.index}`,
                                      'aria-expanded': row.open},
      this.timeItem(row),
      element('span', {class: 'text'},
        element('span', {class: 'first'}, element('span', {class: 'at', 'aria-hidden': 'true'}, `${this.moment(row).toFixed(2)} `),
                element('span', {class: 'many'}, what),
                element('span', {class: 'unseen'}, ` from the ${frames[0].sender}`)),
        element('span', {class: 'content'}, facts.filter(Boolean).join(' · '))));
    button.addEventListener('click', () => this.toggle(this.openRuns, row.index));
    return element('li', {class: 'run of-connection', 'data-sender': frames[0].sender}, button);
  }

  /* --- Input */

  toggle(set, index) {
    if (!set.delete(index))
      set.add(index);
    this.render();
  }

  buttons() {
    return [...this.list.querySelectorAll('button.line')];
  }

  listen() {
    this.list.addEventListener('keydown', (event) => this.onKey(event));
    this.list.addEventListener('focusin', (event) => {
      if (!event.target.matches('button.line'))
        return;
      for (const button of this.buttons())
        button.tabIndex = button === event.target ? 0 : -1;
    });
    /* A click gives the focus in every browser, so that the arrow keys go on from there. */
    this.list.addEventListener('click', (event) => {
      const button = event.target.closest('button.line');
      const again = button && this.buttons().find((other) => other.dataset.key === button.dataset.key);
      if (again)
        again.focus();
    });
  }

  onKey(event) {
    const buttons = this.buttons();
    const at = buttons.indexOf(event.target.closest('li')?.querySelector('button.line'));
    const moves = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1};
    if (event.ctrlKey || event.altKey || event.metaKey || at < 0)
      return;
    if (event.key === 'Escape' && buttons[at].getAttribute('aria-expanded') === 'true') {
      event.stopPropagation(); /* the check stays open */
      buttons[at].focus();
      buttons[at].click();
    } else if (event.key in moves && event.target === buttons[at]) {
      event.preventDefault();
      buttons[Math.max(0, Math.min(buttons.length - 1, moves[event.key]))].focus();
    }
  }

  /* --- The drawing */

  /* Pixels from the top of a row to its arrow. */
  arrowHeight() {
    return (this.height = this.height || ARROW * parseFloat(getComputedStyle(document.documentElement).fontSize));
  }

  /* The height of each row's time, in pixels from the top. Cut a silence that is longer than all the rest. */
  scale() {
    const times = this.current.map((row) => row.ms);
    let last = times.find((ms) => ms !== undefined) || 0;
    const gaps = times.map((ms) => {
      const gap = ms === undefined ? 0 : Math.max(0, ms - last);
      last = ms === undefined ? last : ms;
      return gap;
    });
    const broken = new Set();
    for (let round = 0; round < 3; round++) {
      const rest = gaps.map((gap, i) => (broken.has(i) ? 0 : gap));
      const longest = rest.indexOf(Math.max(...rest));
      const others = rest.reduce((sum, gap) => sum + gap, 0) - rest[longest];
      if (rest[longest] > 20 && rest[longest] > 3 * others)
        broken.add(longest);
    }
    const shown = gaps.reduce((sum, gap, i) => sum + (broken.has(i) ? 0 : gap), 0);
    const perMs = Math.max(360, 44 * this.current.length) / (shown || 1);
    let y = this.arrowHeight();
    const places = gaps.map((gap, i) => (y += broken.has(i) ? 56 : gap * perMs));
    return {places, broken, gaps, perMs};
  }

  /* Put each row at the height of its arrow, or below it, where there is room. */
  spread(scale) {
    const heights = scale ? this.current.map((row) => row.item.offsetHeight) : []; /* read all before moving one */
    const arrow = this.arrowHeight();
    let bottom = 0;
    this.current.forEach((row, i) => {
      const margin = scale ? Math.max(0, scale.places[i] - arrow - bottom) : 0;
      if (margin > 0 || row.item.style.marginTop)
        row.item.style.marginTop = `${margin}px`;
      bottom += margin + heights[i];
    });
  }

  /* Draw everything; or only the rows from this one on, which have come since, if nothing above them has changed. */
  draw(from = 0) {
    if (!this.sheet.isConnected || this.sheet.clientWidth === 0)
      return;
    this.height = 0; /* the page's letters may have changed */
    const scale = this.toScale ? this.scale() : null;
    this.spread(scale);
    const style = getComputedStyle(this.element);
    const client = parseFloat(style.getPropertyValue('--client'));
    const server = parseFloat(style.getPropertyValue('--server'));
    const text = parseFloat(style.getPropertyValue('--text'));
    const end = Math.max(this.list.offsetHeight, scale ? (scale.places[scale.places.length - 1] || 0) + 20 : 0);
    const shapes = this.current.slice(from).flatMap((row, i) => this.shapes(row, from + i, {client, server, text, scale}));
    if (scale)
      shapes.push(...this.ticks(client, scale, end));
    this.list.style.minHeight = `${scale ? end : 0}px`;
    this.drawing.setAttribute('width', text);
    this.drawing.setAttribute('height', end);
    if (from > 0) {
      this.drawing.querySelectorAll('.rail').forEach((rail) => rail.setAttribute('y2', end));
      this.drawing.append(...shapes);
    } else {
      this.drawing.replaceChildren(...[client, server].map((x) => shape('line', {class: 'rail', x1: x, x2: x, y1: 0, y2: end})),
                                   ...shapes);
    }
  }

  /* What the drawing has of one row. */
  shapes(row, i, {client, server, text, scale}) {
    const beside = row.item.offsetTop + this.arrowHeight();
    const y = scale && row.ms !== undefined ? scale.places[i] : beside;
    const shapes = scale && scale.broken.has(i) ? this.silence(client, server, y - 28, scale.gaps[i]) : [];
    const arrow = this.arrow(row, client, server, y, scale);
    if (arrow && scale && row.ms !== undefined)
      arrow.prepend(shape('path', {class: 'leader', d:
        `M${server + 6} ${y} C${server + 20} ${y} ${text - 26} ${beside} ${text - 6} ${beside}`}));
    return arrow ? [...shapes, arrow] : shapes;
  }

  /* One row's arrow, with its name above it if there is room; or null. */
  arrow(row, client, server, y, scale) {
    const sender = row.kind === 'frame' ? row.frame.sender : row.kind === 'run' ? row.rows[0].frame.sender
                   : row.kind === 'expected' && row.arrow ? row.sender : null;
    if (!sender || (scale && row.kind === 'run' && row.open))
      return null;
    const from = sender === 'client' ? client : server;
    const to = sender === 'client' ? server : client;
    const back = sender === 'client' ? -1 : 1;
    const marked = row.kind === 'frame' && row.index === this.marked;
    const group = shape('g', {class: `arrow ${row.kind}${row.kind === 'frame' && !isConnection(row.frame) ? '' : ' of-connection'}${marked ? ' divergent' : ''}`});
    const unit = this.arrowHeight() / 24;
    const lines = row.kind === 'run' ? [-4, 0, 4] : [0];
    for (const offset of lines)
      group.append(shape('line', {class: 'shaft', x1: from - back * 3, x2: to + back * 7 * unit, y1: y + offset, y2: y + offset}));
    group.append(shape('path', {class: 'head', d: `M${to + back} ${y} l${back * 8 * unit} ${-4.5 * unit} v${9 * unit} z`}));
    if (!scale)
      group.append(shape('text', {x: (client + server) / 2, y: y - (lines.length > 1 ? 9 : 6) * unit, 'text-anchor': 'middle'},
        row.kind === 'frame' ? label(row.frame) : row.kind === 'run' ? count(row.rows.length, 'frame') : row.arrow));
    if (row.kind === 'frame')
      group.style.setProperty('--hue', hue(row.frame));
    if (row.kind !== 'expected') {
      group.append(shape('rect', {class: 'touch', x: client, y: y - 12 * unit, width: server - client, height: 24 * unit}));
      group.addEventListener('click', () => row.item.querySelector('button').click());
    }
    return group;
  }

  silence(client, server, y, gap) {
    const wave = (x) => shape('path', {class: 'break', d: `M${x} ${y - 10} l-5 5 l10 5 l-10 5 l5 5`});
    return [wave(client), wave(server), shape('text', {class: 'silence', x: (client + server) / 2, y: y + 4,
            'text-anchor': 'middle'}, `${milliseconds(gap)} ms of silence`)];
  }

  /* The axis: marks at equal times, about 80 pixels apart; none across a cut silence. */
  ticks(client, scale, end) {
    const rough = 80 / scale.perMs;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough);
    const shapes = [];
    const begin = this.current.find((row) => row.ms !== undefined);
    if (!begin)
      return shapes;
    let ms = begin.ms;
    let y = this.arrowHeight();
    this.current.forEach((row, i) => {
      for (let tick = Math.ceil(ms / step) * step; !scale.broken.has(i) && row.ms > tick; tick += step) {
        const at = y + (tick - ms) * scale.perMs;
        shapes.push(shape('line', {class: 'tick', x1: client - 6, x2: client, y1: at, y2: at}),
                    shape('text', {class: 'tick', x: client - 10, y: at + 4, 'text-anchor': 'end'},
                          String(Number(tick.toPrecision(6)))));
      }
      ms = row.ms === undefined ? ms : row.ms;
      y = scale.places[i];
    });
    return shapes.filter((each) => Number(each.getAttribute('y1') || 0) <= end);
  }
}
