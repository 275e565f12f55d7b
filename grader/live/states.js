
/*
 * states: what the frames so far have made of a connection: the settings of each side, the windows, and the state of
 * each stream (RFC 9113, figure 2). A frame counts for its sender as soon as it is on the page, and for the other side
 * when it has arrived: while it is held, only its sender knows of it.
 */

const DEFAULT_WINDOW = 65535;
const SHOWN_STREAMS = 24; /* rows of the table; open streams first */
const MOST_REPLAYED = 2000; /* frames of one connection */

/* The name of a program at an end of a connection; "port 50000" if we know no more. */
const programAt = (end) => end?.replace(/, port \S+$/, '');

const otherSide = (side) => (side === 'client' ? 'server' : 'client');

class ConnectionStates {
  constructor(number) {
    this.number = number;
    this.settings = {client: null, server: null}; /* until its first SETTINGS frame */
    this.windows = {client: {left: DEFAULT_WINDOW, most: DEFAULT_WINDOW}, server: {left: DEFAULT_WINDOW, most: DEFAULT_WINDOW}};
    this.initial = {client: DEFAULT_WINDOW, server: DEFAULT_WINDOW}; /* of the streams on which this side sends */
    this.streams = new Map();
    this.end = {client: '', server: ''}; /* GOAWAY */
    this.closed = false;
    this.told = []; /* what it has taken, so that it can be told again, without what is held */
  }

  /* The same, while these frames are held. */
  without(held) {
    if (!this.told.some((event) => held.has(event)) || this.told.length === MOST_REPLAYED)
      return this;
    const now = new ConnectionStates(this.number);
    for (const event of this.told)
      now.hear(event, !held.has(event));
    return now;
  }

  /* A frame or a note. */
  hear(event, arrived = true) {
    if (this.told.length < MOST_REPLAYED)
      this.told.push(event);
    if (event.note === undefined)
      this.take(event, arrived);
    else
      this.closed = this.closed || /^closed/.test(event.note);
  }

  stream(id, frame) {
    if (!this.streams.has(id)) {
      const window = (side) => ({left: this.initial[side], most: this.initial[side]});
      this.streams.set(id, {id, hue: hue({...frame, stream: id}), title: '', client: 'idle', server: 'idle',
                            windows: {client: window('client'), server: window('server')}});
    }
    return this.streams.get(id);
  }

  take(frame, arrived) {
    const sender = frame.sender;
    switch (frame.type) {
    case 'SETTINGS': this.takeSettings(sender, frame, arrived); break;
    case 'WINDOW_UPDATE': arrived && this.widen(otherSide(sender), frame); break;
    case 'DATA': this.spend(sender, frame); break;
    case 'HEADERS': this.open(sender, frame, arrived); break;
    case 'PUSH_PROMISE': this.become(sender, frame.promised_stream, frame, arrived, ['reserved (local)', 'reserved (remote)']); break;
    case 'RST_STREAM': this.become(sender, frame.stream, frame, arrived, ['closed', 'closed']); break;
    case 'GOAWAY': this.end[sender] = `GOAWAY, ${frame.error_code}`; break;
    default: break;
    }
    if (frame.flags.includes('END_STREAM') && (frame.type === 'DATA' || frame.type === 'HEADERS'))
      this.endBy(sender, this.stream(frame.stream, frame), arrived);
  }

  takeSettings(sender, frame, arrived) {
    if (!frame.flags.includes('ACK'))
      this.settings[sender] = this.settings[sender] || new Map();
    for (const [name, value] of frame.settings || []) {
      this.settings[sender]?.set(name.replace('SETTINGS_', ''), value);
      if (name !== 'SETTINGS_INITIAL_WINDOW_SIZE' || !arrived)
        continue;
      const receiver = otherSide(sender); /* it sends DATA into these windows */
      for (const stream of this.streams.values())
        this.move(stream.windows[receiver], value - this.initial[receiver]);
      this.initial[receiver] = value;
    }
  }

  move(window, by) {
    window.left += by;
    window.most = Math.max(window.most, window.left);
  }

  widen(side, frame) {
    this.move(frame.stream > 0 ? this.stream(frame.stream, frame).windows[side] : this.windows[side], frame.increment);
  }

  spend(side, frame) {
    this.windows[side].left -= frame.length;
    this.stream(frame.stream, frame).windows[side].left -= frame.length;
  }

  /* The states of a stream: its sender's, and the other side's once the frame is there. */
  become(sender, id, frame, arrived, [mine, theirs]) {
    Object.assign(this.stream(id, frame), {[sender]: mine}, arrived ? {[otherSide(sender)]: theirs} : {});
  }

  open(sender, frame, arrived) {
    const stream = this.stream(frame.stream, frame);
    stream.title = stream.title || request(frame);
    if (stream[sender] === 'idle')
      this.become(sender, frame.stream, frame, arrived, ['open', 'open']);
    else if (stream[sender] === 'reserved (local)')
      this.become(sender, frame.stream, frame, arrived, ['half-closed (remote)', 'half-closed (local)']);
  }

  endBy(sender, stream, arrived) {
    const after = (state, side) => (state === 'open' ? `half-closed (${side})` : 'closed');
    stream[sender] = after(stream[sender], 'local');
    if (arrived)
      stream[otherSide(sender)] = after(stream[otherSide(sender)], 'remote');
  }
}

