"""What the calls are about: customers with everything that has an id, made by the API itself
where it can."""

import json
import os
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

URL = os.environ["E2E_URL"]
API = f"{URL}/api/v1"
CLIENT = requests.Session()
CLIENT.headers["Authorization"] = f"Bearer {os.environ['E2E_TOKEN']}"
CUSTOMERS = 3
# An operator’s own: this token, made on the machine, is nobody’s.
NOT_MADE = "/saved-views/"


def turn(call: str) -> tuple[bool, bool, int]:
    """What a call is ordered by: those that remove come last, and of them a customer’s own removal, with
    which everything of it goes; else the calls after it would find nothing."""
    method, path = call.split(" ", 1)
    removes = method == "DELETE"
    return removes, removes and path == "/api/v1/customers/{id}", -path.count("/") * removes


def pytest_collection_modifyitems(items: list) -> None:
    """Brings the calls into their order."""
    items.sort(key=lambda item: turn(item.operation_label))


def ask(method: str, path: str, body: object = None) -> dict:
    """One call that has to work."""
    answer = CLIENT.request(method, f"{API}{path}", json=body, timeout=60)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else {}


def control(method: str, tenant: dict, path: str, body: object = None) -> dict:
    """What the tenant’s own administrators see and change."""
    farm = json.loads(Path(os.environ["E2E_SIMULATOR"]).read_text())["origin"]
    url = f"{farm}/control/tenants/{tenant['tenant_id']}{path}"
    answer = requests.request(method, url, json=body, timeout=60)
    assert answer.ok, f"{method} {url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else {}


def everything_granted(tenant: dict) -> None:
    """Grants also what a sync doesn’t need, so that no call fails for want of it."""
    roles = control("GET", tenant, "/app")["roles"]
    control("PATCH", tenant, "/app", {"roles": [*roles, "Directory.Read.All"]})


def here_already(made: str, tenant: dict) -> str:
    """The source’s id of somebody whom a run will find here already, and ask about."""
    person = next(
        user
        for user in control("GET", tenant, "/snapshot")["users"]
        if user["account_enabled"]
        and user["user_type"] != "Guest"
        and (user["given_name"] or "").strip()
        and (user["surname"] or "").strip()
    )
    named = ("user_principal_name", "given_name", "surname")
    here = {name: person[name] for name in named} | {"display_name": "Here"}
    ask("POST", f"/customers/{made}/users", here)
    return person["id"]


def ended(run: str) -> dict:
    """The run, once it has come to its end."""
    for _ in range(600):
        seen = ask("GET", f"/runs/{run}")
        if seen["status"] not in ("queued", "running"):
            return seen
        time.sleep(0.1)
    raise AssertionError(f"the run {run} doesn’t end")


def added(email: str, customer_id: str) -> str:
    """An operator of this customer. No program invites one, so they are added on the machine."""
    subprocess.run(
        [
            *(os.environ["E2E_ROLLCALL"], "operator", "add"),
            *("--email", email, "--name", "Noor", "--role", "read_only", "--password-stdin"),
        ],
        input="seven small green teapots\n",
        text=True,
        check=True,
    )
    operator = ask("GET", f"/operators?q={email}")["items"][0]["id"]
    scope = {"kind": "some", "customer_ids": [customer_id]}
    ask("PATCH", f"/operators/{operator}", {"scope": scope})
    return operator


def consent_link(made: str, profile: str, tenant: dict) -> str:
    """A link for an administrator of the customer’s tenant."""
    body = {"credential_profile_id": profile, "cloud": "sim", "tenant": tenant["tenant_id"]}
    return ask("POST", f"/customers/{made}/consent-links", body)["id"]


def imported(made: str, number: int) -> str:
    """A dry run of a file, with a row that can be brought in and one that can’t."""
    file = f"upn,name\nada{number}@import.example,Ada\nno address,Bea\n"
    answer = CLIENT.post(
        f"{API}/customers/{made}/imports?name=people.csv",
        data=file,
        headers={"Content-Type": "text/csv"},
        timeout=60,
    )
    assert answer.ok, f"the import: {answer.status_code} {answer.text}"
    return answer.json()["id"]


