"""The life of a TOTP software token: set up, verified, preferred, asked for, replaced, deleted."""

import json

import pytest

from support import Authenticator, as_dict, post, refused

TOTP = "SOFTWARE_TOKEN_MFA"
TOTP_ON = {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
PREFERRED = {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}}
CODE_MISMATCH = "Invalid code received for user"
VERIFY_MISMATCH = "Code mismatch and fail enable Software Token MFA"
USED_ONCE = "Your software token has already been used once."
NO_TOTP_TO_PREFER = "User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA"
SESSION_GARBAGE = "Invalid session for the user."
SESSION_EXPIRED = "Invalid session for the user, session is expired."
SESSION_USED = "Invalid session for the user, session can only be used once."


@pytest.fixture
def optional_pool(make_pool, idp):
    """MFA is OPTIONAL, TOTP the only factor."""
    pool = make_pool()
    idp.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="OPTIONAL", **TOTP_ON)
    return pool


@pytest.fixture
def required_pool(make_pool, idp):
    """MFA is required, TOTP the only factor."""
    pool = make_pool()
    idp.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="ON", **TOTP_ON)
    return pool


@pytest.fixture
def two_factor_pool(make_pool, idp, sms):
    """MFA is OPTIONAL with SMS and TOTP."""
    pool = make_pool()
    idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        MfaConfiguration="OPTIONAL",
        SmsMfaConfiguration={"SmsConfiguration": sms},
        **TOTP_ON,
    )
    return pool


@pytest.fixture
def set_up(idp, clock):
    """Gives a user a verified token; answers its authenticator and an access token of the user."""

    def run(pool, username, preferred=True, name=None, access_token=None):
        access_token = access_token or pool.sign_in(username)["AccessToken"]
        secret = idp.associate_software_token(AccessToken=access_token)["SecretCode"]
        app = Authenticator(secret, clock)
        named = {"FriendlyDeviceName": name} if name else {}
        idp.verify_software_token(AccessToken=access_token, UserCode=app.fresh_code(), **named)
        if preferred:
            idp.set_user_mfa_preference(AccessToken=access_token, **PREFERRED)
        return app, access_token

    return run


@pytest.fixture
def user_with_totp(optional_pool, set_up):
    """Pool, username and authenticator of a user who is asked for a TOTP code."""
    username = optional_pool.make_user()
    app, _ = set_up(optional_pool, username)
    return optional_pool, username, app


def challenge_of(pool, username):
    """The Session of a sign-in that must have led to the TOTP challenge."""
    answer = pool.begin(username)
    assert answer.get("ChallengeName") == TOTP, answer
    return answer["Session"]


def send_code(pool, username, session, code):
    return pool.answer(TOTP, username, session, SOFTWARE_TOKEN_MFA_CODE=code)


def mfa_members(answer):
    return {
        name: answer[name]
        for name in ("UserMFASettingList", "PreferredMfaSetting", "MFAOptions")
        if name in answer
    }


# Setting up a token in a pool where MFA is optional


