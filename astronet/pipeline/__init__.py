"""From light curves to ranked TCEs in one go: what `astronet/triage.py` does, as library calls."""
