"""Tokens for machines and derived tokens, verified as a resource server would; rotation."""

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from support import post, refused

SECRET = "a_secret_that_the_caller_chose"
USER_SCOPE = "aws.cognito.signin.user.admin"
EXCHANGE = ["ALLOW_TOKEN_EXCHANGE_IMPERSONATION", "ALLOW_TOKEN_EXCHANGE_DELEGATION"]


@pytest.fixture
def unsigned(client_settings):
    """A boto3 client that signs nothing."""
    config = client_settings["config"].merge(Config(signature_version=UNSIGNED))
    return boto3.client("cognito-idp", **{**client_settings, "config": config})


@pytest.fixture
def api(pool, idp):
    """A pool whose resource server `orders` defines `read` and `write`."""
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")]
    idp.create_resource_server(UserPoolId=pool.id, Identifier="orders", Name="o", Scopes=scopes)
    return pool


def machine(pool, **settings):
    settings.setdefault("ClientSecret", SECRET)
    settings.setdefault("AllowedOAuthScopes", ["orders/read", "orders/write"])
    return pool.make_client(ExplicitAuthFlows=["ALLOW_CLIENT_TOKEN_AUTH"], **settings)["ClientId"]


def service(pool, **settings):
    """A client that exchanges tokens."""
    settings.setdefault("ExplicitAuthFlows", EXCHANGE)
    settings.setdefault("AllowedOAuthScopes", [USER_SCOPE, "orders/read"])
    return pool.make_client(**settings)["ClientId"]


def client_token(idp, client_id, **arguments):
    arguments.setdefault("Secret", SECRET)
    answer = idp.get_client_token(ClientId=client_id, **arguments)
    return answer["ClientAuthenticationResult"]


def verified(endpoint, pool, token, **expected):
    """The claims, once signature, issuer and times have been checked with the published keys."""
    issuer = f"{endpoint}/{pool.id}"
    key = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    # The server's clock may have been moved by other tests; its own operations check times.
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": "audience" in expected}
    return jwt.decode(
        token, key.key, algorithms=["RS256"], issuer=issuer, options=options, **expected
    )


# Tokens for machines


def test_a_machine_gets_a_token_of_its_own(api, idp, endpoint):
    client = machine(api)
    result = client_token(idp, client)
    assert set(result) == {"AccessToken", "ExpiresIn", "TokenType"}
    assert (result["ExpiresIn"], result["TokenType"]) == (3_600, "Bearer")
    claims = verified(endpoint, api, result["AccessToken"])
    assert (claims["sub"], claims["client_id"]) == (client, client)
    assert (claims["token_use"], claims["version"]) == ("access", 2)
    assert claims["scope"] == "orders/read orders/write"
    assert claims["exp"] - claims["iat"] == 3_600
    assert set(claims) == {
        "sub", "client_id", "token_use", "version", "scope", "auth_time", "iat", "exp", "iss", "jti"
    }


def test_the_lifetime_is_the_client_s(api, idp, endpoint):
    validity = {"AccessTokenValidity": 10, "TokenValidityUnits": {"AccessToken": "minutes"}}
    result = client_token(idp, machine(api, **validity))
    claims = verified(endpoint, api, result["AccessToken"])
    assert result["ExpiresIn"] == claims["exp"] - claims["iat"] == 600


def test_signed_and_unsigned_machines_are_served_alike(api, idp, unsigned):
    client = machine(api)
    for caller in (idp, unsigned):
        client_token(caller, client, Scopes=["orders/read"], ClientMetadata={"a": "b"})


def test_either_secret_works_and_a_deleted_one_no_more(api, idp):
    client = machine(api)
    named = {"UserPoolId": api.id, "ClientId": client}
    second = idp.add_user_pool_client_secret(**named)["ClientSecretDescriptor"]
    client_token(idp, client)
    client_token(idp, client, Secret=second["ClientSecretValue"])
    listed = idp.list_user_pool_client_secrets(**named)["ClientSecrets"]
    (first,) = {one["ClientSecretId"] for one in listed} - {second["ClientSecretId"]}
    idp.delete_user_pool_client_secret(**named, ClientSecretId=first)
    with refused("NotAuthorizedException"):
        client_token(idp, client)
    client_token(idp, client, Secret=second["ClientSecretValue"])


def test_scopes_must_be_the_client_s_and_defined(api, idp):
    client = machine(api, AllowedOAuthScopes=["orders/read"])
    for scope in ("orders/write", "orders/none", "openid", USER_SCOPE):
        with refused("InvalidParameterException", f"Invalid scope requested: {scope}"):
            client_token(idp, client, Scopes=[scope])
    idp.delete_resource_server(UserPoolId=api.id, Identifier="orders")
    with refused("InvalidParameterException"):
        client_token(idp, client)


