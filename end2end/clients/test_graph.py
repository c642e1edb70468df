"""Microsoft's Graph SDK reads the simulator as it reads Graph."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import pytest
from azure.identity.aio import ClientSecretCredential
from conftest import Tenant
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.delta.delta_request_builder import (
    DeltaRequestBuilder as GroupsDelta,
)
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.groups.item.members.members_request_builder import MembersRequestBuilder
from msgraph.generated.models.device import Device
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.org_contact import OrgContact
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.user import User
from msgraph.generated.users.delta.delta_request_builder import DeltaRequestBuilder as UsersDelta
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory


T = TypeVar("T")


def graph(tenant: Tenant, work: Callable[[GraphServiceClient], Awaitable[T]]) -> T:
    """Runs `work` with a client of this tenant."""

    async def run() -> T:
        credential = ClientSecretCredential(
            tenant.tenant_id,
            tenant.client_id,
            tenant.client_secret,
            authority=tenant.origin,
            disable_instance_discovery=True,
            connection_verify=tenant.ca,
        )
        host = urlsplit(tenant.origin).hostname
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=[tenant.scope], allowed_hosts=[host]
        )
        http = GraphClientFactory.create_with_default_middleware(
            host=tenant.origin, client=httpx.AsyncClient(verify=tenant.ca)
        )
        adapter = GraphRequestAdapter(provider, http)
        adapter.base_url = f"{tenant.origin}/v1.0"
        async with credential:
            return await work(GraphServiceClient(request_adapter=adapter))

    return asyncio.run(run())


async def pages(first, follow) -> tuple[list, str | None]:
    """Everything behind the next links, and the delta link at the end."""
    found, page = [], first
    while True:
        found += page.value
        if not page.odata_next_link:
            return found, getattr(page, "odata_delta_link", None)
        page = await follow(page.odata_next_link).get()


def ids(items: list) -> set[str]:
    return {str(item["id"] if isinstance(item, dict) else item.id) for item in items}


def test_the_organization(tenant: Tenant):
    answer = graph(tenant, lambda client: client.organization.get())
    [organization] = answer.value
    assert organization.id == tenant.tenant_id
    assert organization.display_name == tenant.display_name
    assert tenant.domain in [domain.name for domain in organization.verified_domains]


def test_users_are_listed_page_by_page(tenant: Tenant):
    select = ["id", "displayName", "givenName", "surname", "userType", "accountEnabled", "mail"]

    async def work(client: GraphServiceClient):
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=select, top=100)
        first = await client.users.get(RequestConfiguration(query_parameters=query))
        assert len(first.value) == 100
        return await pages(first, client.users.with_url)

    users, _ = graph(tenant, work)
    truth = {user["id"]: user for user in tenant.snapshot()["users"]}
    assert ids(users) == set(truth)
    for user in users:
        known = truth[user.id]
        assert user.display_name == known["display_name"]
        assert user.account_enabled == known["account_enabled"]
        assert user.user_type == known["user_type"]
        assert (user.given_name, user.surname) == (known["given_name"], known["surname"])
        assert user.mail == known["mail"]


def test_groups_are_listed(tenant: Tenant):
    async def work(client: GraphServiceClient):
        return await pages(await client.groups.get(), client.groups.with_url)

    groups, _ = graph(tenant, work)
    truth = {group["id"]: group for group in tenant.snapshot()["groups"]}
    assert ids(groups) == set(truth)
    for group in groups:
        assert isinstance(group, Group)
        assert ("Unified" in group.group_types) == (truth[group.id]["kind"] == "microsoft_365")


def test_user_delta_follows_changes(tenant: Tenant):
    query = UsersDelta.DeltaRequestBuilderGetQueryParameters(select=["displayName", "mail"])

    async def start(client: GraphServiceClient):
        first = await client.users.delta.get(RequestConfiguration(query_parameters=query))
        return await pages(first, client.users.delta.with_url)

    users, link = graph(tenant, start)
    present = [user for user in users if "@removed" not in user.additional_data]
    assert ids(present) == ids(tenant.snapshot()["users"])

    made = tenant.control(
        "POST", "/users", {"displayName": "Zara New", "userPrincipalName": "zara@new.example"}
    )
    renamed, deleted = present[0].id, present[1].id
    tenant.control("PATCH", f"/objects/{renamed}", {"displayName": "Renamed"})
    tenant.control("DELETE", f"/objects/{deleted}")

    async def again(client: GraphServiceClient):
        return await pages(await client.users.delta.with_url(link).get(), client.users.delta.with_url)

    changed, newer = graph(tenant, again)
    by_id = {user.id: user for user in changed}
    assert set(by_id) == {made["id"], renamed, deleted}
    assert by_id[made["id"]].display_name == "Zara New"
    assert by_id[renamed].display_name == "Renamed"
    assert by_id[deleted].additional_data["@removed"]["reason"] == "changed"
    assert newer and newer != link


def test_group_delta_carries_members(tenant: Tenant):
    query = GroupsDelta.DeltaRequestBuilderGetQueryParameters(select=["displayName", "members"])

    async def start(client: GraphServiceClient):
        first = await client.groups.delta.get(RequestConfiguration(query_parameters=query))
        return await pages(first, client.groups.delta.with_url)

    groups, link = graph(tenant, start)
    seen = set()
    for group in groups:
        for member in group.additional_data.get("members@delta", []):
            seen.add((group.id, str(member["id"])))
    truth = tenant.snapshot()["memberships"]
    assert seen == {(edge["group_id"], edge["member_id"]) for edge in truth}
    assert len(groups) > len(ids(groups)), "a large group comes in several pieces"

    edge = next(edge for edge in truth if edge["member_type"] == "user")
    tenant.control("DELETE", f"/groups/{edge['group_id']}/members", {"ids": [edge["member_id"]]})

    async def again(client: GraphServiceClient):
        return await client.groups.delta.with_url(link).get()

    page = graph(tenant, again)
    [group] = page.value
    [member] = group.additional_data["members@delta"]
    assert (group.id, str(member["id"])) == (edge["group_id"], edge["member_id"])
    assert member["@removed"]["reason"] == "deleted"
    assert page.odata_delta_link


def test_members_are_of_their_types(tenant: Tenant):
    truth = tenant.snapshot()
    large = next(group for group in truth["groups"] if group["display_name"] == "All employees")

    async def work(client: GraphServiceClient):
        members = client.groups.by_group_id(large["id"]).members
        parameters = MembersRequestBuilder.MembersRequestBuilderGetQueryParameters(top=50)
        first = await members.get(RequestConfiguration(query_parameters=parameters))
        return await pages(first, members.with_url)

    members, _ = graph(tenant, work)
    kinds = {
        "user": User,
        "group": Group,
        "device": Device,
        "contact": OrgContact,
        "service_principal": ServicePrincipal,
    }
    edges = [edge for edge in truth["memberships"] if edge["group_id"] == large["id"]]
    assert ids(members) == {edge["member_id"] for edge in edges}
    for member in members:
        [edge] = [edge for edge in edges if edge["member_id"] == member.id]
        assert isinstance(member, kinds[edge["member_type"]])


def test_groups_are_searched(tenant: Tenant):
    parameters = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(
        search='"displayName:auro"', select=["id", "displayName"], count=True, top=20
    )

    async def work(client: GraphServiceClient):
        configuration = RequestConfiguration(query_parameters=parameters)
        configuration.headers.add("ConsistencyLevel", "eventual")
        return await client.groups.get(configuration)

    page = graph(tenant, work)
    assert [group.display_name for group in page.value] == ["Project Aurora"]
    assert page.odata_count == 1


def test_a_search_without_consistency_level_is_refused(tenant: Tenant):
    parameters = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(
        search='"displayName:auro"'
    )

    async def work(client: GraphServiceClient):
        return await client.groups.get(RequestConfiguration(query_parameters=parameters))

    with pytest.raises(ODataError) as caught:
        graph(tenant, work)
    assert caught.value.error.code == "Request_UnsupportedQuery"
    assert "ConsistencyLevel" in caught.value.error.message


@pytest.mark.parametrize("fault", ["throttled", "unavailable", "gateway_timeout"])
def test_the_sdk_tries_again_and_succeeds(tenant: Tenant, fault: str):
    tenant.control("POST", "/faults/next", {"path": "/v1.0/users", "fault": fault, "times": 2})
    answer = graph(tenant, lambda client: client.users.get())
    assert len(answer.value) == 100
    stats = tenant.control("GET", "/stats")
    assert stats["requests"]["GET /users"] == 3
    status = {"throttled": "429", "unavailable": "503", "gateway_timeout": "504"}[fault]
    assert stats["statuses"][status] == 2


def test_a_missing_role_is_an_error_with_a_code(tenant: Tenant):
    roles = tenant.control("GET", "/app")["roles"]
    tenant.control("PUT", "/app", {"roles": ["User.Read.All"]})
    try:
        with pytest.raises(ODataError) as caught:
            graph(tenant, lambda client: client.groups.get())
    finally:
        tenant.control("PUT", "/app", {"roles": roles})
    assert caught.value.response_status_code == 403
    assert caught.value.error.code == "Authorization_RequestDenied"
    assert caught.value.error.inner_error.request_id


def test_an_expired_delta_token_is_an_error_with_a_code(tenant: Tenant):
    async def latest(client: GraphServiceClient):
        url = f"{tenant.origin}/v1.0/users/delta?$deltatoken=latest"
        return await client.users.delta.with_url(url).get()

    page = graph(tenant, latest)
    assert page.value == []
    tenant.control("POST", "/expire-delta-tokens")
    with pytest.raises(ODataError) as caught:
        graph(tenant, lambda client: client.users.delta.with_url(page.odata_delta_link).get())
    assert caught.value.error.code == "syncStateNotFound"
