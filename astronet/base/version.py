"""The version of this package, in the one place where every module can read it."""

VERSION = "0.1.0"
