#!/usr/bin/env python3
"""The page in a headless Chromium: it draws every frame, opens frames by mouse and by keyboard alone, marks where a
program first differs, reads well in every scheme and width, and runs nothing that a program has printed.

Runs alone: it measures the speed of the page.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.path.insert(0, 'grader/tools/dev')
# pylint: disable=wrong-import-position
import sample  # noqa: E402
from browser import Browser, find  # noqa: E402
from tap import check, done_testing, skip_all  # noqa: E402

ATTACK = b'</script><script>window.attacked = 1</script><!--<img src=x onerror="window.attacked = 1">'
HOSTILE = b"#!/bin/sh\ncat <<'END'\n" + ATTACK + b"\xff\xfe\nEND\ncat >&2 <<'END'\nrequests: " + ATTACK + b"\nEND\n"
MISTAKES = ('lab01/answers-not-sent', 'lab04/wrong-content-type')


# --- Programs that look at the page ---------------------------------------------------------------------

# Count the frames drawn for one check, evenly spaced and to scale: rows, arrows and notes. Open all runs first.
DRAWN = '''(async () => {
  const check = document.getElementById("%s");
  check.toggle(true);
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
  for (let run; (run = check.querySelector('.run button[aria-expanded=false]'));)
    run.click();
  const counts = [...check.querySelectorAll('.switch input')].map((input) => {
    input.click();
    return ['.rows li.frame', '.drawing g.arrow.frame', '.rows li.note'].map((each) => check.querySelectorAll(each).length);
  });
  check.toggle(false);
  check.querySelector('.body').remove(); // the layout of the next checks is faster without thousands of elements
  return counts;
})()'''

# Find every text with less contrast than WCAG AA requires: 4.5 to 1, or 3 to 1 for large text. The background is
# everything below the text, whatever it belongs to.
CONTRAST = '''(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const luminance = (color) => {
    const [r, g, b] = color.map((value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (x, y) => document.elementsFromPoint(x, y).filter((each) => each instanceof HTMLElement)
    .map((each) => rgba(getComputedStyle(each).backgroundColor)).reverse()
    .reduce((below, top) => over(top, below), rgba(getComputedStyle(document.body).backgroundColor));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const bad = new Map();
  const looks = new Map();
  let seen = 0;
  for (let node; (node = walker.nextNode());) {
    const owner = node.parentElement;
    if (!node.data.trim() || owner.closest('script, noscript, option, title, .unseen'))
      continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getClientRects()[0] || owner.getBoundingClientRect();
    const style = getComputedStyle(owner);
    if (!box || box.width < 2 || box.height < 2 || style.visibility === 'hidden')
      continue;
    seen++;
    /* Three of each kind: finding the place of a text takes long. */
    const look = [owner.tagName, owner.getAttribute('class'), style.color, style.fill, style.fontSize,
                  owner.closest('li')?.className, owner.closest('g')?.getAttribute('class')].join();
    looks.set(look, (looks.get(look) || 0) + 1);
    if (looks.get(look) > 3)
      continue;
    const below = behind(box.x + box.width / 2, box.y + box.height / 2);
    const color = over(rgba(owner instanceof SVGElement ? style.fill : style.color), below);
    const [dark, light] = [luminance(color), luminance(below)].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5))
      bad.set(`${owner.tagName}.${owner.getAttribute('class')} "${node.data.trim().slice(0, 30)}" ${color.map(Math.round)} on ${below.map(Math.round)}`, contrast.toFixed(2));
  }
  return {seen, looks: looks.size, bad: [...bad]};
})()'''


def data_of(path):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def checks_of(data):
    return {f'{lab["id"]}.{each["id"]}': each for lab in data['labs'] for each in lab['checks']}


def frames_of(folder, name):
    with open(f'{folder}/grade/checks/{name}.json', encoding='utf-8') as file:
        return json.load(file)['frames']


def whole(page, width=1280):
    """Make the window as high as the page."""
    height = page.run('document.documentElement.scrollHeight')
    page.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
    page.settle()


def quiet(page, name):
    check(f'{name}: the console is empty', not page.errors(), '\n'.join(page.errors()))
    check(f'{name}: the page requests nothing from the network', not page.requests(), page.requests())


# --- The report -------------------------------------------------------------------------------------------

def drawn_wrong(page, folder, name, check_data):
    """What is wrong with the drawing of each check; [] if nothing is. A check without frames has no drawing."""
    frames = frames_of(folder, name)
    left_out = sum(entry.get('skipped', 0) for entry in check_data['frames'])
    notes = sum('note' in entry for entry in frames)
    expected = [len(frames) - notes] * 2 + [notes]
    wrong = []
    for counts in page.run(DRAWN % name) or [[0, 0, 0]] * 2:
        shown = sum('skipped' not in entry for entry in check_data['frames'])
        if (counts != expected) if left_out == 0 else (counts[0] != counts[1] or counts[0] + counts[2] != shown):
            wrong.append(f'{name}: {counts} rows, arrows, notes drawn, not {expected}, {left_out} left out')
    return wrong


def test_drawing(page, folder, checks):
    wrong = [line for name, each in checks.items() for line in drawn_wrong(page, folder, name, each)]
    check('the page draws all frames of every check, and no others', len(checks) > 60 and not wrong, '\n'.join(wrong))


TO_SCALE = '''(() => {
  const check = document.getElementById('NAME');
  check.toggle(true);
  check.querySelectorAll('.switch input')[1].click();
  return [...check.querySelectorAll('.drawing g.arrow.frame')].map((arrow) =>
    Number(arrow.querySelector('.shaft').getAttribute('y1')));
})()'''


def test_scale(page, folder, checks):
    """Of a ladder that is too short for rows to be put together."""
    lengths = {name: len(each['frames']) for name, each in checks.items() if name.startswith('lab02.')}
    name = max((name for name, length in lengths.items() if length <= 40), key=lengths.get)
    heights = page.run(TO_SCALE.replace('NAME', name))
    times = [entry['ms'] for entry in frames_of(folder, name) if 'note' not in entry]
    pairs = [(y2 - y1, t2 - t1) for y1, y2, t1, t2 in zip(heights, heights[1:], times, times[1:])]
    whole = [pair for pair in pairs if pair[1] <= 20]  # the page may cut a longer wait, and says so
    longest = max(whole, key=lambda pair: pair[1])
    per_ms = longest[0] / longest[1]
    wrong = [pair for pair in whole if abs(pair[0] - pair[1] * per_ms) > 1]
    check('to scale: equal times have equal distances', len(heights) == len(times) and not wrong, f'{wrong}, {per_ms}')


def test_divergence(page, checks):
    name = 'lab04.not_found'
    page.run(f'document.getElementById("{name}").toggle(true)')
    marked = page.run(f'''(() => {{
      const rows = [...document.getElementById("{name}").querySelectorAll('.rows li')];
      const frames = rows.filter((row) => row.matches('.frame, .note'));
      const wrong = rows.findIndex((row) => row.matches('.frame.divergent'));
      return {{frame: frames.indexOf(rows[wrong]), before: rows[wrong - 1].innerText, seen: rows[wrong].innerText,
              arrows: document.getElementById("{name}").querySelectorAll('.drawing .arrow.frame.divergent').length}};
    }})()''')
    found = checks[name]['finding']
    check('it marks the wrong frame, and no other', marked['frame'] == found['frame'] and marked['arrows'] == 1, marked)
    check('the expected frame stands before it', found['expected'] in marked['before'] and 'expected' in marked['before'], marked)
    check('the label says "first divergence"', 'first divergence' in marked['seen'], marked)
    missing = page.run('''(() => {
      const rows = [...document.getElementById('lab01.ping').querySelectorAll('.rows li')];
      const at = rows.findIndex((row) => row.matches('.expected'));
      return [rows.slice(0, at).filter((row) => row.matches('.frame')).length, rows[at].innerText, rows[at + 1].innerText];
    })()''')
    frames = sum('note' not in entry and 'skipped' not in entry for entry in checks['lab01.ping']['frames'])
    check('a frame that never came is after the last one, beside what the grader saw',
          missing[0] == frames and 'PING' in missing[1] and 'your program waits' in missing[2], missing)
    check('failed checks are open from the start, passed ones are not', page.run(
        "document.querySelectorAll('#lab01 .check.failed.open').length > 0 && !document.querySelector('.check.passed.open')"))


def test_click(page):
    place = page.run('''(() => {
      const touched = document.getElementById('lab04.not_found').querySelector('.drawing .arrow.frame.divergent .touch');
      touched.scrollIntoView({block: 'center'});
      const arrow = touched.getBoundingClientRect();
      return [arrow.x + arrow.width / 3, arrow.y + arrow.height / 2];
    })()''')
    page.click(*place)
    text = page.run("document.querySelector('#lab04\\\\.not_found .frame.divergent .details')?.innerText")
    check('a click on an arrow opens its decoded frame', text and ':status' in text and '404' in text and 'END_HEADERS' in text, text)
    page.click(*place)
    check('another click closes it', not page.run("document.querySelector('#lab04\\\\.not_found .details')"))


def test_keyboard(page):
    page.run('window.scrollTo(0, 0); document.querySelector("nav a").focus()')
    focus = '''(() => {
      const at = document.activeElement;
      const style = getComputedStyle(at);
      return {text: at.innerText, row: at.matches('.rows button'), open: at.getAttribute('aria-expanded'), key: at.dataset.key,
              check: at.closest('.check')?.id, outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth)};
    })()'''
    unseen = []
    for _ in range(40):
        page.press('Tab')
        at = page.run(focus)
        if at['outline'] < 2 and not page.run("document.activeElement.matches('.switch input')"):
            unseen.append(at)
        if at['row']:
            break
    check('Tab reaches the first frame', at['row'] and at['key'] == 'f0', at)
    check('the focus is visible wherever it goes', not unseen, unseen)
    page.press('ArrowDown', 2)
    at = page.run(focus)
    check('arrow keys go from frame to frame', at['key'] == 'f2' and at['outline'] >= 2, at)
    page.press('Enter')
    at = page.run(focus)
    details = page.run("document.activeElement.closest('li').querySelector('.details')?.innerText")
    check('Enter opens the frame, which keeps the focus', at['key'] == 'f2' and at['open'] == 'true' and details, at)
    page.press('Escape')
    at = page.run(focus)
    check('Escape closes the frame', at['key'] == 'f2' and at['open'] == 'false' and
          not page.run("document.querySelector('.details')"), at)
    page.press('End')
    last = page.run("document.activeElement === [...document.activeElement.closest('ol').querySelectorAll('button.line')].at(-1)")
    page.press('Home')
    check('End and Home go to the ends', last and page.run(focus)['key'] == 'f0')
    page.press('Tab')
    page.run("document.getElementById('lab01.ping').querySelector('h3 button').focus()")
    was_open = page.run(focus)['open']
    page.press('Enter')
    check('Enter opens and closes a check', page.run(focus)['open'] != was_open)


def test_red(page):
    """Red is for failures."""
    hues = page.run("[...Array(200).keys()].map((i) => hue({stream: 2 * i + 1, connection: 1 + i % 3}))")
    colors = page.run('''['--fail', '--pass'].map((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim())''')
    check('no stream has the colour of a failure', len(set(hues)) > 100 and all(60 <= each <= 350 for each in hues) and
          reddest(colors[0]), (colors, hues))


def reddest(color):
    """Whether #rrggbb is red: it has much of it, and little of the others."""
    red, green, blue = (int(color[i:i + 2], 16) for i in (1, 3, 5))
    return red > 1.5 * max(green, blue)


