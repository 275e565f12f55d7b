"""mutate: make small changes in a solution's TODO regions. mutants.py grades them.

libclang finds the statements, conditions, calls with the types of their arguments, and fields with their
structs. Each operator below yields edits (where, how long, what instead), each a slip that people make.
Edits are only between BEGIN SOLUTION and END SOLUTION.
"""
import dataclasses
import hashlib
import re
import sys

try:
    from clang import cindex
except ImportError:  # Debian's module belongs to Debian's Python; it works with any other
    sys.path.append("/usr/lib/python3/dist-packages")
    from clang import cindex

Kind = cindex.CursorKind

# Names that a student may confuse: an edit replaces each by the next of its family.
FAMILIES = [
    "true false",
    "NGHTTP2_FLAG_ACK NGHTTP2_FLAG_END_STREAM NGHTTP2_FLAG_END_HEADERS",
    "NGHTTP2_SETTINGS NGHTTP2_GOAWAY NGHTTP2_HEADERS NGHTTP2_DATA",
    "NGHTTP2_NO_ERROR NGHTTP2_CANCEL NGHTTP2_INTERNAL_ERROR",
    "NGHTTP2_DATA_FLAG_EOF NGHTTP2_DATA_FLAG_NO_END_STREAM",
    "NGHTTP2_HCAT_REQUEST NGHTTP2_HCAT_RESPONSE NGHTTP2_HCAT_HEADERS",
    "NGHTTP2_ERR_CALLBACK_FAILURE NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE",
    "NGHTTP2_SETTINGS_ENABLE_PUSH NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE",
    "TLS1_2_VERSION TLS1_3_VERSION TLS1_1_VERSION",
    "SSL_FILETYPE_PEM SSL_FILETYPE_ASN1",
    "SSL_VERIFY_PEER SSL_VERIFY_NONE",
    "SSL_TLSEXT_ERR_OK SSL_TLSEXT_ERR_NOACK", "SSL_TLSEXT_ERR_ALERT_FATAL SSL_TLSEXT_ERR_NOACK",
    "SSL_ERROR_WANT_READ SSL_ERROR_WANT_WRITE", "SSL_ERROR_SYSCALL SSL_ERROR_SSL",
    "SSL_ERROR_NONE SSL_ERROR_ZERO_RETURN",
    "TLS_WANT_READ TLS_WANT_WRITE", "TLS_DONE TLS_FAILED", "TLS_FAILED TLS_WANT_READ",
    "nghttp2_strerror nghttp2_http2_strerror",
    "strlen sizeof",
]
OPERATORS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+=": "=",
             "|=": "=", "+": "-", "-": "+", "&": "|"}
RELEASES = re.compile(r"(free|_del|_close|_release|free_\w+)$")


@dataclasses.dataclass
class Mutant:
    lab: str  # "lab02"
    program: str  # "requests"
    function: str
    todo: int
    operator: str
    before: str  # the old text ...
    after: str  # ... and the new text
    line: int
    text: str  # the whole file
    key: str = ""  # its name: stays the same while its function does

    def digest(self):
        return hashlib.sha256(self.key.encode()).hexdigest()


def flat(text):
    """The mutant on one line, for people, without the middle of long code."""
    text = " ".join(text.split())
    return text if len(text) <= 90 else f"{text[:60]} ... {text[-25:]}"


class Source:
    """One solution, parsed."""

    def __init__(self, path, flags):
        self.path = path
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        if not self.text.isascii():
            sys.exit(f"{path}: not ASCII, but libclang counts offsets in bytes")
        unit = cindex.Index.create().parse(path, args=flags)
        errors = [said for said in unit.diagnostics if said.severity >= cindex.Diagnostic.Error]
        if errors:
            sys.exit(f"{path}: {errors[0].spelling}")
        self.functions = [cursor for cursor in unit.cursor.get_children()
                          if cursor.kind == Kind.FUNCTION_DECL and cursor.is_definition()
                          and cursor.location.file and cursor.location.file.name == path]
        self.regions = [(match.start(), match.end()) for match in re.finditer(
            r"/\* BEGIN SOLUTION \*/.*?/\* END SOLUTION \*/", self.text, re.DOTALL)]
        self.comments = [match.span() for match in re.finditer(r"/\*.*?\*/", self.text, re.DOTALL)]

    def todo_at(self, offset):
        """The TODO whose heading is above this place."""
        found = re.findall(r"^\s*/\* --- (?:TODO (\d+))?", self.text[:offset], re.MULTILINE)
        return int(found[-1] or 0) if found else 0

    def is_open(self, start, end):
        """Whether an edit is allowed here: in a region, and not in a comment."""
        return any(a < start and end < b for a, b in self.regions) and not any(
            a <= start < b for a, b in self.comments)

    def of(self, cursor):
        return self.text[cursor.extent.start.offset:cursor.extent.end.offset]

    def end_of_statement(self, cursor):
        """The place after its semicolon or brace. A macro's extent may be too short, so look at the text."""
        if cursor.kind == Kind.COMPOUND_STMT:
            return cursor.extent.end.offset
        children = list(cursor.get_children())
        if cursor.kind in (Kind.IF_STMT, Kind.FOR_STMT, Kind.WHILE_STMT, Kind.SWITCH_STMT):
            return self.end_of_statement(children[-1])
        depth = 0
        offset = cursor.extent.start.offset
        while self.text[offset] != ";" or depth > 0:
            depth += self.text[offset] in "({[" or -(self.text[offset] in ")}]")
            offset += 1
        return offset + 1


