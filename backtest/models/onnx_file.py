"""A trained LightGBM model as an ONNX file, which the served model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import ModelError

from ...strategy_engine.models.feature import Feature, digest_of_features
from ...strategy_engine.models.served_model import FEATURES_KEY

__all__ = ["FEATURE_TEXTS_KEY", "INSTALL", "onnx_file"]

FEATURE_TEXTS_KEY = "gcg_feature_list"
INSTALL = "Models are trained by LightGBM and written by onnxmltools; one of them is missing ({}): pip install 'gcg_quant[models]'."
_OPSET = 15  # every onnxruntime since 2021 reads it


def onnx_file(booster: Any, features: Sequence[Feature]) -> bytes:
    """Return the file of a booster: float32 in, probabilities out; the features are named in its metadata.

    Raises:
        ModelError: onnxmltools is not installed.
    """
    try:
        import onnx
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType
    except ImportError as error:
        raise ModelError(INSTALL.format(error)) from error
    shape = [("features", FloatTensorType([None, len(features)]))]
    model = convert_lightgbm(_single_precision(booster), name="gcg_quant", initial_types=shape, zipmap=False, target_opset=_OPSET)
    onnx.helper.set_model_props(model, {FEATURES_KEY: digest_of_features(features), FEATURE_TEXTS_KEY: "\n".join(map(str, features))})
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _single_precision(booster: Any) -> Any:
    # LightGBM compares with doubles between two values of the rows, and the file with floats: one that is rounded up may become the value
    # above it, which then takes the other branch. Rounded down it parts the same floats.
    import lightgbm

    lines = booster.model_to_string().split("\n")
    for number, line in enumerate(lines):
        if line.startswith("threshold="):
            values = np.array(line.removeprefix("threshold=").split(), np.float64)
            lines[number] = "threshold=" + " ".join(repr(float(value)) for value in _rounded_down(values))
        elif line.startswith("tree_sizes="):  # of the text before
            lines[number] = ""
    return lightgbm.Booster(model_str="\n".join(lines))


def _rounded_down(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)
