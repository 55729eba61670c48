"""Where the source writes an error or warning code, and what it says there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ima2.errors import Ima2Error, exit_code

from tables.settings import ROOT, variables

SOURCES = ("core/src", "plugins/ima2_sketch/src", "ima2_*/src")
WORD = re.compile(r"[A-Z][A-Z0-9_]+")
SHOUTED = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
VARIABLES = re.compile(r"(IMA2|OPENAI|XAI|CODEX)_.*")
_CONSUMERS = (ast.Compare, ast.Set, ast.MatchValue, ast.Subscript)
_LOOKUPS = frozenset({"getattr", "hasattr", "get", "getenv"})


@dataclass(frozen=True)
class Use:
    """A code with what stands around it; ``exit`` and ``status`` are None for a warning or when they can't be read."""

    code: str
    text: str = ""
    status: int | None = None
    exit: int | None = None
    warning: bool = False


def all_uses() -> Iterator[Use]:
    """In all sources, in order."""
    for pattern in SOURCES:
        for folder in sorted(ROOT.glob(pattern)):
            for path in sorted(folder.rglob("*.py")):
                yield from _Module(path).uses()


def _tree(base: type[Ima2Error]) -> Iterator[type[Ima2Error]]:
    yield base
    for child in base.__subclasses__():
        yield from _tree(child)


CLASSES = {each.__name__: each for each in _tree(Ima2Error)}
ENDINGS = {"UsageProblem": (400, 2), "NotListed": (404, 1)}
"""HTTP and exit status of what the command line raises with an exit status of its own."""


@dataclass(frozen=True)
class _Shape:
    """Where a call that carries a code has what: places of the code and the text among its arguments."""

    code: int = -1
    text: int = 0
    error: type[Ima2Error] | None = None
    status: int | None = None
    warning: bool = False

    @classmethod
    def of(cls, call: ast.Call) -> _Shape:
        name = _name(call.func)
        if name == "Problem":
            return cls(code=0, text=2, status=400)
        if name in {"Warning", "warn"}:
            return cls(code=0, text=1, warning=True)
        if call.args and (error := CLASSES.get(_name(call.args[0]))):
            return cls(code=1, text=2, error=error)
        return cls(error=CLASSES.get(name))

    @classmethod
    def made_by(cls, maker: ast.FunctionDef) -> _Shape:
        """A function that takes a code and a text, and returns an error."""
        names = [argument.arg for argument in maker.args.args]
        places = {name: place for place, name in enumerate(names)}
        error = CLASSES.get(_name(maker.returns)) if maker.returns else None
        return cls(code=places.get("code", -1), text=places.get("text", places.get("message", 0)), error=error)


class _Module:
    def __init__(self, path: Path) -> None:
        self.root = ast.parse(path.read_text(encoding="utf-8"), str(path))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.root) for child in ast.iter_child_nodes(node)}

    def uses(self) -> Iterator[Use]:
        for node in ast.walk(self.root):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and WORD.fullmatch(node.value):
                yield from self._uses_of(node)

    def _uses_of(self, constant: ast.Constant) -> Iterator[Use]:
        parent = self.parents[constant]
        owner = self.parents.get(parent)
        if isinstance(owner, ast.ClassDef) and "default_code" in ast.unparse(parent):
            yield self._own_code(constant.value, owner)
        elif call := self._call(constant):
            yield self._described(constant.value, call)
        elif self._may_be_code(constant, parent):
            yield Use(constant.value)

    def _may_be_code(self, constant: ast.Constant, parent: ast.AST) -> bool:
        """Whether a word in capitals could become a code at run time: none that is only compared or looked up."""
        word = constant.value
        if not SHOUTED.fullmatch(word) or VARIABLES.fullmatch(word) or word in variables():
            return False
        looked_up = isinstance(parent, ast.Call) and _name(parent.func) in _LOOKUPS
        key = isinstance(parent, ast.Dict) and constant in parent.keys
        exported = "__all__" in ast.unparse(self.parents.get(parent, parent)).partition("=")[0]
        return not (isinstance(parent, _CONSUMERS) or looked_up or key or exported)

    def _own_code(self, name: str, owner: ast.ClassDef) -> Use:
        """The code of an error class."""
        known = CLASSES[owner.name]
        return Use(name, _first_line(ast.get_docstring(owner)), known.default_status, known("", code=name).exit_code)

    def _call(self, constant: ast.Constant) -> ast.Call | None:
        """The call whose code this is: ``code=…``, or the place of a code among the arguments."""
        node: ast.AST = constant
        while isinstance(self.parents[node], ast.expr) and not isinstance(node, ast.keyword):
            parent = self.parents[node]
            if (
                isinstance(parent, ast.Call)
                and node in parent.args
                and parent.args.index(node) == self._shape(parent).code
            ):
                return parent
            node = parent
        keyword = self.parents[node]
        call = self.parents.get(keyword)
        named = isinstance(keyword, ast.keyword) and keyword.arg == "code"
        return call if named and isinstance(call, ast.Call) else None

    def _shape(self, call: ast.Call) -> _Shape:
        """Where this call has its code: a class of errors, a descriptor, or a function here that makes an error."""
        makers = (node for node in ast.walk(self.root) if isinstance(node, ast.FunctionDef))
        maker = next((node for node in makers if node.name == _name(call.func)), None)
        return _Shape.made_by(maker) if maker and maker.returns else _Shape.of(call)

    def _described(self, name: str, call: ast.Call) -> Use:
        shape, text = self._shape(call), self._text(call)
        if shape.warning:
            return Use(name, text, warning=True)
        status = next((_int(each.value) for each in call.keywords if each.arg == "status"), None) or shape.status
        if ending := ENDINGS.get(_name(call.func)):
            return Use(name, text, *ending)
        if shape.error:
            error = shape.error("", code=name, **({"status": status} if status else {}))
            return Use(name, text or _first_line(shape.error.__doc__), error.status, error.exit_code)
        return Use(name, text, status, exit_code(name, status) if status else None)

    def _text(self, call: ast.Call) -> str:
        named = next((each.value for each in call.keywords if each.arg == "message"), None)
        place = self._shape(call).text
        return self._said(named or (call.args[place] if len(call.args) > place else None))

    def _said(self, node: ast.expr | None) -> str:
        """The words of a message, with an ellipsis for each fact put in."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=parts):
                return "".join(self._said(part) or "…" for part in parts)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return f"{self._said(left) or '…'}{self._said(right) or '…'}"
            case ast.Name(id=name):
                return self._said(self._assigned(node, name))
        return ""

    def _assigned(self, user: ast.AST, name: str) -> ast.expr | None:
        """What a local variable was given last before it was used."""
        scope = user
        while not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            scope = self.parents[scope]
        given = [
            node.value
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name and node.lineno <= user.lineno
        ]
        return given[-1] if given else None


def _first_line(docstring: str | None) -> str:
    """In Markdown."""
    return (docstring or "").partition("\n")[0].replace("``", "`")


def _name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _int(node: ast.expr) -> int | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None