def test_associating_with_an_access_token_answers_a_base32_secret_and_no_session(
    optional_pool, idp
):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    answer = idp.associate_software_token(AccessToken=token)
    assert len(answer["SecretCode"]) >= 16
    assert set(answer["SecretCode"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert "Session" not in answer


def test_verifying_with_an_access_token_answers_success_and_no_session(
    optional_pool, idp, clock
):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    app = Authenticator(idp.associate_software_token(AccessToken=token)["SecretCode"], clock)
    answer = idp.verify_software_token(AccessToken=token, UserCode=app.fresh_code())
    assert answer["Status"] == "SUCCESS"
    assert "Session" not in answer


def test_a_verified_token_is_not_asked_for_until_it_is_preferred(optional_pool, set_up):
    username = optional_pool.make_user()
    set_up(optional_pool, username, preferred=False)
    assert optional_pool.sign_in(username)["AccessToken"]


def test_mfa_members_are_omitted_until_a_preference_is_set(optional_pool, set_up, idp):
    username = optional_pool.make_user()
    _, token = set_up(optional_pool, username, preferred=False)
    assert mfa_members(idp.get_user(AccessToken=token)) == {}
    assert mfa_members(optional_pool.user(username)) == {}


def test_get_user_and_admin_get_user_show_the_preferred_token(optional_pool, set_up, idp):
    username = optional_pool.make_user()
    _, token = set_up(optional_pool, username)
    expected = {"UserMFASettingList": [TOTP], "PreferredMfaSetting": TOTP}
    assert mfa_members(idp.get_user(AccessToken=token)) == expected
    assert mfa_members(optional_pool.user(username)) == expected


def test_a_preferred_token_is_asked_for_and_its_code_gives_tokens(user_with_totp):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    answer = send_code(pool, username, session, app.fresh_code())
    assert answer["ChallengeParameters"] == {}
    assert set(answer["AuthenticationResult"]) == {
        "AccessToken", "ExpiresIn", "IdToken", "RefreshToken", "TokenType",
    }


def test_the_challenge_names_the_device_and_the_user(optional_pool, set_up):
    username = optional_pool.make_user()
    set_up(optional_pool, username, name="my phone")
    parameters = optional_pool.begin(username)["ChallengeParameters"]
    assert parameters["FRIENDLY_DEVICE_NAME"] == "my phone"
    assert parameters["USER_ID_FOR_SRP"] == username


def test_the_challenge_of_an_unnamed_device_has_no_friendly_name(user_with_totp):
    pool, username, _ = user_with_totp
    assert "FRIENDLY_DEVICE_NAME" not in pool.begin(username)["ChallengeParameters"]


def test_associating_again_drops_the_secret_that_was_not_verified(optional_pool, idp, clock):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    dropped = Authenticator(idp.associate_software_token(AccessToken=token)["SecretCode"], clock)
    idp.associate_software_token(AccessToken=token)
    with refused("EnableSoftwareTokenMFAException", VERIFY_MISMATCH):
        idp.verify_software_token(AccessToken=token, UserCode=dropped.fresh_code())


def test_an_administrator_can_answer_the_challenge_of_a_public_sign_in(user_with_totp):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    answer = pool.admin_answer(
        TOTP, username, session, SOFTWARE_TOKEN_MFA_CODE=app.fresh_code()
    )
    assert "AuthenticationResult" in answer


def test_a_public_client_can_answer_the_challenge_of_an_administrators_sign_in(user_with_totp):
    pool, username, app = user_with_totp
    begun = pool.admin_begin(username)
    assert begun["ChallengeName"] == TOTP
    answer = send_code(pool, username, begun["Session"], app.fresh_code())
    assert "AuthenticationResult" in answer


def test_unknown_response_keys_beside_the_code_are_ignored(user_with_totp):
    pool, username, app = user_with_totp
    code = app.fresh_code()
    answer = pool.answer(
        TOTP, username, challenge_of(pool, username),
        SOFTWARE_TOKEN_MFA_CODE=code, SMS_MFA_CODE=code, ANYTHING="else",
    )
    assert "AuthenticationResult" in answer


# Codes: wrong, reused, early, late


def test_a_wrong_code_does_not_verify_and_the_secret_may_be_tried_again(
    optional_pool, idp, clock
):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    app = Authenticator(idp.associate_software_token(AccessToken=token)["SecretCode"], clock)
    with refused("EnableSoftwareTokenMFAException", VERIFY_MISMATCH):
        idp.verify_software_token(AccessToken=token, UserCode=app.wrong_code())
    again = idp.verify_software_token(AccessToken=token, UserCode=app.fresh_code())
    assert again["Status"] == "SUCCESS"


def test_a_wrong_code_at_sign_in_leaves_the_session_usable(user_with_totp):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    code = app.fresh_code()
    with refused("CodeMismatchException", CODE_MISMATCH):
        send_code(pool, username, session, app.wrong_code())
    assert "AuthenticationResult" in send_code(pool, username, session, code)


def test_the_code_that_verified_the_token_does_not_sign_in(optional_pool, idp, clock):
    username = optional_pool.make_user()
    token = optional_pool.sign_in(username)["AccessToken"]
    app = Authenticator(idp.associate_software_token(AccessToken=token)["SecretCode"], clock)
    code = app.fresh_code()
    idp.verify_software_token(AccessToken=token, UserCode=code)
    idp.set_user_mfa_preference(AccessToken=token, **PREFERRED)
    with refused("ExpiredCodeException", USED_ONCE):
        send_code(optional_pool, username, challenge_of(optional_pool, username), code)


def test_the_code_of_one_sign_in_does_not_serve_a_second(user_with_totp):
    pool, username, app = user_with_totp
    code = app.fresh_code()
    send_code(pool, username, challenge_of(pool, username), code)
    with refused("ExpiredCodeException", USED_ONCE):
        send_code(pool, username, challenge_of(pool, username), code)


def test_a_session_survives_a_code_that_was_used_before(user_with_totp):
    pool, username, app = user_with_totp
    code = app.fresh_code()
    send_code(pool, username, challenge_of(pool, username), code)
    session = challenge_of(pool, username)
    with refused("ExpiredCodeException", USED_ONCE):
        send_code(pool, username, session, code)
    assert "AuthenticationResult" in send_code(pool, username, session, app.fresh_code())


@pytest.mark.parametrize("steps", [-1, 1])
def test_a_code_one_step_away_signs_in(user_with_totp, clock, steps):
    pool, username, app = user_with_totp
    clock.advance(120)
    clock.to_start_of_a_step()
    code = app.code(steps)
    assert "AuthenticationResult" in send_code(pool, username, challenge_of(pool, username), code)


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_two_steps_away_is_a_wrong_code(user_with_totp, clock, steps):
    pool, username, app = user_with_totp
    clock.advance(180)
    clock.to_start_of_a_step()
    session = challenge_of(pool, username)
    with refused("CodeMismatchException", CODE_MISMATCH):
        send_code(pool, username, session, app.code(steps))


@pytest.mark.parametrize("steps", [-1, 1])
def test_a_code_one_step_away_verifies(optional_pool, idp, clock, steps):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    app = Authenticator(idp.associate_software_token(AccessToken=token)["SecretCode"], clock)
    clock.to_start_of_a_step()
    answer = idp.verify_software_token(AccessToken=token, UserCode=app.code(steps))
    assert answer["Status"] == "SUCCESS"


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_two_steps_away_does_not_verify(optional_pool, idp, clock, steps):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    app = Authenticator(idp.associate_software_token(AccessToken=token)["SecretCode"], clock)
    clock.to_start_of_a_step()
    with refused("EnableSoftwareTokenMFAException", VERIFY_MISMATCH):
        idp.verify_software_token(AccessToken=token, UserCode=app.code(steps))


def test_six_wrong_codes_in_a_row_leave_the_session_usable(user_with_totp):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    for _ in range(6):
        with refused("CodeMismatchException", CODE_MISMATCH):
            send_code(pool, username, session, app.wrong_code())
    assert "AuthenticationResult" in send_code(pool, username, session, app.fresh_code())


@pytest.mark.belief
def test_guessing_codes_on_one_session_comes_to_an_end(user_with_totp, idp):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    wrong = app.wrong_code()

    def is_still_guessing():
        try:
            send_code(pool, username, session, wrong)
        except idp.exceptions.CodeMismatchException:
            return True
        except idp.exceptions.ClientError:
            return False
        raise AssertionError("a wrong code gave tokens")

    assert not all(is_still_guessing() for _ in range(50))


@pytest.mark.parametrize(
    "code, constraint",
    [
        ("12345", "Member must have length greater than or equal to 6"),
        ("1234567", "Member must have length less than or equal to 6"),
        ("12345a", "Member must satisfy regular expression pattern: [0-9]+"),
    ],
)
def test_a_code_that_is_not_six_digits_is_a_validation_error(
    optional_pool, endpoint, code, constraint
):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    answer = post(endpoint, "VerifySoftwareToken", {"AccessToken": token, "UserCode": code})
    assert answer.status_code == 400
    assert answer.json() == {
        "__type": "InvalidParameterException",
        "message": "1 validation error detected: Value at 'userCode' failed to satisfy "
        f"constraint: {constraint}",
    }


# Replacing and deleting a token


def test_the_old_token_signs_in_while_the_new_one_is_not_verified(user_with_totp, idp):
    pool, username, old = user_with_totp
    signed_in = send_code(pool, username, challenge_of(pool, username), old.fresh_code())
    idp.associate_software_token(AccessToken=signed_in["AuthenticationResult"]["AccessToken"])
    again = send_code(pool, username, challenge_of(pool, username), old.fresh_code())
    assert "AuthenticationResult" in again


def test_verifying_a_new_token_replaces_the_old_one(user_with_totp, set_up):
    pool, username, old = user_with_totp
    signed_in = send_code(pool, username, challenge_of(pool, username), old.fresh_code())
    token = signed_in["AuthenticationResult"]["AccessToken"]
    new, _ = set_up(pool, username, preferred=False, access_token=token)
    session = challenge_of(pool, username)
    with refused("CodeMismatchException", CODE_MISMATCH):
        send_code(pool, username, session, old.fresh_code())
    assert "AuthenticationResult" in send_code(pool, username, session, new.fresh_code())


def test_deleting_the_token_as_administrator_ends_the_challenge(user_with_totp, idp):
    pool, username, _ = user_with_totp
    assert idp.admin_delete_software_token(UserPoolId=pool.id, Username=username)
    assert pool.sign_in(username)["AccessToken"]


def test_deleting_the_token_takes_it_from_the_users_mfa_members(user_with_totp, idp):
    pool, username, _ = user_with_totp
    idp.admin_delete_software_token(UserPoolId=pool.id, Username=username)
    assert mfa_members(pool.user(username)) == {}


def test_a_deleted_token_cannot_be_preferred(user_with_totp, idp):
    pool, username, _ = user_with_totp
    idp.admin_delete_software_token(UserPoolId=pool.id, Username=username)
    with refused("InvalidParameterException", NO_TOTP_TO_PREFER):
        idp.admin_set_user_mfa_preference(UserPoolId=pool.id, Username=username, **PREFERRED)


def test_answering_after_the_token_was_deleted_says_that_the_user_has_none(
    user_with_totp, idp
):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    idp.admin_delete_software_token(UserPoolId=pool.id, Username=username)
    with refused(
        "SoftwareTokenMFANotFoundException", "Software Token MFA does not exist for the user."
    ):
        send_code(pool, username, session, app.fresh_code())


def test_deleting_the_token_of_an_unknown_user_is_refused(optional_pool, idp):
    with refused("UserNotFoundException", "User does not exist."):
        idp.admin_delete_software_token(UserPoolId=optional_pool.id, Username="nobody")


# Sessions


def test_a_session_older_than_three_minutes_is_expired(user_with_totp, clock):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    clock.advance(181)
    with refused("NotAuthorizedException", SESSION_EXPIRED):
        send_code(pool, username, session, app.fresh_code())


def test_a_client_may_ask_for_longer_sessions(make_pool, idp, set_up, clock):
    pool = make_pool(client={"AuthSessionValidity": 15})
    idp.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="OPTIONAL", **TOTP_ON)
    username = pool.make_user()
    app, _ = set_up(pool, username)
    session = challenge_of(pool, username)
    clock.advance(14 * 60)
    assert "AuthenticationResult" in send_code(pool, username, session, app.fresh_code())


def test_a_session_that_gave_tokens_cannot_be_used_again(user_with_totp):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    send_code(pool, username, session, app.fresh_code())
    with refused("NotAuthorizedException", SESSION_USED):
        send_code(pool, username, session, app.fresh_code())


def test_a_session_made_up_by_the_client_is_invalid(user_with_totp):
    pool, username, app = user_with_totp
    with refused("NotAuthorizedException", SESSION_GARBAGE):
        send_code(pool, username, "AYABe" + "x" * 200, app.fresh_code())


def test_a_session_of_another_user_is_invalid(user_with_totp):
    pool, username, app = user_with_totp
    session = challenge_of(pool, username)
    with refused("NotAuthorizedException", SESSION_GARBAGE):
        send_code(pool, pool.make_user(), session, app.fresh_code())


@pytest.mark.parametrize("missing", ["USERNAME", "SOFTWARE_TOKEN_MFA_CODE"])
def test_a_missing_response_is_named(user_with_totp, idp, missing):
    pool, username, app = user_with_totp
    responses = {"USERNAME": username, "SOFTWARE_TOKEN_MFA_CODE": app.fresh_code()}
    del responses[missing]
    with refused("InvalidParameterException", f"Missing required parameter {missing}"):
        idp.respond_to_auth_challenge(
            ClientId=pool.client_id,
            ChallengeName=TOTP,
            Session=challenge_of(pool, username),
            ChallengeResponses=responses,
        )


def test_a_missing_session_is_named(user_with_totp, idp):
    pool, username, app = user_with_totp
    with refused("InvalidParameterException", "Missing required parameter Session"):
        idp.respond_to_auth_challenge(
            ClientId=pool.client_id,
            ChallengeName=TOTP,
            ChallengeResponses={"USERNAME": username, "SOFTWARE_TOKEN_MFA_CODE": app.code()},
        )


@pytest.mark.parametrize("operation", ["associate_software_token", "verify_software_token"])
def test_neither_access_token_nor_session_is_refused(idp, operation):
    code = {"UserCode": "123456"} if operation.startswith("verify") else {}
    with refused("InvalidParameterException"):
        getattr(idp, operation)(**code)


@pytest.mark.parametrize("operation", ["associate_software_token", "verify_software_token"])
def test_access_token_and_session_together_are_refused(optional_pool, idp, operation):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    code = {"UserCode": "123456"} if operation.startswith("verify") else {}
    with refused("InvalidParameterException"):
        getattr(idp, operation)(AccessToken=token, Session="s" * 40, **code)


@pytest.mark.parametrize("operation", ["associate_software_token", "verify_software_token"])
def test_a_broken_access_token_is_refused(idp, operation):
    code = {"UserCode": "123456"} if operation.startswith("verify") else {}
    with refused("NotAuthorizedException", "Invalid Access Token"):
        getattr(idp, operation)(AccessToken="not.a.token", **code)


def test_associating_in_a_pool_without_totp_is_refused(pool, idp):
    token = pool.sign_in(pool.make_user())["AccessToken"]
    with refused(
        "SoftwareTokenMFANotFoundException",
        "Software Token MFA has not been enabled by the userPool",
    ):
        idp.associate_software_token(AccessToken=token)


# Setting up a token while signing in to a pool where MFA is required


def begin_setup(pool, username):
    answer = pool.begin(username)
    assert answer["ChallengeName"] == "MFA_SETUP", answer
    return answer["Session"]


def verify_in_session(idp, clock, session):
    """Associates and verifies by Session; answers the authenticator and the last Session."""
    associated = idp.associate_software_token(Session=session)
    app = Authenticator(associated["SecretCode"], clock)
    verified = idp.verify_software_token(Session=associated["Session"], UserCode=app.fresh_code())
    assert verified["Status"] == "SUCCESS"
    return app, verified["Session"]


def test_the_first_sign_in_asks_to_set_up_totp(required_pool):
    username = required_pool.make_user()
    answer = required_pool.begin(username)
    assert answer["ChallengeName"] == "MFA_SETUP"
    assert json.loads(answer["ChallengeParameters"]["MFAS_CAN_SETUP"]) == [TOTP]
    assert answer["ChallengeParameters"]["USER_ID_FOR_SRP"] == username
    assert 20 <= len(answer["Session"]) <= 4096


@pytest.mark.parametrize("begin", ["begin", "admin_begin"])
@pytest.mark.parametrize("finish", ["answer", "admin_answer"])
def test_setup_ends_in_tokens_whoever_begins_and_whoever_finishes(
    required_pool, idp, clock, begin, finish
):
    username = required_pool.make_user()
    session = getattr(required_pool, begin)(username)["Session"]
    _, session = verify_in_session(idp, clock, session)
    answer = getattr(required_pool, finish)("MFA_SETUP", username, session)
    assert answer["ChallengeParameters"] == {}
    assert answer["AuthenticationResult"]["IdToken"]


@pytest.mark.parametrize("set_password", ["answer", "admin_answer"])
def test_a_new_user_sets_a_password_then_a_token_in_one_sign_in(
    required_pool, idp, clock, set_password
):
    username = required_pool.make_new_user()
    begun = required_pool.begin(username)
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    changed = getattr(required_pool, set_password)(
        "NEW_PASSWORD_REQUIRED", username, begun["Session"], NEW_PASSWORD="Brand-New-4@Horse"
    )
    assert changed["ChallengeName"] == "MFA_SETUP"
    _, session = verify_in_session(idp, clock, changed["Session"])
    answer = required_pool.answer("MFA_SETUP", username, session)
    assert "AuthenticationResult" in answer


def test_each_step_of_setup_answers_another_session(required_pool, idp, clock):
    first = begin_setup(required_pool, required_pool.make_user())
    associated = idp.associate_software_token(Session=first)
    code = Authenticator(associated["SecretCode"], clock).fresh_code()
    verified = idp.verify_software_token(Session=associated["Session"], UserCode=code)
    assert len({first, associated["Session"], verified["Session"]}) == 3


def test_a_session_that_setup_has_replaced_does_not_finish_it(required_pool, idp, clock):
    username = required_pool.make_user()
    first = begin_setup(required_pool, username)
    verify_in_session(idp, clock, first)
    with refused("NotAuthorizedException"):
        required_pool.answer("MFA_SETUP", username, first)


def test_setup_cannot_be_finished_before_the_token_is_verified(required_pool, idp):
    username = required_pool.make_user()
    associated = idp.associate_software_token(Session=begin_setup(required_pool, username))
    with pytest.raises(idp.exceptions.ClientError):
        required_pool.answer("MFA_SETUP", username, associated["Session"])


def test_a_wrong_code_in_setup_leaves_the_session_usable(required_pool, idp, clock):
    username = required_pool.make_user()
    associated = idp.associate_software_token(Session=begin_setup(required_pool, username))
    app = Authenticator(associated["SecretCode"], clock)
    session = associated["Session"]
    with refused("EnableSoftwareTokenMFAException", VERIFY_MISMATCH):
        idp.verify_software_token(Session=session, UserCode=app.wrong_code())
    verified = idp.verify_software_token(Session=session, UserCode=app.fresh_code())
    answer = required_pool.answer("MFA_SETUP", username, verified["Session"])
    assert "AuthenticationResult" in answer


def test_a_token_verified_by_session_is_asked_for_even_if_setup_was_never_finished(
    required_pool, idp, clock
):
    username = required_pool.make_user()
    app, _ = verify_in_session(idp, clock, begin_setup(required_pool, username))
    session = challenge_of(required_pool, username)
    answer = send_code(required_pool, username, session, app.fresh_code())
    assert "AuthenticationResult" in answer


def test_the_code_that_verified_the_token_in_setup_does_not_sign_in(required_pool, idp, clock):
    username = required_pool.make_user()
    associated = idp.associate_software_token(Session=begin_setup(required_pool, username))
    code = Authenticator(associated["SecretCode"], clock).fresh_code()
    idp.verify_software_token(Session=associated["Session"], UserCode=code)
    with refused("ExpiredCodeException", USED_ONCE):
        send_code(required_pool, username, challenge_of(required_pool, username), code)


def test_a_token_set_up_in_a_required_pool_is_listed_as_enabled(required_pool, idp, clock):
    username = required_pool.make_user()
    _, session = verify_in_session(idp, clock, begin_setup(required_pool, username))
    required_pool.answer("MFA_SETUP", username, session)
    assert required_pool.user(username)["UserMFASettingList"] == [TOTP]


def test_setup_is_asked_for_again_after_the_token_was_deleted(required_pool, idp, clock):
    username = required_pool.make_user()
    verify_in_session(idp, clock, begin_setup(required_pool, username))
    idp.admin_delete_software_token(UserPoolId=required_pool.id, Username=username)
    assert begin_setup(required_pool, username)


def test_a_session_of_setup_expires_after_three_minutes(required_pool, idp, clock):
    session = begin_setup(required_pool, required_pool.make_user())
    clock.advance(181)
    with refused("NotAuthorizedException", SESSION_EXPIRED):
        idp.associate_software_token(Session=session)


@pytest.mark.parametrize("operation", ["associate_software_token", "verify_software_token"])
def test_a_session_made_up_by_the_client_sets_up_nothing(idp, operation):
    code = {"UserCode": "123456"} if operation.startswith("verify") else {}
    with refused("NotAuthorizedException", SESSION_GARBAGE):
        getattr(idp, operation)(Session="AYABe" + "x" * 200, **code)


def test_a_finished_setup_cannot_be_finished_again(required_pool, idp, clock):
    username = required_pool.make_user()
    _, session = verify_in_session(idp, clock, begin_setup(required_pool, username))
    required_pool.answer("MFA_SETUP", username, session)
    with refused("NotAuthorizedException", SESSION_USED):
        required_pool.answer("MFA_SETUP", username, session)


# Preferences


def test_totp_cannot_be_preferred_without_a_verified_token(optional_pool, idp):
    token = optional_pool.sign_in(optional_pool.make_user())["AccessToken"]
    idp.associate_software_token(AccessToken=token)
    with refused("InvalidParameterException", NO_TOTP_TO_PREFER):
        idp.set_user_mfa_preference(AccessToken=token, **PREFERRED)


def test_an_administrator_cannot_prefer_totp_without_a_verified_token(optional_pool, idp):
    username = optional_pool.make_user()
    with refused("InvalidParameterException", NO_TOTP_TO_PREFER):
        idp.admin_set_user_mfa_preference(
            UserPoolId=optional_pool.id, Username=username, **PREFERRED
        )


@pytest.mark.belief
def test_sms_cannot_be_preferred_without_a_phone_number(two_factor_pool, idp):
    token = two_factor_pool.sign_in(two_factor_pool.make_user())["AccessToken"]
    with refused(
        "InvalidParameterException",
        "User does not have delivery config set to turn on SMS_MFA",
    ):
        idp.set_user_mfa_preference(
            AccessToken=token, SMSMfaSettings={"Enabled": True, "PreferredMfa": True}
        )


def test_preferences_of_an_unknown_user_are_refused(optional_pool, idp):
    with refused("UserNotFoundException", "User does not exist."):
        idp.admin_set_user_mfa_preference(
            UserPoolId=optional_pool.id, Username="nobody", **PREFERRED
        )


def test_two_preferred_factors_are_refused(two_factor_pool, set_up, idp):
    username = two_factor_pool.make_user(phone_number="+14155550008")
    _, token = set_up(two_factor_pool, username)
    with refused("InvalidParameterException"):
        idp.set_user_mfa_preference(
            AccessToken=token, SMSMfaSettings={"Enabled": True, "PreferredMfa": True}, **PREFERRED
        )


@pytest.mark.belief
def test_a_factor_cannot_be_preferred_and_disabled_at_once(optional_pool, set_up, idp):
    _, token = set_up(optional_pool, optional_pool.make_user())
    with refused("InvalidParameterException"):
        idp.set_user_mfa_preference(
            AccessToken=token, SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": True}
        )


def test_a_factor_that_is_not_named_stays_as_it_was(two_factor_pool, set_up, idp):
    username = two_factor_pool.make_user(phone_number="+14155550008")
    _, token = set_up(two_factor_pool, username)
    idp.set_user_mfa_preference(AccessToken=token, SMSMfaSettings={"Enabled": True})
    answer = idp.get_user(AccessToken=token)
    assert set(answer["UserMFASettingList"]) == {TOTP, "SMS_MFA"}
    assert answer["PreferredMfaSetting"] == TOTP


def test_disabling_a_factor_removes_it_and_its_preference(optional_pool, set_up, idp):
    username = optional_pool.make_user()
    _, token = set_up(optional_pool, username)
    idp.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False}
    )
    assert mfa_members(idp.get_user(AccessToken=token)) == {}
    assert optional_pool.sign_in(username)


