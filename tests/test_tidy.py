"""Style as a test: what the house rules say and a machine can see. A repeated review remark becomes a rule here or is dropped.

Reads the files that git knows; each rule collects all violations as `path:line: what`, so that one run shows them all.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60

# The top level is the table of contents: what isn't in it goes into one of the folders.
TOP_LEVEL = {"pyproject.toml", "streams", "config", "tests", "deploy", "README.md", "Makefile", "LICENSE"}

# Names that say nothing about what is inside.
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "shared", "tools"}

# One word per stage: these are the second words that creep in. ('ingest' is none for 'intake': it is the service before it.)
STAGES = ("intake", "journey", "agents", "merge", "detect", "publish")
SECOND_WORDS = re.compile(r"aggregat|merger|reducer|detector|detection|anomal|exporter")

# What a module may call when it is imported: it makes constants and types, and opens nothing.
# (Names with a capital are types and always allowed.)
IMPORT_TIME_CALLS = {
    "array", "bytes", "chr", "compile", "datetime", "dict", "dtype", "encode", "enumerate", "exp", "field", "float",
    "frozenset", "getLogger", "get_args", "index", "int", "items", "join", "len", "list", "log", "max", "methodcaller", "min",
    "namedtuple", "ord", "partial", "range", "round", "set", "sorted", "split", "sqrt", "str", "sum", "timedelta",
    "tuple", "zip",
}  # fmt: skip

# The only functions in tests that may wait by sleeping, for a condition, with a deadline; a block under asyncio.timeout may, too.
WAIT_HELPERS = {"eventually"}

# Put together at run time, so that this file doesn't contain what it forbids.
MACHINE_PATH = re.compile("|".join(("/wo" + "rk/", "/ho" + r"me/(?!streams\b)\w", "/Us" + "ers/", "/ro" + "ot/")))
REGISTRY = re.compile(
    "|".join(("index" + "-url", "extra-" + "index", "find" + "-links", "arti" + "factory", "sona" + "type", "_auth" + "[tT]oken"))
)
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
EXCUSE = re.compile(r"#\s*(type:\s*ignore|noqa)(?P<code>\[[\w, -]+\]|:\s*[A-Z]+[0-9]+(?:[ ,]+[A-Z]+[0-9]+)*)?(?P<reason>.*)")


@cache
def committed() -> tuple[Path, ...]:
    """The files that git knows and that are there, relative to the root."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file())


def python_files(*tops: str) -> Iterator[tuple[Path, str, ast.Module]]:
    for path in committed():
        if path.suffix == ".py" and (not tops or path.parts[0] in tops):
            text = (ROOT / path).read_text()
            yield path, text, ast.parse(text)


def text_files() -> Iterator[tuple[Path, str]]:
    for path in committed():
        data = (ROOT / path).read_bytes()
        if b"\0" not in data:
            yield path, data.decode()


def comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def nothing(found: list[str]) -> None:
    """Fails with one violation per line."""
    assert not found, "\n" + "\n".join(found)


