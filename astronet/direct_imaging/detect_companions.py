"""Finds companions in a cube: detections.csv, probability_map.fits, detection_map.fits, and figures beside PCA's S/N.

A detector is trained on samples of the cube itself, unless --model_dir names one. What an earlier run
with the same --output_dir has made is not made again; where that was of another cube or other samples, the run ends
before it changes anything.
"""

import functools
import os
import sys
import warnings

import numpy as np

from astronet.base import arguments, locks
from astronet.base.files import write_aside, write_csv
from astronet.base.script import Parser, ScriptError, run
from astronet.data.records import tfrecord
from astronet.direct_imaging import angle_sign, configurations, cube, detection, mlar, own_detector, pca
from astronet.stats.metrics import is_positive

COLUMNS = (
    *("detection", "x", "y", "separation_px", "separation_fwhm", "position_angle_deg"),
    *("contrast", "flux", "probability", "num_pixels", "pca_snr"),
)
_OUTPUTS = ("detections.csv", "probability_map.fits", "detection_map.fits", "detections.png")
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


def _on_test_companions(scorer, config, flags):
    """Says how sure a detector is of the companions of its test samples; warns where it would detect none of them."""
    from astronet.ops import dataset

    tces = dataset.read(tfrecord.expand(os.path.join(flags.output_dir, own_detector.RECORDS, "test-*")), config)
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
    outputs = {f"--output_dir ({name})": os.path.join(flags.output_dir, name) for name in _OUTPUTS}
    arguments.refuse_overwriting_inputs(outputs, {"CUBE": flags.cube, "PSF": flags.psf, "ANGLES": flags.angles})
    adi_cube = cube.from_flags(flags)
    if flags.num_components and flags.num_components > len(adi_cube.frames):
        raise ScriptError(
            f"--num_components={flags.num_components}: {flags.cube} has {len(adi_cube.frames)} frames, and no more "
            "components than these"
        )
    with locks.exclusive(flags.output_dir):
        if flags.model_dir is None:
            own_detector.check(flags)
        print(
            f"{flags.cube}: {len(adi_cube.frames)} frames of {adi_cube.size} x {adi_cube.size} pixels, "
            f"FWHM {adi_cube.fwhm:.2f} px, the sky turns by {adi_cube.rotation:.1f} deg",
            flush=True,
        )
        verdict = angle_sign.check(adi_cube)
        print(f"{'WARNING: ' if verdict.sign == angle_sign.FLIPPED else ''}{verdict}", flush=True)
        scorer = _scorer(adi_cube, flags)
        probabilities = scorer.map(adi_cube, _progress("search"))
        _report(adi_cube, probabilities, flags)


def _scorer(adi_cube, flags):
    """The detection.Scorer of --model_dir, or of a detector that is trained now, unless it is there."""
    if flags.model_dir:
        scorer = detection.Scorer(detection.load(flags.model_dir), flags.prior)
        scorer.check(adi_cube)
        return scorer
    models = own_detector.load(adi_cube, flags)
    scorer = detection.Scorer(models, flags.prior)
    print(_on_test_companions(scorer, models.spec.config, flags), flush=True)
    return scorer


def _progress(step):
    """Function from a list to an iterator over it that shows how far a step is, and how long it will take."""
    from tqdm import tqdm

    return functools.partial(tqdm, desc=step, disable=None)


def _report(adi_cube, probabilities, flags):
    """Writes all files that tell of the probability at each pixel, [size, size], and prints the detections."""
    from astronet.direct_imaging import plots

    found = detection.detections(probabilities, flags.threshold, adi_cube.fwhm)
    num_components = flags.num_components or middle_rank(adi_cube)
    image = pca.images(adi_cube, [num_components])[0]
    snr_map = pca.snr_map(adi_cube, image)
    if num_measured := min(len(found), flags.num_measured):
        print(f"place and flux are measured of {num_measured} of {len(found)} detections, by VIP", flush=True)
    measured = _rows(adi_cube, found, image, snr_map, num_components, flags.num_measured)
    rows = list(_progress("detections")(measured, total=len(found)))

    paths = {name: os.path.join(flags.output_dir, name) for name in _OUTPUTS}
    above = np.where(np.nan_to_num(probabilities) >= flags.threshold, probabilities, 0)
    _write_image(paths["probability_map.fits"], probabilities)
    _write_image(paths["detection_map.fits"], above)
    table = paths["detections.csv"]
    write_csv(table, COLUMNS, [list(row.values()) for row in rows])
    plots.plot_detections(
        paths["detections.png"],
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
    parser.add_argument(
        "--output_dir", type=arguments.output_directory, required=True, help="directory of all that is written"
    )
    parser.add_argument(
        "--model_dir", help="a trained detector (or an ensemble) to use; default: train one on this cube"
    )
    own_detector.add_flags(parser)
    detection.add_flags(parser)
    parser.add_argument(
        "--num_components",
        type=arguments.positive_integer,
        help="components of the PCA image; default: the middle of what patches are made of",
    )
    parser.add_argument(
        "--num_measured",
        type=arguments.whole_number(),
        default=5,
        help="number of detections, the most probable ones, whose place and flux VIP measures (half a minute each)",
    )
    return run(_detect, parser.parse_args(argv), go_on="the same command, given again, goes on with what is made")


if __name__ == "__main__":
    from astronet.direct_imaging.detect_companions import main  # noqa: F811 (workers have another __main__)

    sys.exit(main())
