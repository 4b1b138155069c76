"""Packs numbers as short texts for the page: little-endian integers in base64, and JSON that is safe in a script."""

import base64
import json
import math
from typing import Any, Optional

import numpy as np

TIME_UNIT_DAYS = 1e-4  # 8.64 s
_LONGEST_STEP = 65_535  # a longer step is written as several; only the last one has a cadence at its end
MISSING_FLUX = -32_768
_VIEW_LOW, _VIEW_HIGH = -1.5, 1.0  # of normalized flux: out of transit 0, depth -1
_NOT_IN_SCRIPTS = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def script_json(value: Any) -> str:
    """Returns JSON that may stand in a script: no "</script>" or "<!--" can end it; NaN becomes null.

    >>> script_json({"note": "</script>", "depth": float("nan")})
    '{"note":"\\\\u003c/script\\\\u003e","depth":null}'
    """
    text = json.dumps(_without_nan(value), separators=(",", ":"), allow_nan=False)
    return text.translate(_NOT_IN_SCRIPTS)


def rounded(value: float, digits: int = 6) -> Optional[float]:
    """Returns a number rounded to so many significant digits; None for NaN and infinity."""
    return float(f"{value:.{digits}g}") if value is not None and math.isfinite(value) else None


def flux(values: np.ndarray) -> dict[str, Any]:
    """Packs relative flux [n] as 16-bit integers: flux = 1 + scale * integer. NaN becomes MISSING_FLUX."""
    difference = np.asarray(values, float) - 1
    finite = np.isfinite(difference)
    largest = float(np.abs(difference[finite]).max()) if finite.any() else 0.0
    scale = largest / 32_000 or 1e-9
    packed = np.full(len(difference), MISSING_FLUX, "<i2")
    packed[finite] = np.round(difference[finite] / scale)
    return {"scale": scale, "data": _text(packed)}


def times(values: np.ndarray) -> dict[str, Any]:
    """Packs ascending times [n], in days, as differences in units of TIME_UNIT_DAYS, 16-bit integers.

    The integer 65,535 stands for 65,534 units, without a cadence at their end.
    """
    if not len(values):
        return {"start": 0.0, "unit": TIME_UNIT_DAYS, "data": ""}
    units = np.round((np.asarray(values, float) - values[0]) / TIME_UNIT_DAYS).astype(np.int64)
    steps = np.diff(units, prepend=0)
    long = _LONGEST_STEP - 1
    extra = np.where(steps > long, (steps - 1) // long, 0)
    packed = np.full(len(steps) + int(extra.sum()), _LONGEST_STEP, "<u2")
    packed[np.arange(len(steps)) + np.cumsum(extra)] = steps - extra * long
    return {"start": float(values[0]), "unit": TIME_UNIT_DAYS, "data": _text(packed)}


def view(values: np.ndarray) -> bytes:
    """Packs a view [num_bins], clipped to the range from -1.5 to 1, as one byte per bin."""
    share = (np.nan_to_num(np.asarray(values, float)) - _VIEW_LOW) / (_VIEW_HIGH - _VIEW_LOW)
    return np.round(np.clip(share, 0, 1) * 255).astype(np.uint8).tobytes()


def text_of(data: bytes) -> str:
    """Returns bytes as base64."""
    return base64.b64encode(data).decode("ascii")


def _text(integers: np.ndarray) -> str:
    return text_of(integers.tobytes())


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
