/*
 * page: the scores, labs and checks of one run, or one trace, from the JSON in the element #data. ladder.js comes
 * before it.
 */

const FIRST_FAILURES = 3; /* this many failed checks of a lab are open from the start */

/* --- One check --------------------------------------------------------------------------------------- */

const MARKS = {passed: '✓', failed: '✗', fault: '!', 'not run': '·'};
const WORDS = {passed: 'passed', failed: 'failed', fault: 'the grader itself failed', 'not run': 'not run'};

/* The names of the parts of a finding; missing parts are left out. */
const PARTS = [['expected', 'Expected'], ['seen', 'Seen'], ['looks_like', 'Looks like']];

const hasFailed = (check) => check.verdict === 'failed' || check.verdict === 'fault';

function finding(check) {
  const found = check.finding;
  const list = element('dl', {class: 'finding'});
  const add = (name, key, ...value) =>
    list.append(element('div', {class: key}, element('dt', {}, name), element('dd', {}, ...value)));
  for (const [key, name] of PARTS)
    if (typeof found[key] === 'string' && found[key] !== '')
      add(name, key, found[key]);
  const places = found.where ? [element('code', {}, found.where)] : [];
  const section = found.section ?? check.section;
  if (section)
    places.push(rfc(section, `RFC 9113, section ${section}`));
  if (places.length > 0)
    add('See', 'see', ...places.flatMap((place, i) => (i > 0 ? [' · ', place] : [place])));
  return list;
}

function output(title, text, open) {
  return text ? element('details', {open}, element('summary', {}, title), element('pre', {tabindex: 0}, text)) : null;
}

/* A word of a command line, quoted for a shell. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function program(check) {
  const ran = check.program;
  if (!ran)
    return null;
  return element('div', {class: 'program'},
    element('p', {}, element('span', {class: 'caption'}, 'Your program '), element('code', {}, ran.command.map(quoted).join(' '))),
    element('p', {}, ran.end ? `It ${ran.end}.` : ''),
    output('Its standard output', ran.stdout), output('Its standard error', ran.stderr),
    output('The sanitizer’s report', ran.sanitizer));
}

/* The frames, and between them what the program printed, at its time; a crash comes last of all. */
function withProgram(check) {
  const printed = (check.program && check.program.printed) || [];
  const entries = [...check.frames];
  for (const piece of printed) {
    const at = entries.findIndex((entry) => entry.ms > piece.ms);
    entries.splice(at < 0 ? entries.length : at, 0, {printed: piece.text, on: piece.on, ms: piece.ms, side: check.program.side});
  }
  if (hasFailed(check) && check.program && check.program.sanitizer)
    entries.push({crash: check.finding.what, side: check.program.side});
  return entries;
}

/* The content of an open check. */
function checkBody(lab, check, data) {
  const failed = hasFailed(check);
  const again = `make grade LAB=${lab.id.slice(3)} CHECK=${check.id} SEED=${data.seed}`;
  const wrong = failed ? {frame: check.finding.frame ?? -1, expected: check.finding.expected,
                          seen: check.finding.seen, side: check.program ? check.program.side : null} : null;
  const ladder = check.frames.length > 0 ? new Ladder(withProgram(check), wrong) : null;
  const report = failed && check.finding.report;
  return element('div', {class: 'body', id: `body-${lab.id}.${check.id}`},
    failed && check.verdict === 'fault' ? element('p', {class: 'what'}, 'The grader itself failed here, which is not your fault. ', check.finding.what || '') : null,
    failed && check.verdict === 'failed' ? element('p', {class: 'what'}, check.finding.what || '') : null,
    failed ? finding(check) : null,
    report ? element('pre', {class: 'report', tabindex: 0}, report) : null,
    ladder ? ladder.element : null, program(check),
    output('To try it by hand', check.finding.by_hand),
    element('p', {class: 'again'}, element('span', {class: 'caption'}, 'Run it again '), element('code', {}, again)));
}

