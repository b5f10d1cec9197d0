"""A model that predicts: its ONNX file in onnxruntime, one row at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.errors import ModelError

from .feature import Feature, digest_of_features
from .feature_rows import Row

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["FEATURES_KEY", "ServedModel"]

FEATURES_KEY = "gcg_features"  # of the file's own metadata: the digest of its list of features
_INSTALL = "Models are served by onnxruntime, which is not installed: pip install 'gcg_quant[models]'."


class ServedModel:
    """Gives the probability that the close is higher so many bars on as the model was trained for. One thread.

    Args:
        name: what errors call it.
        features: of its record.
        data: the ONNX file.

    Raises:
        ModelError: it is no file of such a model, its features are others, or onnxruntime is not installed.
    """

    def __init__(self, name: str, features: Sequence[Feature], data: bytes) -> None:
        self.features = tuple(features)
        self._session = _session(name, data)
        self._check(name)
        self._input = self._session.get_inputs()[0].name
        self._output = [self._session.get_outputs()[-1].name]
        self._row = np.empty((1, len(features)), np.float32)
        self.probability(np.zeros(len(features), np.float32))  # the first run is the slow one

    def probability(self, row: Row) -> float:
        """Return the probability of a rise after a row of features, 0 to 1."""
        self._row[0] = row
        return float(self._session.run(self._output, {self._input: self._row})[0][0, 1])

    def probabilities(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return those of many rows, shape (rows, features)."""
        found: npt.NDArray[np.float32] = self._session.run(self._output, {self._input: rows})[0][:, 1]
        return found

    def _check(self, name: str) -> None:
        count = len(self.features)
        width = self._session.get_inputs()[0].shape[-1]
        if width != count:
            raise ModelError(f"The file of the model {name} takes {width} features, and its record lists {count}: train it again.")
        found = self._session.get_modelmeta().custom_metadata_map.get(FEATURES_KEY)
        if found != digest_of_features(self.features):
            raise ModelError(f"The file of the model {name} was trained on other features than its record lists: train it again.")


def _session(name: str, data: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(_INSTALL) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # one row: a second thread costs more than it brings
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes, which differ by version
        raise ModelError(f"The file of the model {name} cannot be read by onnxruntime: {error}") from None