def test_enabling_a_preferred_factor_without_preference_clears_the_preference(
    optional_pool, set_up, idp
):
    _, token = set_up(optional_pool, optional_pool.make_user())
    idp.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": False}
    )
    assert mfa_members(idp.get_user(AccessToken=token)) == {"UserMFASettingList": [TOTP]}


def test_an_administrator_sets_the_same_preferences(optional_pool, set_up, idp):
    username = optional_pool.make_user()
    set_up(optional_pool, username, preferred=False)
    idp.admin_set_user_mfa_preference(
        UserPoolId=optional_pool.id, Username=username, **PREFERRED
    )
    assert challenge_of(optional_pool, username)


def test_disabling_every_factor_is_accepted_in_a_required_pool(required_pool, idp, clock):
    username = required_pool.make_user()
    _, session = verify_in_session(idp, clock, begin_setup(required_pool, username))
    required_pool.answer("MFA_SETUP", username, session)
    idp.admin_set_user_mfa_preference(
        UserPoolId=required_pool.id,
        Username=username,
        SoftwareTokenMfaSettings={"Enabled": False, "PreferredMfa": False},
    )
    assert "UserMFASettingList" not in required_pool.user(username)


def test_a_verified_token_that_was_disabled_is_still_asked_for_in_a_required_pool(
    required_pool, idp, clock
):
    username = required_pool.make_user()
    _, session = verify_in_session(idp, clock, begin_setup(required_pool, username))
    required_pool.answer("MFA_SETUP", username, session)
    idp.admin_set_user_mfa_preference(
        UserPoolId=required_pool.id, Username=username, SoftwareTokenMfaSettings={"Enabled": False}
    )
    assert challenge_of(required_pool, username)


