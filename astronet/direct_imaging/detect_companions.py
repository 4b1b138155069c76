"""Finds companions in a cube: detections.csv, probability_map.fits, detection_map.fits, and figures beside PCA's S/N.

A detector is trained on samples of the cube itself, unless --model_dir names one. What is there already, of an earlier
run with the same --output_dir, is not made again.
"""

import contextlib
import dataclasses
import json
import os
import sys
import warnings

import numpy as np

from astronet import train
from astronet.direct_imaging import (
    angle_sign,
    configurations,
    cube,
    detection,
    generate_patch_records,
    mlar,
    pca,
)
from astronet.ops.metrics import is_positive
from astronet.util import records
from astronet.util.arguments import positive_integer
from astronet.util.files import make_directory, sha256, write_aside, write_csv
from astronet.util.script import Parser, ScriptError, run

COLUMNS = (
    *("detection", "x", "y", "separation_px", "separation_fwhm", "position_angle_deg"),
    *("contrast", "flux", "probability", "num_pixels", "pca_snr"),
)
_MODELS = tuple(configurations.CONFIGURATIONS)
_ANNULUS_FWHM = 3  # width of what a companion's flux is measured in
_MOST_TAKEN = 10.0  # flux of a companion, over what PCA leaves of it


def position(center, x, y):
    """Returns the separation [px] and the position angle, east of north [deg], in an image with north up, east left."""
    dx, dy = x - center, y - center
    return float(np.hypot(dx, dy)), float(np.degrees(np.arctan2(-dx, dy)) % 360)


def middle_rank(adi_cube, num_levels=20):
    """The number of components in the middle of what patches are made of: the median over annuli and levels."""
    rings = mlar.annuli(adi_cube.size, adi_cube.fwhm)
    return int(np.median([mlar.Residuals(adi_cube, ring, num_levels).ranks for ring in rings]))


def measure(adi_cube, image, found, num_components):
    """Measures place and flux of a detection: what has to be taken from the cube for least to be left, by VIP.

    Args:
      adi_cube: AdiCube.
      image: its PCA image.
      found: detection.Detection.
      num_components: of the PCA.

    Returns:
      x, y, flux in an aperture of one FWHM; the detection's own place and NaN where it leads elsewhere.
    """
    from vip_hci.fm import firstguess
    from vip_hci.metrics import aperture_flux

    left = aperture_flux(image, [found.y], [found.x], adi_cube.fwhm)[0]  # PCA takes some away
    if not left > 0:
        return found.x, found.y, np.nan
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
            f_range=left * np.linspace(0.5, _MOST_TAKEN, 40),
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
    if flags.model_dir:
        return detection.load(flags.model_dir)
    records_dir, model_dir = (os.path.join(flags.output_dir, name) for name in ("records", flags.model))
    _make_records(adi_cube, records_dir, flags)
    share = flags.num_companions / (flags.num_companions + flags.num_speckles)
    size = mlar.patch_size(adi_cube.fwhm)
    config = configurations.for_patches(flags.model, flags.num_levels, size, companion_share=share)
    arguments = [f"--model={flags.model}", f"--config_json={json.dumps(dataclasses.asdict(config))}"]
    arguments += [f"--train_files={records_dir}/train-*", f"--eval_files={records_dir}/val-*"]
    arguments += [f"--model_dir={model_dir}", f"--seed={flags.seed}", f"--num_models={flags.num_models}"]
    arguments += [] if flags.num_threads is None else [f"--num_threads={flags.num_threads}"]
    if train.main(arguments):
        raise ScriptError("training ended with an error: its message stands above")
    return detection.load(model_dir)


def _make_records(adi_cube, directory, flags):
    origin = {"cube": _hashes(flags)}
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
        with open(os.path.join(directory, "records.json")) as file:
            there = json.load(file)
        if generate_patch_records.settings(flags) == there["settings"] and there["cube"] == origin["cube"]:
            print(f"{directory}: made before, from the same cube", flush=True)
            return
    generate_patch_records.write(adi_cube, directory, flags, origin)


def _hashes(flags):
    return {name: sha256(getattr(flags, name)) for name in ("cube", "psf", "angles")}


def _on_test_companions(scorer, config, flags):
    """Says how sure a detector is of the companions of its test samples; warns where it would detect none of them."""
    from astronet.ops import dataset

    tces = dataset.read(records.expand(os.path.join(flags.output_dir, "records", "test-*")), config)
    probabilities = scorer.patches(tces.features[configurations.FEATURE][tces.labels == 1])
    number = np.count_nonzero(is_positive(probabilities, flags.threshold))
    told = (
        f"of {len(probabilities)} companions injected for test (S/N {flags.snr_range[0]:g} to {flags.snr_range[1]:g}), "
        f"{number or 'none'} would be detected: their probability is {probabilities.max():.4f} at most"
    )
    if number:
        return told
    return (
        f"WARNING: {told}. Nor would others like them: set a lower --threshold, or train with more samples or another "
        "--seed, in another --output_dir"
    )


