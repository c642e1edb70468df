"""What the calls are about: customers with everything that has an id, made by the API itself
where it can."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import requests

URL = os.environ["E2E_URL"]
API = f"{URL}/api/v1"
CLIENT = requests.Session()
CLIENT.headers["Authorization"] = f"Bearer {os.environ['E2E_TOKEN']}"
CUSTOMERS = 3


def ask(method: str, path: str, body: object = None) -> dict:
    """One call that has to work."""
    answer = CLIENT.request(method, f"{API}{path}", json=body, timeout=60)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else {}


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


def customer(number: int, tenant: dict) -> dict[str, str]:
    """A customer whose tenant was synced, with the id of one of everything."""
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
    run = ask("POST", f"/integrations/{integration}/runs", {"mode": "full"})["id"]
    assert ended(run)["status"] in ("succeeded", "partial")
    told = ask(
        "POST",
        f"/customers/{made}/notification-recipients",
        {"kind": "mail", "address": f"told{number}@example.com"},
    )["id"]

    def first(path: str) -> str:
        return ask("GET", path)["items"][0]["id"]

    operator = added(f"noor{number}@example.com", made)

    return {
        "customers": made,
        "credential-profiles": profile,
        "integrations": integration,
        "runs": run,
        "notification-recipients": told,
        "operators": operator,
        "users": first(f"/customers/{made}/users"),
        "groups": first(f"/customers/{made}/groups"),
        "contacts": first(f"/customers/{made}/contacts"),
        "devices": first(f"/customers/{made}/devices"),
        "audit-events": first(f"/audit-events?customer_id={made}"),
    }


@pytest.fixture(scope="session")
def things() -> list[dict[str, str]]:
    """One of everything of each customer."""
    tenants = json.loads(Path(os.environ["E2E_SIMULATOR"]).read_text())["tenants"]
    return [customer(number, tenants[number]) for number in range(CUSTOMERS)]
