"""Trained models on the bus: features by one path for training and live, the kept file, and the component that serves it."""

from .feature import FEATURES_VERSION, Feature, check_features, digest_of_features, parse_feature
from .feature_rows import FeatureRows
from .record import Fold, ModelRecord, Score
from .served_model import ServedModel
from .store import ModelStore

__all__ = [
    "FEATURES_VERSION",
    "Feature",
    "FeatureRows",
    "Fold",
    "ModelRecord",
    "ModelStore",
    "Score",
    "ServedModel",
    "check_features",
    "digest_of_features",
    "parse_feature",
]
