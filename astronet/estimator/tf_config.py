"""Training by several processes together: what the environment variable TF_CONFIG makes of this process."""

import json
import os
import signal

from astronet.base.script import ScriptError


def is_distributed() -> bool:
    """Returns whether TF_CONFIG makes this process one of several that train a model together.

    Raises:
      ScriptError: TF_CONFIG cannot be used.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return False
    try:
        jobs, job = json.loads(text)["cluster"], json.loads(text)["task"]["type"]
    except (ValueError, TypeError, KeyError) as error:
        raise ScriptError(f"TF_CONFIG is not as docs/cluster.md has it ({error!r}): correct or unset it") from error
    if not {"chief", "ps"} <= set(jobs) <= {"chief", "ps", "worker"} or job not in jobs:
        raise ScriptError(
            f"TF_CONFIG has the jobs {', '.join(jobs)}, and is of a {job}: a chief, one ps (parameter server) or more, "
            "and any number of workers are needed, and no other; the chief evaluates"
        )
    return True


def is_chief() -> bool:
    """Returns whether this process evaluates and saves: it trains alone, or is the chief of several processes."""
    return not is_distributed() or bool(json.loads(os.environ["TF_CONFIG"])["task"]["type"] == "chief")


def let_signals_end_this() -> None:
    """Has signals end this process at once: it waits for others in TensorFlow's C++, where no Python handler runs."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