def test_a_factor_the_pool_does_not_offer_can_be_preferred_but_is_not_asked_for(
    required_pool, idp, clock
):
    username = required_pool.make_user(phone_number="+14155550008")
    verify_in_session(idp, clock, begin_setup(required_pool, username))
    idp.admin_set_user_mfa_preference(
        UserPoolId=required_pool.id,
        Username=username,
        SMSMfaSettings={"Enabled": True, "PreferredMfa": True},
    )
    assert required_pool.user(username)["PreferredMfaSetting"] == "SMS_MFA"
    assert challenge_of(required_pool, username)


def test_users_with_a_token_are_asked_for_it_after_the_pool_stopped_offering_totp(
    two_factor_pool, set_up, idp, sms
):
    username = two_factor_pool.make_user()
    set_up(two_factor_pool, username)
    idp.set_user_pool_mfa_config(
        UserPoolId=two_factor_pool.id,
        MfaConfiguration="OPTIONAL",
        SmsMfaConfiguration={"SmsConfiguration": sms},
    )
    assert challenge_of(two_factor_pool, username)


# Choosing between two factors


@pytest.fixture
def user_of_two_factors(two_factor_pool, set_up, idp):
    """Pool, username and authenticator of a user with SMS and TOTP, none of them preferred."""
    username = two_factor_pool.make_user(phone_number="+14155550008")
    app, token = set_up(two_factor_pool, username, preferred=False)
    idp.set_user_mfa_preference(
        AccessToken=token,
        SMSMfaSettings={"Enabled": True, "PreferredMfa": False},
        SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": False},
    )
    return two_factor_pool, username, app


