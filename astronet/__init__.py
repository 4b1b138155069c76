"""AstroNet-Triage: deep learning that triages planet candidates in TESS light curves."""

import os

__version__ = "0.1.0"

# TensorFlow's C++ side reports missing GPU libraries at error level on every CPU-only machine.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
