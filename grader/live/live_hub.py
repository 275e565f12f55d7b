"""live_hub: what the page has to know, in order, for every browser that looks.

An event is a dictionary; what it is about ("wire", or one command of a script) is a tuple or a text. The hub keeps the
events, so that a browser that comes later, or comes back, sees the same as the others.
"""
import collections
import itertools
import json
import queue
import threading

MOST_EVENTS = 20000     # that we keep; the oldest go first
MOST_WAITING = 40000    # for one browser; one that is further behind is cut off, and comes back


class Hub:
    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.events = collections.deque(maxlen=MOST_EVENTS)  # each (number, about, text)
        self.browsers = set()

    def publish(self, about, event):
        with self.lock:
            self.keep(about, event)

    def begin(self, about, event):
        """The same, and forget all that was about this before."""
        with self.lock:
            self.events = collections.deque((each for each in self.events if each[1] != about), MOST_EVENTS)
            self.keep(about, event)

    def keep(self, about, event):
        entry = (next(self.numbers), about, json.dumps(event, separators=(",", ":")))
        self.events.append(entry)
        for browser in list(self.browsers):
            try:
                browser.put_nowait(entry)
            except queue.Full:
                self.browsers.discard(browser)
                browser.behind = True

    def join(self, after):
        """A queue with every event after this number, and with those to come."""
        browser = queue.Queue(MOST_WAITING)
        browser.behind = False
        with self.lock:
            for entry in self.events:
                if entry[0] > after:
                    browser.put_nowait(entry)
            self.browsers.add(browser)
        return browser

    def leave(self, browser):
        with self.lock:
            self.browsers.discard(browser)