function checkElement(lab, check, data) {
  const name = `${lab.id}.${check.id}`;
  const got = check.verdict === 'passed' ? check.points : 0;
  const failed = hasFailed(check);
  const button = element('button', {type: 'button', 'aria-expanded': false, 'aria-controls': `body-${name}`},
    element('span', {class: 'mark', 'aria-hidden': 'true'}, MARKS[check.verdict]),
    element('span', {class: 'name'},
      element('span', {class: 'id'}, check.id), element('span', {class: 'unseen'}, `, ${WORDS[check.verdict]}: `),
      element('span', {class: 'sentence'}, check.sentence),
      failed ? element('span', {class: 'brief'}, check.finding.what || '') : null),
    element('span', {class: 'points'}, `${got}/${check.points}`));
  const made = element('article', {class: `check ${check.verdict.replace(' ', '-')}`, id: name},
                       element('h3', {}, button));
  const toggle = (open) => {
    button.setAttribute('aria-expanded', open);
    made.classList.toggle('open', open);
    if (open && !made.querySelector('.body'))
      made.append(checkBody(lab, check, data));
    else if (made.querySelector('.body'))
      made.querySelector('.body').hidden = !open;
  };
  button.addEventListener('click', () => toggle(button.getAttribute('aria-expanded') !== 'true'));
  made.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.target.closest('.rows') && made.classList.contains('open')) {
      toggle(false);
      button.focus();
    }
  });
  made.toggle = toggle;
  return made;
}

/* --- Labs -------------------------------------------------------------------------------------------- */

function meter(points, possible) {
  const bar = element('span', {class: points === possible ? 'bar full' : 'bar', 'aria-hidden': 'true'}, element('span', {}));
  bar.firstChild.style.width = `${possible > 0 ? (100 * points) / possible : 0}%`;
  return bar;
}

function labElement(lab, data) {
  const checks = lab.missing ? [] : lab.checks.map((check) => checkElement(lab, check, data));
  const made = element('section', {class: 'lab', id: lab.id, 'aria-labelledby': `title-${lab.id}`},
    element('div', {class: 'title'},
      element('h2', {id: `title-${lab.id}`}, element('span', {class: 'number'}, `Lab ${lab.id.slice(3)}`), ` ${lab.title}`),
      element('p', {class: 'score'}, element('strong', {}, String(lab.points)), ` of ${lab.possible}`)),
    lab.missing ? element('div', {class: 'missing'},
      element('p', {class: 'what'}, `There is no program ${lab.folder}/${lab.program} to grade.`),
      lab.log ? element('p', {}, 'The compiler says:') : null,
      lab.log ? element('pre', {tabindex: 0}, lab.log) : null) : null,
    ...checks);
  openFirstFailures(lab, checks);
  return made;
}

/* A failure with the same message as an earlier one stays closed. */
function openFirstFailures(lab, checks) {
  const said = new Set();
  lab.checks.forEach((check, i) => {
    if (!checks[i] || !hasFailed(check) || said.has(check.finding.what) || said.size >= FIRST_FAILURES)
      return;
    said.add(check.finding.what);
    checks[i].toggle(true);
  });
}

/* --- The whole page ---------------------------------------------------------------------------------- */

function overview(data) {
  const points = data.labs.reduce((sum, lab) => sum + lab.points, 0);
  const possible = data.labs.reduce((sum, lab) => sum + lab.possible, 0);
  const facts = [new Date(data.when * 1000).toLocaleString('en-GB', {dateStyle: 'medium', timeStyle: 'short'}),
                 `${data.seconds.toFixed(1)} s`, `seed ${data.seed}`, `grader ${data.version}`, data.programs];
  if (data.beside[1] > 0)
    facts.push(`beside the points: ${data.beside[0]} of ${data.beside[1]} for predictions, quizzes and the bonus`);
  if (data.course)
    facts.unshift(data.course);
  return element('header', {class: 'top'},
    element('div', {class: 'total'},
      element('h1', {}, data.only ? `HTTP/2 in C: the check ${data.only}` : 'HTTP/2 in C'),
      data.only ? null : element('p', {class: 'score'}, element('strong', {}, String(points)), ` of ${count(possible, 'point')}`),
      element('p', {class: 'facts'}, facts.join(' · '))),
    data.labs.length > 1 && !data.only ? element('nav', {'aria-label': 'Labs'}, element('ul', {},
      ...data.labs.map((lab) => element('li', {}, element('a', {href: `#${lab.id}`},
        element('span', {class: 'number'}, `Lab ${lab.id.slice(3)}`), element('span', {class: 'of'}, lab.title),
        meter(lab.points, lab.possible), element('span', {class: 'points'}, `${lab.points}/${lab.possible}`)))))) : null);
}

