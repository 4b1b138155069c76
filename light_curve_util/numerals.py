"""Numbers in text files."""


def parse_float(text: str) -> float:
    """The number that a text stands for; NaN and infinity are numbers.

    Python's float() also takes underscores between digits, for which no file has a use: there, one is damage.

    Raises:
      ValueError: it stands for none.
    """
    if "_" in text:
        raise ValueError(f"could not convert string to float: {text!r}")
    return float(text)


def numbered(count: int, noun: str) -> str:
    """A number and its noun, in the plural where the number asks for it.

    >>> numbered(1, "time"), numbered(2, "time")
    ('1 time', '2 times')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
