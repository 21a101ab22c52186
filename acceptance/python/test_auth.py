"""Signing in, staying signed in and signing out; what the tokens say; when sign-in is refused."""

import base64
import json

import jwt
import pytest
import requests
from pycognito.aws_srp import AWSSRP

from support import (
    OTHER_PASSWORD,
    PASSWORD,
    WRONG_PASSWORD,
    attributes,
    claims_of,
    refused,
    secret_hash,
    unique,
    unique_email,
)

BAD_LOGIN = "Incorrect username or password."
NO_USER = "User does not exist."
NO_CLIENT_USER = "Username/client id combination not found."
LOCKED = "Password attempts exceeded"
EXPIRED_CODE = "Invalid code provided, please request a code again."
HOUR = 3600


def initiate(pool, flow, client_id=None, **parameters):
    return pool.idp.initiate_auth(
        ClientId=client_id or pool.client_id, AuthFlow=flow, AuthParameters=parameters
    )


def admin_initiate(pool, flow, client_id=None, **parameters):
    return pool.idp.admin_initiate_auth(
        UserPoolId=pool.id,
        ClientId=client_id or pool.client_id,
        AuthFlow=flow,
        AuthParameters=parameters,
    )


# Password flows


def test_a_password_gives_tokens_and_empty_challenge_parameters(pool):
    answer = pool.begin(pool.make_user())
    assert answer["ChallengeParameters"] == {}
    assert "ChallengeName" not in answer and "Session" not in answer
    result = answer["AuthenticationResult"]
    assert set(result) == {"AccessToken", "IdToken", "RefreshToken", "ExpiresIn", "TokenType"}
    assert result["ExpiresIn"] == 3600
    assert result["TokenType"] == "Bearer"


@pytest.mark.parametrize("flow", ["ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"])
def test_an_administrator_signs_a_user_in_under_both_names_of_the_flow(pool, flow):
    answer = admin_initiate(pool, flow, USERNAME=pool.make_user(), PASSWORD=PASSWORD)
    assert answer["AuthenticationResult"]["AccessToken"]


def test_a_client_of_the_old_flow_name_signs_in(pool):
    client = pool.make_client(ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"])["ClientId"]
    answer = admin_initiate(
        pool, "ADMIN_NO_SRP_AUTH", client, USERNAME=pool.make_user(), PASSWORD=PASSWORD
    )
    assert answer["AuthenticationResult"]["AccessToken"]


def test_a_wrong_password_is_refused(pool):
    with refused("NotAuthorizedException", BAD_LOGIN):
        pool.begin(pool.make_user(), WRONG_PASSWORD)


def test_an_unconfirmed_user_is_told_so_even_with_a_wrong_password(pool):
    username = pool.sign_up()
    with refused("UserNotConfirmedException", "User is not confirmed."):
        pool.begin(username, WRONG_PASSWORD)


def test_the_sub_does_not_sign_in(pool):
    sub = pool.user_attributes(pool.make_user())["sub"]
    with refused("UserNotFoundException", NO_USER):
        pool.begin(sub)


@pytest.mark.parametrize("missing", ["USERNAME", "PASSWORD"])
def test_a_missing_parameter_of_the_password_flow_is_named(pool, missing):
    parameters = {"USERNAME": pool.make_user(), "PASSWORD": PASSWORD}
    del parameters[missing]
    with refused("InvalidParameterException", f"Missing required parameter {missing}"):
        initiate(pool, "USER_PASSWORD_AUTH", **parameters)


@pytest.mark.parametrize(
    "flow, parameters, missing",
    [
        ("USER_SRP_AUTH", {"USERNAME": "jo"}, "SRP_A"),
        ("REFRESH_TOKEN_AUTH", {}, "REFRESH_TOKEN"),
        ("REFRESH_TOKEN", {}, "REFRESH_TOKEN"),
    ],
)
def test_a_missing_parameter_of_other_flows_is_named(pool, flow, parameters, missing):
    pool.make_user("jo")
    with refused("InvalidParameterException", f"Missing required parameter {missing}"):
        initiate(pool, flow, **parameters)


def test_unknown_parameters_are_ignored(pool):
    answer = initiate(
        pool, "USER_PASSWORD_AUTH", USERNAME=pool.make_user(), PASSWORD=PASSWORD, ANYTHING="else"
    )
    assert "AuthenticationResult" in answer


def test_a_flow_the_client_does_not_allow_is_refused(pool):
    client = pool.make_client(ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])["ClientId"]
    username = pool.make_user()
    with refused(
        "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"
    ):
        pool.begin(username, client_id=client)
    with refused("InvalidParameterException", "Auth flow not enabled for this client"):
        pool.admin_begin(username, client_id=client)


