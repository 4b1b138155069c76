"""The networks of an ensemble as NumPy computes them: AstroModel, AstroFCModel and AstroCNNModel."""

import math
import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from astronet.base.script import ScriptError
from astronet.config import configuration
from astronet.config.configuration import ModelSpec
from astronet.config.schema import Config
from astronet.inference import scalars, threads
from astronet.inference.columns import ConvColumn, DenseColumn, Shapes, Weights, dense_shapes

_POSITIONS = 9600  # bins of the series that pass through a column together: as many as fit into the processor's cache
_BLOCKS = 4  # the features of this many blocks pass through the dense layers together
_DESKS = 4  # each thread keeps working memory for this many numbers of series

_COLUMNS: dict[str, Callable] = {
    "AstroModel": lambda name, length, hparams: DenseColumn(f"{name}_hidden", length, 0, 0),
    "AstroFCModel": lambda name, length, hparams: DenseColumn(
        f"{name}_hidden", length, hparams.columns[name].num_layers, hparams.columns[name].layer_size
    ),
    "AstroCNNModel": lambda name, length, hparams: ConvColumn(f"{name}_hidden", length, hparams.columns[name], hparams),
}


def knows(model: str) -> bool:
    """Returns whether NumPy can compute a model: all except those that find companions in direct images.

    >>> knows("AstroCNNModel"), knows("sodinn")
    (True, False)
    """
    return model in _COLUMNS


class Architecture:
    """The columns of the models of a configuration, in the order in which they are joined, and the shapes of weights.

    Raises:
      ScriptError: the configuration does not give a valid model.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.config: Config = spec.config
        inputs, hparams = self.config.inputs, self.config.hparams
        self.columns = {
            name: _COLUMNS[spec.model](name, length, hparams)
            for name, length in sorted(configuration.view_lengths(self.config).items())
        }
        self.others = sorted(name for name, feature in inputs.features.items() if not feature.is_time_series)
        self.num_scalars = len(inputs.scalars)
        sizes = {name: column.num_features for name, column in self.columns.items()}
        if min(sizes.values(), default=1) < 1:
            short = min(sizes, key=lambda name: sizes[name])
            raise ScriptError(
                f"the configuration makes no {spec.model} (the poolings leave nothing of {short}): correct its sizes"
            )
        self.num_features = sum(sizes.values()) + sum(inputs.features[name].length for name in self.others)
        self.num_features += self.num_scalars
        self.shapes = self._shapes()

    @property
    def num_multiplications(self) -> int:
        """Number of multiplications of one network for one TCE."""
        in_columns = {name for column in self.columns.values() for name in column.shapes}
        number = sum(math.prod(shape) for name, shape in self.shapes.items() if name not in in_columns)
        number += sum(column.num_multiplications for column in self.columns.values())
        return number * (2 if self.config.hparams.score_both_directions else 1)

    def _shapes(self) -> Shapes:
        """Returns the shape of each weight, by its name in checkpoints."""
        hparams = self.config.hparams
        shapes: Shapes = {}
        for column in self.columns.values():
            shapes.update(column.shapes)
        if self.num_scalars:
            shapes.update({"scalars/mean": (self.num_scalars,), "scalars/scale": (self.num_scalars,)})
        hidden = [hparams.pre_logits_hidden_layer_size] * hparams.num_pre_logits_hidden_layers
        sizes = [self.num_features, *hidden]
        shapes.update(dense_shapes("pre_logits_hidden", sizes))
        shapes.update({"logits/kernel": (sizes[-1], hparams.output_dim), "logits/bias": (hparams.output_dim,)})
        return shapes

    def joined(self, features: Mapping[str, np.ndarray], weights: Weights) -> np.ndarray:
        """Returns the inputs that are joined to the columns: other features, and scalars, [batch, any]."""
        parts = [features[name] for name in self.others]
        if self.num_scalars:
            mean, scale = weights["scalars/mean"], weights["scalars/scale"]
            parts.append(scalars.normalized(self.config.inputs.scalars, features, mean, scale))
        return np.concatenate(parts, axis=1) if parts else np.empty([len(next(iter(features.values()))), 0], np.float32)


class Member:
    """The weights of a network, in the form that its layers take.

    Attributes:
      layers: kernel and bias of each dense layer after the columns, including the layer of the logits.
    """

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        self.weights = weights
        self.columns = {name: column.prepare(weights) for name, column in architecture.columns.items()}
        number = architecture.config.hparams.num_pre_logits_hidden_layers
        names = [*(f"pre_logits_hidden/fully_connected_{n}" for n in range(1, number + 1)), "logits"]
        self.layers = [(weights[f"{name}/kernel"], weights[f"{name}/bias"]) for name in names]

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Returns the logits for features: [batch, num_features] -> [batch, output_dim]."""
        return self.after_first_layer(features @ self.layers[0][0])

    def after_first_layer(self, products: np.ndarray) -> np.ndarray:
        """Returns the logits for the matrix products of the first layer: [batch, units] -> [batch, output_dim]."""
        net = products + self.layers[0][1]
        for kernel, bias in self.layers[1:]:
            np.maximum(net, 0, out=net)
            net = net @ kernel + bias
        return net


