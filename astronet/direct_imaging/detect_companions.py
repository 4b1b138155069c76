"""Finds companions in a cube: detections.csv, probability_map.fits, detection_map.fits, and figures beside PCA's S/N.

A detector is trained on samples of the cube itself, unless --model_dir names one. What is there already, of an earlier
run with the same --output_dir, is not made again.
"""

import argparse
import dataclasses
import json
import os
import sys
import warnings

import numpy as np

from astronet import ensemble, train
from astronet.direct_imaging import angle_sign, configurations, cube, detection, generate_patch_records, mlar
from astronet.util.files import make_directory, write_aside, write_csv
from astronet.util.script import Parser, ScriptError, positive_integer, run

COLUMNS = (
    *("detection", "x", "y", "separation_px", "separation_fwhm", "position_angle_deg"),
    *("contrast", "flux", "probability", "num_pixels", "pca_snr"),
)
_MODELS = tuple(configurations.CONFIGURATIONS)
_ANNULUS_FWHM = 3  # width of what a companion's flux is measured in


def position(center, x, y):
    """Returns the separation [px] and the position angle, east of north [deg], in an image with north up, east left."""
    dx, dy = x - center, y - center
    return float(np.hypot(dx, dy)), float(np.degrees(np.arctan2(-dx, dy)) % 360)


def pca_images(adi_cube, num_components):
    """VIP's PCA image of a cube, and its S/N map, both [size, size], north up."""
    from vip_hci.metrics import snrmap
    from vip_hci.psfsub import pca

    image = pca(
        adi_cube.frames,
        adi_cube.angles,
        ncomp=num_components,
        scaling="temp-mean",
        svd_mode="lapack",
        imlib="opencv",
        nproc=1,
        verbose=False,
    )
    return image, snrmap(image, adi_cube.fwhm, nproc=1, verbose=False)


def middle_rank(adi_cube, num_levels=20):
    """The number of components in the middle of what patches are made of: the median over annuli and levels."""
    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    return int(np.median([mlar.Residuals(adi_cube, ring, num_levels).ranks for ring in rings]))


def measure(adi_cube, found, num_components):
    """Measures place and flux of a detection: what has to be taken from the cube for least to be left, by VIP.

    Args:
      adi_cube: AdiCube.
      found: detection.Detection.
      num_components: of the PCA.

    Returns:
      x, y, flux in an aperture of one FWHM; the detection's own place and NaN where it leads elsewhere.
    """
    from vip_hci.fm import firstguess

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of steps of the fit that lead nowhere
        distance, angle, flux = firstguess(
            adi_cube.frames,
            adi_cube.angles,
            adi_cube.psf,
            [(found.x, found.y)],
            ncomp=num_components,
            fwhm=adi_cube.fwhm,
            annulus_width=_ANNULUS_FWHM * adi_cube.fwhm,
            aperture_radius=1.5,
            imlib="opencv",
            interpolation="lanczos4",
            simplex_options={"xatol": 1e-2, "fatol": 1e-3, "maxiter": 100, "maxfev": 200},
            plot=False,
            verbose=False,
        )
    turn = np.radians(angle[0])
    x, y = adi_cube.center + distance[0] * np.cos(turn), adi_cube.center + distance[0] * np.sin(turn)
    if not np.hypot(x - found.x, y - found.y) <= adi_cube.fwhm or flux[0] <= 0:
        return found.x, found.y, np.nan
    return float(x), float(y), float(flux[0])


def _detector(adi_cube, flags):
    """The Ensemble of --model_dir, or one that is trained now."""
    given = {"average": False, "checkpoint": "best", "model": None, "config_name": None, "config_json": None}
    if flags.model_dir:
        is_ensemble = not ensemble.holds_model(flags.model_dir)
        return ensemble.load(argparse.Namespace(**{**given, "model_dir": flags.model_dir, "average": is_ensemble}))
    records_dir, model_dir = (os.path.join(flags.output_dir, name) for name in ("records", flags.model))
    _make_records(adi_cube, records_dir, flags)
    share = flags.num_companions / (flags.num_companions + flags.num_speckles)
    size = mlar.patch_size(adi_cube.fwhm)
    config = configurations.for_patches(flags.model, flags.num_levels, size, companion_share=share)
    arguments = [f"--model={flags.model}", f"--config_json={json.dumps(dataclasses.asdict(config))}"]
    arguments += [f"--train_files={records_dir}/train-*", f"--eval_files={records_dir}/val-*"]
    arguments += [f"--model_dir={model_dir}", f"--seed={flags.seed}", f"--num_models={flags.num_models}"]
    arguments += ["--num_threads=1"] if flags.num_threads == 1 else []
    if train.main(arguments):
        raise ScriptError("training ended with an error: its message stands above")
    return ensemble.load(argparse.Namespace(**{**given, "model_dir": model_dir, "average": flags.num_models > 1}))


def _make_records(adi_cube, directory, flags):
    origin = {"cube": _hashes(flags)}
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
        with open(os.path.join(directory, "records.json")) as file:
            there = json.load(file)
        if generate_patch_records.settings(flags) == there["settings"] and there["cube"] == origin["cube"]:
            print(f"{directory}: made before, from the same cube", flush=True)
            return
    generate_patch_records.write(adi_cube, directory, flags, origin)


def _write_image(path, image, comment):
    from vip_hci.fits import write_fits
