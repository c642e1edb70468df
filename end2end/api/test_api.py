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


def chance(given: object) -> int | None:
    """A number by an id that was made up; none where it is no id."""
    try:
        return uuid.UUID(given).int
    except (TypeError, ValueError, AttributeError):
        return None


def real(noun: str, given: dict, things: list[dict[str, dict[str, str]]]) -> dict:
    """The values in a path with those of something that is there in the place of most that were made up."""
    number = chance(given.get("id"))
    known = [of[noun] for of in things if noun in of]
    # What stands in the description as an example, and a quarter of the rest, stays unknown.
    if number is None or not known or number % 4 == 3:
        return given
    there = known[number % len(known)]
    chosen = {**given, "id": there["id"]}
    # With an id that is there, what else stands in the path is there as well, half of the time.
    if number // 4 % 2 == 0:
        chosen.update((name, there[name]) for name in given if name in there)
    return chosen


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_call(case, things, answers):
    """Sends one made-up call."""
    if "id" in (case.path_parameters or {}):
        noun = case.path.removeprefix("/api/v1/").split("/")[0]
        case.path_parameters.update(real(noun, case.path_parameters, things))
    response = case.call_and_validate(
        base_url=URL,
        checks=CHECKS,
        headers={"Authorization": CLIENT.headers["Authorization"]},
        timeout=60,
    )
    answers[case.operation.label][response.status_code] += 1
