"""Imports run one way: each room imports only from rooms on lower floors, and no two rooms import each other."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]

# From the ground up; rooms of one floor do not know each other.
FLOORS = (
    ("light_curve_util.array_types", "light_curve_util.constants"),
    ("light_curve_util.third_party",),
    ("light_curve_util",),
    ("astronet.base.version",),
    ("astronet",),
    ("astronet.base",),
    ("astronet.config", "astronet.stats"),
    ("astronet.data.records.columns",),  # names alone: what tables and records call their columns
    ("astronet.data.catalog",),
    ("astronet.data.records", "astronet.data.simulation"),
    ("astronet.inference",),
    ("astronet.ops",),
    ("astronet.astro_model",),
    ("astronet.astro_fc_model", "astronet.astro_cnn_model"),
    ("astronet.models",),
    ("astronet.estimator",),
    ("astronet.figures",),
    ("astronet.evaluation",),
    ("astronet.flares", "astronet.direct_imaging"),
    ("astronet.api", "astronet.pipeline"),
    ("astronet.completeness",),
    ("astronet.review",),
    ("scripts",),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def modules():
    for top in ("light_curve_util", "third_party", "astronet"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if "light_curve_util/third_party" in path.as_posix():  # the link to third_party/, where a Python follows it
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield path, f"light_curve_util.{name}" if top == "third_party" else name


# Files that name modules of higher rooms as text, to import them only when they are asked for.
LAZY = {
    "astronet/__init__.py": "the public face",
    "astronet/config/registry.py": "the models by name",
    "astronet/figures/tce.py": "what draws inputs that are no views of a TCE",
}


def room_of(module):
    """The room that a module is in; a script is in the top one."""
    room = next((room for room in sorted(FLOOR_OF, key=len, reverse=True) if f"{module}.".startswith(f"{room}.")), "")
    return "scripts" if room == "astronet" and module != "astronet" else room


def imported(path, known):
    tree = ast.parse(path.read_text())
    if path == ROOT / "astronet" / "__init__.py":  # the public face names the types of what it imports when it is used
        tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node))]
    is_lazy = path.relative_to(ROOT).as_posix() in LAZY
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and not is_lazy:  # the name of a module as text
            names = [node.value] if isinstance(node.value, str) and node.value in known else []
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            while name and name not in known:
                name = name.rpartition(".")[0]
            if name:
                yield name, node.lineno


def arrows():
    known = {module for _, module in modules()}
    for path, module in modules():
        for name, line in imported(path, known):
            yield f"{path.relative_to(ROOT)}:{line}", room_of(module), name, room_of(name)


def test_no_import_runs_upward():
    wrong = [
        f"{place} ({room}) imports {name} ({other})"
        for place, room, name, other in arrows()
        if room != other and FLOOR_OF[other] >= FLOOR_OF[room]
    ]
    assert not wrong, "\n".join(wrong)


def test_what_stands_in_no_room_is_a_script_and_no_one_imports_it():
    """A library module among scripts (astronet/, astronet/data/) would count as a script and could import anything."""
    scripts = {
        module: path for path, module in modules() if room_of(module) == "scripts" and path.name != "__init__.py"
    }
    no_main = [str(path) for path in scripts.values() if "def main(" not in path.read_text()]
    assert not no_main, f"no script: {', '.join(no_main)}; it goes into a room, or FLOORS gets one"
    imports = [f"{place} imports {name}" for place, _, name, _ in arrows() if name in scripts]
    assert not imports, "\n".join(imports)
