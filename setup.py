"""Builds the C++ extension; everything else about the package is in pyproject.toml."""

from glob import glob

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup

ParallelCompile().install()  # a file for each core

setup(
    ext_modules=[
        Pybind11Extension(
            "light_curve_util._core",
            sorted(glob("light_curve_util/cc/*.cc")),
            depends=sorted(glob("light_curve_util/cc/*.h")),
            cxx_std=17,
            # The last bit decides on which side of an edge a point lies: no fast-math, no fused multiply-adds. Ignoring
            # floating-point traps changes no result, and lets loops vectorize.
            extra_compile_args=["-O3", "-ffp-contract=off", "-fno-trapping-math"],
        )
    ]
)
