"""Measures detections in a cube by VIP: place, flux, and S/N in a PCA image."""

import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from astronet.direct_imaging import mlar
from astronet.direct_imaging.cube import AdiCube
from astronet.direct_imaging.detection import Detection

_ANNULUS_FWHM = 3  # width of the annulus in which a companion's flux is measured
_MOST_TAKEN = 10.0  # greatest flux of a companion over the flux that PCA leaves of it


class PcaImage(NamedTuple):
    """A PCA image [size, size], its S/N map [size, size], and the number of components that PCA took away."""

    image: np.ndarray
    snr_map: np.ndarray
    num_components: int


def position(center: int, x: float, y: float) -> tuple[float, float]:
    """Returns the separation [px] and the position angle, east of north [deg], of a pixel.

    Args:
      center: row and column of the star.
      x, y: pixel in an image with north up and east left.

    >>> position(10, x=10, y=14)  # north of the star
    (4.0, 0.0)
    >>> position(10, x=7, y=10)  # east of it
    (3.0, 90.0)
    """
    dx, dy = x - center, y - center
    return float(np.hypot(dx, dy)), float(np.degrees(np.arctan2(-dx, dy)) % 360)


def middle_rank(adi_cube: AdiCube, num_levels: int = 20) -> int:
    """Returns the median number of components over all annuli and levels of the patches of a cube."""
    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    return int(np.median([mlar.Residuals(adi_cube, ring, num_levels).ranks for ring in rings]))


def measure(
    adi_cube: AdiCube, image: np.ndarray, detection: Detection, num_components: int
) -> tuple[float, float, float]:
    """Measures place and flux of a detection: VIP subtracts a companion from the cube until least is left.

    Args:
      adi_cube: the cube.
      image: its PCA image.
      detection: the detection.
      num_components: number of components of the PCA.

    Returns:
      x, y, and the flux in an aperture of one FWHM; x and y of the detection and a flux of NaN if the fit fails.
    """
    from vip_hci.fm import firstguess
    from vip_hci.metrics import aperture_flux

    flux_left = aperture_flux(image, [detection.y], [detection.x], adi_cube.fwhm)[0]  # PCA takes some of it away
    if not flux_left > 0:
        return detection.x, detection.y, np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about steps of the fit that lead nowhere
        distance, angle, flux = firstguess(
            adi_cube.frames,
            adi_cube.angles,
            adi_cube.psf,
            [(detection.x, detection.y)],
            ncomp=num_components,
            fwhm=adi_cube.fwhm,
            annulus_width=_ANNULUS_FWHM * adi_cube.fwhm,
            aperture_radius=1.5,
            imlib="opencv",
            interpolation="lanczos4",
            f_range=flux_left * np.linspace(0.5, _MOST_TAKEN, 40),
            simplex_options={"xatol": 1e-2, "fatol": 1e-3, "maxiter": 100, "maxfev": 200},
            plot=False,
            verbose=False,
        )
    turn = np.radians(angle[0])
    x, y = adi_cube.center + distance[0] * np.cos(turn), adi_cube.center + distance[0] * np.sin(turn)
    if not np.hypot(x - detection.x, y - detection.y) <= adi_cube.fwhm or flux[0] <= 0:
        return detection.x, detection.y, np.nan
    return float(x), float(y), float(flux[0])


def rows(
    adi_cube: AdiCube, detections: Sequence[Detection], pca_image: PcaImage, num_measured: int
) -> Iterator[dict[str, object]]:
    """Yields the row of detections.csv of each detection.

    Args:
      adi_cube: the cube.
      detections: the detections, the most probable first.
      pca_image: PCA image of the cube.
      num_measured: number of detections, from the first on, whose place and flux are measured.
    """
    for number, detection in enumerate(detections, 1):
        x, y, flux = detection.x, detection.y, np.nan
        if number <= num_measured:
            x, y, flux = measure(adi_cube, pca_image.image, detection, pca_image.num_components)
        separation, angle = position(adi_cube.center, x, y)
        yield {
            "detection": number,
            "x": f"{x:.2f}",
            "y": f"{y:.2f}",
            "separation_px": f"{separation:.2f}",
            "separation_fwhm": f"{separation / adi_cube.fwhm:.2f}",
            "position_angle_deg": f"{angle:.2f}",
            "contrast": "" if np.isnan(flux) else f"{flux / adi_cube.star_flux:.3e}",
            "flux": "" if np.isnan(flux) else f"{flux:.5g}",
            "probability": f"{detection.probability:.6f}",
            "num_pixels": detection.num_pixels,
            "pca_snr": f"{pca_image.snr_map[round(detection.y), round(detection.x)]:.2f}",
        }
