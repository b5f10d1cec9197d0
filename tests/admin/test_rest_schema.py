"""The whole REST interface by its own description: nothing that fits it, and nothing that does not, fails inside or is answered otherwise.

Every operation gets questions made from its schema, also those that trade, delete, restart and switch, on a system that is thrown away.
GCG_QUANT_REST_EXAMPLES=300 asks longer than CI has time for.
"""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckContext
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import System
from .test_rest_strategies import TALKER, eventually

RUN = ("--one-process",)  # starts in half the work
EXAMPLES = int(os.environ.get("GCG_QUANT_REST_EXAMPLES", "2"))
RESTARTS = 3  # a process takes its time to start
PATIENCE_S = 100  # a check of a strategy may take a minute
# What is there, so that questions get beyond "there is no such thing". The web's own group and components are never named: whoever stops
# the server gets no answer.
NAMES = {
    "strategy": ["grid-btc", "talker"],
    "run": ["tried"],
    "account": ["paper"],
    "group": ["strategies"],
    "component": ["bars"],
    "name": ["bars", "talker.py", "X_1d.csv"],
    "client_id": ["nobody"],
}
ORDER = ["get", "put", "patch", "post", "delete"]  # what takes things away comes last
WHOLE = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def schema(system: System) -> Any:
    """Return the description of a system that runs, with a strategy and a backtest that can be asked for."""
    with httpx.Client(base_url=f"{system.url}/api/v1", timeout=PATIENCE_S) as rest:
        file = rest.put("/strategies/files/talker.py", content=TALKER).json()["file"]
        assert rest.post("/strategies", json={"file": file, "strategy": "talker"}).status_code == 201
        assert rest.post("/backtests", json={"file": "sma_cross", "symbols": ["NOTHING"], "run": "tried"}).status_code == 202
        eventually(lambda: rest.get("/orders").json())
    return schemathesis.openapi.from_url(f"{system.url}/api/v1/openapi.json", timeout=PATIENCE_S)


def no_failure_inside(ctx: CheckContext, response: Any, case: Any) -> None:
    """A 500 is a fault of ours; 503 and 504 say that something does not run or answer."""
    assert response.status_code != 500, response.text


def named(case: Any, choose: Any) -> Any:
    """Put names of things that are there into the path of two questions of three."""
    for parameter in list(case.path_parameters or {}):
        if parameter in NAMES and choose(st.sampled_from([True, True, False])):
            case.path_parameters[parameter] = choose(st.sampled_from(NAMES[parameter]))
    return case


@pytest.mark.timeout(900)
def test_every_operation_keeps_to_its_description(schema: Any, system: System) -> None:
    """No 500, no status, type, header or body that the description does not name; and the system runs on."""
    seen, faults = [], []
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in sorted(operations, key=lambda one: ORDER.index(one.method)):
        seen.append(f"{operation.method.upper()} {operation.path}")

        @settings(
            max_examples=min(EXAMPLES, RESTARTS) if operation.path.endswith("/restart") else EXAMPLES,
            derandomize="GCG_QUANT_REST_EXAMPLES" not in os.environ,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), data=st.data())
        def ask(case: Any, data: Any) -> None:
            named(case, data.draw)
            response = case.call(timeout=PATIENCE_S)
            case.validate_response(response, checks=[no_failure_inside, *WHOLE])

        try:
            ask()
        except FailureGroup as group:
            faults += [f"{seen[-1]}: {one}" for one in group.exceptions]
    assert faults == []
    assert len(seen) > 40
    assert httpx.get(f"{system.url}/api/v1/system/status", timeout=20).status_code == 200
    assert "died" not in system.output


def test_every_operation_is_described(schema: Any) -> None:
    """Each has a summary, a model for its answer, descriptions of its errors, and bounds on its numbers and texts."""
    document = schema.raw_schema
    faults = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            if not operation.get("description"):
                faults.append(f"{where}: no description")
            good = next(value for status, value in operation["responses"].items() if status.startswith("2"))
            for kind, content in good.get("content", {}).items():
                if kind == "application/json" and not content.get("schema", {}).keys() - {"title"}:
                    faults.append(f"{where}: its answer has no model")
            if not {"401", "403", "422", "500"} <= operation["responses"].keys():
                faults.append(f"{where}: its errors are not described")
            faults += [f"{where}: {one['name']} has no bound" for one in operation.get("parameters", []) if not bounded(one["schema"])]
    assert faults == []


def bounded(schema: dict[str, Any]) -> bool:
    """Return whether a parameter's schema says how large its values may be."""
    if "anyOf" in schema:
        return all(bounded(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema or "$ref" in schema or schema.get("type") in ("boolean", "null"):
        return True
    if schema.get("type") == "array":
        return "maxItems" in schema and bounded(schema["items"])
    if schema.get("type") in ("integer", "number"):
        return "maximum" in schema or "exclusiveMaximum" in schema
    return "maxLength" in schema or "pattern" in schema
