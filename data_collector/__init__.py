"""The world onto the bus: the collectors' base, the simulated exchange and the importer of data files."""

from .base import BaseCollector
from .importing.files import FileImporter, Progress, content_sha256
from .importing.import_options import ImportOptions
from .importing.import_plan import ImportPlan
from .importing.import_report import ImportReport, Refusal
from .importing.record_file import FileInstruments, RecordFile
from .simulation.simulated import SimulatedExchange

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
