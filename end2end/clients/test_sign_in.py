"""MSAL and azure-identity get tokens, and read the refusals as they read Entra's."""

import base64
import json

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential
from conftest import Tenant
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1

ROLES = {
    "User.Read.All",
    "GroupMember.Read.All",
    "OrgContact.Read.All",
    "Device.Read.All",
    "Organization.Read.All",
}


def application(tenant: Tenant, credential: object, **more: object):
    return msal.ConfidentialClientApplication(
        tenant.client_id,
        client_credential=credential,
        instance_discovery=False,
        **({"authority": tenant.authority} | more),
    )


def token(tenant: Tenant, credential: object, **more: object) -> dict:
    return application(tenant, credential, **more).acquire_token_for_client([tenant.scope])


def claims(access_token: str) -> dict:
    body = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def thumbprint(tenant: Tenant) -> str:
    certificate = x509.load_pem_x509_certificate(tenant.certificate_pem.encode())
    return certificate.fingerprint(SHA1()).hex()


def test_msal_with_a_secret(tenant: Tenant):
    answer = token(tenant, tenant.client_secret)
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3599
    told = claims(answer["access_token"])
    assert told["tid"] == tenant.tenant_id
    assert told["appid"] == tenant.client_id
    assert told["idtyp"] == "app"
    assert set(told["roles"]) == ROLES


def test_msal_by_domain(tenant: Tenant):
    answer = token(tenant, tenant.client_secret, authority=f"{tenant.origin}/{tenant.domain}")
    assert claims(answer["access_token"])["tid"] == tenant.tenant_id


def test_msal_as_any_openid_provider(tenant: Tenant):
    answer = token(
        tenant, tenant.client_secret, authority=None, oidc_authority=f"{tenant.authority}/v2.0"
    )
    assert "access_token" in answer, answer


def test_msal_with_a_certificate_ps256(tenant: Tenant):
    credential = {
        "private_key": tenant.private_key_pem,
        "public_certificate": tenant.certificate_pem,
    }
    answer = token(tenant, credential)
    assert "access_token" in answer, answer
    assert claims(answer["access_token"])["appidacr"] == "2"


def test_msal_with_a_certificate_rs256_and_sha1(tenant: Tenant):
    answer = token(
        tenant, {"private_key": tenant.private_key_pem, "thumbprint": thumbprint(tenant)}
    )
    assert "access_token" in answer, answer


@pytest.mark.parametrize(
    ("credential", "error", "code"),
    [
        ("wrong", "invalid_client", 7000215),
        ("unregistered certificate", "invalid_client", 700027),
    ],
)
def test_msal_reads_refusals(tenant: Tenant, credential: str, error: str, code: int):
    secret = credential
    if credential != "wrong":
        secret = {"private_key": tenant.private_key_pem, "thumbprint": "00" * 20}
    answer = token(tenant, secret)
    assert answer["error"] == error
    assert answer["error_codes"] == [code]
    assert answer["error_description"].startswith(f"AADSTS{code}: ")
    assert answer["correlation_id"]


@pytest.mark.parametrize(
    ("state", "error", "code"),
    [
        ("unknown", "unauthorized_client", 700016),
        ("not_consented", "invalid_client", 7000229),
        ("disabled", "unauthorized_client", 7000112),
        ("blocked", "invalid_grant", 53003),
    ],
)
def test_msal_reads_the_state_of_the_application(
    tenant: Tenant, state: str, error: str, code: int
):
    tenant.control("PUT", "/app", {"state": state})
    try:
        answer = token(tenant, tenant.client_secret)
    finally:
        tenant.control("PUT", "/app", {"state": "ready"})
    assert (answer["error"], answer["error_codes"]) == (error, [code])


def test_msal_refuses_an_unknown_tenant(tenant: Tenant):
    nowhere = f"{tenant.origin}/nobody.onmicrosoft.example"
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        token(tenant, tenant.client_secret, authority=nowhere)


def identity_options(tenant: Tenant) -> dict:
    return {
        "authority": tenant.origin,
        "disable_instance_discovery": True,
        "connection_verify": tenant.ca,
    }


def test_azure_identity_with_a_secret(tenant: Tenant):
    credential = ClientSecretCredential(
        tenant.tenant_id, tenant.client_id, tenant.client_secret, **identity_options(tenant)
    )
    assert claims(credential.get_token(tenant.scope).token)["tid"] == tenant.tenant_id


def test_azure_identity_with_a_certificate(tenant: Tenant):
    pem = (tenant.private_key_pem + tenant.certificate_pem).encode()
    credential = CertificateCredential(
        tenant.tenant_id, tenant.client_id, certificate_data=pem, **identity_options(tenant)
    )
    assert claims(credential.get_token(tenant.scope).token)["appidacr"] == "2"


def test_azure_identity_reads_refusals(tenant: Tenant):
    credential = ClientSecretCredential(
        tenant.tenant_id, tenant.client_id, "wrong", **identity_options(tenant)
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(tenant.scope)
