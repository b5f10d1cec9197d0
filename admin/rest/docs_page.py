"""`/docs`: the REST interface as a page that can be tried out, served without a request to anywhere else."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from gcg_quant.errors import ComponentError

__all__ = ["create_docs_router"]

_PAGES = Path(__file__).parent.parent / "web"
_PACKAGE = "fastapi-offline"


def create_docs_router() -> APIRouter:
    """Return the routes of the page.

    Raises:
        ComponentError: the package that ships Swagger UI is not installed.
    """
    router = APIRouter(prefix="/docs", include_in_schema=False)

    @router.get("")
    def page() -> FileResponse:
        return FileResponse(_PAGES / "docs.html", media_type="text/html")

    @router.get("/docs.js")
    def script() -> FileResponse:
        return FileResponse(_PAGES / "docs.js", media_type="text/javascript")

    library, style = _swagger("swagger-ui-bundle.js"), _swagger("swagger-ui.css")

    @router.get("/swagger-ui-bundle.js")
    def swagger() -> FileResponse:
        return FileResponse(library, media_type="text/javascript")

    @router.get("/swagger-ui.css")
    def css() -> FileResponse:
        return FileResponse(style, media_type="text/css")

    return router


def _swagger(name: str) -> Path:
    # Found by its metadata: the package itself would bring an app of its own.
    try:
        files = importlib.metadata.files(_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise ComponentError(f"The page /docs needs the package {_PACKAGE}; install it: pip install {_PACKAGE}.")