def token(number: int) -> str:
    """A token that nobody asks with. No program makes one, so it is made on the machine."""
    name = f"Token {number}"
    subprocess.run(
        [
            *(os.environ["E2E_ROLLCALL"], "token", "create"),
            *("--name", name, "--role", "read_only"),
        ],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return ask("GET", f"/api-tokens?q={name}")["items"][0]["id"]


def template(number: int, integration: str) -> str:
    """A policy template of two versions, which an integration follows."""
    made = ask("POST", "/policy-templates", {"name": f"Template {number}"})["id"]
    policy = {"include_guests": True}
    ask("PATCH", f"/policy-templates/{made}", {"policy": policy})
    ask("PUT", f"/integrations/{integration}/template", {"policy_template_id": made})
    return made


def bulk_change(made: str) -> str:
    """Everybody of the customer, looked at together."""
    body = {"list": "users", "action": "protect", "filter": "", "note": "Looked at"}
    return ask("POST", f"/customers/{made}/bulk-changes", body)["id"]


def customer(number: int, tenant: dict) -> dict[str, dict[str, str]]:
    """A customer whose tenant was synced: by noun, what stands in the paths of one of everything."""
    everything_granted(tenant)
    made = ask("POST", "/customers", {"name": f"Customer {number}"})["id"]
    profile = ask(
        "POST",
        "/credential-profiles",
        {
            "customer_id": made,
            "name": f"Profile {number}",
            "kind": "client_secret",
            "client_id": tenant["client_id"],
            "client_secret": tenant["client_secret"],
        },
    )["id"]
    integration = ask(
        "POST",
        f"/customers/{made}/integrations",
        {
            "kind": "entra_id",
            "tenant": tenant["tenant_id"],
            "cloud": "sim",
            "credential_profile_id": profile,
            "policy": {"object_types": ["user", "group", "contact", "device"]},
        },
    )["id"]
    matched = here_already(made, tenant)
    run = ask("POST", f"/integrations/{integration}/runs", {"mode": "full"})["id"]
    assert ended(run)["status"] in ("succeeded", "partial")
    ask("GET", f"/integrations/{integration}/matches/{matched}")
    second = {"kind": "certificate", "certificate_years": 1}
    ask("PUT", f"/credential-profiles/{profile}/second", second)
    told = ask(
        "POST",
        f"/customers/{made}/notification-recipients",
        {"kind": "mail", "address": f"told{number}@example.com"},
    )["id"]

    def first(path: str) -> str:
        return ask("GET", path)["items"][0]["id"]

    user = first(f"/customers/{made}/users?source_type=EntraSync")
    kept = {"value": "Colleague", "note": "Kept for the calls"}
    ask("PUT", f"/users/{user}/kept-attributes/jobTitle", kept)

    return {
        "api-tokens": {"id": token(number)},
        "audit-events": {"id": first(f"/audit-events?customer_id={made}")},
        "bulk-changes": {"id": bulk_change(made)},
        "consent-links": {"id": consent_link(made, profile, tenant)},
        "contacts": {"id": first(f"/customers/{made}/contacts")},
        "credential-profiles": {"id": profile},
        "customers": {"id": made},
        "devices": {"id": first(f"/customers/{made}/devices")},
        "groups": {"id": first(f"/customers/{made}/groups")},
        "imports": {"id": imported(made, number)},
        "integrations": {"id": integration, "number": "1", "external_id": matched},
        "notification-recipients": {"id": told},
        "operators": {"id": added(f"noor{number}@example.com", made)},
        "policy-templates": {"id": template(number, integration), "number": "2"},
        "runs": {"id": run},
        "users": {"id": user, "name": "jobTitle"},
    }


@pytest.fixture(scope="session")
def things() -> list[dict[str, dict[str, str]]]:
    """One of everything of each customer."""
    tenants = json.loads(Path(os.environ["E2E_SIMULATOR"]).read_text())["tenants"]
    return [customer(number, tenants[number]) for number in range(CUSTOMERS)]


@pytest.fixture(scope="session")
def answers() -> Iterator[defaultdict[str, Counter]]:
    """Counts what each call was answered. In the end each was tested: not only refused since it came too
    often, and, where it is about something that was made, not only of what isn’t there."""
    counted: defaultdict[str, Counter] = defaultdict(Counter)
    yield counted
    limited = sorted(call for call, by in counted.items() if set(by) <= {429})
    assert not limited, f"answered with 429 (Too Many Requests) alone: {limited}"
    unfound = sorted(
        call
        for call, by in counted.items()
        if "{id}" in call and NOT_MADE not in call and set(by) <= {401, 404, 405, 429}
    )
    assert not unfound, f"never found what they are about: {unfound}"
