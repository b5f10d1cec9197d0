"""Training models on stored data."""

from .dataset import Dataset, dataset_of
from .scores import score_of
from .split import Split, walk_forward
from .training import DEFAULT_FEATURES, PARAMETERS, TrainingRequest, train

__all__ = ["DEFAULT_FEATURES", "PARAMETERS", "Dataset", "Split", "TrainingRequest", "dataset_of", "score_of", "train", "walk_forward"]
