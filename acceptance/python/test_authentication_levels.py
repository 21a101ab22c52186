"""Authentication levels: what tokens tell of a sign-in, and how an application asks for more."""

import pytest

from support import PASSWORD, Authenticator, claims_of, refused

FLOWS = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


def loa(number):
    return f"urn:cognito:loa:{number}"


def level_of(answer):
    """`acr` and `amr`, which both tokens tell."""
    result = answer["AuthenticationResult"]
    access, identity = claims_of(result["AccessToken"]), claims_of(result["IdToken"])
    assert (access["acr"], access["amr"]) == (identity["acr"], identity["amr"])
    return access["acr"], access["amr"]


def by_choice(pool, username, **parameters):
    return pool.idp.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": username, **parameters},
    )


def by_password(pool, username, **parameters):
    return by_choice(
        pool, username, PREFERRED_CHALLENGE="PASSWORD", PASSWORD=PASSWORD, **parameters
    )


@pytest.fixture
def choosing(make_pool):
    """A pool that offers software tokens, with sign-in by choice."""
    pool = make_pool(client={"ExplicitAuthFlows": FLOWS})
    pool.idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    return pool


@pytest.fixture
def with_token(choosing, clock):
    """A user with a software token that is verified and not switched on, and their authenticator."""
    username = choosing.make_user()
    token = choosing.sign_in(username)["AccessToken"]
    secret = choosing.idp.associate_software_token(AccessToken=token)["SecretCode"]
    authenticator = Authenticator(secret, clock)
    choosing.idp.verify_software_token(AccessToken=token, UserCode=authenticator.fresh_code())
    return username, authenticator


def show_code(pool, username, asked, authenticator):
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    code = authenticator.fresh_code()
    return pool.answer(
        "SOFTWARE_TOKEN_MFA", username, asked["Session"], SOFTWARE_TOKEN_MFA_CODE=code
    )


def test_tokens_tell_the_level_also_after_a_refresh(choosing):
    username = choosing.make_user()
    answer = choosing.begin(username)
    assert level_of(answer) == (loa(1), ["pwd"])
    refreshed = choosing.refresh(answer["AuthenticationResult"]["RefreshToken"])
    assert level_of(refreshed) == (loa(1), ["pwd"])


def test_the_first_level_that_can_be_reached_is_asked_for(choosing, with_token):
    username, authenticator = with_token
    asked = by_password(choosing, username, TARGET_ACR_VALUES=f"x {loa(4)} {loa(1)}")
    answer = show_code(choosing, username, asked, authenticator)
    assert level_of(answer) == (loa(4), ["pwd", "otp", "mfa"])
    other = choosing.make_user()
    answer = by_password(choosing, other, TARGET_ACR_VALUES=f"{loa(4)} {loa(1)}")
    assert level_of(answer) == (loa(1), ["pwd"])


def test_a_signed_in_user_shows_only_what_is_missing(choosing, with_token, clock):
    username, authenticator = with_token
    token = choosing.sign_in(username)["AccessToken"]
    asked = by_choice(choosing, username, ACCESS_TOKEN=token, TARGET_ACR_VALUES=loa(4))
    answer = show_code(choosing, username, asked, authenticator)
    assert level_of(answer)[0] == loa(4)
    assert "RefreshToken" in answer["AuthenticationResult"]
    clock.advance(100)
    asked = by_choice(
        choosing, username, ACCESS_TOKEN=token, TARGET_ACR_VALUES=loa(4), MAX_AGE="60"
    )
    assert asked["ChallengeName"] == "SELECT_CHALLENGE"


def test_refusals(choosing, with_token):
    username, _ = with_token
    token = choosing.sign_in(username)["AccessToken"]
    with refused("InvalidParameterException"):
        by_choice(choosing, username, ACCESS_TOKEN=token)
    with refused("InvalidParameterException"):
        by_choice(choosing, username, TARGET_ACR_VALUES="unknown")
    other = choosing.make_user()
    with refused("NotAuthorizedException"):
        by_choice(choosing, other, ACCESS_TOKEN=token, TARGET_ACR_VALUES=loa(4))


def test_the_lite_tier_has_no_levels(make_pool):
    pool = make_pool(client={"ExplicitAuthFlows": FLOWS})
    username = pool.make_user()
    pool.idp.update_user_pool(UserPoolId=pool.id, UserPoolTier="LITE")
    with refused("FeatureUnavailableInTierException"):
        by_password(pool, username, TARGET_ACR_VALUES=loa(1))
    assert "acr" not in claims_of(pool.begin(username)["AuthenticationResult"]["IdToken"])


def test_a_pool_names_its_levels(make_pool):
    pool = make_pool(
        client={"ExplicitAuthFlows": FLOWS},
        AcrConfiguration={"Level1": {"AcrValue": "urn:example:low"}},
    )
    assert level_of(pool.begin(pool.make_user())) == ("urn:example:low", ["pwd"])
