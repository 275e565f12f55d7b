
/*
 * gate: what waits between the programs, and the controls that let it pass.
 */

const PACES = [100, 500, 2000]; /* milliseconds from one frame to the next */
const SHOWN_WAITING = 40;

class GatePanel {
  constructor(ask) {
    this.ask = ask;
    this.mode = 'flow';
    this.speed = element('select', {'aria-label': 'Speed'}, element('option', {value: 'flow'}, 'Full speed'),
      ...PACES.map((ms) => element('option', {value: `pace ${ms}`}, `A frame each ${ms / 1000} s`)), element('option', {value: 'hold'}, 'Hold'));
    this.speed.addEventListener('change', () => this.choose(this.speed.value));
    this.hold = this.button('Hold', 'Hold every frame, so that the programs wait (h)', () => this.toggle());
    this.next = this.button('One frame', 'Let the frame pass that has waited longest (f)', () => this.one(''));
    this.list = element('ol', {class: 'waiting', 'aria-label': 'Frames that wait'});
    this.said = element('p', {class: 'said', role: 'status'});
    this.element = element('section', {class: 'gate', 'aria-label': 'Hold and slow down'}, this.hold, this.next, this.speed, this.said, this.list);
    this.take({mode: 'flow', ms: 0, late: 0, count: 0, waiting: []});
  }

  button(text, title, action) {
    const made = element('button', {type: 'button', title}, text);
    made.addEventListener('click', action);
    return made;
  }

  choose(value) {
    const [mode, ms] = value.split(' ');
    this.ask('gate', ms ? {mode, ms: Number(ms)} : {mode});
  }

  toggle() {
    this.choose(this.mode === 'flow' ? 'hold' : 'flow');
  }

  /* Let one frame pass: the oldest of all, or of this sender of this connection. */
  one(sender, connection = 0, of = []) {
    this.ask('pass', {sender, connection, of});
  }

  /* The first frame of each sender of each connection is a button that lets it pass; the others come after it. */
  take(event) {
    this.mode = event.mode;
    this.hold.textContent = event.mode === 'flow' ? 'Hold' : 'Let all pass';
    this.hold.setAttribute('aria-pressed', event.mode === 'hold');
    this.next.disabled = event.count === 0;
    this.speed.value = event.mode === 'pace' ? `pace ${event.ms}` : event.mode;
    this.element.classList.toggle('holds', event.mode !== 'flow');
    const several = event.waiting.some((unit) => unit.connection > 1);
    const queues = new Set(); /* those whose first frame is there */
    const waiting = event.waiting.slice(0, SHOWN_WAITING);
    this.list.replaceChildren(...waiting.map((unit) => {
      const queue = `${unit.of} ${unit.connection} ${unit.sender}`;
      const at = several ? `connection ${unit.connection}, ` : '';
      const text = [several ? `${unit.connection}: ` : '', unit.sender === 'client' ? '→' : '←', ` ${unit.type}`, unit.stream > 0 ? ` ${unit.stream}` : ''].join('');
      const label = `${at}${unit.type} from the ${unit.sender}${unit.stream > 0 ? `, stream ${unit.stream}` : ''}, ${count(unit.length, 'byte')}`;
      const made = queues.has(queue) ? element('span', {title: label}, text)
                                     : this.button(text, `Let it pass: ${label}`, () => this.one(unit.sender, unit.connection, unit.of));
      queues.add(queue);
      const item = element('li', {class: unit.stream > 0 ? unit.sender : `${unit.sender} of-connection`}, made);
      item.style.setProperty('--hue', hue(unit));
      return item;
    }));
    if (event.count > waiting.length)
      this.list.append(element('li', {}, `and ${event.count - waiting.length} more`));
    this.last = event;
    this.say();
  }

  say() {
    const {mode, late, count: number} = this.last;
    const others = this.list.querySelector('li > span') ? ' (one with a dashed edge comes after it)' : '';
    const now = mode === 'flow' ? '' : number > 0 ? `${count(number, 'frame')} waiting; click one to let it pass${others}`
      : `${mode === 'hold' ? 'Holds' : 'Slows down'} what passes make serve, the servers of a lecture, and all programs with H2_TRACE=live`;
    this.said.textContent = late > 0 ? `Hold came too late for ${count(late, 'connection')}: frames have passed there. ${now}` : now;
  }
}