def walk(cursor):
    for child in cursor.get_children():
        yield child
        yield from walk(child)


# --- The operators: each yields (operator, start, end, text instead) --------------------------------------


def statements(source, body):
    """Pairs (cursor, end) of the statements of a block, and of single statements under an if."""
    lists = []
    for cursor in [body, *walk(body)]:
        children = list(cursor.get_children())
        if cursor.kind == Kind.COMPOUND_STMT:
            lists.append(children)
        elif cursor.kind == Kind.IF_STMT:
            lists += [[child] for child in children[1:]
                      if child.kind not in (Kind.COMPOUND_STMT, Kind.IF_STMT)]
        elif cursor.kind in (Kind.FOR_STMT, Kind.WHILE_STMT) and children:
            if children[-1].kind not in (Kind.COMPOUND_STMT, Kind.IF_STMT):
                lists.append([children[-1]])
    return [[(child, source.end_of_statement(child)) for child in children
             if child.kind not in (Kind.CASE_STMT, Kind.DEFAULT_STMT, Kind.NULL_STMT)]
            for children in lists]


def change_statements(source, body):
    for block in statements(source, body):
        for cursor, end in block:
            start = cursor.extent.start.offset
            if cursor.kind != Kind.DECL_STMT:
                yield "drop statement", start, end, ";"
            if cursor.kind == Kind.CALL_EXPR and RELEASES.search(cursor.spelling):
                text = source.text[start:end]
                yield "do twice", start, end, f"{text} {text}"
        for (first, end), (second, last) in zip(block, block[1:]):
            if Kind.RETURN_STMT in (first.kind, second.kind):
                continue
            a, b = first.extent.start.offset, second.extent.start.offset
            yield "swap", a, last, source.text[b:last] + source.text[end:b] + source.text[a:end]


def change_conditions(source, body):
    for cursor in walk(body):
        children = list(cursor.get_children())
        if cursor.kind in (Kind.IF_STMT, Kind.WHILE_STMT) and children:
            start = source.text.index("(", cursor.extent.start.offset) + 1
            end = children[1].extent.start.offset
            end = source.text.rindex(")", start, end)
            condition = source.text[start:end]
            if cursor.kind == Kind.IF_STMT:
                yield "drop condition", start, end, "1"
            yield "negate condition", start, end, f"!({condition})"
        if cursor.kind == Kind.BINARY_OPERATOR and len(children) == 2:
            left, right = (child.extent for child in children)
            between = source.text[left.end.offset:right.start.offset].strip()
            if between in ("&&", "||"):
                start, end = left.start.offset, right.end.offset
                yield "drop condition", start, end, source.of(children[0])
                yield "drop condition", start, end, source.of(children[1])
        if cursor.kind == Kind.CONDITIONAL_OPERATOR:
            start, end = cursor.extent.start.offset, cursor.extent.end.offset
            for child in children[1:]:
                yield "drop condition", start, end, source.of(child)


def change_tokens(source, body):
    names = {name: family.split() for family in FAMILIES for name in family.split()}
    spelled = [(token, family.split()) for family in FAMILIES
               for token in family.split()]
    for token in body.get_tokens():
        start, end = token.extent.start.offset, token.extent.end.offset
        text = source.text[start:end]
        if re.fullmatch(r"\d+", text):
            yield "another number", start, end, str(int(text) + 1)
            if int(text) > 0:
                yield "another number", start, end, str(int(text) - 1)
        elif text in names:
            for name, family in spelled:
                if name == text:
                    other = family[(family.index(name) + 1) % len(family)]
                    yield "another name", start, end, other
        elif text in OPERATORS and token.kind.name == "PUNCTUATION":
            unary = source.text[:start].rstrip()[-1] in "(,=&|" or source.text[end] not in " "
            if not unary:
                yield "another operator", start, end, OPERATORS[text]


def change_fields(source, body):
    for cursor in walk(body):
        if cursor.kind != Kind.MEMBER_REF_EXPR or not cursor.referenced:
            continue
        field = cursor.referenced
        kind = field.type.get_canonical().spelling
        alike = [other.spelling for other in field.semantic_parent.get_children()
                 if other.kind == Kind.FIELD_DECL and other.type.get_canonical().spelling == kind]
        start = cursor.location.offset
        if field.spelling not in alike or source.text[start:start + len(field.spelling)] != \
                field.spelling:
            continue
        place = alike.index(field.spelling)
        for other in {alike[place - 1], alike[(place + 1) % len(alike)]} - {field.spelling}:
            yield "another field", start, start + len(field.spelling), other


