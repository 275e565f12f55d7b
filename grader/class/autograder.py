#!/usr/bin/env python3
"""autograder: make the autograder of these labs for a system for teaching.

    autograder.py --for gradescope [--lab 02] OUT.zip
    autograder.py --for prairielearn|autolab|github [--lab 02] OUT

OUT has the labs as students get them (handout.py), and the scripts in autograders/.
"""
import argparse
import pathlib
import shutil
import sys
import tarfile
import tempfile
import uuid

import grade_class
import handout

HERE = pathlib.Path(__file__).resolve().parent / 'autograders'
SHARED = ('setup.sh', 'grade.sh', 'results.py')


def make_source(folder, lab, *more):
    """Copy the parts that every system needs: the labs, the shared scripts, and `more` of autograders/."""
    handout.make(argparse.Namespace(labs=None, hints=True), folder / 'labs')
    for name in (*SHARED, *more):
        shutil.copy2(HERE / name, folder / pathlib.Path(name).name)
    write_conf(folder, lab)


def write_conf(folder, lab):
    (folder / 'labs.conf').write_text(f'LAB=${{LAB:-{lab or ""}}}\n', encoding='utf-8')


def gradescope(out, lab):
    if out.suffix != '.zip':
        raise handout.Problem(f'{out} does not end in .zip')
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / 'source'
        make_source(folder, lab, 'gradescope/run_autograder')
        shutil.make_archive(str(out.with_suffix('')), 'zip', folder)
    return 'upload it to Gradescope as the autograder of a programming assignment'


def prairielearn(out, lab):
    make_source(out / 'image', None, 'Dockerfile', 'prairielearn/prairielearn.py')
    folders, programs = grade_class.labs_here()
    for folder in folders:
        number = folder[3:5]
        if lab and number != lab:
            continue
        words = {'@UUID@': str(uuid.uuid5(uuid.NAMESPACE_URL, f'http2-labs/{folder}')), '@LAB@': number,
                 '@TITLE@': f'HTTP/2 in C, lab {int(number)}',
                 '@FILES@': ', '.join(name.split('/')[1] for name in programs if name.startswith(f'{folder}/'))}
        question = out / 'questions' / folder
        question.mkdir(parents=True)
        for name in ('info.json', 'question.html'):
            text = (HERE / 'prairielearn' / name).read_text(encoding='utf-8')
            for word, value in words.items():
                text = text.replace(word, value)
            (question / name).write_text(text, encoding='utf-8')
    return f'`docker build -t http2-labs {out}/image` makes the image; copy {out}/questions/* into your course'


def autolab(out, lab):
    make_source(out / 'image', lab, 'Dockerfile', '../submissions.py', '../late.py')
    shutil.copy2(HERE / 'autolab/autograde-Makefile', out)
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(out / 'autograde.tar', 'w') as tar:
        write_conf(pathlib.Path(scratch), lab)
        tar.add(f'{scratch}/labs.conf', 'labs.conf')
        tar.add(HERE / 'autolab/autolab.py', 'autolab.py')
    return (f'`docker build --build-arg BASE=autograding_image -t http2-labs {out}/image` makes the image; upload '
            'autograde-Makefile and autograde.tar, and make a problem for each lab: lab01, ...')


def github(out, lab):
    make_source(out / 'http2-autograder', lab, 'github/github.py')
    workflows = out / 'template/.github/workflows'
    workflows.mkdir(parents=True)
    shutil.copy2(HERE / 'github/grade.yml', workflows)
    return (f'push {out}/http2-autograder as a public repository of that name, and {out}/template/.github into the repository '
            'that students start from, of the same owner')


SYSTEMS = {'gradescope': gradescope, 'prairielearn': prairielearn, 'autolab': autolab, 'github': github}


def main():
    parser = argparse.ArgumentParser(prog='autograder', description='Make the autograder for a system for teaching.')
    parser.add_argument('--for', dest='system', choices=SYSTEMS, default='gradescope')
    parser.add_argument('--lab', type=grade_class.lab_number, help='grade this lab only: 02')
    parser.add_argument('out', type=pathlib.Path)
    options = parser.parse_args()
    try:
        if options.system != 'gradescope':
            options.out.mkdir(parents=True)
        print(f'{options.out}: {SYSTEMS[options.system](options.out, options.lab)}')
    except (handout.Problem, OSError) as problem:
        print(f'autograder: {problem}', file=sys.stderr)
        return 1
    return 0


sys.exit(main())
