"""Breaks one thing at a time in the modules that keep money and PIN safe, card's and terminal's, and counts what the tests notice.

Run: python tools/mutants.py [MODULE …] [--processes N] [--list]
Prints the survivors and the score; exit code 1 below 90 %, 2 where the tests fail without a mutant. A mutant that no
test reaches has survived.

Not mutmut: it leaves out decorated functions, the methods of decorated classes and module constants, which here are the
transaction, the whole image layout and every key number; and it loses applets/, which bears another name when imported.
Each mutant lives in a forked child only: an import hook hands out the changed module, no file is touched.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
LOWEST_SCORE = 0.90
PATIENCE_S = 600
"""A mutant that runs longer loops for ever, which is noticed too."""
CARD, ACCOUNT = "src/sscard_terminal/card", "applets/medical_account"
TERMINAL = "src/sscard_terminal/terminal"
TORTURE = [
    f"tests/torture/test_enumeration.py::test_no_fault_and_no_second_fault_breaks_the_law[{name}]"
    for name in ("VERIFY wrong", "two commits", "DEBIT", "CREDIT", "RELOAD")
]
"""Run last, for what the quick tests have not noticed."""
TRACE = ["tests/applets/test_specification_trace.py"]
SALE = [
    f"tests/terminal/test_{name}.py"
    for name in ("debit", "debit_faults", "sale_rules", "clock", "settling_refused_cards", "hostile_card")
]
SALE_TORTURE = ["tests/torture/terminal/test_enumeration.py"]
JOURNAL = [
    f"tests/terminal/test_{name}.py"
    for name in ("journal", "journal_file", "journal_damage", "requests", "day")
]
TESTS = {
    "memory": ["tests/card/test_memory.py"],
    "image": ["tests/card/test_image.py", "tests/card/test_nvm.py", *TORTURE],
    "nvm": ["tests/card/test_nvm.py", *TORTURE],
    "retry_counter": ["tests/card/test_retry_counter.py", "tests/applets/test_pin.py", *TORTURE],
    "account": ["tests/applets/test_medical_account.py", *TRACE, *TORTURE],
    "sale": [*SALE, *SALE_TORTURE],
    "recovery": ["tests/terminal/test_recovery.py", *SALE, *SALE_TORTURE],
    "journal": [*JOURNAL, *SALE],
}


@dataclass(frozen=True, slots=True)
class Target:
    """One module: its file, its name when imported, and its tests."""

    path: str
    tests: Sequence[str]

    @property
    def name(self) -> str:
        return (
            self.path.removeprefix("src/")
            .removesuffix(".py")
            .replace("applets/", "sscard_applets/")
            .replace("/", ".")
        )

    @property
    def source(self) -> str:
        return (ROOT / self.path).read_text("utf-8")


TARGETS = (
    *(Target(f"{CARD}/{name}.py", TESTS[name]) for name in ("memory", "image", "nvm", "retry_counter")),
    *(
        Target(f"{ACCOUNT}/{name}.py", TESTS["account"])
        for name in ("account", "applet", "enquiries", "transactions")
    ),
    *(Target(f"{TERMINAL}/{name}.py", TESTS["sale"]) for name in ("attempt", "debit")),
    *(Target(f"{TERMINAL}/{name}.py", TESTS["recovery"]) for name in ("evidence", "recovery")),
    *(
        Target(f"{TERMINAL}/{name}.py", TESTS["journal"])
        for name in ("journal", "journal_store", "journal_rows", "journal_events", "journal_file")
    ),
)


# -- what can be broken

SWAPPED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt), ast.And: (ast.Or,), ast.Or: (ast.And,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.FloorDiv,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,), ast.BitOr: (ast.BitAnd,),
    ast.BitAnd: (ast.BitOr,), ast.BitXor: (ast.BitOr,),
}  # fmt: skip


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """Every way to break this one node."""
    match node:
        case ast.Compare(ops=operators):
            for place, operator in enumerate(operators):
                for other in SWAPPED[type(operator)]:
                    yield _with(node, ops=[*operators[:place], other(), *operators[place + 1 :]])
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign():
            for other in SWAPPED.get(type(node.op), ()):
                yield _with(node, op=other())
            if isinstance(node, ast.AugAssign):
                yield ast.Pass()
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node.operand
        case ast.Constant(value=value):
            yield from (_with(node, value=other) for other in _other_values(value))
        case ast.If() | ast.While() | ast.IfExp():
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield _with(node, value=ast.Constant(None))
        case (
            ast.Raise() | ast.Expr(value=ast.Call()) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()])
        ):
            yield ast.Pass()
        case ast.comprehension(ifs=[_, *_]):
            yield _with(node, ifs=[])


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _other_values(value: object) -> Iterator[object]:
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
            yield value - 1
        case str():
            yield f"{value}X"
        case bytes():
            yield value + b"X"


# -- where it can be broken


def places(tree: ast.Module) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every (parent, field, place in it, node) that runs: no annotations, decorators, docstrings or imports."""
    pending: list[ast.AST] = [tree]
    while pending:
        parent = pending.pop(0)
        for field, value in ast.iter_fields(parent):
            if field in ("annotation", "returns", "decorator_list", "type_params", "ctx") or _is_text_only(
                parent
            ):
                continue
            for place, node in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(node, ast.AST) and not _is_left_alone(node):
                    yield parent, field, place if isinstance(value, list) else None, node
                    pending.append(node)


