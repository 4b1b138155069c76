"""Files of models for fuzz.py: config.json, calibration.json, weights.npz, checkpoints."""

import dataclasses
import functools
import io
import json
import math
import os
import zipfile

import numpy as np
from fuzz_mutations import hostile_floats, hostile_text, mutated_bytes, mutated_tree

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.estimator import checkpoints, weights_file
from astronet.stats import calibration

_SMALL = {"inputs": {"features": {"global_view": {"length": 11}, "local_view": {"length": 5}}}}
_SPEC = configuration.resolve("AstroModel", "triage", json.dumps(_SMALL))
_CNN = configuration.resolve("AstroCNNModel", "yu2019", json.dumps({"hparams": {"pre_logits_hidden_layer_size": 4}}))
_STEP = 7


@functools.cache
def _model():
    from astronet import models

    return models.build(_SPEC.model, _SPEC.config)


def _weights():
    rng = np.random.default_rng(9)
    names = [weight.name.split(":")[0] for weight in _model().weights]
    return {name: rng.normal(size=weight.shape).astype(np.float32) for name, weight in zip(names, _model().weights)}


def _json(path, content, read, check):
    tree = json.loads(content)

    def tree_mutant(rng):
        return json.dumps(mutated_tree(rng, tree)).encode()

    def nested(rng):
        return b'{"model":' + [b"[", b'{"a":'][rng.integers(2)] * int(10 ** rng.uniform(1, 6))

    return {
        "path": path,
        "content": content,
        "mutations": (lambda rng: mutated_bytes(rng, content), *[tree_mutant] * 4, nested),
        "read": read,
        "refusals": (ScriptError,),
        "check": check,
    }


def _config(spec, directory):
    configuration.save(directory, spec)
    path = os.path.join(directory, "config.json")
    with open(path, "rb") as file:
        return _json(path, file.read(), _read_config, _check_config)


def _read_config(path):
    from astronet import models

    spec = configuration.load(os.path.dirname(path))
    models.build(spec.model, spec.config)
    return spec


def _check_config(path, spec):
    with open(path, "rb") as file:
        saved = json.loads(file.read())
    _check_holds(dataclasses.asdict(spec.config), saved["config"])
    assert spec.model == saved["model"] and spec.train_steps == saved["train_steps"] and spec.seed == saved["seed"]


def _check_holds(read, saved):
    """Checks that saved values are read unchanged, that numbers are finite, and that missing values have defaults."""
    if isinstance(saved, dict):
        for key, value in saved.items():
            _check_holds(read[key], value)
    else:
        assert read == saved and not (isinstance(read, float) and not math.isfinite(read))


def _calibration(directory):
    weights_file.write(os.path.join(directory, weights_file.NAME), _weights(), _STEP, "float32")
    weights = os.path.join(directory, weights_file.NAME)
    limits = {"global_view": {"least_smoothness": -0.2, "greatest_center": 0.7}}
    digest = checkpoints.sha256([weights])
    made = calibration.Calibration(1.2, 0.4, 0.99, digest, "0" * 64, ("val",), limits)
    path = calibration.save(directory, made)

    def check(path, read):
        with open(path, "rb") as file:
            saved = json.loads(file.read())
        if saved["checkpoints_sha256"] != digest:
            assert read == calibration.Calibration()
            return
        assert (read.temperature, read.threshold) == (saved["temperature"], saved["threshold"])
        assert math.isfinite(read.temperature) and read.temperature > 0 and 0 <= read.threshold <= 1
        assert np.isfinite(read.apply(np.array([[0.1, 0.9]]))).all()
        for of_view in (read.view_limits or {}).values():
            assert math.isfinite(of_view["least_smoothness"] + of_view["greatest_center"])

    with open(path, "rb") as file:
        return _json(path, file.read(), lambda path: calibration.load(os.path.dirname(path), digest), check)


