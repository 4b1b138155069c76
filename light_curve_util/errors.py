"""What can be wrong with one light curve or one event. None of these stops the other TCEs."""


class LightCurveError(ValueError):
    """A light curve or event that cannot be used; `reason` is the word that skip lists show."""

    reason = "unusable"


class MissingLightCurveError(LightCurveError):
    """No file for this star and sector."""

    reason = "missing"


class UnreadableLightCurveError(LightCurveError):
    """The file is truncated, is not what its name says, or lacks a dataset or attribute."""

    reason = "unreadable"


class MisplacedLightCurveError(LightCurveError):
    """The times do not lie in the sector that the light curve should be of."""

    reason = "misplaced"


class EmptyLightCurveError(LightCurveError):
    """No cadence is left after flags, NaNs and outliers are dropped."""

    reason = "empty"


class SparseLightCurveError(LightCurveError):
    """Too few points, or points over too short a range, to fill a view."""

    reason = "sparse"


class LongCadenceError(LightCurveError):
    """Cadences that are too long for what is looked for, such as flares."""

    reason = "cadence"


class FlatViewError(LightCurveError):
    """A view without any dip below its median: it has no depth to be normalized by."""

    reason = "flat"


class InvalidEventError(LightCurveError):
    """A period, epoch or duration that no event can have."""

    reason = "invalid"
