"""The value of --mask_flares, for scripts that mostly run without it: mask.py is imported only if it is needed."""

from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from astronet.flares.mask import FlareMask


def flare_mask(model_dir: Optional[str]) -> "Optional[FlareMask]":
    """Returns the mask that --mask_flares names, as mask.of_directory() does; None if the flag is not given."""
    if model_dir is None:
        return None
    from astronet.flares import mask

    return mask.of_directory(model_dir)
