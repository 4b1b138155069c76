"""Everything public is annotated, so that editors and mypy know what a call takes and returns."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def not_annotated(node, in_class=False):
    """Yields (line, name) of public functions and methods that lack the annotation of an argument or of the result."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from not_annotated(child, in_class=True)
        if not isinstance(child, ast.FunctionDef) or (child.name.startswith("_") and child.name != "__init__"):
            continue
        arguments = [*child.args.posonlyargs, *child.args.args, *child.args.kwonlyargs]
        if in_class and not any(ast.unparse(decorator) == "staticmethod" for decorator in child.decorator_list):
            arguments = arguments[1:]
        if any(argument.annotation is None for argument in arguments) or child.returns is None:
            yield child.lineno, child.name


def test_everything_public_is_annotated():
    files = [path for top in ("astronet", "light_curve_util") for path in sorted((ROOT / top).rglob("*.py"))]
    lacking = [
        f"{path.relative_to(ROOT)}:{line}: {name}()"
        for path in files
        if "third_party" not in path.as_posix()
        for line, name in not_annotated(ast.parse(path.read_text()))
    ]
    assert not lacking, "\n".join(lacking)
