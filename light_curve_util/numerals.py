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
