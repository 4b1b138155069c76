"""Errors about one light curve or one event. They do not stop the processing of other TCEs."""


class LightCurveError(ValueError):
    """A light curve or an event cannot be used. `reason` is the word for it in lists of skipped TCEs."""

    reason = "unusable"


class MissingLightCurveError(LightCurveError):
    """There is no file for this star and sector."""

    reason = "missing"


class UnreadableLightCurveError(LightCurveError):
    """The file is truncated, is not what its name says, or lacks a dataset or attribute."""

    reason = "unreadable"


class MisplacedLightCurveError(LightCurveError):
    """The times are not in the sector of the light curve."""

    reason = "misplaced"


class EmptyLightCurveError(LightCurveError):
    """No cadence is left after flagged cadences, NaNs and outliers are dropped."""

    reason = "empty"


class SparseLightCurveError(LightCurveError):
    """There are too few points for a view, or they cover too short a range."""

    reason = "sparse"


class LongCadenceError(LightCurveError):
    """The cadences are too long for a search, for example for flares."""

    reason = "cadence"


class FlatViewError(LightCurveError):
    """A view has no value below its median, so it has no depth to be normalized by."""

    reason = "flat"


class InvalidEventError(LightCurveError):
    """A period, epoch or duration is impossible."""

    reason = "invalid"
