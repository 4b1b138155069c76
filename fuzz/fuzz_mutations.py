"""Mutations for fuzz.py: of the bytes of a file, the words of a text, the nodes of a tree of JSON.

Each function takes a numpy.random.Generator and a value, and returns the changed value.
"""

import copy

import numpy as np

_NUMBERS = (0, 1, 2, 3, 127, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1)
HOSTILE_TEXTS = (
    *("", " ", "nan", "NaN", "inf", "-inf", "Infinity", "1e400", "-1e400", "1e308", "-1", "0", "-0", "1e-320", "2.5"),
    *(
        "1_000",
        "0x10",
        "1e30",
        "9223372036854775808",
        "99999999999999999999999",
        "½",
        "١٢",
        "\u200b1",
        "\x00",
        "1\x002",
    ),
    *("../../../../etc/passwd", "/etc/passwd", "$HOME", "$\\frac{", "%s%n", "{0}", "=1+1", "`id`", "__import__('os')"),
    *('"', '""', "'", ",", ",,,,", "#", "\t", "\r", "\n", "\ufeff", "é", "x" * 200_000),
)


def mutated_bytes(rng, content):
    """Makes one to three changes to the bytes of a file: bits, blocks, numbers, its length."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        change = _BYTE_CHANGES[rng.integers(len(_BYTE_CHANGES))]
        change(rng, content)
    return bytes(content)


def _flip_bits(rng, content):
    for place in rng.integers(0, max(len(content), 1), rng.integers(1, 9)):
        content[place : place + 1] = bytes(value ^ (1 << int(rng.integers(8))) for value in content[place : place + 1])


def _block(rng, content):
    start = int(rng.integers(0, len(content) + 1))
    return slice(start, start + int(2 ** rng.uniform(0, 10)))


def _overwrite(rng, content):
    block = _block(rng, content)
    size = len(content[block])
    content[block] = [bytes(size), b"\xff" * size, rng.bytes(size)][rng.integers(3)]


def _set_number(rng, content):
    place, size = int(rng.integers(0, len(content) + 1)), int(rng.choice([1, 2, 4, 8]))
    number = int(_NUMBERS[rng.integers(len(_NUMBERS))]) % (1 << 8 * size)
    content[place : place + size] = number.to_bytes(size, ["little", "big"][rng.integers(2)])[: len(content) - place]


def _truncate(rng, content):
    del content[int(rng.integers(0, len(content) + 1)) :]


def _delete(rng, content):
    del content[_block(rng, content)]


def _splice(rng, content):
    piece = content[_block(rng, content)]
    place = int(rng.integers(0, len(content) + 1))
    content[place : place + (len(piece) if rng.integers(2) else 0)] = piece


def _append(rng, content):
    content += rng.bytes(int(2 ** rng.uniform(0, 12)))


_BYTE_CHANGES = (_flip_bits, _flip_bits, _overwrite, _set_number, _set_number, _truncate, _delete, _splice, _append)


def mutated_table(rng, text, separator):
    """Makes one to three changes to the cells, columns and lines of a table."""
    rows = [line.split(separator) for line in text.split("\n")]
    for _ in range(rng.integers(1, 4)):
        row = rows[rng.integers(len(rows))]
        if rng.integers(4) or not row:
            cells = row or [""]
            cells[rng.integers(len(cells))] = hostile_text(rng)
            continue
        change = rng.integers(6)
        if change == 0:
            del row[rng.integers(len(row))]
        elif change == 1:
            row.append(hostile_text(rng))
        elif change == 2:
            rows.insert(rng.integers(len(rows) + 1), list(row))
        elif change == 3 and len(rows) > 1:
            rows.remove(row)
        elif change == 4:
            column = rng.integers(len(row))
            rows = [[cell for i, cell in enumerate(cells) if i != column] for cells in rows]
        else:
            rng.shuffle(row)
    return ["\n", "\r\n", "\r"][rng.integers(3)].join(map(separator.join, rows))


def hostile_text(rng):
    return HOSTILE_TEXTS[rng.integers(len(HOSTILE_TEXTS))]


def mutated_tree(rng, tree):
    """Makes one to three changes to the nodes of a tree of dictionaries and lists."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.integers(1, 4)):
        parents = [node for node in _nodes(tree) if isinstance(node, (dict, list)) and node]
        if not parents:
            return _hostile_value(rng)
        parent = parents[rng.integers(len(parents))]
        keys = list(parent) if isinstance(parent, dict) else range(len(parent))
        key = keys[rng.integers(len(keys))]
        change = rng.integers(8)
        if change == 0:
            del parent[key]
        elif change == 1 and isinstance(parent, dict):
            parent[hostile_text(rng)] = _hostile_value(rng)
        elif change == 2:
            nodes = list(_nodes(tree))
            parent[key] = copy.deepcopy(nodes[rng.integers(len(nodes))])
        else:
            parent[key] = _hostile_value(rng)
    return tree


def _nodes(tree):
    yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(child)


def _hostile_value(rng):
    values = (None, True, False, 0, -1, 1, 2.5, 1e308, 1e-320, 10**6, 10**9, 2**63, 10**400, [], {}, [[]], {"": None})
    values += (float("nan"), float("inf"), hostile_text(rng), [0] * 1000, {str(i): i for i in range(100)})
    return copy.deepcopy(values[rng.integers(len(values))])


def hostile_floats(rng, size):
    """Returns floats, some of which no measurement can give."""
    values = rng.normal(size=size)
    odd = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.0, 1e30, -1e4, 1e5])
    where = rng.random(size) < rng.choice([0.02, 0.5, 1.0])
    values[where] = rng.choice(odd, int(where.sum()))
    return values
