
/*
 * states: what the frames so far have made of a connection: the settings of each side, the windows, and the state of
 * each stream (RFC 9113, figure 2). A frame counts as soon as it is on the page.
 */

const DEFAULT_WINDOW = 65535;
const SHOWN_STREAMS = 24; /* rows of the table; open streams first */

const otherSide = (side) => (side === 'client' ? 'server' : 'client');

class ConnectionStates {
  constructor(number) {
    this.number = number;
    this.settings = {client: new Map(), server: new Map()};
    this.windows = {client: {left: DEFAULT_WINDOW, most: DEFAULT_WINDOW}, server: {left: DEFAULT_WINDOW, most: DEFAULT_WINDOW}};
    this.initial = {client: DEFAULT_WINDOW, server: DEFAULT_WINDOW}; /* of the streams on which this side sends */
    this.streams = new Map();
    this.end = {client: '', server: ''}; /* GOAWAY */
    this.closed = false;
  }

  stream(id, frame) {
    if (!this.streams.has(id)) {
      const window = (side) => ({left: this.initial[side], most: this.initial[side]});
      this.streams.set(id, {id, hue: hue({...frame, stream: id}), title: '', client: 'idle', server: 'idle',
                            windows: {client: window('client'), server: window('server')}});
    }
    return this.streams.get(id);
  }

  take(frame) {
    const sender = frame.sender;
    switch (frame.type) {
    case 'SETTINGS': this.takeSettings(sender, frame); break;
    case 'WINDOW_UPDATE': this.widen(otherSide(sender), frame); break;
    case 'DATA': this.spend(sender, frame); break;
    case 'HEADERS': this.open(sender, frame); break;
    case 'PUSH_PROMISE': Object.assign(this.stream(frame.promised_stream, frame),
                                       {[sender]: 'reserved (local)', [otherSide(sender)]: 'reserved (remote)'}); break;
    case 'RST_STREAM': Object.assign(this.stream(frame.stream, frame), {client: 'closed', server: 'closed'}); break;
    case 'GOAWAY': this.end[sender] = `GOAWAY, ${frame.error_code}`; break;
    default: break;
    }
    if (frame.flags.includes('END_STREAM') && (frame.type === 'DATA' || frame.type === 'HEADERS'))
      this.endBy(sender, this.stream(frame.stream, frame));
  }

  takeSettings(sender, frame) {
    for (const [name, value] of frame.settings || []) {
      this.settings[sender].set(name.replace('SETTINGS_', ''), value);
      if (name !== 'SETTINGS_INITIAL_WINDOW_SIZE')
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

  open(sender, frame) {
    const stream = this.stream(frame.stream, frame);
    stream.title = stream.title || request(frame);
    if (stream[sender] === 'idle')
      Object.assign(stream, {client: 'open', server: 'open'});
    else if (stream[sender] === 'reserved (local)')
      Object.assign(stream, {[sender]: 'half-closed (remote)', [otherSide(sender)]: 'half-closed (local)'});
  }

  endBy(sender, stream) {
    const after = (state, side) => (state === 'open' ? `half-closed (${side})` : 'closed');
    stream[sender] = after(stream[sender], 'local');
    stream[otherSide(sender)] = after(stream[otherSide(sender)], 'remote');
  }
}

/* The panel: a table with a row for the connection and one for each stream, and a column for each side. */
class StatesPanel {
  constructor() {
    this.clear();
    this.tabs = element('div', {class: 'connections', role: 'group', 'aria-label': 'Connections'});
    this.body = element('tbody');
    const side = (name) => element('th', {scope: 'col'}, element('strong', {}, name), element('span', {class: 'bytes'}, 'may still send'));
    this.element = element('section', {class: 'states', 'aria-label': 'Streams and windows now'}, this.tabs,
      element('table', {}, element('thead', {}, element('tr', {}, element('th', {scope: 'col'}, 'Streams now'), side('client'), side('server'))),
              this.body));
    this.render();
  }

  clear() {
    this.connections = new Map();
    this.chosen = null; /* by the reader; otherwise the last one with a frame */
    this.last = null;
  }

  take(frame) {
    if (!this.connections.has(frame.connection))
      this.connections.set(frame.connection, new ConnectionStates(frame.connection));
    const connection = this.connections.get(frame.connection);
    if (frame.note === undefined)
      connection.take(frame);
    else
      connection.closed = connection.closed || /^closed/.test(frame.note);
    this.last = frame.connection;
  }

  render() {
    const now = this.connections.get(this.chosen ?? this.last);
    const tabs = this.connections.size < 2 ? [] : [...this.connections.keys()].slice(-12).map((number) => {
      const button = element('button', {type: 'button', 'aria-pressed': now.number === number}, `Connection ${number}`);
      button.addEventListener('click', () => {
        this.chosen = number;
        this.render();
      });
      return button;
    });
    this.tabs.replaceChildren(...tabs);
    this.element.classList.toggle('empty', !now);
    this.body.replaceChildren(...(now ? this.rows(now) : []));
  }

  rows(now) {
    const isClosed = (stream) => stream.client === 'closed' && stream.server === 'closed';
    const streams = [...now.streams.values()];
    const open = streams.filter((stream) => !isClosed(stream));
    const closed = streams.filter(isClosed);
    const kept = [...open.slice(0, SHOWN_STREAMS), ...closed.slice(-Math.max(0, SHOWN_STREAMS - open.length) || streams.length)];
    const rows = kept.slice(0, SHOWN_STREAMS).sort((a, b) => a.id - b.id).map((stream) => {
      const row = element('tr', {class: isClosed(stream) ? 'closed' : ''},
        element('th', {scope: 'row'}, element('span', {class: 'stream'}, String(stream.id)), ` ${stream.title}`),
        this.cell(stream.client, stream.windows.client), this.cell(stream.server, stream.windows.server));
      row.style.setProperty('--hue', stream.hue);
      return row;
    });
    if (streams.length > rows.length)
      rows.push(element('tr', {}, element('td', {colspan: 3}, `and ${count(streams.length - rows.length, 'more stream')}`)));
    const settings = (side) => element('tr', {}, element('td', {class: 'settings', colspan: 3}, element('strong', {}, `The ${side}’s settings: `),
      [...now.settings[side]].map(([name, value]) => `${name}\u00a0${value.toLocaleString('en')}`).join(' · ') || 'none yet'));
    const end = (side) => now.end[side] || (now.closed ? 'closed' : 'open');
    return [element('tr', {class: now.closed ? 'all closed' : 'all'}, element('th', {scope: 'row'}, 'connection'),
                    this.cell(end('client'), now.windows.client), this.cell(end('server'), now.windows.server)), ...rows,
            settings('client'), settings('server')];
  }

  /* A side of a stream, or of the connection: its state, and the window into which it may still send. */
  cell(state, window) {
    const bar = element('span', {class: window.left <= 0 ? 'bar shut' : 'bar', 'aria-hidden': 'true'}, element('span'));
    bar.firstChild.style.width = `${Math.max(0, Math.min(100, (100 * window.left) / (window.most || 1)))}%`;
    return element('td', {class: 'side'}, element('span', {class: 'state'}, state),
                   element('span', {class: 'unseen'}, ', may still send '), element('span', {class: 'bytes'}, window.left.toLocaleString('en')),
                   element('span', {class: 'unseen'}, ' bytes'), bar);
  }
}
