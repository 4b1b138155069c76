"""What the chain of search, triage and vetting misses, and what it takes for a planet: injections, inverted curves."""
