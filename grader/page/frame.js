'use strict';
/*
 * frame: a frame in words, as elements of the page.
 *
 * A stranger's program sent what the grader recorded: it reaches the page only as the text of elements.
 */

const SVG = 'http://www.w3.org/2000/svg';
const GOLDEN_ANGLE = 137.508; /* degrees, so that the colours of neighbouring streams are far apart */
const NO_RED = [70, 345];      /* degrees of OKLCH; red is near 27 */

/* --- Small things ------------------------------------------------------------------------------------ */

/* An element of HTML; children are elements and texts; null children are left out. An attribute that is true or
 * false is there or not; those of ARIA have the words "true" and "false". */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (key.startsWith('aria-'))
      made.setAttribute(key, String(value));
    else if (value !== null && value !== undefined && value !== false)
      made.setAttribute(key, value === true ? '' : value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes))
    made.setAttribute(key, value);
  if (text !== undefined)
    made.textContent = text;
  return made;
}

/* Call `action` whenever the width of the element changes: when it appears, and when the window changes. */
function onWidth(watched, action) {
  let width = 0;
  new ResizeObserver(() => {
    const before = width;
    width = watched.clientWidth;
    if (width !== before)
      action();
  }).observe(watched);
}

const DIGITS = new Intl.NumberFormat('en'); /* to make it takes longer than to use it */

function count(number, noun) {
  return `${DIGITS.format(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function milliseconds(ms) {
  return ms < 0.95 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en');
}

/* Stream ids as people write them, "1-9, 15": a range skips every second number. */
function ranges(ids) {
  const sorted = [...new Set(ids)].sort((a, b) => a - b);
  const parts = [];
  for (let i = 0; i < sorted.length;) {
    let end = i;
    while (end + 1 < sorted.length && sorted[end + 1] - sorted[end] === 2)
      end++;
    parts.push(end > i ? `${sorted[i]}–${sorted[end]}` : `${sorted[i]}`);
    i = end + 1;
  }
  return parts.length > 4 ? `${parts.slice(0, 3).join(', ')}, …` : parts.join(', ');
}

/* --- The words of a frame ---------------------------------------------------------------------------- */

/* Whether it is a frame; the preface has a row like one, and so have bytes that are no HTTP/2. */
const isFrame = (frame) => frame.type !== 'preface' && frame.type !== 'not HTTP/2';

const isConnection = (frame) => !(frame.stream > 0);

/* The colour of a stream, in degrees. It is never red: that is what failures have. */
function hue(frame) {
  const angle = (GOLDEN_ANGLE * ((frame.stream + 1) / 2 + 7 * (frame.connection - 1)) + 150) % 360;
  return Math.round(NO_RED[0] + (angle / 360) * (NO_RED[1] - NO_RED[0]));
}

function label(frame) {
  return frame.flags.includes('ACK') ? `${frame.type} ACK` : frame.type;
}

/* The most important part of a frame's content, on one line. */
function summary(frame) {
  if (frame.error)
    return frame.error;
  if (frame.fields && frame.fields.length > 0) {
    const first = frame.fields.filter(([name]) => name.startsWith(':') && name !== ':scheme');
    const place = ([name]) => [':method', ':path'].indexOf(name) + 1 || 3; /* the end of the line may be cut */
    return (first.length > 0 ? first.sort((a, b) => place(a) - place(b)) : frame.fields).map(([name, value]) => `${name} ${value}`).join('   ');
  }
  if (frame.settings && frame.settings.length > 0)
    return frame.settings.map(([name, value]) => `${name.replace('SETTINGS_', '')} ${value}`).join('   ');
  if (frame.error_code)
    return frame.last_stream !== undefined ? `${frame.error_code}   last stream ${frame.last_stream}`
                                           : frame.error_code;
  if (frame.increment !== undefined)
    return `+${frame.increment.toLocaleString('en')}`;
  return frame.type === 'preface' ? '' : frame.data || '';
}

/* "GET /path" of a request; "" for other frames. */
function request(frame) {
  const value = (name) => (frame.fields.find((field) => field[0] === name) || [])[1];
  return frame.fields && value(':method') ? `${value(':method')} ${value(':path') || ''}` : '';
}

/* How many bytes `data` stands for: \xNN is one, so are \\, \n, \r and \t. */
function octets(data) {
  return new TextEncoder().encode(data.replace(/\\(x[0-9a-f]{2}|[\\nrt])/g, '.')).length;
}

const SECTIONS = {
  DATA: '6.1', HEADERS: '6.2', PRIORITY: '6.3', RST_STREAM: '6.4', SETTINGS: '6.5', PUSH_PROMISE: '6.6',
  PING: '6.7', GOAWAY: '6.8', WINDOW_UPDATE: '6.9', CONTINUATION: '6.10', preface: '3.4',
};

/* A section of another RFC names that itself. */
function rfc(section, text) {
  const known = /^\d+(\.\d+)*$/.test(section);
  return known ? element('a', {href: `https://www.rfc-editor.org/rfc/rfc9113#section-${section}`}, text) : section;
}

