"""Imports TensorFlow and Keras 2, for old and new versions of TensorFlow. Import `tf` and `keras` from here.

TensorFlow up to 2.15 contains Keras 2 as `tf.keras`. Later versions contain Keras 3, which does not allow `/` in the
names of layers. With those, Keras 2 is the package tf_keras; it must have the same minor version as TensorFlow. Keras 3
can be used in the same process.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from astronet.base.script import ScriptError


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hides text that the block writes to the file descriptor of stderr. If the block fails, the text is shown.

    TensorFlow's C++ libraries write there while they are loaded, even if TF_CPP_MIN_LOG_LEVEL forbids it.
    """
    try:
        kept = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield
        except BaseException:
            noise.seek(0)
            os.write(kept, noise.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _import_tf_keras():
    """Returns the package tf_keras.

    Raises:
      ScriptError: tf_keras is not installed, or belongs to another version of TensorFlow.
    """
    wanted = ".".join(tf.__version__.split(".")[:2])
    try:
        import tf_keras
    except ImportError as error:
        problem = f"cannot be imported ({error})"
    else:
        if tf_keras.__version__.startswith(f"{wanted}."):
            return tf_keras
        problem = f"is {tf_keras.__version__}"
    raise ScriptError(
        f"TensorFlow {tf.__version__} needs tf_keras {wanted}, which {problem}: pip install 'tf_keras=={wanted}.*'"
    )


if "tensorflow" in sys.modules:
    import tensorflow as tf
else:
    try:
        with _quiet_stderr():
            import tensorflow as tf
    except ModuleNotFoundError as error:
        raise ScriptError(
            f"this needs TensorFlow, which is not installed ({error}): pip install tensorflow; exported models do not "
            "need it"
        ) from error

if TYPE_CHECKING:
    from tensorflow import keras as keras
else:
    keras = tf.keras if hasattr(tf, "estimator") else _import_tf_keras()
