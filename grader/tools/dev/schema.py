"""schema: check that a value has the format that grader/tests/formats/NAME.json describes."""
import json
import pathlib

import jsonschema

FORMATS = pathlib.Path(__file__).resolve().parents[2] / 'tests/formats'


def problems(value, name):
    """What is wrong with the value, in words; '' if nothing is."""
    schema = json.loads((FORMATS / f'{name}.json').read_text(encoding='utf-8'))
    return '\n'.join(f'{"/".join(map(str, error.path))}: {error.message}'
                     for error in jsonschema.Draft7Validator(schema).iter_errors(value))
