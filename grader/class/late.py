"""late: the time of a deadline, and the points that a late submission loses."""
import argparse
import math
import re
from datetime import datetime, timedelta

DAY = timedelta(days=1)
YEAR_2100 = 4102444800


def deadline(text):
    """2026-12-01T23:59, in this machine's time zone unless it names one (+01:00); a date alone is the end of that day."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as why:
        raise argparse.ArgumentTypeError(f'{text}: say a date and a time, as 2026-12-01T23:59') from why
    return (moment if re.search('[T ]', text) else moment + DAY).astimezone()


def known(seconds):
    """The seconds since 1970, or None if they say nothing: nobody handed in before 1970 or after 2100."""
    return seconds if seconds is not None and 0 <= seconds < YEAR_2100 else None


def moment_of(seconds):
    """Seconds since 1970 in the form of a table: 2026-12-01T23:10:04+01:00. '' if they are unknown."""
    return '' if known(seconds) is None else datetime.fromtimestamp(seconds).astimezone().isoformat(timespec='seconds')


def percent_a_day(text):
    found = re.fullmatch(r'(\d+(?:\.\d+)?)%/day', text)
    if not found:
        raise argparse.ArgumentTypeError(f'{text}: say how much each begun day costs, as 10%/day')
    return float(found[1])


def reduced(points, handed_in, due, percent):
    """The points left: each begun day after the deadline costs `percent` of them. `handed_in` is moment_of(...)."""
    late = datetime.fromisoformat(handed_in) - due
    days = max(0, math.ceil(late / DAY))
    return round(max(0, points * (1 - days * percent / 100)), 2)