function table(caption, pairs) {
  return element('table', {}, element('caption', {}, caption), element('tbody', {},
    ...pairs.map(([name, value]) => element('tr', {}, element('th', {scope: 'row'}, String(name)),
                                            element('td', {}, String(value))))));
}

function body(frame) {
  const total = frame.length - (frame.padding || 0) - (frame.type === 'GOAWAY' ? 8 : 0);
  const shown = octets(frame.data);
  const title = shown < total ? `Content, the first ${shown.toLocaleString('en')} of ${count(total, 'byte')}`
                              : `Content, ${count(shown, 'byte')}`;
  return element('div', {}, element('p', {class: 'caption'}, title),
                 element('pre', {tabindex: 0}, frame.data));
}

/* The whole content of a frame. */
function details(frame) {
  const parts = element('div', {class: 'parts'});
  if (frame.error)
    parts.append(element('p', {class: 'wrong'}, frame.error));
  const header = [['type', frame.type], ['sent by', frame.sender]];
  if (isFrame(frame))
    header.push(['flags', frame.flags.join(' | ') || 'none'], ['stream', frame.stream]);
  header.push(['length', count(frame.length, 'byte')]);
  const names = {error_code: 'error code', last_stream: 'last stream', promised_stream: 'promised stream',
                 increment: 'window increment', dependency: 'depends on', weight: 'weight',
                 exclusive: 'exclusive', padding: 'padding'};
  for (const [key, name] of Object.entries(names))
    if (frame[key] !== undefined)
      header.push([name, typeof frame[key] === 'number' ? frame[key].toLocaleString('en') : frame[key]]);
  const section = SECTIONS[frame.type];
  parts.append(element('div', {}, table('Frame', header),
    section ? element('p', {class: 'rfc'}, rfc(section, `RFC 9113, section ${section}`)) : null));
  const payload = element('div', {class: 'payload'});
  if (frame.fields && frame.fields.length > 0)
    payload.append(table('Header fields', frame.fields));
  if (frame.settings && frame.settings.length > 0)
    payload.append(table('Settings', frame.settings));
  if (frame.data)
    payload.append(body(frame));
  parts.append(payload);
  return parts;
}

/* --- Streams ----------------------------------------------------------------------------------------- */

const streamKey = (frame) => `${frame.connection}/${frame.stream}`;

/* All streams except 0, by key, in the order of their first frames: {connection, stream, title, frames}. */
function streamsOf(frames) {
  const streams = new Map();
  frames.forEach((frame, place) => {
    if (isConnection(frame))
      return;
    const key = streamKey(frame);
    if (!streams.has(key))
      streams.set(key, {connection: frame.connection, stream: frame.stream, title: '', hue: hue(frame), frames: []});
    const stream = streams.get(key);
    stream.title = stream.title || request(frame);
    stream.frames.push({frame, place});
  });
  return streams;
}

