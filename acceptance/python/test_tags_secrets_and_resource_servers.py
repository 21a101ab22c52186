"""Tags, secrets of app clients, resource servers with their scopes, and MFA options in the way of old."""

import pytest

from support import PASSWORD, refused, secret_hash, unique

NO_SUCH_POOL = "us-east-1_Nowhere00"
NO_POOL = f"User pool {NO_SUCH_POOL} does not exist."
SMS_OPTION = [{"DeliveryMedium": "SMS", "AttributeName": "phone_number"}]


# Tags


def tags(idp, pool):
    listed = idp.list_tags_for_resource(ResourceArn=pool.arn)["Tags"]
    assert listed == idp.describe_user_pool(UserPoolId=pool.id)["UserPool"]["UserPoolTags"]
    return listed


def test_tags_are_added_replaced_and_taken_away(make_pool, idp):
    pool = make_pool(UserPoolTags={"team": "identity"})
    idp.tag_resource(ResourceArn=pool.arn, Tags={"team": "login", "empty": "", "Team": "x"})
    assert tags(idp, pool) == {"team": "login", "empty": "", "Team": "x"}
    idp.untag_resource(ResourceArn=pool.arn, TagKeys=["team", "unknown"])
    assert tags(idp, pool) == {"empty": "", "Team": "x"}
    idp.update_user_pool(UserPoolId=pool.id, UserPoolTags={"only": "one"})
    assert tags(idp, pool) == {"only": "one"}
    idp.update_user_pool(UserPoolId=pool.id)
    assert tags(idp, pool) == {}


def test_tags_that_a_pool_cannot_have(pool, idp):
    fifty = {f"key{number}": "v" * 256 for number in range(50)}
    idp.tag_resource(ResourceArn=pool.arn, Tags=fifty)
    with refused("InvalidParameterException", "A user pool can have at most 50 tags."):
        idp.tag_resource(ResourceArn=pool.arn, Tags={"more": ""})
    idp.untag_resource(ResourceArn=pool.arn, TagKeys=["key0"])
    reserved = "aws: prefixed tag key names are not allowed for external use."
    with refused("InvalidParameterException", reserved):
        idp.tag_resource(ResourceArn=pool.arn, Tags={"aws:x": ""})
    with refused("UserPoolTaggingException", reserved):
        idp.update_user_pool(UserPoolId=pool.id, UserPoolTags={"aws:x": ""})
    del fifty["key0"]
    assert tags(idp, pool) == fifty


def test_tags_of_an_unknown_pool(pool, idp):
    arn = pool.arn.replace(pool.id, NO_SUCH_POOL)
    with refused("ResourceNotFoundException", NO_POOL):
        idp.list_tags_for_resource(ResourceArn=arn)
    with refused("ResourceNotFoundException", NO_POOL):
        idp.tag_resource(ResourceArn=arn, Tags={"a": "b"})
    with refused("ResourceNotFoundException", NO_POOL):
        idp.untag_resource(ResourceArn=arn, TagKeys=["a"])


# Secrets of app clients


def signs_in(idp, client_id, secret, username):
    return idp.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={
            "USERNAME": username,
            "PASSWORD": PASSWORD,
            "SECRET_HASH": secret_hash(username, client_id, secret),
        },
    )["AuthenticationResult"]