def walk_run(node: ast.AST) -> Iterator[ast.AST]:
    """Like ast.walk, without what is only run later."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Lambda):
            yield from walk_run(child)


def called_name(call: ast.Call) -> str:
    """The last word of what is called: re.compile(…) → 'compile'."""
    return getattr(call.func, "attr", getattr(call.func, "id", ast.unparse(call.func)))


def test_the_top_level_is_short() -> None:
    assert {path.parts[0] for path in committed() if not path.parts[0].startswith(".")} - TOP_LEVEL == set()


def test_no_module_is_longer_than_300_lines() -> None:
    assert [
        f"{path}: {len(text.splitlines())} lines" for path, text, _ in python_files() if len(text.splitlines()) > MODULE_LINES_MAX
    ] == []


def test_no_function_is_longer_than_60_lines() -> None:
    found = [
        f"{path}:{node.lineno}: {node.name} has {lines} lines"
        for path, _, tree in python_files()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    nothing(found)


def test_every_module_says_what_it_owns() -> None:
    found = [str(path) for path, text, tree in python_files() if text.strip() and not ast.get_docstring(tree)]
    nothing(found)


def test_no_module_has_a_name_that_says_nothing() -> None:
    nothing([str(path) for path in committed() if EMPTY_NAMES & set(re.split(r"[._]", path.name))])


def test_there_is_one_word_per_stage() -> None:
    names = [path for path, _, _ in python_files("streams", "tests") if SECOND_WORDS.search(path.stem)]
    sections = set(re.findall(r"^\[(\w+)\]", (ROOT / "config" / "default.toml").read_text(), re.MULTILINE))

    nothing([str(path) for path in names])
    assert set(STAGES) <= sections


def test_every_excuse_names_its_code_and_its_reason() -> None:
    found = [
        f"{path}:{line}: {comment}"
        for path, text, _ in python_files()
        for line, comment in comments(text)
        if (excuse := EXCUSE.search(comment)) and not (excuse["code"] and re.search(r"\w{3}", excuse["reason"]))
    ]
    nothing(found)


def test_no_test_sleeps_outside_a_wait_helper() -> None:
    def is_test(path: Path) -> bool:  # what tests start as a process of its own may well be slow
        return path.name.startswith("test_") or path.name == "conftest.py"

    def sleeps(node: ast.AST, waits: bool) -> Iterator[int]:
        for child in ast.iter_child_nodes(node):
            inside = waits
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = child.name in WAIT_HELPERS
            elif isinstance(child, ast.AsyncWith):
                inside = waits or any("asyncio.timeout(" in ast.unparse(item) for item in child.items)
            if isinstance(child, ast.Call) and called_name(child) == "sleep" and not waits:
                yield child.lineno
            yield from sleeps(child, inside)

    nothing([f"{path}:{line}" for path, _, tree in python_files("tests") if is_test(path) for line in sleeps(tree, False)])


def test_exceptions_are_caught_by_name() -> None:
    def catches_all(handler: ast.ExceptHandler) -> bool:
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        passed_on = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
        return not passed_on and any(kind is None or getattr(kind, "id", "") in {"Exception", "BaseException"} for kind in caught)

    found = [
        f"{path}:{node.lineno}"
        for path, text, tree in python_files()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and catches_all(node)
        # To hand an exception over to another thread is to pass it on; who does so says it.
        and "noqa: BLE001" not in text.splitlines()[node.lineno - 1]
    ]
    nothing(found)


def test_importing_a_module_opens_nothing() -> None:
    def calls(body: list[ast.stmt]) -> Iterator[ast.Call]:
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom):
                continue
            if isinstance(statement, ast.ClassDef):
                yield from calls(statement.body)
            elif not (isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)):
                yield from (node for node in walk_run(statement) if isinstance(node, ast.Call))

    def may_run(path: Path, tree: ast.Module, name: str) -> bool:
        # Core is pure (import-linter holds it), so its own functions may build its tables.
        own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} if path.parts[1] == "core" else set()
        return name in IMPORT_TIME_CALLS | own or name.lstrip("_")[:1].isupper()

    found = [
        f"{path}:{call.lineno}: {called_name(call)}()"
        for path, _, tree in python_files("streams")
        for call in calls(tree.body)
        if not may_run(path, tree, called_name(call))
    ]
    nothing(found)


def test_nothing_is_left_unfinished() -> None:
    def is_empty(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        body = [
            node
            for node in function.body
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is not ...)
        ]
        return all(
            ast.unparse(node).startswith("raise NotImplementedError") or ast.unparse(node) == "..." for node in body[:1]
        ) and bool(body)

    marks = [
        f"{path}:{number}: {line.strip()}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    empty = [
        f"{path}:{function.lineno}: {function.name} does nothing"
        for path, _, tree in python_files()
        for owner in ast.walk(tree)
        if isinstance(owner, ast.Module | ast.ClassDef)
        and not any("Protocol" in ast.unparse(base) for base in getattr(owner, "bases", []))
        for function in owner.body
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and is_empty(function)
    ]
    nothing(marks + empty)


@pytest.mark.parametrize(("what", "pattern"), [("a path of one machine", MACHINE_PATH), ("a package registry", REGISTRY)])
def test_no_file_says_where_it_was_made(what: str, pattern: re.Pattern[str]) -> None:
    found = [
        f"{path}:{number}: {what}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    nothing(found)


def test_every_default_has_a_comment() -> None:
    found, section = [], ""
    for number, line in enumerate((ROOT / "config" / "default.toml").read_text().splitlines(), 1):
        if header := re.match(r"\[([\w.]+)\]", line):
            section = header[1]
        elif re.match(r"\w+ = ", line) and "#" not in line and not section.startswith("bands."):  # the comment above all bands
            found.append(f"config/default.toml:{number}: {line}")
    nothing(found)
