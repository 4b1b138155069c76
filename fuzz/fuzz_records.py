"""TFRecord files for fuzz.py, read as in training and as in prediction, and checked by TensorFlow's own reader."""

import os
import struct

import numpy as np
from fuzz_mutations import hostile_floats, hostile_text, mutated_bytes

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.data.records import tf_example, tfrecord

_NUM_RECORDS = 6
_CONFIG = configuration.get("AstroCNNModel", "triage")


def _serialized():
    rng = np.random.default_rng(6)
    views = [{"global_view": rng.normal(size=201), "local_view": rng.normal(size=61)} for _ in range(_NUM_RECORDS)]
    return [
        tf_example.to_example(
            {
                "row_id": i,
                "tic_id": 1000 + i,
                "toi_id": f"{i}.01",
                "Sectors": 2,
                "Disposition": "PC" if i else "J",
                "Period": 1.5 + i,
                "Duration": 0.1,
                "Transit_Depth": 1000.0,
                "SN": 12.0,
                "Epoc": 1354.5,
            },
            view,
        ).SerializeToString(deterministic=True)
        for i, view in enumerate(views)
    ]


def _sealed(serialized):
    return b"".join(map(tfrecord.framed, serialized))


def _with_hostile_payload(rng):
    """Changes bytes of a record, and its checksum with them."""
    serialized = _serialized()
    i = rng.integers(_NUM_RECORDS)
    serialized[i] = mutated_bytes(rng, serialized[i])
    return _sealed(serialized)


def _with_hostile_length(rng):
    """Replaces the length of a record by an absurd one, with the right checksum."""
    content = bytearray(_sealed(_serialized()))
    lengths = (0, 1, 2**20, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 5, 2**64 - 1)
    length = struct.pack("<Q", lengths[rng.integers(len(lengths))])
    header = length + struct.pack("<I", tfrecord._masked_checksum(length))
    starts = [0]
    for serialized in _serialized()[:-1]:
        starts.append(starts[-1] + len(serialized) + 16)
    start = starts[rng.integers(len(starts))]
    content[start : start + 12] = header
    return bytes(content)


def _with_hostile_features(rng):
    serialized = _serialized()
    i = rng.integers(_NUM_RECORDS)
    example = tf_example.from_serialized(serialized[i])
    features = example.features.feature
    for _ in range(rng.integers(1, 3)):
        name = sorted(features)[rng.integers(len(features))]
        feature, change = features[name], rng.integers(8)
        size = int(rng.choice([0, 1, 2, 61, 201, 100_000]))
        if change == 0:
            del features[name]
        elif change == 1:
            feature.Clear()
        elif change == 2:
            feature.bytes_list.value[:] = [hostile_text(rng).encode()] * min(size, 3)
        elif change == 3:
            feature.bytes_list.value[:] = [rng.bytes(9)]
        elif change == 4:
            feature.int64_list.value[:] = rng.integers(-(2**63), 2**63 - 1, min(size, 300)).tolist()
        elif change == 5:
            feature.float_list.value[:] = hostile_floats(rng, size).astype(np.float32).tolist()
        elif change == 6 and feature.float_list.value:
            length = len(feature.float_list.value)
            feature.float_list.value[:] = hostile_floats(rng, length).astype(np.float32).tolist()
        else:
            features[hostile_text(rng)[:99]].float_list.value[:] = [1.0]
    serialized[i] = example.SerializeToString()
    return _sealed(serialized)


def _repeated(rng):
    serialized = _serialized()
    serialized[rng.integers(_NUM_RECORDS)] += serialized[rng.integers(_NUM_RECORDS)]  # protobuf merges the two
    return _sealed(serialized)


def _read_for_training(path):
    from astronet.ops import dataset

    return dataset.read([path], _CONFIG)


def _read_for_prediction(path):
    from astronet.ops import dataset

    (batch,) = dataset.from_serialized_batches([list(tfrecord.read(path))], _CONFIG)
    examples = map(tf_example.from_serialized, batch["serialized"])
    return batch, [tf_example.TceIdentity.from_example(example) for example in examples]


def _examples(path):
    """Returns the records, by their framing and TensorFlow's own Example."""
    from astronet.ops.tensorflow import tf

    with open(path, "rb") as file:
        content, examples = file.read(), []
    while content:
        (length,) = struct.unpack_from("<Q", content)
        examples.append(tf.train.Example.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return examples


def _check_features(path, features):
    for name, length in configuration.input_lengths(_CONFIG).items():
        for example, values in zip(_examples(path), features[name]):
            held = example.features.feature[name].float_list.value or [np.nan]  # a column that is missing
            np.testing.assert_array_equal(values, np.array(held, np.float32))
            assert len(values) == length
            assert not np.isinf(values).any()
            assert name not in _CONFIG.inputs.features or np.isfinite(values).all()


def _check_training(path, tces):
    assert len(tces) == len(_examples(path))
    for example, label in zip(_examples(path), tces.labels):
        assert _CONFIG.inputs.label_map[example.features.feature["Disposition"].bytes_list.value[0].decode()] == label
    _check_features(path, tces.features)


def _check_prediction(path, read):
    batch, identities = read
    assert len(identities) == len(_examples(path))
    for example, identity in zip(_examples(path), identities):
        feature = example.features.feature["tic_id"]
        (held,) = list(feature.int64_list.value or feature.float_list.value or feature.bytes_list.value)[:1]
        assert int(held) == identity.tic_id
    _check_features(path, batch)


def _format(read, check):
    def build(directory):
        content = _sealed(_serialized())
        mutations = (lambda rng: mutated_bytes(rng, content), _with_hostile_payload, _with_hostile_length)
        return {
            "path": os.path.join(directory, "test-00000-of-00001"),
            "content": content,
            "mutations": (*mutations, _with_hostile_features, _with_hostile_features, _repeated),
            "read": read,
            "refusals": (ScriptError,),
            "check": check,
        }

    return build


BUILDERS = {
    "tfrecord_train": _format(_read_for_training, _check_training),
    "tfrecord_predict": _format(_read_for_prediction, _check_prediction),
}
