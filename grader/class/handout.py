#!/usr/bin/env python3
"""handout: make the repository that students get.

    handout.py [--labs 01,02] [--course FILE] [--no-hints] [--zip] [--untried] FOLDER

Takes only files that git knows and students need; cuts the parts between BEGIN TEACHERS and END TEACHERS; commits the
rest as the first commit of a new repository. Then it tries the result. The status is 1 if something in it is wrong, 2
for wrong usage.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The files for students. (A `*` does not match a `/`.)
TAKEN = [
    'Makefile', 'README.md', 'LICENSE', '.gitattributes', '.gitignore', '.clang-format', '.editorconfig',
    '.devcontainer/*', 'lab*/README.md', 'lab*/hints.md', 'lab*/*.c', 'lab*/bonus/*',
    'common/README.md', 'common/*.[ch]', 'common/inner/*', 'common/examples/*',
    'grader/*/*.c', 'grader/*/*.h', 'grader/page/*', 'grader/bonus/*',
    'grader/predict/*', 'grader/live/*', 'grader/lecture/*.py', 'grader/tools/*.sh', 'grader/tools/dev/pictures/*',
    'grader/mistakes/known_mistakes.json', 'grader/mistakes/mutants.json',
]
LEFT_OUT = ['grader/tests/*', 'grader/tools/dev/pictures/demo-*', 'grader/tools/dev/pictures/live-*']

STARTERS = 'grader/starters'  # reset.sh takes them from there, and bonus.py sees by them what was begun

WORKFLOW = '''\
# Grade every push, and show the scoreboard in its summary.
name: grade
on: [push]
jobs:
  grade:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: make deps
      - run: make -s grade | tee board.txt
      - if: always()
        run: |
          { echo '```'; cat board.txt; echo '```'; } >>"$GITHUB_STEP_SUMMARY"
'''

SHORTEST = 24  # characters; a shorter line of a solution may be anywhere


class Problem(Exception):
    pass


def run(*command, cwd=ROOT, **more):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise Problem(f'{" ".join(command)}: {done.stderr.strip() or done.stdout.strip()}')
    return done.stdout


# --- The files for students -----------------------------------------------------------------------------

def is_taken(path, options):
    lab = re.match(r'lab(\d+)-', path.parts[0])
    if lab and options.labs and lab[1] not in options.labs or path.name == 'hints.md' and not options.hints:
        return False

    def matches(pattern):
        return len(path.parts) == pattern.count('/') + 1 and path.match(pattern)
    return any(map(matches, TAKEN)) and not any(map(matches, LEFT_OUT))


def cut(text):
    """The text without the parts for teachers, which leave at most one empty line."""
    text = re.sub(r'^.*BEGIN TEACHERS.*\n(?:.*\n)*?.*END TEACHERS.*\n', '', text, flags=re.M)
    return re.sub(r'\n{3,}', '\n\n', text)


LINK = re.compile(r'\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)')


def unlink(path, text, folder):
    """The text; a link to a file that students do not get becomes plain text."""
    def words(found):
        target = found[2]
        there = '://' in target or (folder / path.parent / target).exists()
        return found[0] if there else found[1]
    return LINK.sub(words, text)


def make(options, folder):
    names = run('git', 'ls-files', '-z').split('\0')
    taken = [path for path in map(pathlib.Path, filter(None, names)) if is_taken(path, options)]
    for path in taken:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, folder / path)
    starters = [path for path in taken if re.fullmatch(r'lab\d+-[a-z0-9-]+/(bonus/)?[a-z0-9_]+\.(c|txt)', str(path))]
    for path in starters:
        if path.suffix == '.c':  # the file here may contain somebody's work
            starter = run('sh', 'grader/tools/dev/starter.sh', f'{path.parent}/solution/{path.name}')
            (folder / path).write_text(starter, encoding='utf-8')
        kept = folder / STARTERS / path
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, kept)
    (folder / '.github/workflows').mkdir(parents=True)
    (folder / '.github/workflows/grade.yml').write_text(WORKFLOW, encoding='utf-8')
    for path in taken:
        if path.name == 'Makefile' or path.suffix == '.md':
            text = cut((folder / path).read_text(encoding='utf-8'))
            (folder / path).write_text(unlink(path, text, folder) if path.suffix == '.md' else text, encoding='utf-8')


def put_course(course, folder):
    """The students' scoreboards find it by its name."""
    if course:
        shutil.copyfile(course, folder / 'course.conf')


def commit(folder):
    run('git', 'init', '-q', '-b', 'main', cwd=folder)
    run('git', 'add', '-A', cwd=folder)
    run('git', '-c', 'user.name=labs', '-c', 'user.email=labs@localhost', 'commit', '-q', '-m', 'The labs', cwd=folder)