def test_hundred(page):
    name = 'lab03.hundred_streams'
    page.run(f'document.getElementById("{name}").toggle(true)')
    page.settle()
    state = f'''(() => {{
      const check = document.getElementById("{name}");
      return {{rows: check.querySelectorAll('.rows li').length, lanes: check.querySelectorAll('.lane').length,
              streams: [...new Set([...check.querySelectorAll('.rows .frame .stream')].map((each) => each.textContent))]}};
    }})()'''
    seen = page.run(state)
    check('100 streams: few enough rows to read', seen['rows'] < 40, seen)
    check('100 streams: each has a lane', seen['lanes'] == 100, seen)
    page.run(f'document.getElementById("{name}").querySelector(".run button").focus()')
    page.press('Enter')
    check('100 streams: Enter opens the collapsed rows', page.run(state)['rows'] > 140 or page.run(state)['rows'] > seen['rows'] + 50, page.run(state))
    page.press('Enter')
    check('100 streams: Enter closes them again', page.run(state)['rows'] == seen['rows'], page.run(state))
    page.run(f'document.getElementById("{name}").querySelector("select").focus()')
    page.press('ArrowDown', 7)
    chosen = page.run(state)
    check('100 streams: the keyboard chooses one, and the page shows only its frames', chosen['streams'] == ['stream 11'], chosen)