@pytest.mark.belief
def test_the_administrators_flow_is_refused_to_public_callers(pool):
    with refused("InvalidParameterException", "Initiate Auth method not supported."):
        initiate(
            pool, "ADMIN_USER_PASSWORD_AUTH", USERNAME=pool.make_user(), PASSWORD=PASSWORD
        )


def test_custom_auth_without_triggers_is_refused(pool):
    client = pool.make_client(ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH"])["ClientId"]
    username = pool.make_user()
    with refused(
        "InvalidParameterException",
        "Custom auth lambda trigger is not configured for the user pool.",
    ):
        initiate(pool, "CUSTOM_AUTH", client, USERNAME=username)


def test_an_unknown_client_is_not_found(pool):
    with refused("ResourceNotFoundException", "User pool client 1nowhere does not exist."):
        pool.begin("jo", client_id="1nowhere")


def test_an_unknown_pool_is_not_found(pool, idp):
    with refused("ResourceNotFoundException", "User pool us-east-1_Nowhere00 does not exist."):
        idp.admin_initiate_auth(
            UserPoolId="us-east-1_Nowhere00",
            ClientId=pool.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "jo", "PASSWORD": PASSWORD},
        )


# NEW_PASSWORD_REQUIRED


@pytest.fixture
def new_password_challenge(make_pool):
    """Pool, username and challenge of a user who lacks the required attribute `name`."""
    pool = make_pool(Schema=[{"Name": "name", "Required": True}])
    username = pool.make_new_user(email="jo@gm.com")
    answer = pool.begin(username)
    assert answer["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    return pool, username, answer


def test_the_challenge_lists_what_the_user_has_and_lacks(new_password_challenge):
    _, _, answer = new_password_challenge
    parameters = answer["ChallengeParameters"]
    assert json.loads(parameters["requiredAttributes"]) == ["userAttributes.name"]
    assert json.loads(parameters["userAttributes"])["email"] == "jo@gm.com"


def test_a_new_password_with_the_missing_attribute_gives_tokens(new_password_challenge):
    pool, username, answer = new_password_challenge
    done = pool.answer(
        "NEW_PASSWORD_REQUIRED", username, answer["Session"],
        **{"NEW_PASSWORD": OTHER_PASSWORD, "userAttributes.name": "Jo"},
    )
    assert done["AuthenticationResult"]["AccessToken"]
    user = pool.user(username)
    assert user["UserStatus"] == "CONFIRMED"
    assert pool.user_attributes(username)["name"] == "Jo"
    assert pool.sign_in(username, OTHER_PASSWORD)


def test_the_missing_attribute_is_asked_for_by_name(new_password_challenge):
    pool, username, answer = new_password_challenge
    with refused("InvalidParameterException", "Invalid attributes given, name is missing"):
        pool.answer(
            "NEW_PASSWORD_REQUIRED", username, answer["Session"], NEW_PASSWORD=OTHER_PASSWORD
        )


def test_an_attribute_that_has_a_value_cannot_be_changed_on_the_way(new_password_challenge):
    pool, username, answer = new_password_challenge
    with refused("NotAuthorizedException", "Cannot modify an already provided email"):
        pool.answer(
            "NEW_PASSWORD_REQUIRED", username, answer["Session"],
            **{
                "NEW_PASSWORD": OTHER_PASSWORD,
                "userAttributes.name": "Jo",
                "userAttributes.email": "other@gm.com",
            },
        )


def test_the_new_password_must_conform(new_password_challenge):
    pool, username, answer = new_password_challenge
    with refused(
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    ):
        pool.answer(
            "NEW_PASSWORD_REQUIRED", username, answer["Session"],
            **{"NEW_PASSWORD": "Aa1!aaa", "userAttributes.name": "Jo"},
        )


def test_the_new_password_may_equal_the_temporary_one(pool):
    username = pool.make_new_user()
    begun = pool.begin(username)
    done = pool.answer("NEW_PASSWORD_REQUIRED", username, begun["Session"], NEW_PASSWORD=PASSWORD)
    assert "AuthenticationResult" in done


@pytest.mark.parametrize(
    "begin, finish", [("begin", "admin_answer"), ("admin_begin", "answer")]
)
def test_the_challenge_may_change_between_public_and_administrators_operations(
    pool, begin, finish
):
    username = pool.make_new_user()
    begun = getattr(pool, begin)(username)
    done = getattr(pool, finish)(
        "NEW_PASSWORD_REQUIRED", username, begun["Session"], NEW_PASSWORD=OTHER_PASSWORD
    )
    assert "AuthenticationResult" in done


# Refreshing


@pytest.mark.parametrize("flow", ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"])
def test_a_refresh_gives_new_tokens_but_no_refresh_token(pool, flow):
    first = pool.sign_in(pool.make_user())
    result = initiate(pool, flow, REFRESH_TOKEN=first["RefreshToken"])["AuthenticationResult"]
    assert set(result) == {"AccessToken", "IdToken", "ExpiresIn", "TokenType"}
    assert result["AccessToken"] != first["AccessToken"]


def test_a_refresh_keeps_the_time_and_the_origin_of_the_sign_in(pool, clock):
    first = pool.sign_in(pool.make_user())
    clock.advance(60)
    second = pool.refresh(first["RefreshToken"])["AuthenticationResult"]
    for kind in ("AccessToken", "IdToken"):
        before, after = claims_of(first[kind]), claims_of(second[kind])
        assert after["auth_time"] == before["auth_time"]
        assert after["origin_jti"] == before["origin_jti"]
        assert after["jti"] != before["jti"]
        assert after["iat"] >= before["iat"] + 60


def test_a_refresh_sees_changed_attributes(pool, idp):
    username = pool.make_user(name="Jo")
    first = pool.sign_in(username)
    idp.admin_update_user_attributes(
        UserPoolId=pool.id, Username=username, UserAttributes=attributes(name="Joan")
    )
    second = pool.refresh(first["RefreshToken"])["AuthenticationResult"]
    assert claims_of(second["IdToken"])["name"] == "Joan"


def test_an_administrator_refreshes_too(pool):
    first = pool.sign_in(pool.make_user())
    answer = admin_initiate(pool, "REFRESH_TOKEN_AUTH", REFRESH_TOKEN=first["RefreshToken"])
    assert answer["AuthenticationResult"]["AccessToken"]


def test_get_tokens_from_refresh_token_answers_without_a_refresh_token(pool, idp):
    first = pool.sign_in(pool.make_user())
    result = idp.get_tokens_from_refresh_token(
        ClientId=pool.client_id, RefreshToken=first["RefreshToken"]
    )["AuthenticationResult"]
    assert set(result) == {"AccessToken", "IdToken", "ExpiresIn", "TokenType"}


def test_a_refresh_token_looks_like_an_encrypted_jwt(pool):
    parts = pool.sign_in(pool.make_user())["RefreshToken"].split(".")
    assert len(parts) == 5
    header = json.loads(base64.urlsafe_b64decode(parts[0] + "=="))
    assert header == {"cty": "JWT", "enc": "A256GCM", "alg": "RSA-OAEP"}


@pytest.mark.parametrize("token", ["garbage", "a.b.c.d.e"])
def test_a_refresh_token_made_up_by_the_client_is_refused(pool, token):
    with refused("NotAuthorizedException") as caught:
        pool.refresh(token)
    message = caught.value.response["Error"]["Message"]
    assert message.rstrip(".") == "Invalid Refresh Token"


def test_a_refresh_token_of_another_client_is_refused(pool):
    first = pool.sign_in(pool.make_user())
    other = pool.make_client()["ClientId"]
    with refused("NotAuthorizedException") as caught:
        pool.refresh(first["RefreshToken"], other)
    message = caught.value.response["Error"]["Message"]
    assert message.rstrip(".") == "Invalid Refresh Token"


@pytest.mark.belief
def test_a_refresh_token_expires_with_its_validity(make_pool, clock):
    pool = make_pool(
        client={"RefreshTokenValidity": 60, "TokenValidityUnits": {"RefreshToken": "minutes"}}
    )
    first = pool.sign_in(pool.make_user())
    clock.advance(HOUR + 10)
    with refused("NotAuthorizedException", "Refresh Token has expired"):
        pool.refresh(first["RefreshToken"])


# Rotation of refresh tokens


@pytest.fixture
def rotating_pool(make_pool):
    """Refresh tokens rotate; the old one is dead at once."""
    return make_pool(
        client={
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
            "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
        }
    )


def rotate(pool, refresh_token):
    return pool.idp.get_tokens_from_refresh_token(
        ClientId=pool.client_id, RefreshToken=refresh_token
    )["AuthenticationResult"]


def test_rotation_answers_a_new_refresh_token_that_works(rotating_pool):
    first = rotating_pool.sign_in(rotating_pool.make_user())
    second = rotate(rotating_pool, first["RefreshToken"])
    assert second["RefreshToken"] != first["RefreshToken"]
    assert rotate(rotating_pool, second["RefreshToken"])["AccessToken"]


def test_a_rotated_refresh_token_is_refused_as_reused(rotating_pool):
    first = rotating_pool.sign_in(rotating_pool.make_user())
    rotate(rotating_pool, first["RefreshToken"])
    with refused("RefreshTokenReuseException"):
        rotate(rotating_pool, first["RefreshToken"])


def test_a_rotated_refresh_token_serves_within_its_grace_period(make_pool, clock):
    pool = make_pool(
        client={
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
            "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 30},
        }
    )
    first = pool.sign_in(pool.make_user())
    rotate(pool, first["RefreshToken"])
    assert rotate(pool, first["RefreshToken"])["AccessToken"]
    clock.advance(31)
    with refused("RefreshTokenReuseException"):
        rotate(pool, first["RefreshToken"])


@pytest.mark.belief
def test_the_old_refresh_flow_is_refused_where_tokens_rotate(rotating_pool, idp):
    first = rotating_pool.sign_in(rotating_pool.make_user())
    with pytest.raises(idp.exceptions.ClientError) as caught:
        rotating_pool.refresh(first["RefreshToken"])
    assert caught.value.response["Error"]["Code"] in (
        "UnsupportedOperationException", "InvalidParameterException",
    )


# Signing out


def test_a_revoked_refresh_token_is_dead_and_so_are_its_access_tokens(pool, idp):
    tokens = pool.sign_in(pool.make_user())
    idp.revoke_token(Token=tokens["RefreshToken"], ClientId=pool.client_id)
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        pool.refresh(tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        idp.get_user(AccessToken=tokens["AccessToken"])


def test_revoking_one_sign_in_leaves_the_others(pool, idp):
    username = pool.make_user()
    one, other = pool.sign_in(username), pool.sign_in(username)
    idp.revoke_token(Token=one["RefreshToken"], ClientId=pool.client_id)
    assert pool.refresh(other["RefreshToken"])["AuthenticationResult"]
    assert idp.get_user(AccessToken=other["AccessToken"])


def test_an_access_token_cannot_be_revoked(pool, idp):
    tokens = pool.sign_in(pool.make_user())
    with refused("UnsupportedTokenTypeException"):
        idp.revoke_token(Token=tokens["AccessToken"], ClientId=pool.client_id)


def test_revocation_is_refused_where_the_client_has_it_turned_off(make_pool, idp):
    pool = make_pool(client={"EnableTokenRevocation": False})
    tokens = pool.sign_in(pool.make_user())
    assert "origin_jti" not in claims_of(tokens["AccessToken"])
    with refused("UnsupportedOperationException"):
        idp.revoke_token(Token=tokens["RefreshToken"], ClientId=pool.client_id)


def test_global_sign_out_ends_every_sign_in_of_the_user(pool, idp):
    username = pool.make_user()
    one, other = pool.sign_in(username), pool.sign_in(username)
    idp.global_sign_out(AccessToken=one["AccessToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        idp.get_user(AccessToken=other["AccessToken"])
    for tokens in (one, other):
        with refused("NotAuthorizedException", "Refresh Token has been revoked"):
            pool.refresh(tokens["RefreshToken"])


def test_a_user_can_sign_in_again_right_after_global_sign_out(pool, idp):
    username = pool.make_user()
    idp.global_sign_out(AccessToken=pool.sign_in(username)["AccessToken"])
    assert idp.get_user(AccessToken=pool.sign_in(username)["AccessToken"])["Username"] == username


def test_an_administrator_signs_a_user_out_everywhere(pool, idp):
    username = pool.make_user()
    tokens = pool.sign_in(username)
    idp.admin_user_global_sign_out(UserPoolId=pool.id, Username=username)
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        pool.refresh(tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        idp.get_user(AccessToken=tokens["AccessToken"])


def test_tokens_of_a_disabled_user_stay_dead_after_enabling(pool, idp):
    username = pool.make_user()
    tokens = pool.sign_in(username)
    idp.admin_disable_user(UserPoolId=pool.id, Username=username)
    idp.admin_enable_user(UserPoolId=pool.id, Username=username)
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        pool.refresh(tokens["RefreshToken"])


def test_an_access_token_expires_after_an_hour(pool, idp, clock):
    token = pool.sign_in(pool.make_user())["AccessToken"]
    clock.advance(HOUR + 10)
    with refused("NotAuthorizedException", "Access Token has expired"):
        idp.get_user(AccessToken=token)


@pytest.mark.parametrize("token", ["garbage", "a.b.c"])
def test_an_access_token_made_up_by_the_client_is_refused(idp, token):
    with refused("NotAuthorizedException", "Invalid Access Token"):
        idp.get_user(AccessToken=token)


def test_an_id_token_is_no_access_token(pool, idp):
    with refused("NotAuthorizedException", "Invalid Access Token"):
        idp.get_user(AccessToken=pool.sign_in(pool.make_user())["IdToken"])


def test_an_access_token_with_a_changed_claim_is_refused(pool, idp):
    token = pool.sign_in(pool.make_user())["AccessToken"]
    header, _, signature = token.split(".")
    claims = claims_of(token) | {"username": "somebody-else"}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with refused("NotAuthorizedException"):
        idp.get_user(AccessToken=f"{header}.{payload}.{signature}")


# SECRET_HASH


@pytest.fixture
def secret_client(pool):
    """Pool, client with a secret, username."""
    return pool, pool.make_client(GenerateSecret=True), pool.make_user(email="jo@gm.com")


def password_parameters(username, **more):
    return {"USERNAME": username, "PASSWORD": PASSWORD, **more}


def hash_for(client, username):
    return secret_hash(username, client["ClientId"], client["ClientSecret"])


def test_the_right_secret_hash_signs_in(secret_client):
    pool, client, username = secret_client
    answer = initiate(
        pool, "USER_PASSWORD_AUTH", client["ClientId"],
        **password_parameters(username, SECRET_HASH=hash_for(client, username)),
    )
    assert answer["AuthenticationResult"]["AccessToken"]


def test_a_missing_secret_hash_is_named_at_sign_in(secret_client):
    pool, client, username = secret_client
    with refused(
        "NotAuthorizedException",
        f"Client {client['ClientId']} is configured with secret but SECRET_HASH was not received",
    ):
        initiate(
            pool, "USER_PASSWORD_AUTH", client["ClientId"], **password_parameters(username)
        )


def test_a_wrong_secret_hash_is_refused_at_sign_in(secret_client):
    pool, client, username = secret_client
    with refused(
        "NotAuthorizedException",
        f"Unable to verify secret hash for client {client['ClientId']}",
    ):
        initiate(
            pool, "USER_PASSWORD_AUTH", client["ClientId"],
            **password_parameters(username, SECRET_HASH=hash_for(client, "somebody")),
        )


def test_a_missing_secret_hash_is_named_at_sign_up(secret_client, idp):
    _, client, _ = secret_client
    with refused(
        "NotAuthorizedException",
        f"Client {client['ClientId']} is configured for secret but secret was not received",
    ):
        idp.sign_up(ClientId=client["ClientId"], Username=unique("user"), Password=PASSWORD)


def test_a_wrong_secret_hash_is_refused_at_sign_up(secret_client, idp):
    _, client, _ = secret_client
    with refused(
        "NotAuthorizedException",
        f"Unable to verify secret hash for client {client['ClientId']}",
    ):
        idp.sign_up(
            ClientId=client["ClientId"],
            Username=unique("user"),
            Password=PASSWORD,
            SecretHash=hash_for(client, "somebody"),
        )


def test_a_wrong_secret_hash_is_refused_at_refresh(secret_client):
    pool, client, username = secret_client
    tokens = initiate(
        pool, "USER_PASSWORD_AUTH", client["ClientId"],
        **password_parameters(username, SECRET_HASH=hash_for(client, username)),
    )["AuthenticationResult"]
    with refused(
        "NotAuthorizedException",
        f"SecretHash does not match for the client: {client['ClientId']}",
    ):
        initiate(
            pool, "REFRESH_TOKEN_AUTH", client["ClientId"],
            REFRESH_TOKEN=tokens["RefreshToken"], SECRET_HASH=hash_for(client, "somebody"),
        )


def test_the_secret_hash_of_the_username_refreshes(secret_client):
    pool, client, username = secret_client
    hashed = hash_for(client, username)
    tokens = initiate(
        pool, "USER_PASSWORD_AUTH", client["ClientId"],
        **password_parameters(username, SECRET_HASH=hashed),
    )["AuthenticationResult"]
    again = initiate(
        pool, "REFRESH_TOKEN_AUTH", client["ClientId"],
        REFRESH_TOKEN=tokens["RefreshToken"], SECRET_HASH=hashed,
    )
    assert again["AuthenticationResult"]["AccessToken"]


def test_get_tokens_from_refresh_token_takes_the_secret_itself(secret_client, idp):
    pool, client, username = secret_client
    tokens = initiate(
        pool, "USER_PASSWORD_AUTH", client["ClientId"],
        **password_parameters(username, SECRET_HASH=hash_for(client, username)),
    )["AuthenticationResult"]
    request = {"ClientId": client["ClientId"], "RefreshToken": tokens["RefreshToken"]}
    assert idp.get_tokens_from_refresh_token(ClientSecret=client["ClientSecret"], **request)
    with refused(
        "NotAuthorizedException",
        f"Client {client['ClientId']} is configured for secret but secret was not received",
    ):
        idp.get_tokens_from_refresh_token(**request)


# Unknown users, with and without PreventUserExistenceErrors


@pytest.fixture
def hiding(make_pool):
    """A pool whose client does not tell which users exist."""
    return make_pool(
        AutoVerifiedAttributes=["email"], client={"PreventUserExistenceErrors": "ENABLED"}
    )


def srp_a():
    return AWSSRP("u", "p", "us-east-1_Pool", "client", client=object()).get_auth_params()["SRP_A"]


@pytest.mark.parametrize("begin", ["begin", "admin_begin"])
def test_an_unknown_user_is_told_from_a_wrong_password_only_in_legacy_mode(pool, hiding, begin):
    with refused("UserNotFoundException", NO_USER):
        getattr(pool, begin)("nobody")
    with refused("NotAuthorizedException", BAD_LOGIN):
        getattr(hiding, begin)("nobody")


def test_srp_of_an_unknown_user_is_refused_in_legacy_mode(pool):
    with refused("UserNotFoundException", NO_USER):
        initiate(pool, "USER_SRP_AUTH", USERNAME="nobody", SRP_A=srp_a())


def test_srp_of_an_unknown_user_is_simulated_with_a_stable_salt(hiding):
    def challenge():
        return initiate(hiding, "USER_SRP_AUTH", USERNAME="nobody", SRP_A=srp_a())

    one, other = challenge(), challenge()
    assert one["ChallengeName"] == "PASSWORD_VERIFIER"
    assert "Session" not in one
    assert set(one["ChallengeParameters"]) == {
        "SALT", "SRP_B", "SECRET_BLOCK", "USERNAME", "USER_ID_FOR_SRP",
    }
    assert one["ChallengeParameters"]["SALT"] == other["ChallengeParameters"]["SALT"]
    assert one["ChallengeParameters"]["SRP_B"] != other["ChallengeParameters"]["SRP_B"]


def test_the_proof_of_an_unknown_user_is_a_wrong_password(hiding, idp):
    srp = AWSSRP("nobody", PASSWORD, hiding.id, hiding.client_id, client=idp)
    with refused("NotAuthorizedException", BAD_LOGIN):
        srp.authenticate_user()


def test_recovery_of_an_unknown_user_is_simulated(pool, hiding, idp):
    with refused("UserNotFoundException", NO_CLIENT_USER):
        idp.forgot_password(ClientId=pool.client_id, Username="nobody")
    answers = [
        idp.forgot_password(ClientId=hiding.client_id, Username="nobody@inter.net")
        for _ in range(2)
    ]
    assert answers[0]["CodeDeliveryDetails"] == answers[1]["CodeDeliveryDetails"]
    assert answers[0]["CodeDeliveryDetails"]["Destination"] == "n***@i***"


def test_recovery_of_a_user_without_contact_is_simulated(hiding, idp):
    username = hiding.make_user()
    answer = idp.forgot_password(ClientId=hiding.client_id, Username=username)
    assert answer["CodeDeliveryDetails"]["Destination"]


def test_confirming_recovery_of_an_unknown_user_is_a_wrong_code(hiding, idp):
    with pytest.raises(idp.exceptions.CodeMismatchException):
        idp.confirm_forgot_password(
            ClientId=hiding.client_id,
            Username="nobody",
            ConfirmationCode="123456",
            Password=PASSWORD,
        )


def test_confirming_recovery_that_was_not_asked_for_is_an_expired_code(hiding, idp):
    with refused("ExpiredCodeException", EXPIRED_CODE):
        idp.confirm_forgot_password(
            ClientId=hiding.client_id,
            Username=hiding.make_user(email=unique_email()),
            ConfirmationCode="123456",
            Password=PASSWORD,
        )


def test_resending_to_an_unknown_user_is_simulated(mail_pool, hiding, idp):
    with refused("UserNotFoundException"):
        idp.resend_confirmation_code(ClientId=mail_pool.client_id, Username="nobody")
    answer = idp.resend_confirmation_code(ClientId=hiding.client_id, Username="nobody")
    assert answer["CodeDeliveryDetails"]["Destination"]


def test_confirming_sign_up_of_an_unknown_user_is_a_bad_code(mail_pool, hiding, idp):
    request = {"Username": "nobody", "ConfirmationCode": "123456"}
    with refused("UserNotFoundException"):
        idp.confirm_sign_up(ClientId=mail_pool.client_id, **request)
    with pytest.raises(
        (idp.exceptions.ExpiredCodeException, idp.exceptions.CodeMismatchException)
    ):
        idp.confirm_sign_up(ClientId=hiding.client_id, **request)


def test_sign_up_tells_of_a_taken_username_in_both_modes(hiding):
    username = hiding.make_user()
    with refused("UsernameExistsException", "User already exists"):
        hiding.sign_up(username)


def test_a_required_reset_is_told_only_to_who_knows_the_password(hiding, idp):
    """A user without password, as imported ones are, can therefore never be told apart from nobody."""
    username = hiding.make_user(email=unique_email())
    idp.admin_reset_user_password(UserPoolId=hiding.id, Username=username)
    with refused("NotAuthorizedException", BAD_LOGIN):
        hiding.begin(username, WRONG_PASSWORD)
    with refused("PasswordResetRequiredException", "Password reset required for the user"):
        hiding.begin(username)


def test_administrators_are_told_that_a_user_does_not_exist_in_both_modes(hiding):
    with refused("UserNotFoundException", NO_USER):
        hiding.user("nobody")


# Lock-out


def fail(pool, username, times):
    for _ in range(times):
        with refused("NotAuthorizedException", BAD_LOGIN):
            pool.begin(username, WRONG_PASSWORD)


def test_five_wrong_passwords_lock_the_user_for_a_second(pool, clock):
    username = pool.make_user()
    fail(pool, username, 5)
    with refused("NotAuthorizedException", LOCKED):
        pool.begin(username, PASSWORD)
    clock.advance(1.1)
    assert pool.sign_in(username)


def test_each_further_failure_doubles_the_lock(pool, clock):
    username = pool.make_user()
    fail(pool, username, 5)
    for lock in (1, 2, 4, 8, 16):
        with refused("NotAuthorizedException", LOCKED):
            pool.begin(username, PASSWORD)
        clock.advance(lock * 0.75)
        if lock >= 4:  # for shorter locks the machine itself may be too slow to be within them
            with refused("NotAuthorizedException", LOCKED):
                pool.begin(username, PASSWORD)
        clock.advance(lock * 0.25 + 0.1)
        fail(pool, username, 1)


def test_attempts_during_a_lock_do_not_prolong_it(pool, clock):
    username = pool.make_user()
    fail(pool, username, 5)
    for _ in range(10):
        with refused("NotAuthorizedException", LOCKED):
            pool.begin(username, WRONG_PASSWORD)
    clock.advance(1.1)
    assert pool.sign_in(username)


def test_a_success_resets_the_count(pool):
    username = pool.make_user()
    fail(pool, username, 4)
    pool.sign_in(username)
    fail(pool, username, 4)
    assert pool.sign_in(username)


def test_a_quarter_of_an_hour_without_attempts_resets_the_count(pool, clock):
    username = pool.make_user()
    fail(pool, username, 5)
    clock.advance(15 * 60 + 1)
    fail(pool, username, 4)
    assert pool.sign_in(username)


def test_a_lock_ends_after_a_quarter_of_an_hour_at_most(pool, clock):
    username = pool.make_user()
    fail(pool, username, 5)
    for exponent in range(12):
        clock.advance(min(2**exponent, 899) + 0.1)
        try:
            pool.begin(username, WRONG_PASSWORD)
        except pool.idp.exceptions.NotAuthorizedException:
            pass
    clock.advance(15 * 60 + 1)
    assert pool.sign_in(username)


def test_failed_srp_proofs_count_too(pool, idp):
    username = pool.make_user()
    for _ in range(5):
        with refused("NotAuthorizedException", BAD_LOGIN):
            AWSSRP(
                username, WRONG_PASSWORD, pool.id, pool.client_id, client=idp
            ).authenticate_user()
    with refused("NotAuthorizedException", LOCKED):
        pool.begin(username, PASSWORD)


def test_one_users_lock_does_not_touch_another(pool):
    locked, other = pool.make_user(), pool.make_user()
    fail(pool, locked, 5)
    assert pool.sign_in(other)


# What the tokens say


@pytest.fixture
def jwks(endpoint):
    """Reads the keys of a pool the way a resource server does."""

    def read(pool):
        answer = requests.get(f"{endpoint}/{pool.id}/.well-known/jwks.json", timeout=20)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        return answer.json()["keys"]

    return read


@pytest.fixture
def verified(endpoint, jwks):
    """Checks signature, issuer and (for ID tokens) audience; answers the claims."""

    def check(pool, token, audience=None):
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(key for key in jwks(pool) if key["kid"] == kid)
        return jwt.decode(
            token,
            jwt.PyJWK.from_dict(key).key,
            algorithms=["RS256"],
            issuer=f"{endpoint}/{pool.id}",
            audience=audience,
            options={"verify_aud": audience is not None, "verify_exp": False, "verify_iat": False},
        )

    return check


def test_two_rsa_keys_are_published(pool, jwks):
    keys = jwks(pool)
    assert len(keys) == 2
    for key in keys:
        assert set(key) == {"alg", "e", "kid", "kty", "n", "use"}
        assert (key["alg"], key["e"], key["kty"], key["use"]) == ("RS256", "AQAB", "RSA", "sig")
        assert len(base64.b64decode(key["kid"])) == 32


def test_id_and_access_token_are_signed_with_different_keys(pool):
    tokens = pool.sign_in(pool.make_user())
    headers = [jwt.get_unverified_header(tokens[kind]) for kind in ("IdToken", "AccessToken")]
    assert headers[0]["kid"] != headers[1]["kid"]
    for header in headers:
        assert set(header) == {"kid", "alg"}


def test_the_id_token_says_who_signed_in(pool, verified):
    username = pool.make_user(email="jo@gm.com", name="Jo")
    claims = verified(pool, pool.sign_in(username)["IdToken"], pool.client_id)
    assert claims["token_use"] == "id"
    assert claims["aud"] == pool.client_id
    assert claims["cognito:username"] == username
    assert claims["sub"] == pool.user_attributes(username)["sub"]
    assert (claims["email"], claims["email_verified"], claims["name"]) == ("jo@gm.com", True, "Jo")
    assert claims["exp"] == claims["iat"] + 3600
    assert claims["auth_time"] <= claims["iat"]
    for member in ("jti", "origin_jti", "event_id"):
        assert claims[member]


def test_the_access_token_says_what_may_be_done(pool, verified):
    username = pool.make_user(email="jo@gm.com")
    tokens = pool.sign_in(username)
    claims = verified(pool, tokens["AccessToken"])
    assert claims["token_use"] == "access"
    assert claims["client_id"] == pool.client_id
    assert claims["scope"] == "aws.cognito.signin.user.admin"
    assert claims["username"] == username
    assert claims["exp"] == claims["iat"] + 3600
    assert not {"aud", "email", "cognito:username", "version"} & set(claims)
    assert claims["origin_jti"] == claims_of(tokens["IdToken"])["origin_jti"]


def test_the_id_token_holds_what_the_client_may_read(make_pool):
    pool = make_pool(client={"ReadAttributes": ["email"]})
    claims = claims_of(pool.sign_in(pool.make_user(email="jo@gm.com", name="Jo"))["IdToken"])
    assert claims["email"] == "jo@gm.com"
    assert "name" not in claims


def test_the_lifetimes_of_the_client_are_those_of_its_tokens(make_pool):
    pool = make_pool(
        client={
            "AccessTokenValidity": 5,
            "IdTokenValidity": 2,
            "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "hours"},
        }
    )
    tokens = pool.sign_in(pool.make_user())
    access, identity = claims_of(tokens["AccessToken"]), claims_of(tokens["IdToken"])
    assert tokens["ExpiresIn"] == 300
    assert access["exp"] - access["iat"] == 300
    assert identity["exp"] - identity["iat"] == 7200


def test_each_sign_in_has_an_origin_of_its_own(pool):
    username = pool.make_user()
    origins = {claims_of(pool.sign_in(username)["AccessToken"])["origin_jti"] for _ in range(3)}
    assert len(origins) == 3


def test_the_discovery_document_names_issuer_and_keys(pool, endpoint):
    answer = requests.get(f"{endpoint}/{pool.id}/.well-known/openid-configuration", timeout=20)
    document = answer.json()
    assert document["issuer"] == f"{endpoint}/{pool.id}"
    assert document["jwks_uri"] == f"{endpoint}/{pool.id}/.well-known/jwks.json"
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]


# SRP


def test_srp_signs_in(pool, idp):
    username = pool.make_user()
    srp = AWSSRP(username, PASSWORD, pool.id, pool.client_id, client=idp)
    assert srp.authenticate_user()["AuthenticationResult"]["AccessToken"]


def test_srp_with_an_alias_uses_the_real_username(make_pool, idp):
    pool = make_pool(AliasAttributes=["email"])
    address = unique_email()
    username = pool.make_user(email=address)
    answer = initiate(pool, "USER_SRP_AUTH", USERNAME=address, SRP_A=srp_a())
    assert answer["ChallengeParameters"]["USERNAME"] == username
    assert answer["ChallengeParameters"]["USER_ID_FOR_SRP"] == username


def test_the_salt_of_a_user_is_the_same_each_time(pool):
    username = pool.make_user()
    salts = {
        initiate(pool, "USER_SRP_AUTH", USERNAME=username, SRP_A=srp_a())[
            "ChallengeParameters"
        ]["SALT"]
        for _ in range(2)
    }
    assert len(salts) == 1
    assert not salts.pop().startswith("0")


def test_a_client_value_of_zero_never_proves_a_password(pool, idp):
    username = pool.make_user()
    with pytest.raises(idp.exceptions.ClientError):
        challenge = initiate(pool, "USER_SRP_AUTH", USERNAME=username, SRP_A="0")
        idp.respond_to_auth_challenge(
            ClientId=pool.client_id,
            ChallengeName="PASSWORD_VERIFIER",
            ChallengeResponses={
                "USERNAME": username,
                "PASSWORD_CLAIM_SECRET_BLOCK": challenge["ChallengeParameters"]["SECRET_BLOCK"],
                "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(b"\0" * 32).decode(),
                "TIMESTAMP": "Fri Sep 5 09:03:07 UTC 2025",
            },
        )


def test_a_password_that_needs_unicode_signs_in_by_srp_and_in_plain(pool, idp):
    password = "Pässwörd-日本-9!"
    username = pool.make_user(password=password)
    assert pool.sign_in(username, password)
    srp = AWSSRP(username, password, pool.id, pool.client_id, client=idp)
    assert srp.authenticate_user()["AuthenticationResult"]["AccessToken"]
