"""What a class of the async core offers in public, read from its source: methods, signatures, the imports they need."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Method", "Source", "read_class"]

_REFUSED: Final = frozenset({"classmethod", "staticmethod", "overload"})


@dataclass(frozen=True)
class Method:
    """One public method or property, as its source has it."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    module: Module
    is_property: bool

    @property
    def is_async(self) -> bool:
        """Whether it has to be awaited."""
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def doc(self) -> str | None:
        """Docstring without its indentation."""
        return ast.get_docstring(self.node)

    @property
    def returns(self) -> str:
        """What it returns, as text."""
        if self.node.returns is None:
            raise TypeError(f"{self.module.name}: {self.name} does not say what it returns")
        return ast.unparse(self.node.returns)

    def signature(self, *, with_self: bool) -> str:
        """The parameters as text, annotations and defaults as they are written."""
        arguments = self.node.args
        if not with_self:
            arguments = _without_self(arguments)
        return ast.unparse(arguments)

    def arguments(self) -> str:
        """The parameters handed on in a call."""
        spec = _without_self(self.node.args)
        words = [argument.arg for argument in (*spec.posonlyargs, *spec.args)]
        if spec.vararg is not None:
            words.append(f"*{spec.vararg.arg}")
        words += [f"{argument.arg}={argument.arg}" for argument in spec.kwonlyargs]
        if spec.kwarg is not None:
            words.append(f"**{spec.kwarg.arg}")
        return ", ".join(words)

    def names(self) -> set[str]:
        """Names that its signature refers to."""
        spec = self.node.args
        parts: list[ast.expr | None] = [self.node.returns, *spec.defaults, *spec.kw_defaults]
        everyone = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
        parts += [argument.annotation for argument in everyone if argument is not None]
        return set(_names(part for part in parts if part is not None))


@dataclass
class Module:
    """One source file: its classes, and where each of its names comes from."""

    name: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)  # name: import statement
    for_types: set[str] = field(default_factory=set)  # names imported under TYPE_CHECKING only

    def __post_init__(self) -> None:
        """Collect the imports and the module's own names."""
        for node in self.tree.body:
            if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
                for inner in node.body:
                    self.for_types |= set(self._collect(inner))
            else:
                list(self._collect(node))

    def _collect(self, node: ast.stmt) -> Iterator[str]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                self.imports[name] = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
                yield name
        elif isinstance(node, ast.ImportFrom):
            origin = self._absolute(node)
            for alias in node.names:
                name = alias.asname or alias.name
                self.imports[name] = f"from {origin} import {alias.name}" + (f" as {name}" if alias.asname else "")
                yield name
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            self._own(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    self._own(target.id)

    def _own(self, name: str) -> None:
        self.imports[name] = f"from {self.name} import {name}"

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")[: -node.level]
        return ".".join([*package, *([node.module] if node.module else [])])

    def class_named(self, name: str) -> ast.ClassDef | None:
        """The class of that name which this file defines."""
        found = [node for node in self.tree.body if isinstance(node, ast.ClassDef) and node.name == name]
        return found[0] if found else None


@dataclass
class Source:
    """The public methods of a class and of its bases within the package, in order of resolution and definition."""

    methods: list[Method]
    files: Files

    def imports_for(self, methods: Iterable[Method]) -> tuple[str, str]:
        """Import statements for the names in the methods' signatures: plain ones, and those for type checkers only."""
        plain: dict[str, str] = {}
        types: dict[str, str] = {}
        for method in methods:
            for name in sorted(method.names()):
                statement = method.module.imports.get(name)
                if statement is None:
                    if hasattr(builtins, name):
                        continue
                    raise NameError(f"{method.module.name}: {method.name} refers to {name}, which is nowhere imported")
                statement = self.files.origin(statement)
                home = types if name in method.module.for_types else plain
                if home.setdefault(name, statement) != statement:
                    raise NameError(f"{name} means two things: {home[name]!r} and {statement!r}")
        for name in types.keys() & plain.keys():
            del types[name]
        checked = ["", "from typing import TYPE_CHECKING", "", "if TYPE_CHECKING:"] if types else []
        checked += [f"    {statement}" for statement in sorted(set(types.values()))]
        return "\n".join(sorted(set(plain.values()))), "\n".join([*checked, ""])


class Files:
    """The source files of one package, each read once."""

    def __init__(self, root: Path, package: str) -> None:
        self.package = package
        self._root = root
        self._read: dict[str, Module] = {}

    def module(self, name: str) -> Module:
        """The file of a module."""
        if name not in self._read:
            path = self._root.joinpath(*name.split("."))
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            self._read[name] = Module(name, ast.parse(file.read_text(encoding="utf-8"), str(file)))
        return self._read[name]

    def origin(self, statement: str) -> str:
        """An import statement that names the module where the thing is defined, not one that only passes it on."""
        words = statement.split()
        if len(words) != 4 or words[0] != "from" or words[1].partition(".")[0] != self.package:
            return statement
        try:
            passed_on = self.module(words[1]).imports.get(words[3], statement)
        except FileNotFoundError:
            return statement
        return statement if passed_on == statement or " as " in passed_on else self.origin(passed_on)

    def home(self, statement: str) -> str:
        """The module that an import statement names, in the end, as the place where the thing is defined."""
        return self.origin(statement).split()[1]


def read_class(root: Path, module: str, name: str) -> Source:
    """Read ``name`` from ``module`` below ``root``; nothing is imported or run."""
    files = Files(root, module.partition(".")[0])
    methods: dict[str, Method] = {}
    for home, node in _resolution_order(files, module, name):
        for item in node.body:
            if not isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if item.name == "__init__":
                found = list(_attributes(home, item))
            elif item.name.startswith("_"):
                continue
            else:
                found = _methods(home, item)
            for method in found:
                methods.setdefault(method.name, method)
    return Source(list(methods.values()), files)


def _attributes(home: Module, init: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Method]:
    """What the constructor stores under a public name, as read-only properties."""
    spec = init.args
    types = {argument.arg: argument.annotation for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)}
    for statement in init.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, kind = statement.targets[0], None
            if isinstance(statement.value, ast.Name):
                kind = types.get(statement.value.id)
        elif isinstance(statement, ast.AnnAssign):
            target, kind = statement.target, statement.annotation
        else:
            continue
        if not isinstance(target, ast.Attribute) or ast.unparse(target.value) != "self" or target.attr.startswith("_"):
            continue
        if kind is None:
            raise TypeError(f"{home.name}: __init__ stores {target.attr} without saying its type")
        source = f'def {target.attr}(self) -> {ast.unparse(kind)}:\n    """The session\'s ``{target.attr}``."""'
        node = ast.parse(source).body[0]
        assert isinstance(node, ast.FunctionDef)
        yield Method(target.attr, node, home, is_property=True)


