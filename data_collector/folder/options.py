"""The options of a collector of the kind "folder"."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from gcg_quant.errors import ImportFileError
from gcg_quant.sections import Section

from ..importing.import_options import ImportOptions

__all__ = ["FolderOptions"]


class FolderOptions(Section):
    """`options = {...}` of an item of [[collectors.run]] with kind = "folder"."""

    folder: Path = Field(description="where the files are")
    pattern: str = Field(default="*.csv", min_length=1, max_length=200, description='which; "**/*.csv" also in the folders below')
    start: Literal["end", "begin"] = Field(default="end", description="where in files that are there at the very first start")
    file: dict[str, str | bool] = Field(default={}, description="what the files do not tell: options of the import, such as timezone")

    @field_validator("file")
    @classmethod
    def _are_options(cls, file: dict[str, str | bool]) -> dict[str, str | bool]:
        known = set(ImportOptions.__struct_fields__) - {"strict", "chunk_bytes", "columns", "names"}
        for key in file:
            if key not in known:
                raise ValueError(f"file has {key!r}, which is no option of the import; known are {', '.join(sorted(known))}")
        try:
            ImportOptions(**file)  # type: ignore[arg-type]
        except ImportFileError as error:
            raise ValueError(error.message) from error
        return file

    @field_validator("pattern")
    @classmethod
    def _stays_inside(cls, pattern: str) -> str:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise ValueError("pattern must stay inside the folder")
        return pattern