def choice_of(pool, username):
    answer = pool.begin(username)
    assert answer["ChallengeName"] == "SELECT_MFA_TYPE", answer
    return answer


def test_two_factors_without_preference_are_offered_for_choice(user_of_two_factors):
    pool, username, _ = user_of_two_factors
    parameters = choice_of(pool, username)["ChallengeParameters"]
    assert set(json.loads(parameters["MFAS_CAN_CHOOSE"])) == {"SMS_MFA", TOTP}


def test_choosing_totp_leads_to_its_challenge_and_tokens(user_of_two_factors):
    pool, username, app = user_of_two_factors
    begun = choice_of(pool, username)
    chosen = pool.answer("SELECT_MFA_TYPE", username, begun["Session"], ANSWER=TOTP)
    assert chosen["ChallengeName"] == TOTP
    answer = send_code(pool, username, chosen["Session"], app.fresh_code())
    assert "AuthenticationResult" in answer


def test_choosing_sms_sends_a_code_that_gives_tokens(user_of_two_factors, inbox):
    pool, username, _ = user_of_two_factors
    begun = choice_of(pool, username)
    chosen = pool.answer("SELECT_MFA_TYPE", username, begun["Session"], ANSWER="SMS_MFA")
    assert chosen["ChallengeName"] == "SMS_MFA"
    parameters = chosen["ChallengeParameters"]
    assert parameters["CODE_DELIVERY_DELIVERY_MEDIUM"] == "SMS"
    assert parameters["CODE_DELIVERY_DESTINATION"] == "+*******0008"
    code = inbox.code(pool, username)
    assert len(code) == 6
    answer = pool.answer("SMS_MFA", username, chosen["Session"], SMS_MFA_CODE=code)
    assert "AuthenticationResult" in answer


