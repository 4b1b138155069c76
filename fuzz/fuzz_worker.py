"""Reads mutants for fuzz.py. Prints the number of each mutant before it reads it, and the outcome afterwards."""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import warnings

import fuzz_formats
import numpy as np


def _say(channel, *message):
    channel.write(json.dumps(message) + "\n")
    channel.flush()


def _limit_memory(megabytes):
    """Limits the additional address space of this process."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (megabytes << 20),) * 2)


def _outcome(file_format, path):
    try:
        held = file_format.read(path)
    except file_format.refusals as error:
        return "refused", str(error)
    except MemoryError as error:
        return "memory", repr(error)
    except Exception as error:
        return "exception", repr(error)
    try:
        file_format.check(path, held)
    except Exception as error:
        return "wrong", repr(error)
    return "read", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("seed", "first", "end", "memory_mb"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--save_dir")
    parser.add_argument("--formats")
    flags = parser.parse_args()
    # Output of libraries must not mix with the messages.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")

    formats = fuzz_formats.make(tempfile.mkdtemp(dir=flags.directory))
    names = flags.formats.split(",") if flags.formats else list(formats)
    for name in names:
        path, content = formats[name].path, formats[name].content
        with open(path, "wb") as file:
            file.write(content)
        assert _outcome(formats[name], path)[0] == "read", (name, _outcome(formats[name], path))
    _limit_memory(flags.memory_mb)
    for number in range(flags.first, flags.end):
        file_format = formats[names[number % len(names)]]
        mutant = file_format.mutant(np.random.default_rng([flags.seed, number]))
        with open(file_format.path, "wb") as file:
            file.write(mutant)
        if flags.save_dir:
            shutil.copyfile(
                file_format.path, os.path.join(flags.save_dir, f"{number}-{os.path.basename(file_format.path)}")
            )
        _say(channel, number, file_format.name)
        _say(channel, number, file_format.name, *_outcome(file_format, file_format.path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
