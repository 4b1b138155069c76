"""The parts of `astronet/triage.py`, which turns light curves into ranked TCEs, as functions to call from Python."""
