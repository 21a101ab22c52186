"""Passwords that are known to others: what is done about them where threat protection is on."""

import pytest

from support import PASSWORD, refused, unique

# In the list that is built in: a common word with a usual ending.
KNOWN = "Password1!"
REFUSED = "Provided password cannot be used for security reasons."


@pytest.fixture
def protected(make_pool):
    """Makes a pool whose threat protection is in this mode."""
    return lambda mode="ENFORCED", **settings: make_pool(
        UserPoolAddOns={"AdvancedSecurityMode": mode}, **settings
    )


def latest(pool, username):
    events = pool.idp.admin_list_user_auth_events(UserPoolId=pool.id, Username=username)
    event = events["AuthEvents"][0]
    risk = event["EventRisk"]
    return event["EventType"], event["EventResponse"], risk["CompromisedCredentialsDetected"]


def test_a_sign_in_with_a_known_password_asks_for_a_reset(protected, inbox, clock):
    pool = protected()
    username = pool.make_user(
        password=KNOWN, email=f"{unique('jo')}@example.com", email_verified="true"
    )
    with refused("PasswordResetRequiredException", "Password reset required for the user"):
        pool.begin(username, password=KNOWN)
    assert pool.user(username)["UserStatus"] == "RESET_REQUIRED"
    assert latest(pool, username) == ("SignIn", "Fail", True)
    pool.idp.forgot_password(ClientId=pool.client_id, Username=username)
    code = inbox.code(pool, user=username)
    with refused("InvalidPasswordException", REFUSED):
        pool.idp.confirm_forgot_password(
            ClientId=pool.client_id, Username=username, ConfirmationCode=code, Password=KNOWN
        )
    pool.idp.confirm_forgot_password(
        ClientId=pool.client_id, Username=username, ConfirmationCode=code, Password=PASSWORD
    )
    clock.advance(1)
    pool.sign_in(username)
    assert latest(pool, username) == ("SignIn", "Pass", False)


def test_nobody_signs_up_with_a_known_password(protected):
    pool = protected()
    with refused("InvalidPasswordException", REFUSED):
        pool.idp.sign_up(ClientId=pool.client_id, Username=unique("jo"), Password=KNOWN)


def test_audit_only_notes_it(protected):
    pool = protected("AUDIT")
    username = pool.make_user(password=KNOWN)
    pool.sign_in(username, password=KNOWN)
    assert latest(pool, username) == ("SignIn", "Pass", True)


def test_a_pool_chooses_where_to_look(protected):
    pool = protected()
    pool.idp.set_risk_configuration(
        UserPoolId=pool.id,
        CompromisedCredentialsRiskConfiguration={
            "EventFilter": ["PASSWORD_CHANGE"],
            "Actions": {"EventAction": "BLOCK"},
        },
    )
    username = pool.make_user(password=KNOWN)
    token = pool.sign_in(username, password=KNOWN)["AccessToken"]
    with refused("InvalidPasswordException", REFUSED):
        pool.idp.change_password(
            AccessToken=token, PreviousPassword=KNOWN, ProposedPassword=KNOWN
        )


def test_without_protection_nothing_is_looked_up(pool):
    username = pool.make_user(password=KNOWN)
    pool.sign_in(username, password=KNOWN)
