"""Starts the simulator over https and says how to sign in to it."""

import json
import os
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib import request
from urllib.parse import quote

import pytest

# What the environment presets would win over the certificate authority named in code.
PRESET_CA = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass
class Tenant:
    """One tenant of the farm."""

    origin: str
    ca: str
    tenant_id: str
    domain: str
    display_name: str
    client_id: str
    client_secret: str
    certificate_pem: str
    private_key_pem: str

    @property
    def authority(self) -> str:
        return f"{self.origin}/{self.tenant_id}"

    @property
    def scope(self) -> str:
        return f"{self.origin}/.default"

    def control(self, method: str, path: str, body: object = None) -> object:
        """Calls the control API of this tenant."""
        data = None if body is None else json.dumps(body).encode()
        call = request.Request(
            f"{self.origin}/control/tenants/{quote(self.tenant_id)}{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        context = ssl.create_default_context(cafile=self.ca)
        handlers = [request.ProxyHandler({}), request.HTTPSHandler(context=context)]
        with request.build_opener(*handlers).open(call) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def snapshot(self) -> dict:
        """What is really in the tenant."""
        return self.control("GET", "/snapshot")


@pytest.fixture(scope="session")
def farm(tmp_path_factory: pytest.TempPathFactory):
    program = os.environ.get("ENTRA_SIMULATOR")
    if not program or not Path(program).is_file():
        pytest.fail("ENTRA_SIMULATOR must be the path of the entra-simulator program")
    folder = tmp_path_factory.mktemp("tls")
    arguments = ["--listen", "127.0.0.1:0", "--json", "--size", "450,60", "--tls-dir", str(folder)]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0, "SIGTERM must end the simulator cleanly"


@pytest.fixture(scope="session")
def ca(farm: dict):
    """The farm's certificate authority, trusted everywhere for the time of the tests."""
    saved = {name: os.environ.pop(name, None) for name in PRESET_CA}
    os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = farm["ca_pem"]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    yield farm["ca_pem"]
    for name, value in saved.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture
def tenant(farm: dict, ca: str):
    """The tenant of 450 users, as it was at the start."""
    one = Tenant(origin=farm["origin"], ca=ca, **farm["tenants"][0])
    one.control("DELETE", "/faults")
    one.control("DELETE", "/stats")
    return one
