"""Every call of the API, with what schemathesis makes up from the description: no answer is a fault of
ours, and each is one that the description names, in its form."""

import os
import uuid

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    not_a_server_error,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conftest import API, CLIENT, URL

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# How many examples of each call; a soak may want more.
EXAMPLES = int(os.environ.get("E2E_API_EXAMPLES", "25"))

schema = schemathesis.openapi.from_url(f"{API}/openapi.json")


def real(path: str, given: str, things: list[dict[str, str]]) -> str:
    """An id of something that is there, for most ids that were made up."""
    noun = path.removeprefix("/api/v1/").split("/")[0].removesuffix(".csv")
    try:
        number = uuid.UUID(given).int
    except (TypeError, ValueError, AttributeError):
        return given
    known = [of[noun] for of in things if noun in of]
    # What stands in the description as an example, and a quarter of the rest, stays unknown.
    if not known or number % 4 == 3:
        return given
    return known[number % len(known)]


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_call(case, things):
    """Sends one made-up call."""
    if "id" in (case.path_parameters or {}):
        case.path_parameters["id"] = real(case.path, case.path_parameters["id"], things)
    case.call_and_validate(
        base_url=URL,
        checks=CHECKS,
        headers={"Authorization": CLIENT.headers["Authorization"]},
        timeout=60,
    )