def _is_text_only(node: ast.AST) -> bool:
    """A docstring, a comment in quotes, or a slot in an f-string's format."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.alias) or _is_text_only(node):
        return True
    if isinstance(node, ast.ClassDef) and any(
        isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases
    ):
        return True
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One module with one thing broken."""

    target: Target
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.target.path}:{self.line}: {self.before}  →  {self.after}"


def mutants_of(target: Target) -> Iterator[Mutant]:
    """All mutants of a module, each as the source of the whole module."""
    tree = ast.parse(target.source)
    for parent, field, place, node in list(places(tree)):
        for other in replacements(node):
            before, after = _text(node), _text(other)
            _put(parent, field, place, other)
            source = ast.unparse(ast.fix_missing_locations(tree))
            _put(parent, field, place, node)
            yield Mutant(target, getattr(node, "lineno", getattr(parent, "lineno", 0)), before, after, source)


def _put(parent: ast.AST, field: str, place: int | None, node: ast.AST) -> None:
    if place is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[place] = node


def _text(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]


# -- running the tests on one


class OneChangedModule(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Hands out the mutant when its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._mutant.target.name:
            return None
        origin = str(ROOT / self._mutant.target.path)
        return importlib.util.spec_from_file_location(fullname, origin, loader=self)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self._mutant.source, self._mutant.target.path, "exec", dont_inherit=True)
        exec(code, module.__dict__)


def run_tests(mutant: Mutant) -> int:
    """In a child of its own: 0 when no test noticed anything."""
    sys.meta_path.insert(0, OneChangedModule(mutant))
    with open(os.environ.get("MUTANT_LOG", os.devnull), "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    import pytest

    options = [
        "-x",
        "-q",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:timeout",
        "-o",
        "addopts=",
        "-o",
        "filterwarnings=",
    ]
    return int(pytest.main([*options, "--import-mode=importlib", *mutant.target.tests]))


def verdict(mutant: Mutant) -> str:
    """ "killed", "timed out" or "survived"."""
    child = os.fork()
    if not child:
        code = 1
        try:
            code = run_tests(mutant)
        finally:
            if sys.exception():
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(1 if code else 0)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "killed" if status else "survived"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timed out"


def warm_up() -> None:
    """Import once what every child needs and no mutant changes."""
    for name in (
        "pytest",
        "hypothesis.stateful",
        "_pytest.assertion.rewrite",
        "sscard_terminal.cardspec.profile_text",
    ):
        importlib.import_module(name)


def report(mutants: Sequence[Mutant], verdicts: Sequence[str]) -> float:
    print("| Module | mutants | killed | survived | score |\n|---|---:|---:|---:|---:|")
    counts: dict[str, Counter[str]] = {}
    for mutant, said in zip(mutants, verdicts, strict=True):
        counts.setdefault(mutant.target.path, Counter())[said] += 1
    for path, said in counts.items():
        print(_row(path, said))
    whole = sum(counts.values(), Counter())
    print(_row("**all**", whole))
    return 1 - whole["survived"] / whole.total()


def _row(name: str, said: Counter[str]) -> str:
    killed = said.total() - said["survived"]
    return f"| {name} | {said.total()} | {killed} | {said['survived']} | {killed / said.total():.1%} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="Count the mutants that the tests notice.")
    parser.add_argument("modules", nargs="*", help="parts of paths; all without any")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    options = parser.parse_args()
    os.chdir(ROOT)

    def is_wanted(target: Target) -> bool:
        return not options.modules or any(part in target.path for part in options.modules)

    mutants = [mutant for target in TARGETS if is_wanted(target) for mutant in mutants_of(target)]
    if options.list:
        print(*mutants, sep="\n")
        return 0
    warm_up()
    began = time.monotonic()
    for target in {mutant.target.path: mutant.target for mutant in mutants}.values():
        if verdict(Mutant(target, 0, "", "", target.source)) != "survived":
            print(f"the tests of {target.path} fail without any mutant: {' '.join(target.tests)}")
            return 2
    with get_context("fork").Pool(options.processes) as pool:
        verdicts = pool.map(verdict, mutants, chunksize=1)
    for mutant, said in zip(mutants, verdicts, strict=True):
        if said == "survived":
            print(f"survived: {mutant}")
    score = report(mutants, verdicts)
    print(f"\n{len(mutants)} mutants in {time.monotonic() - began:.0f} s; score {score:.1%}")
    return 0 if score >= LOWEST_SCORE else 1


if __name__ == "__main__":
    sys.exit(main())
