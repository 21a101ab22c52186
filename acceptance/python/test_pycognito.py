"""pycognito, an independent SRP client, against the server."""

import time

import pyotp
import pytest
from pycognito import Cognito
from pycognito.exceptions import (
    ForceChangePasswordException,
    SoftwareTokenMFAChallengeException,
)

from support import OTHER_PASSWORD, PASSWORD, WRONG_PASSWORD, claims_of, refused
from wire_shapes import check_every_answer_of


@pytest.fixture
def cognito(client_settings):
    """Makes a pycognito object for a user."""

    def make(pool, username, **more):
        made = Cognito(
            pool.id, pool.client_id, username=username, boto3_client_kwargs=client_settings, **more
        )
        check_every_answer_of(made.client)
        return made

    return make


def test_srp_signs_in(pool, cognito):
    username = pool.make_user(email="jo@gm.com")
    user = cognito(pool, username)
    user.authenticate(password=PASSWORD)
    assert user.get_user().username == username


def test_srp_refuses_a_wrong_password(pool, cognito):
    user = cognito(pool, pool.make_user())
    with refused("NotAuthorizedException", "Incorrect username or password."):
        user.authenticate(password=WRONG_PASSWORD)


def test_srp_signs_in_with_a_client_secret(pool, client_settings):
    client = pool.make_client(GenerateSecret=True)
    user = Cognito(
        pool.id,
        client["ClientId"],
        client_secret=client["ClientSecret"],
        username=pool.make_user(),
        boto3_client_kwargs=client_settings,
    )
    user.authenticate(password=PASSWORD)
    assert user.access_token


def test_srp_signs_in_by_alias(make_pool, cognito):
    pool = make_pool(AliasAttributes=["email"])
    username = pool.make_user(email="jo@alias.example.com")
    user = cognito(pool, "jo@alias.example.com")
    user.authenticate(password=PASSWORD)
    assert claims_of(user.access_token)["username"] == username


def test_srp_signs_in_many_users_whose_salts_differ(pool, cognito):
    """Salts with leading zeros and values with the top bit set turn up among many."""
    for _ in range(20):
        user = cognito(pool, pool.make_user())
        user.authenticate(password=PASSWORD)
        assert user.access_token


def test_the_administrators_flow_signs_in(pool, cognito):
    user = cognito(pool, pool.make_user())
    user.admin_authenticate(password=PASSWORD)
    assert user.access_token


def test_a_temporary_password_must_be_changed(pool, cognito):
    user = cognito(pool, pool.make_new_user())
    with pytest.raises(ForceChangePasswordException):
        user.authenticate(password=PASSWORD)


def test_a_temporary_password_is_changed_within_srp(pool, cognito):
    username = pool.make_new_user()
    user = cognito(pool, username)
    user.new_password_challenge(PASSWORD, OTHER_PASSWORD)
    assert user.access_token
    again = cognito(pool, username)
    again.authenticate(password=OTHER_PASSWORD)
    assert again.access_token


def test_tokens_are_renewed(pool, cognito):
    user = cognito(pool, pool.make_user())
    user.authenticate(password=PASSWORD)
    before = user.access_token
    user.renew_access_token()
    assert user.access_token != before
    assert user.get_user()


def test_logout_ends_the_session_on_the_server(pool, cognito, idp):
    user = cognito(pool, pool.make_user())
    user.authenticate(password=PASSWORD)
    token = user.access_token
    user.logout()
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        idp.get_user(AccessToken=token)


def test_a_totp_token_is_set_up_and_asked_for(pool, cognito, idp):
    idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    username = pool.make_user()
    user = cognito(pool, username)
    user.authenticate(password=PASSWORD)
    totp = pyotp.TOTP(user.associate_software_token())
    # The present code verifies and the next one signs in: no code serves twice.
    assert user.verify_software_token(totp.now(), "phone")
    user.set_user_mfa_preference(sms_mfa=False, software_token_mfa=True, preferred="SOFTWARE_TOKEN")
    again = cognito(pool, username)
    with pytest.raises(SoftwareTokenMFAChallengeException) as caught:
        again.authenticate(password=PASSWORD)
    next_code = totp.at(time.time(), counter_offset=1)
    again.respond_to_software_token_mfa_challenge(next_code, caught.value.get_tokens())
    assert again.access_token


def test_attributes_are_updated_and_read_back(pool, cognito):
    user = cognito(pool, pool.make_user())
    user.authenticate(password=PASSWORD)
    user.update_profile({"name": "Jo"})
    assert user.get_user().name == "Jo"