def test_a_secret_is_exchanged_without_a_moment_in_which_none_is_good(pool, idp):
    username = pool.make_user()
    client = pool.make_client(GenerateSecret=True)
    client_id, old = client["ClientId"], client["ClientSecret"]
    names = {"UserPoolId": pool.id, "ClientId": client_id}
    added = idp.add_user_pool_client_secret(**names)["ClientSecretDescriptor"]
    new = added["ClientSecretValue"]
    assert added["ClientSecretId"].startswith(client_id + "--")
    signs_in(idp, client_id, old, username)
    refresh = signs_in(idp, client_id, new, username)["RefreshToken"]
    for secret in (old, new):
        refreshed = idp.get_tokens_from_refresh_token(
            RefreshToken=refresh, ClientId=client_id, ClientSecret=secret
        )
        assert "AccessToken" in refreshed["AuthenticationResult"]

    listed = idp.list_user_pool_client_secrets(**names)
    assert "NextToken" not in listed
    first, second = listed["ClientSecrets"]
    assert set(first) == set(second) == {"ClientSecretId", "ClientSecretCreateDate"}
    assert second["ClientSecretId"] == added["ClientSecretId"]
    with refused("LimitExceededException", "Client secrets cannot exceed limit of 2 secrets."):
        idp.add_user_pool_client_secret(**names)

    idp.delete_user_pool_client_secret(**names, ClientSecretId=first["ClientSecretId"])
    signs_in(idp, client_id, new, username)
    with refused("NotAuthorizedException", f"Unable to verify secret hash for client {client_id}"):
        signs_in(idp, client_id, old, username)
    described = idp.describe_user_pool_client(**names)["UserPoolClient"]
    assert described["ClientSecret"] == new
    with refused(
        "InvalidParameterException",
        "The last client secret of a user pool client cannot be deleted.",
    ):
        idp.delete_user_pool_client_secret(**names, ClientSecretId=added["ClientSecretId"])
    with refused(
        "ResourceNotFoundException", f"Client secret {first['ClientSecretId']} does not exist."
    ):
        idp.delete_user_pool_client_secret(**names, ClientSecretId=first["ClientSecretId"])


def test_a_secret_that_was_brought_along_is_not_shown(pool, idp):
    username = pool.make_user()
    client_id = pool.make_client(GenerateSecret=True)["ClientId"]
    names = {"UserPoolId": pool.id, "ClientId": client_id}
    own = "own_secret_of_30_characters_00"
    added = idp.add_user_pool_client_secret(**names, ClientSecret=own)["ClientSecretDescriptor"]
    assert "ClientSecretValue" not in added
    signs_in(idp, client_id, own, username)


def test_a_public_client_stays_public(pool, idp):
    names = {"UserPoolId": pool.id, "ClientId": pool.client_id}
    message = f"User pool client {pool.client_id} is not configured for secret."
    with refused("InvalidParameterException", message):
        idp.add_user_pool_client_secret(**names)
    assert idp.list_user_pool_client_secrets(**names)["ClientSecrets"] == []
    names["ClientId"] = "none"
    with refused("ResourceNotFoundException", "User pool client none does not exist."):
        idp.list_user_pool_client_secrets(**names)


# Resource servers


def scope(name, description="what it opens"):
    return {"ScopeName": name, "ScopeDescription": description}


def test_a_resource_server_through_its_life(pool, idp):
    names = {"UserPoolId": pool.id, "Identifier": "https://api.example.com/v1"}
    scopes = [scope("write"), scope("read:all", "Größe")]
    made = idp.create_resource_server(**names, Name="The API", Scopes=scopes)["ResourceServer"]
    assert made == {**names, "Name": "The API", "Scopes": scopes}
    assert idp.describe_resource_server(**names)["ResourceServer"] == made
    with refused(
        "InvalidParameterException",
        f"https://api.example.com/v1 already exists in user pool {pool.id}.",
    ):
        idp.create_resource_server(**names, Name="Another")
    updated = idp.update_resource_server(**names, Name="Renamed")["ResourceServer"]
    assert updated == {**names, "Name": "Renamed"}
    with refused(
        "InvalidParameterException",
        "Duplicate scope name x is not allowed in a resource server.",
    ):
        idp.update_resource_server(**names, Name="Refused", Scopes=[scope("x"), scope("x")])
    assert idp.describe_resource_server(**names)["ResourceServer"] == updated
    idp.delete_resource_server(**names)
    missing = "Resource server https://api.example.com/v1 does not exist."
    for call in (
        lambda: idp.describe_resource_server(**names),
        lambda: idp.update_resource_server(**names, Name="x"),
        lambda: idp.delete_resource_server(**names),
    ):
        with refused("ResourceNotFoundException", missing):
            call()