def change_calls(source, function, body):
    pointers = [parameter.spelling for parameter in function.get_arguments()
                if parameter.type.get_canonical().kind == cindex.TypeKind.POINTER]
    for cursor in walk(body):
        if cursor.kind == Kind.CALL_EXPR and cursor.referenced:
            kinds = [parameter.type.spelling for parameter in cursor.referenced.get_arguments()]
            for kind, argument in zip(kinds, cursor.get_arguments()):
                start, end = argument.extent.start.offset, argument.extent.end.offset
                text = source.text[start:end]
                if kind == "void *" and re.fullmatch(r"\w+", text) and text != "NULL":
                    others = [name for name in pointers if name not in (text, "user")][:1]
                    for other in [*others, "NULL", f"&{text}"]:
                        yield "another pointer", start, end, other
                elif kind == "size_t" and re.search(r"[a-z]", text):
                    yield "too much", start, end, f"{text} + 1"
                    yield "too little", start, end, f"{text} - 1"
    start, end = body.extent.start.offset, body.extent.end.offset
    for match in re.finditer(r"(?:source\.ptr|data) = (\w+)(?=[,;])", source.text[start:end]):
        for other in ["NULL", f"(void *)&{match[1]}"]:
            yield "another pointer", start + match.start(1), start + match.end(1), other


def change_values(source, function, body):
    kind = function.result_type.get_canonical()
    for cursor in walk(body):
        children = list(cursor.get_children())
        start = cursor.extent.start.offset
        if cursor.kind == Kind.RETURN_STMT and children:
            end = source.end_of_statement(cursor)
            text = source.text[start:end].removeprefix("return ").removesuffix(";")
            if kind.kind == cindex.TypeKind.POINTER:
                values = ["NULL"]
            elif "enum" in kind.spelling:
                values = []
            else:
                values = [value for value in ("0", "1", "-1") if value != text]
            for value in values:
                yield "return another", start, end, f"return {value};"
            if "(" in text and kind.kind != cindex.TypeKind.POINTER:
                yield "ignore result", start, end, f"{{ {text}; return 0; }}"
        if cursor.kind == Kind.VAR_DECL and "[" not in cursor.type.spelling:
            match = re.match(r"[^;=]*?( = )", source.text[start:])
            end = source.end_of_statement(cursor) - 1
            if match and match.end() + start < end:
                yield "drop initialisation", start + match.start(1), end, ""
    start, end = body.extent.start.offset, body.extent.end.offset
    for match in re.finditer(r"calloc\(1, ([^)]*)\)", source.text[start:end]):
        yield "drop initialisation", start + match.start(), start + match.end(), \
            f"malloc({match[1]})"
    for match in re.finditer(r"sizeof ([\w.>-]+) / sizeof \1\[0\]", source.text[start:end]):
        yield "size for count", start + match.start(), start + match.end(), f"sizeof {match[1]}"
    for match in re.finditer(r"sizeof (\*?)(\w+)(?! /|\[)\b", source.text[start:end]):
        other = f"sizeof {match[2]}" if match[1] else "sizeof(char *)"
        yield "another size", start + match.start(), start + match.end(), other


# --- All mutants ---------------------------------------------------------------------------------------------


def edits(source, function):
    body = next(child for child in function.get_children() if child.kind == Kind.COMPOUND_STMT)
    yield from change_statements(source, body)
    yield from change_conditions(source, body)
    yield from change_tokens(source, body)
    yield from change_fields(source, body)
    yield from change_calls(source, function, body)
    yield from change_values(source, function, body)


def mutants_of(path, flags):
    """All mutants of the solution labNN-name/solution/PROGRAM.c, each once, in a fixed order."""
    source = Source(path, flags)
    lab, program = path[:5], path.rsplit("/", 1)[1].removesuffix(".c")
    seen, times, found = set(), {}, []
    for function in source.functions:
        for operator, start, end, instead in sorted(edits(source, function)):
            text = source.text[:start] + instead + source.text[end:]
            if not source.is_open(start, end) or text in seen or text == source.text:
                continue
            seen.add(text)
            mutant = Mutant(lab, program, function.spelling, source.todo_at(start), operator,
                            flat(source.text[start:end]), flat(instead),
                            source.text.count("\n", 0, start) + 1, text)
            key = (f"{lab}/{program} {function.spelling}: {operator}: "
                   f"{mutant.before} => {mutant.after}")
            times[key] = times.get(key, 0) + 1
            mutant.key = key if times[key] == 1 else f"{key} ({times[key]})"
            found.append(mutant)
    return found
