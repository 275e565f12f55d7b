
/*
 * picture: the rows of the ladder that are shown, as one SVG file, with the marks: to put into a report or on a slide.
 * What a program sent becomes the text of elements here too.
 */

const PICTURE = {width: 1120, row: 40, top: 48, client: 92, server: 300, text: 340, letters: 106};

/* A colour of CSS as any other program can read it. */
function plainColor(color) {
  const context = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d', {willReadFrequently: true});
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return `#${[...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function cut(text, letters) {
  const line = text.replace(/[\s\p{C}]+/gu, ' ').trim();
  return line.length > letters ? `${line.slice(0, letters - 1)}…` : line;
}

class Picture {
  /* `of`: the ladder. */
  constructor(rows, of) {
    this.rows = rows.filter((row) => row.kind === 'frame' || row.kind === 'note');
    this.of = of;
    this.title = of.facts.textContent;
  }

  text() {
    const {width, row, top, client, server} = PICTURE;
    const height = top + row * this.rows.length + 16;
    const svg = shape('svg', {xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, 'font-family': 'system-ui, sans-serif', 'font-size': 13, fill: '#1c1b19'});
    svg.append(shape('rect', {width, height, fill: '#ffffff'}), this.words(client - 28, 28, this.of.wasHeld ? 'ms, sent' : 'ms', {'text-anchor': 'end', fill: '#5d5a54'}),
               this.words(client, 28, 'client', {'font-weight': 600, 'text-anchor': 'middle'}),
               this.words(server, 28, 'server', {'font-weight': 600, 'text-anchor': 'middle'}), this.words(PICTURE.text, 28, this.title, {fill: '#5d5a54'}),
               ...[client, server].map((x) => shape('line', {x1: x, x2: x, y1: top - 8, y2: height - 8, stroke: '#b9b5ad', 'stroke-width': 2})),
               ...this.rows.flatMap((each, i) => this.row(each, top + row * i)));
    return `${new XMLSerializer().serializeToString(svg)}\n`;
  }

  words(x, y, text, more = {}) {
    return shape('text', {x, y, fill: '#1c1b19', ...more}, text); /* some programs know no colour but an element's own */
  }

  /* What a frame is about: its stream has its colour, as on the page. */
  facts(y, facts, color) {
    const made = this.words(PICTURE.text, y, '');
    facts.forEach((fact, i) => made.append(i > 0 ? ' · ' : '', fact.startsWith('stream ') ? shape('tspan', {fill: color, 'font-weight': 600}, fact) : fact));
    return made;
  }

  row(row, top) {
    const y = top + PICTURE.row / 2 + 4;
    const time = this.words(PICTURE.client - 16, y + 4, this.of.time(row), {'text-anchor': 'end', fill: '#5d5a54'});
    if (row.kind === 'note')
      return [time, this.words(PICTURE.text, y + 4, cut(row.text, PICTURE.letters), {'font-style': 'italic', fill: '#5d5a54'})];
    const mark = this.of.marks.has(row.index) ? [shape('rect', {x: 4, y: top + 1, width: PICTURE.width - 8, height: PICTURE.row - 2, rx: 6, fill: '#fff3bf', stroke: '#c79a00'}),
                                       this.words(10, y + 4, '★', {fill: '#8a6a00'})] : [];
    return [...mark, time, ...this.frame(row.frame, y, this.of.fate(row))];
  }

  /* `fate`: what has kept it from arriving; "" if it has arrived. */
  frame(frame, y, fate) {
    const color = isConnection(frame) ? '#5d5a54' : plainColor(`oklch(0.5 0.15 ${hue(frame)})`);
    const [from, to, way] = frame.sender === 'client' ? [PICTURE.client, PICTURE.server, 1] : [PICTURE.server, PICTURE.client, -1];
    const flags = frame.flags.filter((flag) => flag !== 'ACK').join(' | ');
    const facts = [this.of.connections > 1 ? this.of.who(frame.connection) : '', isFrame(frame) ? `stream ${frame.stream}` : '', flags, count(frame.length, 'byte'), fate];
    const content = cut(summary(frame), PICTURE.letters);
    const head = fate ? [] : [shape('path', {d: `M${to - way} ${y} l${-8 * way} -4.5 v9 z`, fill: color})];
    return [shape('line', {x1: from + 3 * way, x2: to - 8 * way, y1: y, y2: y, stroke: color, 'stroke-width': 1.75, ...(fate ? {'stroke-dasharray': '4 5'} : {})}),
            ...head,
            this.words((PICTURE.client + PICTURE.server) / 2, y - 5, label(frame), {'text-anchor': 'middle', 'font-family': 'monospace', 'font-weight': 600, 'font-size': 12, fill: color}),
            this.facts(content ? y - 3 : y + 4, facts.filter(Boolean), color),
            this.words(PICTURE.text, y + 13, content, {'font-family': 'monospace', 'font-size': 12, fill: frame.error ? '#b0271d' : '#5d5a54'})];
  }
}