/* What to do next, as on the scoreboard: the place in the student's file, and a way to the check that shows why. */
function nextStep(data) {
  const next = data.next;
  if (!next)
    return null;
  const lab = next.lab.slice(3);
  const steps = next.missing
    ? [`Make lab ${lab} compile: `, element('code', {}, `make LAB=${lab}`)]
    : [element('code', {}, next.where || `${next.folder}/README.md`),
       next.where ? `, explained in ${next.folder}/README.md. ` : '. ',
       next.check ? element('a', {href: `#${next.check}`}, 'Show the check') : null];
  const lines = next.lines;
  const numbered = lines && lines.text.replace(/\n$/, '').split('\n').map((line, i) => `${String(lines.first + i).padStart(4)}  ${line}`);
  return element('section', {class: 'next', 'aria-label': 'What to do next'},
    element('p', {}, element('strong', {}, 'Next '), ...steps.filter(Boolean)),
    numbered ? output('These lines', numbered.join('\n'), false) : null);
}

/* The buttons for all checks at once. */
function controls(main) {
  const each = (selector, action) => [...main.querySelectorAll(selector)].forEach(action);
  const onlyFailed = element('input', {type: 'checkbox'});
  const openFailed = element('button', {type: 'button'}, 'Open all failed');
  const closeAll = element('button', {type: 'button'}, 'Close all');
  onlyFailed.addEventListener('change', () => main.classList.toggle('only-failed', onlyFailed.checked));
  openFailed.addEventListener('click', () => each('.check.failed, .check.fault', (check) => check.toggle(true)));
  closeAll.addEventListener('click', () => each('.check.open', (check) => check.toggle(false)));
  return element('div', {class: 'controls'}, element('label', {}, onlyFailed, element('span', {}, 'Failed only')),
                 openFailed, closeAll,
                 element('p', {class: 'keys'}, element('kbd', {}, '↑'), ' ', element('kbd', {}, '↓'), ' from frame to frame, ',
                         element('kbd', {}, 'Enter'), ' opens, ', element('kbd', {}, 'Esc'), ' closes'));
}

function showReport(data) {
  const main = element('main', {}, ...data.labs.map((lab) => labElement(lab, data)));
  document.title = `HTTP/2 in C: ${data.labs.reduce((sum, lab) => sum + lab.points, 0)} points`;
  document.body.append(...[overview(data), nextStep(data), controls(main), main].filter(Boolean));
  if (data.only)
    main.querySelectorAll('.check').forEach((check) => check.toggle(true));
  main.querySelectorAll('.check.open').forEach((check) => check.toggle(true));
  const go = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.toggle && target.classList.contains('check')) {
      target.toggle(true);
      target.scrollIntoView();
    }
  };
  window.addEventListener('hashchange', go);
  go();
}

function showTrace(data) {
  document.title = `${data.title}: a trace`;
  document.body.append(
    element('header', {class: 'top'}, element('div', {class: 'total'}, element('h1', {}, data.title),
      element('p', {class: 'facts'}, `What went over the wire, frame by frame · grader ${data.version}`))),
    element('main', {}, element('section', {class: 'lab trace'},
      data.frames.length > 0 ? new Ladder(data.frames, null).element : element('p', {}, 'There is no frame in this trace.'))));
}

const data = JSON.parse(document.getElementById('data').textContent);
if (data.kind === 'trace')
  showTrace(data);
else
  showReport(data);
