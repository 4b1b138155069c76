"""A small simulated cube, and the real ones."""

import sys

import pytest

from astronet.direct_imaging import cube, simulate_cube

# VIP needs Python 3.11; the models do without it.
collect_ignore_glob = [] if sys.version_info >= (3, 11) else ["test_[!m]*", "test_mlar.py"]

# Of the derotator, and of true north, on that night: Absil et al. 2013, A&A 559, L12.
NACO_OFFSET = -104.84 + 0.45
SMALL = ("--size=41", "--num_frames=20", "--fwhm=3.5")


@pytest.fixture(scope="session")
def simulate(tmp_path_factory):
    """Function (*flags) -> directory of a new small cube; by default with one companion, 12.25 px away at 140 deg."""

    def simulate(*flags):
        directory = tmp_path_factory.mktemp("cube")
        assert simulate_cube.main([f"--output_dir={directory}", *SMALL, *flags]) == 0
        return directory

    return simulate


@pytest.fixture(scope="session")
def simulated(simulate):
    """Directory of a small cube with a companion; not to be changed."""
    return simulate()


@pytest.fixture(scope="session")
def read_cube():
    """Function (directory, recenter="none") -> AdiCube of a simulated cube."""

    def read_cube(directory, **options):
        return cube.read(*(directory / f"{name}.fits" for name in ("cube", "psf", "angles")), **options)

    return read_cube


@pytest.fixture(scope="session")
def naco(shared):
    """Function (name="naco_betapic") -> AdiCube of the real cube, or of naco_betapic_planet_removed; north is up."""

    def naco(name="naco_betapic"):
        # The cube without the planet has no PSF of its own.
        files = (name, "cube"), ("naco_betapic", "psf"), (name, "pa")
        paths = (shared / f"data/other/hci/{folder}/naco_betapic_{what}.fits" for folder, what in files)
        return cube.read(*paths, angle_offset=NACO_OFFSET)

    return naco