def test_looks(browser, url):
    for dark in (False, True):
        for width in (1280, 390):
            scheme = f'{"dark" if dark else "light"}, {width} pixels'
            page = browser.open(url, width, 1000, dark)
            page.run("['lab03.hundred_streams', 'lab02.interleaved'].forEach((id) => document.getElementById(id).toggle(true));"
                     "[...document.querySelectorAll('.rows .frame button')].slice(0, 12).forEach((each) => each.dataset.key && each.click());"
                     "document.querySelectorAll('.program details').forEach((each) => (each.open = true))")
            page.run("document.querySelector('#lab04\\\\.not_found .frame.divergent button').click()")
            if width == 1280:  # a row, and so a colour, for each of the hundred streams
                page.run("document.querySelector('#lab03\\\\.hundred_streams .run button').click()")
            whole(page, width)
            measured = page.run(CONTRAST)
            check(f'{scheme}: every text has the contrast that WCAG AA requires', measured['seen'] > 300 and not measured['bad'], measured)
            check(f'{scheme}: nothing is wider than the page', page.run('document.documentElement.scrollWidth') <= width,
                  page.run('document.documentElement.scrollWidth'))
            quiet(page, scheme)


def test_paper(browser, url, folder):
    page = browser.open(url, 1000, 1000, dark=True)
    page.media(True, 'print')
    whole(page, 1000)
    measured = page.run(CONTRAST)
    check('on paper: every text has the contrast that WCAG AA requires', measured['seen'] > 100 and not measured['bad'], measured)
    check('on paper: the text is black on white in every scheme', page.run(
        'getComputedStyle(document.body).backgroundColor') == 'rgb(255, 255, 255)')
    check('on paper: there are no buttons', page.run("getComputedStyle(document.querySelector('.controls')).display") == 'none')
    page.paper(f'{folder}/page.pdf')
    with open(f'{folder}/page.pdf', 'rb') as file:
        check('on paper: the page prints', len(re.findall(rb'/Type\s*/Page\b', file.read())) >= 2)


