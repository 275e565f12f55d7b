"""browser: a headless Chromium for tests and pictures. We speak the Chrome DevTools Protocol with it
through a pipe. Its profile is temporary.

    with Browser('--an-option-of-chromium') as browser:
        page = browser.open('file:///...', width=1280, dark=True)
        page.run('document.title')
        page.press('ArrowDown')
        page.close()
"""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ('chromium', 'chromium-browser', 'google-chrome')
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--hide-scrollbars',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage', '--force-color-profile=srgb', '--remote-debugging-pipe')
PATIENCE = 300  # seconds for one answer; far more than the busiest machine needs
KEYS = {'Enter': (13, '\r'), 'Escape': (27, None), 'ArrowDown': (40, None), 'ArrowUp': (38, None), 'Home': (36, None),
        'End': (35, None), 'Tab': (9, None), ' ': (32, ' '), 'ArrowRight': (39, None), 'ArrowLeft': (37, None),
        'PageDown': (34, None), 'PageUp': (33, None)}


def find():
    """The path of a Chromium; None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours, theirs = os.pipe(), os.pipe()  # the pipe that it reads, and the one that it writes

        def arrange():
            read, write = os.dup(ours[0]), os.dup(theirs[1])
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen([find(), *FLAGS, *self.options, f'--user-data-dir={self.profile.name}'],
                                        close_fds=False, preexec_fn=arrange, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self.to, self.of = ours[1], theirs[0]
        self.waiting = b''
        self.last = 0
        self.events = []
        return self

    def __exit__(self, *_):
        try:
            self.call('Browser.close')
        except (OSError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.of)
        self.profile.cleanup()

    def message(self, deadline):
        while b'\0' not in self.waiting:
            if not select.select([self.of], [], [], max(0, deadline - time.monotonic()))[0]:
                raise RuntimeError('the browser does not answer')
            piece = os.read(self.of, 1 << 20)
            if not piece:
                raise RuntimeError('the browser has ended')
            self.waiting += piece
        text, self.waiting = self.waiting.split(b'\0', 1)
        return json.loads(text)

    def call(self, method, session=None, **parameters):
        self.last += 1
        request = {'id': self.last, 'method': method, 'params': parameters}
        if session:
            request['sessionId'] = session
        data = json.dumps(request).encode() + b'\0'
        while data:
            data = data[os.write(self.to, data):]
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.message(deadline)
            if answer.get('id') != self.last:
                self.events.append(answer)
                continue
            if 'error' in answer:
                raise RuntimeError(f'{method}: {answer["error"]["message"]}')
            return answer.get('result', {})

    def open(self, url, width=1280, height=900, dark=False, scale=1):
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        return Page(self, target, session, url, width, height, dark, scale)


class Page:
    """One page, with the messages in its console and its requests to the network."""

    def __init__(self, browser, target, session, url, width, height, dark, scale):
        self.browser, self.target, self.session = browser, target, session
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=scale,
                  mobile=False)
        self.call('Emulation.setFocusEmulationEnabled', enabled=True)
        self.media(dark)
        self.call('Page.navigate', url=url)
        deadline = time.monotonic() + PATIENCE
        while self.run('document.readyState') != 'complete' or self.run('location.href') == 'about:blank':
            if time.monotonic() > deadline:
                raise RuntimeError(f'{url} does not load')
        self.settle()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def close(self):
        self.browser.call('Target.closeTarget', targetId=self.target)

    def media(self, dark, medium=''):
        scheme = {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}
        still = {'name': 'prefers-reduced-motion', 'value': 'reduce'}
        self.call('Emulation.setEmulatedMedia', media=medium, features=[scheme, still])

    def run(self, script):
        """The value of an expression, which may be a promise."""
        answer = self.call('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in answer:
            details = answer['exceptionDetails']
            raise RuntimeError(details.get('exception', {}).get('description', details['text']))
        return answer['result'].get('value')

    def settle(self):
        """Wait until everything is drawn."""
        self.run('new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => go())))')

    def press(self, key, times=1):
        code, text = KEYS.get(key) or (ord(key.upper()), key)
        for _ in range(times):
            pressed = {'key': key, 'code': key if key != ' ' else 'Space', 'windowsVirtualKeyCode': code}
            down = {'type': 'keyDown', 'text': text} if text else {'type': 'rawKeyDown'}
            self.call('Input.dispatchKeyEvent', **down, **pressed)
            self.call('Input.dispatchKeyEvent', type='keyUp', **pressed)
        self.settle()

    def click(self, x, y):
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)
        self.settle()

    def picture(self, path, clip=None, full=True):
        """A PNG of the whole page, or of `clip`: x, y, width, height, from the top of the page."""
        options = {'captureBeyondViewport': full}
        if clip:
            options['clip'] = dict(zip(('x', 'y', 'width', 'height'), clip), scale=1)
        data = self.call('Page.captureScreenshot', format='png', **options)['data']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(data))

    def paper(self, path):
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self.call('Page.printToPDF', printBackground=True)['data']))

    def events(self, method):
        return [event['params'] for event in self.browser.events
                if event.get('method') == method and event.get('sessionId') == self.session]

    def errors(self):
        """The errors and warnings in the console."""
        said = [str(event['exceptionDetails']) for event in self.events('Runtime.exceptionThrown')]
        said += [str(event['args']) for event in self.events('Runtime.consoleAPICalled')
                 if event['type'] in ('error', 'warning', 'assert')]
        return said + [event['entry']['text'] for event in self.events('Log.entryAdded')
                       if event['entry']['level'] in ('error', 'warning')]

    def requests(self):
        """The addresses that the page requested, except its own and its data: URLs."""
        return [event['request']['url'] for event in self.events('Network.requestWillBeSent')
                if not event['request']['url'].startswith(('file:', 'data:'))]