def _methods(home: Module, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[Method]:
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    if any(decorator.endswith((".setter", ".deleter")) for decorator in decorators):
        return []
    if decorators & _REFUSED:
        raise TypeError(f"{home.name}: {node.name} has a decorator that has no blocking twin")
    is_property = bool(decorators & {"property", "cached_property", "functools.cached_property"})
    own = [inner for statement in node.body for inner in _own_nodes(statement)]
    if isinstance(node, ast.AsyncFunctionDef) and any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in own):
        raise TypeError(f"{home.name}: {node.name} is an async generator, which has no blocking twin")
    return [Method(node.name, node, home, is_property)]


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what it holds, functions inside it left out."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return
    yield node
    for inner in ast.iter_child_nodes(node):
        yield from _own_nodes(inner)


def _resolution_order(files: Files, module: str, name: str) -> list[tuple[Module, ast.ClassDef]]:
    """The class and its bases within the package, as Python would look them up (C3)."""
    home = files.module(module)
    node = home.class_named(name)
    if node is None:
        raise LookupError(f"{module} defines no class {name}")
    lines: list[list[tuple[Module, ast.ClassDef]]] = []
    direct: list[tuple[Module, ast.ClassDef]] = []
    for base in node.bases:
        found = _find(base, home, files.package)
        if found is not None:
            line = _resolution_order(files, *found)
            lines.append(line)
            direct.append(line[0])
    return [(home, node), *_merge([*lines, direct])]


def _find(base: ast.expr, home: Module, package: str) -> tuple[str, str] | None:
    """Module and name of a base class of this package; None for any other."""
    name = ast.unparse(base.value if isinstance(base, ast.Subscript) else base)
    if home.class_named(name) is not None:
        return home.name, name
    words = home.imports.get(name, "").split()
    if len(words) < 4 or words[0] != "from" or words[1].partition(".")[0] != package:
        return None
    return words[1], words[3]


def _merge(lines: list[list[tuple[Module, ast.ClassDef]]]) -> list[tuple[Module, ast.ClassDef]]:
    merged: list[tuple[Module, ast.ClassDef]] = []
    lines = [line for line in lines if line]
    while lines:
        for line in lines:
            head = line[0]
            if not any(head[1] is other[1] for rest in lines for other in rest[1:]):
                break
        else:
            raise TypeError("the bases have no consistent order")
        merged.append(head)
        lines = [rest for line in lines if (rest := [item for item in line if item[1] is not head[1]])]
    return merged


def _without_self(arguments: ast.arguments) -> ast.arguments:
    rest = ast.arguments(**{name: getattr(arguments, name) for name in arguments._fields})
    if rest.posonlyargs:
        rest.posonlyargs = rest.posonlyargs[1:]
    else:
        rest.args = rest.args[1:]
    return rest


def _names(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                yield inner.id
