#!/usr/bin/env python3
"""page_picture: make a picture of one check on the page.

    page_picture.py [--width PIXELS] [--theme dark|light] CHECK PAGE.html OUT.png

CHECK is, for example, lab02.post. Open the check with its ladder, draw it, and make the picture
small with pngquant.
"""
import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402  pylint: disable=wrong-import-position

MARGIN = 24  # pixels of the page around it

# Hide everything that is not about the check, so that the check's place does not depend on it, and
# everything that shows paths of this machine.
ALONE = '''(() => {{
  document.querySelectorAll('.check.open').forEach((check) => check.toggle(false));
  const check = document.getElementById({check!r});
  check.toggle(true);
  document.querySelectorAll('.check').forEach((other) => (other.hidden = other !== check));
  document.querySelectorAll('.lab').forEach((lab) => (lab.hidden = !lab.contains(check)));
  check.querySelectorAll('.program, details, .again').forEach((part) => (part.hidden = true));
}})()'''
PLACE = '''(() => {{
  const box = document.getElementById({check!r}).closest('.lab').getBoundingClientRect();
  return [box.x, box.y + scrollY, box.width, box.height];
}})()'''


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--width', type=int, default=1120)
    parser.add_argument('--theme', choices=('dark', 'light'), default='light')
    for name in ('check', 'page', 'out'):
        parser.add_argument(name)
    options = parser.parse_args()
    with Browser() as browser:
        page = browser.open(f'file://{os.path.abspath(options.page)}', options.width, 900, options.theme == 'dark')
        page.run(ALONE.format(check=options.check))
        page.settle()
        x, y, width, height = page.run(PLACE.format(check=options.check))
        margin = min(MARGIN, x)
        page.picture(options.out, (x - margin, y - margin, width + 2 * margin, height + 2 * margin))
    subprocess.run(['pngquant', '--force', '--strip', '--speed', '1', '--output', options.out, options.out], check=True)


if __name__ == '__main__':
    main()
