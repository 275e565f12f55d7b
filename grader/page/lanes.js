/*
 * lanes: the streams of a ladder, side by side: each has a lane from its first frame to its last, with a mark for
 * every frame, so that the reader sees which streams are open at the same time. A click on a lane shows only this
 * stream in the ladder; the list of streams beside the ladder does the same for the keyboard.
 */

const LANES_FROM = 3;  /* streams; the ladder itself shows fewer well */
const FEW = 16;        /* lanes that have room for their names */

class Lanes {
  constructor(frames, onChoose) {
    this.frames = frames;
    this.streams = [...streamsOf(frames)];
    this.onChoose = onChoose;
    this.chosen = 'all';
    this.drawing = shape('svg', {'aria-hidden': 'true', class: 'lanes-drawing'});
    this.element = this.streams.length < LANES_FROM ? null
      : element('div', {class: 'lanes'}, element('p', {class: 'caption'},
          'Each stream from its first frame to its last. ',
          element('span', {class: 'legend client'}), ' from the client ', element('span', {class: 'legend server'}), ' from the server'),
        this.drawing);
    this.toScale = false;
    if (this.element)
      onWidth(this.element, () => this.draw(this.toScale));
  }

  choose(key) {
    this.chosen = key;
    this.draw(this.toScale);
  }

  /* The place of a frame, from left to right: by its time, or by the number of frames before it. */
  place(frame, place, left, width) {
    const first = this.frames[0].ms;
    const last = this.frames[this.frames.length - 1].ms;
    const part = this.toScale ? (frame.ms - first) / (last - first || 1) : place / (this.frames.length - 1 || 1);
    return left + part * width;
  }

  draw(toScale) {
    this.toScale = toScale;
    const whole = this.element ? this.element.clientWidth : 0;
    if (whole === 0)
      return;
    const few = this.streams.length <= FEW;
    const height = few ? 22 : 8;
    const left = few ? Math.min(180, whole / 3) : 44;
    const lanes = this.streams.map(([key, stream], i) => this.lane(key, stream, i, {few, height, left, width: whole - left - 8}));
    this.drawing.setAttribute('width', whole);
    this.drawing.setAttribute('height', this.streams.length * height + 4);
    this.drawing.replaceChildren(...lanes);
  }

  lane(key, stream, index, {few, height, left, width}) {
    const y = index * height + height / 2 + 2;
    const off = this.chosen !== 'all' && this.chosen !== key;
    const group = shape('g', {class: off ? 'lane off' : 'lane', 'data-stream': key});
    group.style.setProperty('--hue', stream.hue);
    const at = ({frame, place}) => this.place(frame, place, left, width);
    group.append(shape('rect', {class: 'touch', x: 0, y: y - height / 2, width: left + width, height}),
      shape('line', {x1: at(stream.frames[0]), x2: at(stream.frames[stream.frames.length - 1]), y1: y, y2: y}));
    for (const each of stream.frames)
      group.append(shape('circle', {class: each.frame.sender, cx: at(each), cy: y, r: few ? 4 : 2.5}));
    if (few || index % 10 === 0)
      group.append(shape('text', {x: left - 14, y: y + 4, 'text-anchor': 'end'}, few && stream.title
        ? `${stream.stream}  ${stream.title.length > 19 ? `${stream.title.slice(0, 18)}…` : stream.title}` : String(stream.stream)));
    group.append(shape('title', {}, `stream ${stream.stream} ${stream.title}`));
    group.addEventListener('click', () => this.onChoose(this.chosen === key ? 'all' : key));
    return group;
  }
}

