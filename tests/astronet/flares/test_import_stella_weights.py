import zipfile

import h5py
import numpy as np

from astronet import models
from astronet.config import configuration
from astronet.estimator import ensemble
from astronet.flares import detection, import_stella_weights, light_curves
from light_curve_util import tess_io

SHAPES = {"conv1d": (7, 1, 16), "conv1d_1": (3, 16, 64), "dense": (3200, 32), "dense_1": (32, 1)}
SAME = 0.02  # largest difference from a published prediction: of rounding, and of releases of the light curves


def write_archive(path, seeds, tmp_path, shapes=SHAPES):
    with zipfile.ZipFile(path, "w") as archive:
        for seed in seeds:
            random = np.random.default_rng(seed)
            name = f"ensemble_s{seed:04d}_i0350_b0.73.h5"
            with h5py.File(tmp_path / name, "w") as file:
                for layer, shape in shapes.items():
                    group = file.create_group(f"model_weights/{layer}/{layer}")
                    group["kernel:0"] = random.normal(0, 0.1, shape).astype(np.float32)
                    group["bias:0"] = random.normal(0, 0.1, shape[-1]).astype(np.float32)
                file["optimizer_weights/Adam/iter:0"] = 101150
            archive.write(tmp_path / name, f"run01/{name}")
            archive.writestr(f"__MACOSX/run01/._{name}", b"no model")
    return path


def by_hand(window, path):
    """What a stella network says about a window, [200], from the arrays of its Keras file."""
    with h5py.File(path) as file:
        arrays = {
            layer: [file[f"model_weights/{layer}/{layer}/{kind}:0"][()] for kind in ("kernel", "bias")]
            for layer in SHAPES
        }
    net = window[:, np.newaxis].astype(np.float64)
    for layer in ("conv1d", "conv1d_1"):
        kernel, bias = arrays[layer]
        padded = np.pad(net, ((len(kernel) // 2,) * 2, (0, 0)))
        convolved = sum(padded[i : i + len(net)] @ tap for i, tap in enumerate(kernel)) + bias
        net = np.maximum(convolved, 0).reshape(len(net) // 2, 2, -1).max(axis=1)
    hidden = np.maximum(net.reshape(-1) @ arrays["dense"][0] + arrays["dense"][1], 0)
    return 1 / (1 + np.exp(-(hidden @ arrays["dense_1"][0] + arrays["dense_1"][1])[0]))


def load(model_dir):
    return ensemble.load(ensemble.ModelChoice(str(model_dir), average=True))


def test_stella_has_the_published_number_of_parameters():
    assert models.build("AstroCNNModel", configuration.get("AstroCNNModel", "stella")).count_params() == 105_729


def test_imported_networks_predict_as_their_arrays_say(tmp_path, capsys):
    archive = write_archive(tmp_path / "final_models.zip", (4, 18), tmp_path)
    assert import_stella_weights.main([str(archive), f"--output_dir={tmp_path}/stella"]) == 0
    assert "2 models" in capsys.readouterr().out
    imported = load(tmp_path / "stella")
    assert list(imported.checkpoints) == ["4", "18"] and imported.specs["18"].train_steps == 101150
    window = np.random.default_rng(0).normal(1, 0.3, 200).astype(np.float32)
    files = [tmp_path / f"ensemble_s{seed:04d}_i0350_b0.73.h5" for seed in (4, 18)]
    expected = [by_hand(window, path) for path in files]
    np.testing.assert_allclose(detection.Scorer(imported).windows(window[np.newaxis])[0], expected, atol=1e-6)


def test_what_is_no_archive_of_stella_weights_says_so(tmp_path, capsys):
    (tmp_path / "not.zip").write_bytes(b"no archive")
    assert import_stella_weights.main([f"{tmp_path}/not.zip", f"--output_dir={tmp_path}/out"]) == 1
    assert "is not a zip archive" in capsys.readouterr().err
    archive = write_archive(tmp_path / "other.zip", (), tmp_path)
    assert import_stella_weights.main([str(archive), f"--output_dir={tmp_path}/out"]) == 1
    assert "has no ensemble_s" in capsys.readouterr().err
    archive = write_archive(tmp_path / "wide.zip", (4,), tmp_path, {**SHAPES, "dense_1": (32, 2)})
    assert import_stella_weights.main([str(archive), f"--output_dir={tmp_path}/out"]) == 1
    assert "does not fit the configuration" in capsys.readouterr().err


def published(archive, name):
    """Rows (tic, time, mean prediction) of a published table, one a validation or test window."""
    with zipfile.ZipFile(archive) as file, file.open(f"run01/ensemble_{name}_i0350_b0.73.txt") as table:
        rows = np.genfromtxt(table, skip_header=1)
    return [(int(row[0]), row[2], row[3:].mean()) for row in rows]


def test_the_published_weights_give_the_published_predictions(shared, tmp_path):
    archive = shared / "data/other/flares/stella_models/stella-0.1.0_final_models.zip"
    assert import_stella_weights.main([str(archive), f"--output_dir={tmp_path}"]) == 0
    scorer = detection.Scorer(load(tmp_path))
    rows = [row for name in ("predval", "predtest") for row in published(archive, name)]
    num_compared = 0
    for path in sorted((shared / "data/other/light_curves/spoc_2min").glob("*.fits.gz")):
        tic_id = light_curves.star(path).tic_id
        of_star = [row for row in rows if row[0] == tic_id]
        light_curve = tess_io.read(path, "SAP_FLUX", quality="hard", clip=False)
        of_star = [row for row in of_star if light_curve.time[0] < row[1] < light_curve.time[-1]]
        if of_star:
            cadences = [np.argmin(np.abs(light_curve.time - time)) for _, time, _ in of_star]
            # The published windows were cut without regard to gaps; one of these spans a gap, and so has none of ours.
            cut = np.array([light_curve.flux[cadence - 100 : cadence + 100] for cadence in cadences], np.float32)
            found = scorer.windows(cut).mean(axis=1)
            np.testing.assert_allclose(found, [mean for _, _, mean in of_star], atol=SAME)
            num_compared += len(of_star)
    assert num_compared == 18
