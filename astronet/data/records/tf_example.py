"""Writes and reads the columns and views of a TCE as a tf.train.Example, without TensorFlow.

The protobuf library builds the message from its published schema. Its bytes are the same as TensorFlow's.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from astronet.base.script import ScriptError
from astronet.data.records.columns import DISPOSITION, PERIOD, ROW_ID, SECTOR, TIC_ID, TOI_ID
from light_curve_util.array_types import ArrayLike
from light_curve_util.view_generator import VIEW_NAMES

SERIES_NAMES = (*VIEW_NAMES, "flare_window", "residuals")  # all features of records that are arrays


def _example_class():
    """Returns the class of tensorflow.Example, as declared in tensorflow/core/example/{example,feature}.proto."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")

    def add_field(message, name, number, kind, label=field.LABEL_OPTIONAL, **options):
        if isinstance(kind, str):
            options["type_name"], kind = f".tensorflow.{kind}", field.TYPE_MESSAGE
        message.field.add(name=name, number=number, type=kind, label=label, **options)

    lists = {"BytesList": field.TYPE_BYTES, "FloatList": field.TYPE_FLOAT, "Int64List": field.TYPE_INT64}
    for name, kind in lists.items():
        add_field(file.message_type.add(name=name), "value", 1, kind, field.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(lists, 1):
        add_field(feature, name.replace("List", "_list").lower(), number, name, oneof_index=0)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    add_field(entry, "key", 1, field.TYPE_STRING)
    add_field(entry, "value", 2, "Feature")
    add_field(features, "feature", 1, "Features.FeatureEntry", field.LABEL_REPEATED)
    add_field(file.message_type.add(name="Example"), "features", 1, "Features")
    # Not in the default pool: TensorFlow registers the same names there.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


if TYPE_CHECKING:

    class Example:
        """What is used of a tf.train.Example."""

        features: Any

        def SerializeToString(self, deterministic: bool = False) -> bytes: ...  # noqa: N802 (protobuf's name)

        @classmethod
        def FromString(cls, serialized: bytes) -> "Example": ...  # noqa: N802

else:
    Example = _example_class()


def to_example(columns: Mapping[str, Union[str, int, float]], views: Mapping[str, ArrayLike]) -> Example:
    """Builds the record of one TCE.

    >>> example = to_example({"tic_id": 402026209, "Disposition": "PC"}, {"local_view": [0.0, -1.0]})
    >>> value(example, "tic_id"), value(example, "Disposition"), series(example, "local_view").tolist()
    (402026209, 'PC', [0.0, -1.0])

    Args:
      columns: dict of column name to str (stored as bytes), int or float.
      views: dict of view name to float array [length], stored as float32.

    Returns:
      An Example, with the fields, methods and bytes of a tf.train.Example.
    """
    example = Example()
    features = example.features.feature
    for name, value in columns.items():
        if isinstance(value, str):
            features[name].bytes_list.value.append(value.encode())
        elif isinstance(value, (int, np.integer)):
            features[name].int64_list.value.append(value)
        else:
            features[name].float_list.value.append(value)
    for name, view in views.items():
        # The serialized form: field 1, number of bytes, floats. Adding floats one by one takes several times longer.
        packed = np.asarray(view, dtype="<f4").tobytes()
        features[name].float_list.MergeFromString(b"\n" + _varint(len(packed)) + packed)
    return example


def _varint(number):
    """Returns a number in protobuf's varint format: 7 bits a byte, lowest first, high bit set except in the last."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def from_serialized(serialized: bytes) -> Example:
    """Returns the Example of one serialized record. Raises ScriptError if the bytes are not an Example."""
    try:
        return Example.FromString(serialized)
    except DecodeError as error:
        raise ScriptError(f"a record is no tf.train.Example ({error}): make the records again") from error


def value(example: Example, name: str, default: Any = None) -> Any:
    """Returns the first value of a feature as int, float or str; `default` if the record has no such feature."""
    feature = example.features.feature
    values = _values(feature[name]) if name in feature else ()
    if not values:
        return default
    return values[0].decode(errors="replace") if isinstance(values[0], bytes) else values[0]


def set_text(example: Example, name: str, text: str) -> None:
    """Gives the feature `name` one text, in place of what it holds."""
    example.features.feature[name].bytes_list.value[:] = [text.encode()]


def series(example: Example, name: str) -> np.ndarray:
    """Returns a view as a float32 array [length].

    Raises:
      KeyError: the record has no view of this name.
    """
    feature = example.features.feature
    if name not in feature:
        raise KeyError(f"the record holds no {name}; it holds {', '.join(sorted(feature))}")
    return floats(feature[name])


def floats(feature: Any) -> np.ndarray:
    """Returns the floats of a feature as a float32 array [length]; an empty array if the feature holds something else.

    It copies the serialized floats at once; reading them one by one takes many times as long.
    """
    length = len(feature.float_list.value)
    packed = feature.float_list.SerializeToString()[-4 * length :] if length else b""
    return np.frombuffer(packed, "<f4").astype(np.float32)


def _values(feature):
    kind = feature.WhichOneof("kind")
    return getattr(feature, kind).value if kind else ()


@dataclasses.dataclass(frozen=True)
class TceIdentity:
    """The identity of a TCE: TIC ID, sector, toi_id and period for people to read; (row_id, tic_id) for joins."""

    row_id: int
    tic_id: int
    toi_id: str
    sector: int
    period: float  # days
    disposition: str

    @classmethod
    def from_example(cls, example: Example) -> "TceIdentity":
        """Reads the identity from a record. In the published records, toi_id is a float in most and bytes in some.

        Raises:
          ScriptError: a value is not a number; the message names its column.
        """
        toi_id = value(example, TOI_ID, "")
        return cls(
            row_id=_number(example, ROW_ID, int, -1),
            tic_id=_number(example, TIC_ID, int),
            toi_id=toi_id if isinstance(toi_id, str) else f"{toi_id:.2f}",
            sector=_number(example, SECTOR, int, 0),
            period=_number(example, PERIOD, float, float("nan")),
            disposition=str(value(example, DISPOSITION, "")),
        )


def _number(example, name, kind, default=None):
    held = value(example, name, default)
    try:
        return kind(held)
    except (TypeError, ValueError, OverflowError):
        identity = ", ".join(f"{key} {value(example, key)!r}" for key in (ROW_ID, TIC_ID))
        raise ScriptError(
            f"{name} of a record ({identity}) is {held!r}: a number needed; make the records again"
        ) from None
