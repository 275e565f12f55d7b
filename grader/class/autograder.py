#!/usr/bin/env python3
"""autograder: make the zip that Gradescope takes.

    autograder.py [--lab 02] OUT.zip

It has the labs as students get them (handout.py), and the scripts in gradescope/.
"""
import argparse
import pathlib
import shutil
import sys
import tempfile

import handout

HERE = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(prog='autograder', description='Make the zip that Gradescope takes.')
    parser.add_argument('--lab', help='grade this lab only: 02')
    parser.add_argument('out', type=pathlib.Path)
    options = parser.parse_args()
    if options.out.suffix != '.zip':
        parser.error(f'{options.out} does not end in .zip')
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / 'source'
        handout.make(argparse.Namespace(labs=None, hints=True), folder / 'labs')
        for path in sorted((HERE / 'gradescope').iterdir()):
            if path.is_file():
                shutil.copy2(path, folder / path.name)
        (folder / 'labs.conf').write_text(f'LAB={options.lab or ""}\n', encoding='utf-8')
        shutil.make_archive(str(options.out.with_suffix('')), 'zip', folder)
    print(f'{options.out}: upload it to Gradescope as the autograder of a programming assignment')
    return 0


sys.exit(main())