def test_a_wrong_sms_code_leaves_the_session_usable(user_of_two_factors, inbox):
    pool, username, _ = user_of_two_factors
    begun = choice_of(pool, username)
    chosen = pool.answer("SELECT_MFA_TYPE", username, begun["Session"], ANSWER="SMS_MFA")
    code = inbox.code(pool, username)
    wrong = "000000" if code != "000000" else "111111"
    with refused("CodeMismatchException", "Invalid code or auth state for the user."):
        pool.answer("SMS_MFA", username, chosen["Session"], SMS_MFA_CODE=wrong)
    answer = pool.answer("SMS_MFA", username, chosen["Session"], SMS_MFA_CODE=code)
    assert "AuthenticationResult" in answer


@pytest.mark.belief
def test_choosing_what_is_not_offered_is_refused(user_of_two_factors):
    pool, username, _ = user_of_two_factors
    session = choice_of(pool, username)["Session"]
    with refused("InvalidParameterException"):
        pool.answer("SELECT_MFA_TYPE", username, session, ANSWER="CARRIER_PIGEON")


def test_a_preferred_factor_needs_no_choice(user_of_two_factors, idp):
    pool, username, _ = user_of_two_factors
    idp.admin_set_user_mfa_preference(UserPoolId=pool.id, Username=username, **PREFERRED)
    assert challenge_of(pool, username)