def test_hostile(page):
    page.run("document.getElementById('lab02.get').toggle(true)")
    shown = page.run("[...document.querySelectorAll('#lab02 .program pre')].map((each) => each.textContent).join('\\n')")
    check('the page shows the output of a program as it is', ATTACK.decode() in shown and '\\xff\\xfe' in shown, shown[:2000])
    check('the page never runs this output', page.run('window.attacked === undefined && document.scripts.length === 2 && !document.querySelector("img")'))


def test_failed_only(page):
    page.run("document.querySelector('.controls input').click()")
    check('the reader can hide passed checks', page.run(
        "[...document.querySelectorAll('.check.passed')].every((each) => each.offsetHeight === 0)"))
    page.run("document.querySelector('.controls input').click()")


def test_report(browser, folder):
    path = sample.make(folder, MISTAKES, {'lab02-requests/requests': HOSTILE})
    url = f'file://{path}'
    checks = checks_of(data_of(path))
    page = browser.open(url)
    total = page.run("document.querySelector('.top .score strong').textContent")
    with open(f'{folder}/grade/results.json', encoding='utf-8') as file:
        score = json.load(file)['score']
    facts = page.run("document.querySelector('.facts').innerText").split(' · ')
    version = subprocess.run(['make', 'version'], capture_output=True, text=True, check=True).stdout.strip()
    check('the version is that of make version', f'grader {version}' in facts and version, facts)
    check('the score is that of results.json', total == str(score) and 0 < score < 100, total)
    test_divergence(page, checks)
    test_click(page)
    test_keyboard(page)
    test_failed_only(page)
    test_red(page)
    test_hundred(page)
    test_hostile(page)
    quiet(page, 'the report')
    test_paper(browser, url, folder)


def test_next(page, checks):
    what = page.run("document.querySelector('.next')?.innerText") or ''
    link = (page.run("document.querySelector('.next a')?.getAttribute('href')") or '#')[1:]
    check('what to do next stands on top, above the checks', re.search(r'TODO \d', what) and 'lab01-session/README.md' in what
          and page.run("document.querySelector('.next').getBoundingClientRect().bottom") < 720, what)
    check('it leads to a check of this TODO', link in checks and checks[link]['finding']['where'] in what, (link, what))
    page.run(f"document.getElementById('{link}').toggle(false); document.querySelector('.next a').click()")
    page.settle()
    check('the link opens the check', page.run(f"document.getElementById('{link}').classList.contains('open')"))


ROWS = '''(() => {
  const check = document.getElementById('%s');
  check.toggle(true);
  return [...check.querySelectorAll('.rows li')].map((row) => [row.className, row.innerText]);
})()'''


