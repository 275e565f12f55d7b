#!/usr/bin/env python3
"""autolab: grade a student's submission to Autolab. https://docs.autolabproject.com/lab/

Runs in the folder with the handed-in file: X.c, or an archive of such files. Prints the scoreboard, and as the last line the
points of each lab, which is a problem of the assessment.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

IMAGE = pathlib.Path(os.environ.get('PLACE', '/autograder')) / 'source'  # Dockerfile
CONF = pathlib.Path('labs.conf')                                         # which labs: it comes with autograde.tar
ARCHIVES = ('.zip', '.tar', '.tar.gz', '.tgz')


def submission(folder):
    """Unpack the submission. (The grader takes only regular C files from it.)"""
    for path in pathlib.Path('.').iterdir():
        if path.suffix == '.c' and path.is_file() and not path.is_symlink():
            shutil.copy(path, folder / path.name)
        elif path.name.endswith(ARCHIVES) and path.name != 'autograde.tar':
            command = ['python3', '-m', 'zipfile', '-e', path, folder] if path.suffix == '.zip' else ['tar', 'xf', path, '-C', folder]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # if it is not an archive, nothing is graded


def points_of(found, labs):
    points = {lab: 0 for lab in labs}
    for test in found['tests']:
        points[test['number'].split('/')[0]] += test['score']
    return points


def main():
    with tempfile.TemporaryDirectory() as scratch:  # the user of a job may write nowhere else
        source, folder = pathlib.Path(scratch) / 'source', pathlib.Path(scratch) / 'submission'
        shutil.copytree(IMAGE, source, symlinks=True)
        shutil.copy(CONF, source / 'labs.conf')
        folder.mkdir()
        submission(folder)
        results = pathlib.Path(scratch) / 'results.json'
        subprocess.run(['bash', source / 'grade.sh', folder, '600', results], check=True)
        found = json.loads(results.read_text(encoding='utf-8'))
        only = subprocess.run(['bash', '-c', '. ./labs.conf; echo "$LAB"'], capture_output=True, text=True, check=True).stdout.strip()
        labs = [path.name.split('-')[0] for path in sorted((source / 'labs').glob(f'lab{only or "[0-9][0-9]"}-*'))]
    print(found['output'])
    print(json.dumps({'scores': points_of(found, labs)}))


main()