def _rows(adi_cube, found, image, snr_map, num_components, num_measured):
    """Yields a row of detections.csv for each detection; the flux is measured of the most probable ones alone."""
    for number, each in enumerate(found, 1):
        x, y, flux = each.x, each.y, np.nan
        if number <= num_measured:
            x, y, flux = measure(adi_cube, image, each, num_components)
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
            "probability": f"{each.probability:.6f}",
            "num_pixels": each.num_pixels,
            "pca_snr": f"{snr_map[round(each.y), round(each.x)]:.2f}",
        }


def _detect(flags):
    detection.check_flags(flags)
    if flags.model_dir is None:
        generate_patch_records.check(flags)
    adi_cube = cube.from_flags(flags)
    make_directory(flags.output_dir)
    print(
        f"{flags.cube}: {len(adi_cube.frames)} frames of {adi_cube.size} x {adi_cube.size} pixels, "
        f"FWHM {adi_cube.fwhm:.2f} px, the sky turns by {adi_cube.rotation:.1f} deg",
        flush=True,
    )
    verdict = angle_sign.check(adi_cube)
    print(f"{'WARNING: ' if verdict.sign == angle_sign.FLIPPED else ''}{verdict}", flush=True)

    models = _detector(adi_cube, flags)
    scorer = detection.Scorer(models, flags.prior)
    if flags.model_dir is None:
        print(_on_test_companions(scorer, models.spec.config, flags), flush=True)
    probabilities = scorer.map(adi_cube)
    found = detection.detections(probabilities, flags.threshold, adi_cube.fwhm)
    num_components = flags.num_components or middle_rank(adi_cube)
    image = pca.images(adi_cube, [num_components])[0]
    snr_map = pca.snr_map(adi_cube, image)
    rows = list(_rows(adi_cube, found, image, snr_map, num_components, flags.num_measured))

    above = np.where(np.nan_to_num(probabilities) >= flags.threshold, probabilities, 0)
    _write_image(os.path.join(flags.output_dir, "probability_map.fits"), probabilities)
    _write_image(os.path.join(flags.output_dir, "detection_map.fits"), above)
    table = os.path.join(flags.output_dir, "detections.csv")
    write_csv(table, COLUMNS, [list(row.values()) for row in rows])
    from astronet.direct_imaging import plots

    plots.plot_detections(
        os.path.join(flags.output_dir, "detections.png"),
        adi_cube,
        {"image": image, "snr": snr_map, "probability": probabilities, "above": above},
        num_components,
        [(float(row["x"]), float(row["y"])) for row in rows],
        flags.threshold,
    )
    for row in rows:
        flux = f", contrast {row['contrast']}" if row["contrast"] else ""
        print(
            f"  {row['detection']}: x={row['x']} y={row['y']}, {row['separation_px']} px at {row['position_angle_deg']}"
            f" deg{flux}: probability {row['probability']}, S/N by PCA {row['pca_snr']}"
        )
    searched = int(np.count_nonzero(~np.isnan(probabilities)))
    print(
        f"{table}: {len(rows)} detections from a probability of {flags.threshold:g} on, in {searched} pixels searched"
    )


def _write_image(path, image):
    from astropy.io import fits

    with write_aside(path) as aside:
        fits.PrimaryHDU(np.asarray(image, np.float32)).writeto(aside)


def main(argv=None):
    parser = Parser(description=__doc__)
    cube.add_flags(parser)
    parser.add_argument("--output_dir", required=True, help="directory of all that is written")
    parser.add_argument("--model_dir", help="a trained detector (or an ensemble) to use; None trains one on this cube")
    parser.add_argument("--model", choices=_MODELS, default="sodinn_conv3d", help="which one to train")
    parser.add_argument("--num_models", type=positive_integer, default=1, help="to train, and to average")
    parser.add_argument("--num_threads", type=int, help="of the training; 1: same seed, same detector")
    generate_patch_records.add_flags(parser)
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    detection.add_flags(parser)
    parser.add_argument(
        "--num_components", type=positive_integer, help="of the PCA image; None: the middle of what patches are made of"
    )
    parser.add_argument(
        "--num_measured", type=int, default=5, help="detections whose place and flux are measured, by VIP"
    )
    return run(_detect, parser.parse_args(argv))


if __name__ == "__main__":
    from astronet.direct_imaging.detect_companions import main  # noqa: F811 (workers have another __main__)

    sys.exit(main())