def test_in_a_required_pool_a_user_with_a_phone_gets_a_text_message_and_sms_enabled(
    make_pool, idp, sms, inbox
):
    pool = make_pool()
    idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        MfaConfiguration="ON",
        SmsMfaConfiguration={"SmsConfiguration": sms},
        **TOTP_ON,
    )
    username = pool.make_user(phone_number="+14155550008", phone_number_verified="false")
    begun = pool.begin(username)
    assert begun["ChallengeName"] == "SMS_MFA"
    pool.answer("SMS_MFA", username, begun["Session"], SMS_MFA_CODE=inbox.code(pool, username))
    user = pool.user(username)
    assert user["UserMFASettingList"] == ["SMS_MFA"]
    assert as_dict(user["UserAttributes"])["phone_number_verified"] == "true"


def test_in_a_required_pool_a_user_without_a_phone_is_asked_to_set_up_a_factor(
    make_pool, idp, sms
):
    pool = make_pool()
    idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        MfaConfiguration="ON",
        SmsMfaConfiguration={"SmsConfiguration": sms},
        **TOTP_ON,
    )
    answer = pool.begin(pool.make_user())
    assert answer["ChallengeName"] == "MFA_SETUP"
    offered = json.loads(answer["ChallengeParameters"]["MFAS_CAN_SETUP"])
    assert set(offered) == {"SMS_MFA", TOTP}


