
/*
 * slides: a lecture that was given once, as slides of sixteen by nine. What has no room on a slide goes on the next.
 */

const MOST_ROWS = 40; /* of a ladder on one slide */
const FEWEST_ROWS = 3; /* rows: no slide has fewer of a ladder that goes on there */
const SIZES = ['cosy', 'snug', 'dense']; /* smaller and smaller letters */
const NEAR_TOP = 64; /* pixels: the slide that begins above this is the present one */
const WIDTH = 1344; /* of a slide with some paper around it */

class Slides {
  constructor(lab) {
    this.lab = lab;
    this.main = element('main', {});
    this.shade = element('div', {class: 'shade', hidden: true});
    document.title = lab.title;
    document.body.append(this.main, this.shade);
    this.slide(lab.title, '', []);
    this.body.classList.add('opening');
    this.body.append(...paragraphs(lab.intro));
    lab.content.forEach((step, i) => this.step(step, i + 1, lab.events[i]));
    [...this.main.children].forEach((slide, i, all) => slide.querySelector('.folio').append(`${i + 1} / ${all.length}`));
    this.resize();
    window.addEventListener('resize', () => this.resize());
    document.addEventListener('keydown', (event) => this.onKey(event));
  }

  /* The keys of a clicker. b and . make the screen black; then any key brings the slide back. */
  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key === 'Shift')
      return;
    if (!this.shade.hidden || event.key === 'b' || event.key === '.') {
      event.preventDefault();
      this.shade.hidden = !this.shade.hidden;
      return;
    }
    const all = [...this.main.children];
    const tops = all.map((each) => each.getBoundingClientRect().top);
    const now = tops.findLastIndex((top) => top < NEAR_TOP);
    const places = {ArrowRight: now + 1, PageDown: now + 1, ' ': event.shiftKey ? now - 1 : now + 1, ArrowLeft: now - 1, PageUp: now - 1,
                    Home: 0, End: all.length - 1};
    if (!(event.key in places))
      return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, places[event.key]))].scrollIntoView({behavior: 'instant'});
  }

  /* A slide is 1280 pixels wide, also on paper; on the screen it is as wide as the window. */
  resize() {
    const scale = document.documentElement.clientWidth / WIDTH;
    document.body.style.setProperty('--scale', scale.toFixed(4));
    document.body.style.setProperty('--height', `${Math.ceil(this.main.offsetHeight * scale)}px`);
  }

  /* A new slide; its notes stand below it. */
  slide(title, place, notes) {
    this.body = element('div', {class: 'matter'});
    this.main.append(element('section', {class: 'sheet-of'},
      element('div', {class: 'slide'}, element('p', {class: 'place'}, place), element('h2', {}, title), this.body, element('p', {class: 'folio'})),
      element('div', {class: 'notes'}, ...notes.flatMap((text) => paragraphs(text)))));
  }

  step(step, number, events) {
    const place = `${this.lab.title} · ${number} of ${this.lab.steps.length}`;
    this.slide(step.title, place, step.parts.filter((part) => part.kind === 'note').map((part) => part.text));
    const next = () => this.slide(step.title, `${place}, continued`, []);
    for (const part of step.parts) {
      if (part.kind === 'text')
        paragraphs(part.text).forEach((each) => this.put(each, next));
      else if (part.kind === 'code')
        this.put(codeElement(part), next);
      else if (part.kind !== 'note')
        this.command(part, events.filter((event) => event.part === part.part), next);
    }
  }

  isFull() {
    return this.body.scrollHeight > this.body.clientHeight;
  }

  /* The last blocks of this slide that are of these kinds: they introduce what comes now. */
  lead(kinds) {
    const blocks = [...this.body.children];
    return blocks.slice(blocks.findLastIndex((block) => !block.matches(kinds)) + 1);
  }

  /* A new slide, with these blocks of the present one, unless there are no others. */
  take(blocks, next) {
    if (this.body.childElementCount > blocks.length)
      next();
    this.body.append(...blocks);
  }

  /* Make the letters smaller, until all has room. Return whether it has. */
  shrink(sizes) {
    for (const size of sizes)
      if (this.isFull())
        this.body.classList.add(size);
    return !this.isFull();
  }

  /* A text stands on one slide with what it introduces, with smaller letters if need be. */
  put(block, next) {
    const lead = block.matches('p') ? [] : this.lead('p');
    this.body.append(block);
    if (!this.isFull())
      return;
    block.remove();
    this.take(lead, next);
    this.body.append(block);
    if (this.shrink(lead.length > 0 ? SIZES.slice(0, -1) : SIZES))
      return;
    this.body.classList.remove(...SIZES);
    block.remove();
    next();
    this.body.append(block);
    this.shrink(SIZES);
  }

  /* A command, with what introduces it, and all its frames beside it; if these have no room there, on the slides that
   * follow. */
  command(part, events, next) {
    const log = new Log();
    events.filter((event) => event.kind !== 'wire').forEach((event) => log.take(event));
    const card = new Card({...part, faults: null}, log, () => {});
    const frames = events.filter((event) => event.kind === 'wire');
    if (frames.length === 0) {
      this.put(card.element, next);
      return;
    }
    const lead = this.lead('p, .card');
    this.take(lead, next);
    const told = element('div', {}, ...lead, card.element);
    const ladder = this.ladder(frames.slice(0, MOST_ROWS));
    this.body.append(element('div', {class: 'pair'}, told, ladder));
    if (frames.length > MOST_ROWS || ladder.offsetHeight > this.body.clientHeight) {
      this.body.replaceChildren(...lead, card.element);
      this.shrink(SIZES);
      this.ladders(frames, next);
    } else {
      this.shrink(SIZES);
    }
  }

  /* Two ladders on a slide, the left one first, of the same length if these are all. */
  ladders(frames, next) {
    for (let rest = frames; rest.length > 0;) {
      const both = element('div', {class: 'pair equal'});
      next();
      this.body.append(element('p', {}, rest === frames ? 'The frames:' : 'The frames that follow:'), both);
      const fit = this.fill(both, rest);
      const half = Math.ceil(rest.length / 2);
      if (fit < rest.length && half < fit)
        both.replaceChildren(this.ladder(rest.slice(0, half)));
      rest = rest.slice(Math.min(fit, rest.length > fit ? half : fit));
      rest = rest.slice(rest.length > 0 ? this.fill(both, rest) : 0);
    }
  }

  /* Put as many frames into the pair as the slide has room for; leave none, or several. Return how many. */
  fill(pair, frames) {
    const tried = this.ladder(frames.slice(0, MOST_ROWS));
    pair.append(tried);
    const {bottom} = this.body.getBoundingClientRect();
    const rows = [...tried.querySelectorAll('.rows > li')];
    const room = Math.max(1, rows.filter((row) => row.getBoundingClientRect().bottom <= bottom).length);
    const rest = frames.length - room;
    const fit = rest > 0 && rest < FEWEST_ROWS ? Math.max(1, frames.length - FEWEST_ROWS) : room;
    if (fit < rows.length)
      tried.replaceWith(this.ladder(frames.slice(0, fit)));
    return fit;
  }

  ladder(frames) {
    const made = new Ladder(frames, null);
    made.element.querySelectorAll('.tools, .lanes').forEach((each) => each.remove());
    return made.element;
  }
}

new Slides(JSON.parse(document.getElementById('data').textContent));