def _npz(directory):
    path = os.path.join(directory, weights_file.NAME)
    weights_file.write(path, _weights(), _STEP, "float32")
    with open(path, "rb") as file:
        content = file.read()

    def edited(rng):
        arrays = {**_weights(), "global_step": np.int64(_STEP)}
        name = list(arrays)[rng.integers(len(arrays))]
        shape = np.shape(arrays[name])
        odd = (
            *(np.zeros(0, np.float32), np.array(["a"]), np.zeros(3, bool), np.full(shape, 1j), np.float32(2.5)),
            *(np.full(shape, "2000-01-01", "M8[D]"), np.zeros(shape, [("a", "f4")]), np.zeros(shape, ">f8")),
            hostile_floats(rng, shape),
        )
        change = rng.integers(len(odd) + 2)
        if change == len(odd):
            del arrays[name]
        elif change == len(odd) + 1:
            arrays[hostile_text(rng).replace("\0", "")[:99] or "x"] = arrays.pop(name)
        else:
            arrays[name] = odd[change]
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)
        return stream.getvalue()

    def with_hostile_member(rng):
        """Changes an array: its bytes, or the shape and type in its header; or replaces it by very many zeros."""
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
            names = source.namelist()
            chosen = names[rng.integers(len(names))]
            for name in names:
                member = source.read(name)
                if name == chosen and rng.integers(2):
                    member = mutated_bytes(rng, member)
                elif name == chosen:
                    kind = ["<f4", "|O", "<f8", "|S999999999", "<U99999999"][rng.integers(5)]
                    shapes = ((10**11,), (2**62,), (-1,), (2**32, 2**32), (0, 10**12), (), (1,) * 40, (10**8,))
                    array = {"descr": kind, "fortran_order": False, "shape": shapes[rng.integers(len(shapes))]}
                    header = io.BytesIO()
                    np.lib.format.write_array_header_1_0(header, array)
                    member = header.getvalue() + member[-100:]
                made.writestr(name, member)
        return stream.getvalue()

    return {
        "path": path,
        "content": content,
        "mutations": (lambda rng: mutated_bytes(rng, content), edited, with_hostile_member),
        "read": _read_weights,
        "refusals": (ScriptError,),
        "check": _check_npz,
    }


def _read_weights(checkpoint):

    return checkpoints.step(checkpoint), checkpoints.weights(_model(), checkpoint)


def _check_npz(path, read):
    step, weights = read
    names = [weight.name.split(":")[0] for weight in _model().weights]
    with zipfile.ZipFile(path) as archive:
        for name, values in zip(["global_step", *names], [step, *weights]):
            held = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
            np.testing.assert_array_equal(values, held.astype(np.asarray(values).dtype))
            assert np.isfinite(values).all()


def _checkpoint(suffix, directory):
    from astronet.ops.tensorflow import tf

    prefix = os.path.join(directory, "model.ckpt-7")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        arrays = {**_weights(), "global_step": np.int64(_STEP)}
        variables = [tf.compat.v1.get_variable(name, initializer=values) for name, values in arrays.items()]
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(variables).save(session, prefix, write_meta_graph=False)
    path = prefix + suffix if suffix else os.path.join(directory, "checkpoint")
    with open(path, "rb") as file:
        content = file.read()

    def read(path):

        return _read_weights(checkpoints.find(os.path.dirname(path)))

    def check(path, read):
        """Checks that the values that are read are those that were saved; checksums protect them."""
        assert read[0] == _STEP
        for values, held in zip(read[1], _weights().values()):
            np.testing.assert_array_equal(values, held)

    return {
        "path": path,
        "content": content,
        "mutations": (lambda rng: mutated_bytes(rng, content),),
        "read": read,
        "refusals": (ScriptError,),
        "check": check,
    }


BUILDERS = {
    "config": functools.partial(_config, _SPEC),
    "config_cnn": functools.partial(_config, _CNN),
    "calibration": _calibration,
    "weights": _npz,
    "checkpoint": functools.partial(_checkpoint, ""),
    "checkpoint_index": functools.partial(_checkpoint, ".index"),
    "checkpoint_data": functools.partial(_checkpoint, ".data-00000-of-00001"),
}