# --- Checking the result --------------------------------------------------------------------------------

def written_lines(solution):
    """The lines of the regions that a student writes; of a file without regions, all."""
    if solution.suffix != '.c':
        yield from (line.split('#')[0].strip() for line in solution.read_text(encoding='utf-8').split('\n'))
        return
    text = re.sub(r'/\* STARTER\n.*?\n\s*\*/\n', '', solution.read_text(encoding='utf-8'), flags=re.S)
    for region in re.findall(r'BEGIN SOLUTION \*/\n(.*?)\n\s*/\* END SOLUTION', text, re.S):
        yield from (line.strip() for line in region.split('\n'))


def lines_of(path):
    return {line.strip() for line in path.read_bytes().decode('utf-8', 'replace').split('\n')}


def find_solutions(folder):
    """The files contain no line that a student has to write, except lines that other labs give: a lab goes on where
    the one before it ended. (The last hint of a TODO quotes lines on purpose.) Returns the number of files."""
    solutions = [*ROOT.glob('lab*/solution/*.c'), *ROOT.glob('lab*/bonus/solution/*.*')]
    lines = {line for path in solutions for line in written_lines(path) if len(line) >= SHORTEST}
    for path in [*ROOT.glob('common/*.[ch]'), *ROOT.glob('common/*/*.[ch]'), *ROOT.glob('grader/*/*.[ch]'),
                 *folder.glob('lab*/*.c')]:
        lines -= lines_of(path)
    if not lines:
        raise Problem('there are no solutions here')
    paths = [path for path in sorted(folder.rglob('*')) if path.is_file() and path.name != 'hints.md']
    for path in paths:
        text = lines_of(path) if path.suffix in ('.c', '.h') else path.read_bytes().decode('utf-8', 'replace')
        for line in lines:
            if line in text:
                raise Problem(f'{path.relative_to(folder)}: a line of a solution: {line}')
    return len(paths)


def points_of(text):
    found = re.search(r'^Total: (\d+) of (\d+) points', text, re.M)
    return tuple(map(int, found.groups())) if found else None


def grade(folder, build):
    """The starters get no points. Returns how many points there are."""
    done = subprocess.run(['make', '-s', 'grade', f'BUILD={build}'], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    points = points_of(done.stdout)
    if not points or points[0] != 0:
        raise Problem(f'make grade gives {points}, and must give 0:\n{done.stdout[-2000:]}{done.stderr[-2000:]}')
    return points[1]


def reset(folder):
    """`make reset` restores every starter without git."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / 'copy'
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns('.git'))
        for lab in sorted(copy.glob('lab*')):
            for path in lab.glob('*.c'):
                path.unlink()
            run('make', 'reset', f'LAB={lab.name}', cwd=copy)
            for path in (folder / lab.name).glob('*.c'):
                if not (lab / path.name).exists() or (lab / path.name).read_bytes() != path.read_bytes():
                    raise Problem(f'make reset does not restore {lab.name}/{path.name}')


# --- The command ----------------------------------------------------------------------------------------

def parse():
    parser = argparse.ArgumentParser(prog='handout', description='Make the repository that students get.')
    parser.add_argument('--labs', type=lambda text: [number.zfill(2) for number in text.split(',')], help='01,02')
    parser.add_argument('--course', type=pathlib.Path, help='the labs and points of a course: course.conf')
    parser.add_argument('--no-hints', dest='hints', action='store_false')
    parser.add_argument('--zip', action='store_true', help='make FOLDER.zip too')
    parser.add_argument('--untried', action='store_true', help='do not try the result')
    parser.add_argument('folder', type=pathlib.Path)
    options = parser.parse_args()
    known = [path.name[3:5] for path in ROOT.glob('lab[0-9][0-9]-*')]
    for number in options.labs or []:
        if number not in known:
            parser.error(f'there is no lab {number}')
    return options


def hand_out(options):
    folder = options.folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise Problem(f'{options.folder} is not empty')
    folder.mkdir(parents=True, exist_ok=True)
    make(options, folder)
    put_course(options.course, folder)
    count = find_solutions(folder)
    commit(folder)
    if options.zip:
        shutil.make_archive(str(folder), 'zip', folder.parent, folder.name)
    print(f'{options.folder}: {count} files, and no line of a solution', flush=True)
    if options.untried:
        return
    reset(folder)
    with tempfile.TemporaryDirectory() as build:
        points = grade(folder, build)
    print(f'make grade gives 0 of {points} points, make reset restores every starter')


def main():
    options = parse()
    try:
        hand_out(options)
    except (Problem, OSError) as problem:
        print(f'handout: {problem}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