/* The panel: a table with a row for the connection and one for each stream, and a column for each side. */
class StatesPanel {
  constructor() {
    this.clear();
    this.tabs = element('div', {class: 'connections', role: 'group', 'aria-label': 'Connections'});
    this.body = element('tbody');
    this.fold = element('button', {type: 'button', class: 'fold', title: 'Show or hide the states'});
    this.fold.addEventListener('click', () => {
      this.folded = !this.isFolded();
      this.render();
    });
    this.who = {client: element('span', {class: 'who'}), server: element('span', {class: 'who'})};
    const side = (name) => element('th', {scope: 'col'}, element('span', {class: 'end'}, element('strong', {}, name), this.who[name], element('span', {class: 'bytes'}, 'may send')));
    this.element = element('section', {class: 'states', 'aria-label': 'Streams and windows now'}, this.tabs,
      element('table', {}, element('thead', {}, element('tr', {}, element('th', {scope: 'col'}, this.fold), side('client'), side('server'))),
              this.body));
    this.render();
  }

  clear() {
    this.connections = new Map();
    this.chosen = null; /* by the reader; otherwise the last one with a frame */
    this.last = null;
    this.held = new Set();
    this.ends = new Map(); /* by number of a connection: who is at its two ends */
    this.folded = null; /* by the reader */
  }

  /* Where all has ended, the ladder has the room of the states. */
  isFolded() {
    return this.folded ?? Boolean(this.connections.get(this.chosen ?? this.last)?.closed);
  }

  /* These frames have been sent, and have not arrived. */
  hold(held) {
    this.held = held;
  }

  take(frame) {
    if (!this.connections.has(frame.connection))
      this.connections.set(frame.connection, new ConnectionStates(frame.connection));
    this.connections.get(frame.connection).hear(frame);
    this.last = frame.connection;
  }

  render() {
    const now = this.connections.get(this.chosen ?? this.last)?.without(this.held);
    const tabs = this.connections.size < 2 ? [] : [...this.connections.keys()].slice(-12).map((number) => {
      const client = programAt(this.ends.get(number)?.client);
      const button = element('button', {type: 'button', 'aria-pressed': now.number === number}, `Connection ${number}${client ? `: ${client}` : ''}`);
      button.addEventListener('click', () => {
        this.chosen = number;
        this.render();
      });
      return button;
    });
    this.tabs.replaceChildren(...tabs);
    for (const [side, text] of Object.entries(this.who))
      text.textContent = (this.ends.get(now?.number)?.[side] || '').replace(`${side}, `, ''); /* no "client client" */
    this.element.classList.toggle('empty', !now);
    this.element.classList.toggle('folded', this.isFolded());
    this.fold.setAttribute('aria-expanded', !this.isFolded());
    this.fold.textContent = `${this.isFolded() ? '▸' : '▾'} Streams ${now?.closed ? 'when it closed' : 'now'}`;
    this.body.replaceChildren(...(now ? this.rows(now) : []));
  }

  rows(now) {
    const isClosed = (stream) => now.closed || (stream.client === 'closed' && stream.server === 'closed');
    const sends = (stream, side) => !now.closed && !['idle', 'closed', 'half-closed (local)', 'reserved (remote)'].includes(stream[side]);
    const window = (stream, side) => (sends(stream, side) ? stream.windows[side] : null);
    const streams = [...now.streams.values()];
    const open = streams.filter((stream) => !isClosed(stream));
    const closed = streams.filter(isClosed);
    const kept = [...open.slice(0, SHOWN_STREAMS), ...closed.slice(-Math.max(0, SHOWN_STREAMS - open.length) || streams.length)];
    const rows = kept.slice(0, SHOWN_STREAMS).sort((a, b) => a.id - b.id).map((stream) => {
      const row = element('tr', {class: isClosed(stream) ? 'closed' : ''},
        element('th', {scope: 'row'}, element('span', {class: 'stream'}, String(stream.id)), ` ${stream.title}`),
        this.cell(stream.client, window(stream, 'client')), this.cell(stream.server, window(stream, 'server')));
      row.style.setProperty('--hue', stream.hue);
      return row;
    });
    if (streams.length > rows.length)
      rows.push(element('tr', {}, element('td', {colspan: 3}, `and ${count(streams.length - rows.length, 'more stream')}`)));
    const settings = (side) => element('tr', {}, element('td', {class: 'settings', colspan: 3}, element('strong', {}, `The ${side}’s settings: `),
      this.settings(now.settings[side])));
    const end = (side) => (now.closed ? 'closed' : now.end[side] || 'open');
    return [element('tr', {class: now.closed ? 'all closed' : 'all'}, element('th', {scope: 'row'}, 'connection'),
                    this.cell(end('client'), now.closed ? null : now.windows.client),
                    this.cell(end('server'), now.closed ? null : now.windows.server)), ...rows,
            settings('client'), settings('server')];
  }

  /* The settings that a side has sent; null: it has sent no SETTINGS frame. */
  settings(sent) {
    if (!sent)
      return 'none yet';
    const changed = [...sent].map(([name, value]) => `${name}\u00a0${value.toLocaleString('en')}`);
    return changed.join(' · ') || 'it keeps the defaults (RFC 9113, section 6.5.2)';
  }

  /* A side of a stream, or of the connection: its state, and the window into which it may still send, if it may. */
  cell(state, window) {
    if (!window)
      return element('td', {class: 'side'}, element('span', {class: 'state'}, state));
    const bar = element('span', {class: window.left <= 0 ? 'bar shut' : 'bar', 'aria-hidden': 'true'}, element('span'));
    bar.firstChild.style.width = `${Math.max(0, Math.min(100, (100 * window.left) / (window.most || 1)))}%`;
    return element('td', {class: 'side'}, element('span', {class: 'state'}, state),
                   element('span', {class: 'unseen'}, ', may still send '), element('span', {class: 'bytes'}, window.left.toLocaleString('en')),
                   element('span', {class: 'unseen'}, ' bytes'), bar);
  }
}
