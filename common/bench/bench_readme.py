#!/usr/bin/env python3
"""bench_readme: put the figures of `make bench` into README.md here, between <!-- bench NAME --> and
<!-- /bench -->.

Read the last three whole runs in build/bench/runs/, and copy the charts of the last one to
common/bench/. A quick run saves nothing there: its figures are too rough for a page.
"""
import glob
import json
import os
import re
import shutil
import sys

import report
from servers import BUILT, ROOT

FILES = ['common/bench/README.md']
CHARTS = ['results.svg', 'growth.svg']


def inserted(text, runs):
    """`text` with new content in every block."""
    def block(found):
        name = found.group(1)
        if name not in report.BLOCKS:
            sys.exit(f'bench-readme: there is no block {name}')
        return f'<!-- bench {name} -->\n{report.BLOCKS[name](runs)}\n<!-- /bench -->'
    return re.sub(r'<!-- bench (\w+) -->\n.*?<!-- /bench -->', block, text, flags=re.S)


def main():
    runs = []
    for path in sorted(glob.glob(f'{BUILT}/runs/*.json')):
        with open(path, encoding='utf-8') as file:
            runs.append(json.load(file))
    if not runs:
        sys.exit('bench-readme: there are no figures yet; `make bench` without QUICK or ONLY makes them')
    for name in FILES:
        with open(f'{ROOT}/{name}', encoding='utf-8') as file:
            text = file.read()
        with open(f'{ROOT}/{name}', 'w', encoding='utf-8') as file:
            file.write(inserted(text, runs))
    for name in CHARTS:
        if os.path.exists(f'{BUILT}/{name}'):
            shutil.copyfile(f'{BUILT}/{name}', f'{ROOT}/common/bench/{name}')


if __name__ == '__main__':
    main()
