"""The world onto the bus: the collectors' base, the simulated exchange and the importer of data files."""

from .base import BaseCollector
from .files import FileImporter, Progress, content_sha256
from .import_options import ImportOptions
from .import_plan import ImportPlan
from .import_report import ImportReport, Refusal
from .record_file import FileInstruments, RecordFile
from .simulated import SimulatedExchange

__all__ = [
    "BaseCollector",
    "FileImporter",
    "FileInstruments",
    "ImportOptions",
    "ImportPlan",
    "ImportReport",
    "Progress",
    "RecordFile",
    "Refusal",
    "SimulatedExchange",
    "content_sha256",
]