# The pool's MFA configuration

CANT_BE_OFF = "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."


def test_a_new_pool_has_mfa_off_and_nothing_else(pool, idp):
    answer = idp.get_user_pool_mfa_config(UserPoolId=pool.id)
    answer.pop("ResponseMetadata")
    assert answer == {"MfaConfiguration": "OFF"}


@pytest.mark.parametrize("operation", ["set", "get"])
def test_the_configuration_is_answered_as_it_was_set(pool, idp, operation):
    answer = idp.set_user_pool_mfa_config(
        UserPoolId=pool.id, MfaConfiguration="OPTIONAL", **TOTP_ON
    )
    if operation == "get":
        answer = idp.get_user_pool_mfa_config(UserPoolId=pool.id)
    answer.pop("ResponseMetadata")
    assert answer == {"MfaConfiguration": "OPTIONAL", **TOTP_ON}


@pytest.mark.parametrize("mode", [{}, {"MfaConfiguration": "OFF"}])
@pytest.mark.parametrize("enabled", [True, False])
def test_mfa_cannot_be_off_and_configured_at_once(pool, idp, mode, enabled):
    with refused("InvalidParameterException", CANT_BE_OFF):
        idp.set_user_pool_mfa_config(
            UserPoolId=pool.id, SoftwareTokenMfaConfiguration={"Enabled": enabled}, **mode
        )


def test_leaving_everything_out_turns_mfa_off(optional_pool, idp):
    idp.set_user_pool_mfa_config(UserPoolId=optional_pool.id)
    answer = idp.get_user_pool_mfa_config(UserPoolId=optional_pool.id)
    assert answer["MfaConfiguration"] == "OFF"
    assert "SoftwareTokenMfaConfiguration" not in answer


@pytest.mark.parametrize("mode", ["ON", "OPTIONAL"])
def test_mfa_without_any_factor_is_refused(pool, idp, mode):
    with refused(
        "InvalidParameterException",
        "Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be "
        "enabled.",
    ):
        idp.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration=mode)


@pytest.mark.parametrize("mode", ["ON", "OPTIONAL"])
def test_mfa_with_every_factor_disabled_is_refused(pool, idp, mode):
    with refused(
        "InvalidParameterException",
        "Invalid MFA configuration given, can't disable all MFAs with a required or optional "
        "configuration.",
    ):
        idp.set_user_pool_mfa_config(
            UserPoolId=pool.id,
            MfaConfiguration=mode,
            SoftwareTokenMfaConfiguration={"Enabled": False},
        )


def test_mail_mfa_needs_a_sender_of_ones_own(pool, idp):
    with refused(
        "InvalidParameterException",
        "Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains an "
        "EmailSendingAccount of COGNITO_DEFAULT. Update the value of EmailSendingAccount.",
    ):
        idp.set_user_pool_mfa_config(
            UserPoolId=pool.id,
            MfaConfiguration="OPTIONAL",
            EmailMfaConfiguration={"Message": "Your code is {####}", "Subject": "Code"},
        )


def test_mail_mfa_sends_a_code_that_gives_tokens(make_pool, idp, own_mail, inbox):
    pool = make_pool(EmailConfiguration=own_mail)
    idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        MfaConfiguration="ON",
        EmailMfaConfiguration={"Message": "Your code is {####}", "Subject": "Code"},
    )
    username = pool.make_user(email="jo@gm.com")
    begun = pool.begin(username)
    assert begun["ChallengeName"] == "EMAIL_OTP"
    assert begun["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "j***@g***"
    code = inbox.code(pool, username)
    assert len(code) == 6
    answer = pool.answer("EMAIL_OTP", username, begun["Session"], EMAIL_OTP_CODE=code)
    assert "AuthenticationResult" in answer


@pytest.mark.parametrize("mode", ["ON", "OPTIONAL"])
def test_a_pool_cannot_be_created_with_mfa_but_without_sms(idp, mode):
    with refused(
        "InvalidParameterException",
        "SMS configuration and Auto verification for phone_number are required when MFA is "
        "required/optional",
    ):
        idp.create_user_pool(PoolName="refused", MfaConfiguration=mode)


def test_the_mfa_configuration_of_an_unknown_pool_is_not_found(idp):
    with refused(
        "ResourceNotFoundException", "User pool us-east-1_Nowhere00 does not exist."
    ):
        idp.set_user_pool_mfa_config(
            UserPoolId="us-east-1_Nowhere00", MfaConfiguration="ON", **TOTP_ON
        )


def test_users_without_a_token_are_not_challenged_in_an_optional_pool(optional_pool):
    assert optional_pool.sign_in(optional_pool.make_user())["AccessToken"]


def test_turning_mfa_off_ends_the_challenge(user_with_totp, idp):
    pool, username, _ = user_with_totp
    idp.set_user_pool_mfa_config(UserPoolId=pool.id, MfaConfiguration="OFF")
    assert pool.sign_in(username)["AccessToken"]