def test_the_flow_stands_alone_and_needs_a_secret(pool, idp):
    with refused("InvalidParameterException"):
        pool.make_client(
            ExplicitAuthFlows=["ALLOW_CLIENT_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
            GenerateSecret=True,
        )
    with refused("InvalidParameterException"):
        pool.make_client(ExplicitAuthFlows=["ALLOW_CLIENT_TOKEN_AUTH"])
    other = pool.make_client(ClientSecret=SECRET)["ClientId"]
    with refused("InvalidParameterException"):
        client_token(idp, other)
    with refused("ResourceNotFoundException", "User pool client nosuchclient does not exist."):
        client_token(idp, "nosuchclient")
    with refused("NotAuthorizedException"):
        client_token(idp, other, Secret="x" * 24)


def test_a_machine_s_token_is_nobody_s(api, idp):
    token = client_token(idp, machine(api))["AccessToken"]
    with refused("NotAuthorizedException", "Invalid Access Token"):
        idp.get_user(AccessToken=token)


# Derived tokens


def derive(idp, client_id, token, kind="ACCESS_TOKEN", **arguments):
    return idp.get_derived_token(
        ClientId=client_id, SubjectToken=token, SubjectTokenType=kind, **arguments
    )


@pytest.fixture
def exchange(api):
    """The pool, a user's tokens, and a client that exchanges."""
    user = api.make_user(email="ada@example.com")
    return api, api.sign_in(user), service(api)


def test_impersonation_looks_like_the_user(exchange, idp, endpoint):
    pool, tokens, client = exchange
    answer = derive(idp, client, tokens["AccessToken"])
    assert (answer["IssuedTokenType"], answer["TokenType"]) == ("ACCESS_TOKEN", "Bearer")
    assert answer["Scopes"] == [USER_SCOPE]
    before = verified(endpoint, pool, tokens["AccessToken"])
    after = verified(endpoint, pool, answer["IssuedToken"])
    assert after["client_id"] == client
    assert after["jti"] != before["jti"]
    assert after["exp"] <= before["exp"]
    assert answer["ExpiresIn"] == after["exp"] - after["iat"]
    changed = {"client_id", "jti", "iat", "exp"}
    assert {name for name in before if before[name] != after.get(name)} <= changed
    assert set(after) == set(before)
    idp.get_user(AccessToken=answer["IssuedToken"])


def test_delegation_names_the_actor(exchange, idp, endpoint):
    pool, tokens, client = exchange
    actor = machine(pool)
    token = client_token(idp, actor)["AccessToken"]
    answer = derive(
        idp, client, tokens["AccessToken"], ActorToken=token, ActorTokenType="ACCESS_TOKEN"
    )
    claims = verified(endpoint, pool, answer["IssuedToken"])
    assert claims["act"] == {"sub": actor}
    again = derive(
        idp,
        client,
        answer["IssuedToken"],
        ActorToken=tokens["IdToken"],
        ActorTokenType="ID_TOKEN",
    )
    nested = verified(endpoint, pool, again["IssuedToken"])
    assert nested["act"] == {"sub": nested["sub"], "act": {"sub": actor}}


def test_id_tokens_are_exchanged_too(exchange, idp, endpoint):
    pool, tokens, client = exchange
    answer = derive(idp, client, tokens["IdToken"], "ID_TOKEN", RequestedTokenType="ID_TOKEN")
    assert (answer["IssuedTokenType"], answer["TokenType"]) == ("ID_TOKEN", "N_A")
    claims = verified(endpoint, pool, answer["IssuedToken"], audience=client)
    assert (claims["token_use"], claims["email"]) == ("id", "ada@example.com")
    with refused("NotAuthorizedException", "Invalid Subject Token"):
        derive(idp, client, tokens["IdToken"])


def test_the_audience_is_bound(exchange, idp, endpoint):
    pool, tokens, client = exchange
    for bound, audience in (
        ({"Audiences": ["https://billing.example"]}, "https://billing.example"),
        ({"Resources": ["orders"]}, "orders"),
    ):
        token = derive(idp, client, tokens["AccessToken"], **bound)["IssuedToken"]
        verified(endpoint, pool, token, audience=audience)
    with refused("InvalidParameterException"):
        derive(idp, client, tokens["AccessToken"], Audiences=["a"], Resources=["orders"])
    with refused("ResourceNotFoundException", "Resource server x does not exist."):
        derive(idp, client, tokens["AccessToken"], Resources=["x"])


def test_scopes_are_those_that_all_sides_have(exchange, idp, endpoint):
    pool, tokens, client = exchange
    asked = [USER_SCOPE, "orders/read", "orders/write"]
    answer = derive(idp, client, tokens["AccessToken"], Scopes=asked)
    assert answer["Scopes"] == [USER_SCOPE]
    assert verified(endpoint, pool, answer["IssuedToken"])["scope"] == USER_SCOPE
    with refused("NotAuthorizedException"):
        derive(idp, client, tokens["AccessToken"], Scopes=["orders/read"])


def test_each_kind_of_exchange_has_its_switch(exchange, idp):
    pool, tokens, _ = exchange
    actor = {"ActorToken": tokens["IdToken"], "ActorTokenType": "ID_TOKEN"}
    impersonates = service(pool, ExplicitAuthFlows=EXCHANGE[:1])
    delegates = service(pool, ExplicitAuthFlows=EXCHANGE[1:])
    derive(idp, impersonates, tokens["AccessToken"])
    derive(idp, delegates, tokens["AccessToken"], **actor)
    with refused("InvalidParameterException"):
        derive(idp, impersonates, tokens["AccessToken"], **actor)
    with refused("InvalidParameterException"):
        derive(idp, delegates, tokens["AccessToken"])
    with refused("InvalidParameterException"):
        derive(idp, delegates, tokens["AccessToken"], ActorToken=tokens["IdToken"])


def test_a_confidential_client_shows_its_secret_unless_the_request_is_signed(
    exchange, idp, unsigned
):
    pool, tokens, _ = exchange
    client = service(pool, ClientSecret=SECRET)
    derive(unsigned, client, tokens["AccessToken"], ClientSecret=SECRET)
    derive(idp, client, tokens["AccessToken"])
    with refused("NotAuthorizedException"):
        derive(unsigned, client, tokens["AccessToken"])
    for caller in (idp, unsigned):
        with refused("NotAuthorizedException"):
            derive(caller, client, tokens["AccessToken"], ClientSecret="x" * 24)


def test_a_derived_token_dies_with_the_sign_in(exchange, idp):
    pool, tokens, client = exchange
    derived = derive(idp, client, tokens["AccessToken"])["IssuedToken"]
    idp.revoke_token(ClientId=pool.client_id, Token=tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        idp.get_user(AccessToken=derived)
    with refused("NotAuthorizedException", "Subject Token has been revoked"):
        derive(idp, client, tokens["AccessToken"])


def test_an_expired_token_is_not_exchanged(exchange, idp, clock):
    _, tokens, client = exchange
    clock.advance(3_601)
    with refused("NotAuthorizedException", "Subject Token has expired"):
        derive(idp, client, tokens["AccessToken"])


def test_tokens_of_other_pools_and_forged_ones_are_refused(exchange, idp, make_pool):
    pool, tokens, client = exchange
    other = make_pool()
    foreign = other.sign_in(other.make_user())["AccessToken"]
    head, payload, signature = tokens["AccessToken"].split(".")
    forged = f"{head}.{payload}.{signature[:-8]}AAAAAAAA"
    for token in (foreign, forged, "a.b.c", client_token(idp, machine(pool))["AccessToken"]):
        with refused("NotAuthorizedException", "Invalid Subject Token"):
            derive(idp, client, token)


def test_providers_must_exist(exchange, idp):
    _, tokens, client = exchange
    with refused("ResourceNotFoundException", "Identity provider Corp does not exist."):
        derive(idp, client, tokens["IdToken"], "ID_TOKEN", SubjectTokenProviderName="Corp")
    with refused("InvalidParameterException"):
        derive(idp, client, tokens["IdToken"], "SAML2")


def test_a_bare_request_without_any_signature_will_do(api, endpoint):
    answer = post(endpoint, "GetClientToken", {"ClientId": machine(api), "Secret": SECRET})
    assert answer.status_code == 200, answer.text


# Rotation


@pytest.fixture
def rotating(make_pool):
    def make(grace=0, **settings):
        rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": grace}
        flows = ["ALLOW_USER_PASSWORD_AUTH"]
        pool = make_pool(
            client={"RefreshTokenRotation": rotation, "ExplicitAuthFlows": flows, **settings}
        )
        return pool, pool.sign_in(pool.make_user())

    return make


def renewed(pool, tokens):
    return pool.idp.get_tokens_from_refresh_token(
        ClientId=pool.client_id, RefreshToken=tokens["RefreshToken"]
    )["AuthenticationResult"]


def test_reuse_ends_the_whole_sign_in(rotating, idp):
    pool, first = rotating()
    second = renewed(pool, first)
    third = renewed(pool, second)
    with refused("RefreshTokenReuseException"):
        renewed(pool, first)
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        renewed(pool, third)
    for tokens in (first, second, third):
        with refused("NotAuthorizedException", "Access Token has been revoked"):
            idp.get_user(AccessToken=tokens["AccessToken"])


def test_rotated_tokens_keep_the_sign_in_and_its_end(rotating, endpoint, clock):
    validity = {"RefreshTokenValidity": 1, "TokenValidityUnits": {"RefreshToken": "hours"}}
    pool, first = rotating(**validity)
    clock.advance(1_800)
    second = renewed(pool, first)
    before = verified(endpoint, pool, first["AccessToken"])
    after = verified(endpoint, pool, second["AccessToken"])
    for claim in ("auth_time", "origin_jti", "sub", "scope"):
        assert before[claim] == after[claim]
    assert before["jti"] != after["jti"]
    clock.advance(1_800)
    with refused("NotAuthorizedException", "Refresh Token has expired"):
        renewed(pool, second)


def test_what_was_replaced_stays_so_after_rotation_is_switched_off(rotating, idp):
    pool, first = rotating()
    second = renewed(pool, first)
    idp.update_user_pool_client(
        UserPoolId=pool.id,
        ClientId=pool.client_id,
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )
    assert "RefreshToken" not in pool.refresh(second["RefreshToken"])["AuthenticationResult"]
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        pool.refresh(first["RefreshToken"])
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        pool.refresh(second["RefreshToken"])