class Networks:
    """Networks of one configuration, which have the same features as inputs."""

    def __init__(self, architecture: Architecture, weights: Sequence[Weights]) -> None:
        """Takes the weights of each network, float32 arrays by name, of the shapes architecture.shapes."""
        self.architecture = architecture
        self.members = [Member(architecture, weights_of_network) for weights_of_network in weights]
        self._is_turned = architecture.config.hparams.score_both_directions
        self._desks = threading.local()  # working memory of each thread, by number of series
        longest = max(configuration.view_lengths(architecture.config).values(), default=1)
        self._tces_in_block = max(1, _POSITIONS // longest // (2 if self._is_turned else 1))

    def logits(self, features: Mapping[str, np.ndarray]) -> np.ndarray:
        """Computes the logits of TCEs.

        Args:
          features: float32 [batch, length] by name.

        Returns:
          float32 [batch, num_networks, output_dim]; the mean over both directions if score_both_directions is set.
        """
        names = configuration.input_lengths(self.architecture.config)
        needed = {name: np.asarray(features[name], np.float32) for name in names}
        number = len(next(iter(needed.values())))
        step = _BLOCKS * self._tces_in_block
        parts = [
            {name: values[start : start + step] for name, values in needed.items()} for start in range(0, number, step)
        ]
        output_dim = self.architecture.config.hparams.output_dim
        empty = np.empty([0, len(self.members), output_dim], np.float32)
        return np.concatenate([empty, *threads.parallel_map(self._logits, parts)])

    def _logits(self, features):
        """Returns the logits of a few blocks of TCEs, [batch, num_networks, output_dim]."""
        architecture = self.architecture
        number = len(next(iter(features.values())))
        directions = 2 if self._is_turned else 1
        joined = np.empty([len(self.members), directions, number, architecture.num_features], np.float32)
        for start in range(0, number, self._tces_in_block):
            block = slice(start, start + self._tces_in_block)
            end = 0
            for name, column in architecture.columns.items():
                begin, end = end, end + column.num_features
                self._fill(joined[:, :, block, begin:end], name, features[name][block])
        for member, rows in zip(self.members, joined):
            rows[:, :, end:] = architecture.joined(features, member.weights)
        scored = [member.logits(rows.reshape(directions * number, -1)) for member, rows in zip(self.members, joined)]
        return np.mean([logits.reshape(directions, number, -1) for logits in scored], axis=1).transpose(1, 0, 2)

    def _fill(self, joined, name, series):
        """Writes the features of series by each network, [num_networks, directions, num_series, num_features]."""
        if self._is_turned:
            series = np.concatenate([series, series[:, ::-1]])
        desk = self._desk(name, len(series))
        desk.put(series)
        features = np.empty([len(series), joined.shape[-1]], np.float32)
        for member, rows in zip(self.members, joined):
            desk.features(member.columns[name], features)
            rows[...] = features.reshape(rows.shape)

    def _desk(self, name, num_series):
        desks = self._desks.__dict__.setdefault(name, {})
        if num_series not in desks:
            while len(desks) >= _DESKS:
                desks.pop(next(iter(desks)))
            desks[num_series] = self.architecture.columns[name].desk(num_series)
        return desks[num_series]
