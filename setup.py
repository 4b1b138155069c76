"""Builds the C++ extension; everything else about the package is in pyproject.toml."""

from glob import glob

from pybind11.setup_helpers import Pybind11Extension
from setuptools import setup

setup(
    ext_modules=[
        Pybind11Extension(
            "light_curve_util._core",
            sorted(glob("light_curve_util/cc/*.cc")),
            depends=sorted(glob("light_curve_util/cc/*.h")),
            cxx_std=17,
            # Points that lie exactly on an edge count, so no fast-math and no fused multiply-add that changes a rounding.
            extra_compile_args=["-O3", "-ffp-contract=off"],
        )
    ]
)
