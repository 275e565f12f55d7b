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
        self.latest = {}  # by what it is about: the last entry, where no other counts
        self.browsers = set()

    def publish(self, about, event):
        with self.lock:
            self.events.append(self.send(about, event))

    def replace(self, about, event):
        """The same, if this event says all that the ones before it have said."""
        with self.lock:
            self.latest[about] = self.send(about, event)

    def begin(self, about, event):
        """The same, and forget all that was about this before."""
        with self.lock:
            self.events = collections.deque((each for each in self.events if each[1] != about), MOST_EVENTS)
            self.events.append(self.send(about, event))

    def send(self, about, event):
        """Number the event and give it to every browser. Return the entry to keep."""
        entry = (next(self.numbers), about, json.dumps(event, separators=(",", ":")))
        for browser in list(self.browsers):
            try:
                browser.put_nowait(entry)
            except queue.Full:
                self.browsers.discard(browser)
                browser.behind = True
        return entry

    def join(self, after):
        """A queue with every event after this number, then one that says that these were all, and with those to come."""
        browser = queue.Queue(MOST_WAITING)
        browser.behind = False
        last = after
        with self.lock:
            for entry in sorted([*self.events, *self.latest.values()], key=lambda each: each[0]):
                if entry[0] > after:
                    browser.put_nowait(entry)
                    last = entry[0]
            browser.put_nowait((last, None, '{"kind":"all"}'))
            self.browsers.add(browser)
        return browser

    def leave(self, browser):
        with self.lock:
            self.browsers.discard(browser)
