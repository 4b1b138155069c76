"""TensorFlow and Keras 2, of whichever line this Python has: import `tf` and `keras` from here.

TensorFlow up to 2.15 brings Keras 2 as `tf.keras`. Later versions bring Keras 3, which refuses the `/` in the names of
our layers; there, Keras 2 is the package tf_keras, which must have TensorFlow's own minor version. Keras 3 may be used
in the same process: neither gets in the other's way.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from astronet.base.script import ScriptError


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Holds back what the block writes to the descriptor of stderr, and shows it only if the block fails.

    TensorFlow's C++ libraries write there while they are loaded, whatever TF_CPP_MIN_LOG_LEVEL says.
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
    """The package tf_keras.

    Raises:
      ScriptError: it is absent, or belongs to another version of TensorFlow.
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
            f"this needs TensorFlow, and there is none ({error}): pip install tensorflow; exported models do without"
        ) from error

keras = tf.keras if hasattr(tf, "estimator") else _import_tf_keras()