def test_beside_frames(page):
    rows = page.run(ROWS % 'lab02.get')
    printed = [i for i, (kind, _) in enumerate(rows) if kind == 'printed']
    frames = [i for i, (kind, _) in enumerate(rows) if kind.startswith('frame')]
    check('what the program printed stands among the frames, at its time', len(printed) == 1 and
          ':status: 200' in rows[printed[0]][1] and frames[0] < printed[0], rows)
    crash = [text for kind, text in page.run(ROWS % 'lab01.goodbye') if kind == 'crash divergent']
    check('a crash is marked at the end of the ladder', len(crash) == 1 and 'the client breaks' in crash[0], crash)
    notes = '\n'.join(text for kind, text in page.run(ROWS % 'lab06.get') if kind == 'note')
    check('a handshake is told in words: what was offered, whose certificate', re.search(
        r'(?si)ClientHello: SNI (\S+), no ALPN.*certificate for [^\n]*\b\1\b', notes), notes)
    facts = page.run("document.getElementById('lab06.get').querySelector('.tools .facts').innerText")
    check('where no frame came, it says so', facts.startswith('no frame'), facts)


def test_full(browser, folder):
    path = sample.make(folder, ['lab01/session-freed-twice', 'lab04/wrong-content-type', 'lab06/alpn-not-offered'])
    checks = checks_of(data_of(path))
    page = browser.open(f'file://{path}')
    test_next(page, checks)
    test_beside_frames(page)
    test_scale(page, folder, checks)
    test_drawing(page, folder, checks)
    quiet(page, 'all checks')
    test_looks(browser, f'file://{path}')


# --- Traces, and what goes wrong -------------------------------------------------------------------------

def frame(i, **more):
    return {'connection': 1, 'ms': i / 10, 'sender': 'client', 'type': 'DATA', 'flags': [], 'stream': 1 + 2 * (i % 5),
            'length': 3, 'data': 'abc', **more}


def trace_page(folder, frames):
    with open(f'{folder}/trace.json', 'w', encoding='utf-8') as file:
        json.dump(frames, file)
    done = subprocess.run(['build/grader/trace_page', f'{folder}/trace.json', f'{folder}/trace.html'],
                          capture_output=True, text=True, check=False)
    return done, f'file://{folder}/trace.html'


def test_trace(browser, folder):
    attack = ATTACK.decode()
    body = '\\xff' * 1000
    done, url = trace_page(folder, [frame(0, type='HEADERS', fields=[[attack, attack]], data=None), frame(1, data=attack, type=attack),
                                    frame(2, length=1000, data=body), frame(3, type='0x2a', error=attack)])
    page = browser.open(url)
    page.run("document.querySelectorAll('.rows button').forEach((each, i) => document.querySelectorAll('.rows button')[i].click())")
    check('trace-page draws a trace', done.returncode == 0 and page.run("document.querySelectorAll('.arrow.frame').length") == 4, done)
    check('the page runs nothing in the trace', page.run('window.attacked === undefined && document.scripts.length === 2'))
    texts = page.run("[...document.querySelectorAll('.details')].map((each) => each.textContent).join('\\n')")
    check('the page shows all of the trace', texts.count(attack) >= 4, texts[:1000])
    check('the page says that it cut a body', '1,000 bytes' in texts and re.search('first 64 of 1,000 bytes', texts), texts[:3000])
    quiet(page, 'a trace')
    done, url = trace_page(folder, [frame(i) for i in range(3100)])
    page = browser.open(url)
    check('the page cuts a trace that is too long, and says so', page.run("document.querySelector('.gap').innerText").strip() == '100 frames left out here')
    done, _ = trace_page(folder, {'no': 'trace'})
    version = subprocess.run(['make', 'version'], capture_output=True, text=True, check=True).stdout.strip()
    check('the page names the version that drew it', page.run("document.querySelector('.facts').innerText").endswith(f'grader {version}'))
    check('a file that is not a trace is an error', done.returncode == 1 and done.stderr.startswith('trace-page: ')
          and done.stderr.count('\n') == 1, done)


def test_unwritable(folder):
    output = f'{folder}/unwritable'
    os.makedirs(f'{output}/index.html/in/the/way')
    done = subprocess.run(['build/grader/grade', '--programs', 'build/solutions', '--lab', '04', '--output', output],
                          capture_output=True, text=True, check=False)
    check('if the grader cannot write the page, it says so and goes on', done.returncode == 0
          and re.search(r'Total: (\d+) of \1 ', done.stdout) and 'index.html' in done.stderr, done)
    check('it leaves no part of the page', not os.path.exists(f'{output}/index.html.new'))


def main():
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        test_report(browser, f'{folder}/report')
        test_full(browser, f'{folder}/full')
        test_trace(browser, folder)
        test_unwritable(folder)
    return done_testing()


if __name__ == '__main__':
    if not find():
        skip_all('Chromium is not installed')
        sys.exit(0)
    sys.exit(main())