def test_resource_servers_are_listed_through_three_pages(pool, idp):
    made = [f"api/{number}" for number in range(5)]
    for identifier in reversed(made):
        idp.create_resource_server(UserPoolId=pool.id, Identifier=identifier, Name="n")
    pages, more = [], {}
    while True:
        page = idp.list_resource_servers(UserPoolId=pool.id, MaxResults=2, **more)
        pages.append([server["Identifier"] for server in page["ResourceServers"]])
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    assert pages == [made[:2], made[2:4], made[4:]]
    whole = idp.list_resource_servers(UserPoolId=pool.id)
    assert len(whole["ResourceServers"]) == 5 and "NextToken" not in whole
    with refused("InvalidParameterException", "Invalid pagination token given."):
        idp.list_resource_servers(UserPoolId=pool.id, NextToken="garbage")
    with refused("ResourceNotFoundException", NO_POOL):
        idp.list_resource_servers(UserPoolId=NO_SUCH_POOL)
    with refused("ResourceNotFoundException", NO_POOL):
        idp.create_resource_server(UserPoolId=NO_SUCH_POOL, Identifier="api", Name="n")


def test_clients_use_scopes_that_exist_and_keep_their_names(pool, idp):
    names = {"UserPoolId": pool.id, "Identifier": "https://api.example.com"}
    idp.create_resource_server(**names, Name="n", Scopes=[scope("read")])
    machine = {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["https://api.example.com/read"],
    }
    client = pool.make_client(GenerateSecret=True, **machine)
    assert client["AllowedOAuthScopes"] == ["https://api.example.com/read"]
    with refused(
        "ScopeDoesNotExistException", "Invalid scope requested: https://api.example.com/write"
    ):
        pool.make_client(AllowedOAuthScopes=["https://api.example.com/write"])
    idp.update_resource_server(**names, Name="n", Scopes=[scope("write")])
    client_names = {"UserPoolId": pool.id, "ClientId": client["ClientId"]}
    described = idp.describe_user_pool_client(**client_names)["UserPoolClient"]
    assert described["AllowedOAuthScopes"] == ["https://api.example.com/read"]
    with refused(
        "ScopeDoesNotExistException", "Invalid scope requested: https://api.example.com/read"
    ):
        idp.update_user_pool_client(**client_names, **machine)


# MFA options in the way of old


def test_options_are_shown_to_user_and_administrator(make_pool, idp, sms):
    pool = make_pool(MfaConfiguration="OPTIONAL", SmsConfiguration=sms)
    username = pool.make_user(phone_number="+14155550123")
    token = pool.sign_in(username)["AccessToken"]
    idp.set_user_settings(AccessToken=token, MFAOptions=SMS_OPTION)
    found = [
        idp.get_user(AccessToken=token),
        pool.user(username),
        idp.list_users(UserPoolId=pool.id)["Users"][0],
    ]
    for user in found:
        assert user["MFAOptions"] == SMS_OPTION
        assert "UserMFASettingList" not in user
    assert pool.begin(username)["ChallengeName"] == "SMS_MFA"
    idp.admin_set_user_settings(UserPoolId=pool.id, Username=username, MFAOptions=[])
    assert "MFAOptions" not in pool.user(username)
    pool.sign_in(username)


@pytest.mark.parametrize(
    "options, message",
    [
        (SMS_OPTION, "User does not have delivery config set to turn on SMS_MFA"),
        ([{"DeliveryMedium": "EMAIL", "AttributeName": "email"}],
         "MFAOptions can only set SMS as delivery medium of phone_number."),
    ],
)
def test_options_that_a_user_cannot_have(pool, idp, options, message):
    username = pool.make_user()
    token = pool.sign_in(username)["AccessToken"]
    with refused("InvalidParameterException", message):
        idp.set_user_settings(AccessToken=token, MFAOptions=options)
    with refused("InvalidParameterException", message):
        idp.admin_set_user_settings(UserPoolId=pool.id, Username=username, MFAOptions=options)
    with refused("UserNotFoundException", "User does not exist."):
        idp.admin_set_user_settings(
            UserPoolId=pool.id, Username=unique("nobody"), MFAOptions=options
        )
