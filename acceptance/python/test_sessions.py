"""Sessions of users: whether a pool tracks them, which there are, and ending one."""

import re

import pytest
from support import claims_of, refused

NO_SESSION = "Session does not exist."
NO_SUCH_POOL = "us-east-1_Nowhere00"
UNUSED_ID = "tkn" + "0" * 25


def track(pool, tracking="ENABLED", most=20):
    return pool.idp.set_user_pool_session_configuration(
        UserPoolId=pool.id, UserSessionTracking=tracking, TokenSession={"MaxPerUser": most}
    )


@pytest.fixture
def tracking(pool):
    """A pool that tracks sessions."""
    track(pool)
    return pool


def sessions(pool, tokens):
    return pool.idp.list_user_sessions(AccessToken=tokens["AccessToken"])["Sessions"]


def sessions_of(pool, username):
    listed = pool.idp.admin_list_user_sessions(UserPoolId=pool.id, Username=username)
    assert "NextToken" not in listed
    return listed["Sessions"]


def own(pool, tokens):
    (session,) = [one for one in sessions(pool, tokens) if one["IsCurrentSession"]]
    return session["SessionId"]


def refreshed(pool, tokens):
    return pool.idp.get_tokens_from_refresh_token(
        ClientId=pool.client_id, RefreshToken=tokens["RefreshToken"]
    )["AuthenticationResult"]


def assert_dead(pool, tokens):
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        pool.idp.get_user(AccessToken=tokens["AccessToken"])
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        refreshed(pool, tokens)


def assert_alive(pool, tokens):
    pool.idp.get_user(AccessToken=tokens["AccessToken"])
    refreshed(pool, tokens)


# Settings


def test_a_pool_does_not_track_until_it_is_told(pool, idp):
    before = idp.get_user_pool_session_configuration(UserPoolId=pool.id)
    assert before["UserSessionTracking"] == "DISABLED"
    assert before["TokenSession"] == {"MaxPerUser": 20}
    answer = track(pool, most=100)
    after = idp.get_user_pool_session_configuration(UserPoolId=pool.id)
    for shown in (answer, after):
        assert shown["UserPoolId"] == pool.id
        assert shown["UserSessionTracking"] == "ENABLED"
        assert shown["TokenSession"] == {"MaxPerUser": 100}


def test_the_maximum_is_at_most_100(pool):
    with refused("InvalidParameterException"):
        track(pool, most=101)


def test_unknown_pools_and_clients_are_not_found(pool, idp):
    with refused("ResourceNotFoundException"):
        idp.get_user_pool_session_configuration(UserPoolId=NO_SUCH_POOL)
    with refused("ResourceNotFoundException"):
        idp.set_user_pool_session_configuration(
            UserPoolId=NO_SUCH_POOL, UserSessionTracking="ENABLED", TokenSession={"MaxPerUser": 1}
        )
    with refused("ResourceNotFoundException"):
        idp.get_user_pool_client_session_configuration(UserPoolId=pool.id, ClientId="nosuchclient")


def test_the_lite_tier_has_no_sessions(make_pool):
    pool = make_pool(UserPoolTier="LITE")
    with refused("FeatureUnavailableInTierException"):
        track(pool)


def test_a_client_s_setting_needs_tracking_and_sleeps_without(pool, idp):
    names = {"UserPoolId": pool.id, "ClientId": pool.client_id}

    def shown():
        answer = idp.get_user_pool_client_session_configuration(**names)
        assert {name: answer[name] for name in names} == names
        return answer["SSOSession"]["MaxValidityMinutes"]

    assert shown() == 60
    with refused("InvalidParameterException"):
        idp.set_user_pool_client_session_configuration(
            **names, SSOSession={"MaxValidityMinutes": 5}
        )
    track(pool)
    for minutes in (0, 129_600):
        answer = idp.set_user_pool_client_session_configuration(
            **names, SSOSession={"MaxValidityMinutes": minutes}
        )
        assert answer["SSOSession"] == {"MaxValidityMinutes": minutes}
    track(pool, "DISABLED")
    assert shown() == 129_600
    with refused("InvalidParameterException"):
        idp.set_user_pool_client_session_configuration(
            **names, SSOSession={"MaxValidityMinutes": 129_601}
        )


# Lists


def test_a_sign_in_is_a_session(tracking):
    ada = tracking.make_user()
    tokens = tracking.sign_in(ada)
    (session,) = sessions(tracking, tokens)
    assert re.fullmatch("tkn[a-z0-9]{25}", session["SessionId"])
    assert session["SessionType"] == "TOKEN"
    assert session["ClientId"] == tracking.client_id
    assert session["CreateDate"] == session["LastActiveDate"]
    assert session["LastIPAddress"] == "127.0.0.1"
    assert session["LastLocation"] == {"Country": "unknown"}
    assert "Boto3" in session["DeviceType"]
    assert session["IsCurrentSession"] is True
    assert "OriginSessionId" not in session
    (seen_by_admin,) = sessions_of(tracking, ada)
    assert seen_by_admin == {**session, "IsCurrentSession": False}


def test_every_client_s_sessions_are_listed_last_used_first(tracking):
    ada = tracking.make_user()
    other = tracking.make_client()["ClientId"]
    first = tracking.sign_in(ada)
    second = tracking.sign_in(ada, client_id=other)
    tracking.sign_in(tracking.make_user())
    clients = [session["ClientId"] for session in sessions(tracking, second)]
    assert clients == [other, tracking.client_id]
    refreshed(tracking, first)
    listed = sessions(tracking, first)
    assert [session["ClientId"] for session in listed] == [tracking.client_id, other]
    assert listed[0]["LastActiveDate"] > listed[0]["CreateDate"]


def test_a_pool_that_does_not_track_lists_nothing(pool):
    ada = pool.make_user()
    assert sessions(pool, pool.sign_in(ada)) == []
    assert sessions_of(pool, ada) == []


def test_lists_have_one_page(tracking, idp):
    ada = tracking.make_user()
    with refused("InvalidParameterException"):
        idp.admin_list_user_sessions(UserPoolId=tracking.id, Username=ada, NextToken="x")
    with refused("UserNotFoundException", "User does not exist."):
        idp.admin_list_user_sessions(UserPoolId=tracking.id, Username="nobody")


def test_who_signs_in_once_too_often_loses_the_least_recently_used_session(pool):
    track(pool, most=3)
    ada = pool.make_user()
    first, second, third = [pool.sign_in(ada) for _ in range(3)]
    refreshed(pool, first)
    fourth = pool.sign_in(ada)
    assert_dead(pool, second)
    for tokens in (first, third, fourth):
        assert_alive(pool, tokens)
    assert len(sessions_of(pool, ada)) == 3


def test_a_lower_maximum_waits_for_the_next_sign_in(pool):
    track(pool, most=5)
    ada = pool.make_user()
    for _ in range(5):
        pool.sign_in(ada)
    track(pool, most=2)
    assert len(sessions_of(pool, ada)) == 5
    pool.sign_in(ada)
    assert len(sessions_of(pool, ada)) == 2


def test_sessions_end_with_their_refresh_token(make_pool, clock):
    pool = make_pool(
        client={"RefreshTokenValidity": 1, "TokenValidityUnits": {"RefreshToken": "hours"}}
    )
    track(pool)
    ada = pool.make_user()
    pool.sign_in(ada)
    assert len(sessions_of(pool, ada)) == 1
    clock.advance(3_600)
    assert sessions_of(pool, ada) == []


def test_tokens_name_their_sign_in_while_sessions_are_tracked(make_pool):
    pool = make_pool(client={"EnableTokenRevocation": False})
    ada = pool.make_user()
    assert "origin_jti" not in claims_of(pool.sign_in(ada)["AccessToken"])
    track(pool)
    assert "origin_jti" in claims_of(pool.sign_in(ada)["AccessToken"])


# Ending sessions


def test_a_user_ends_another_session_of_theirs(tracking, idp):
    ada = tracking.make_user()
    one, other = tracking.sign_in(ada), tracking.sign_in(ada)
    session = own(tracking, one)
    idp.revoke_user_session(AccessToken=other["AccessToken"], SessionId=session)
    assert_dead(tracking, one)
    assert_alive(tracking, other)
    assert [own(tracking, other)] == [one["SessionId"] for one in sessions(tracking, other)]
    with refused("ResourceNotFoundException", NO_SESSION):
        idp.revoke_user_session(AccessToken=other["AccessToken"], SessionId=session)


def test_the_current_session_stays(tracking, idp):
    tokens = tracking.sign_in(tracking.make_user())
    with refused("InvalidParameterException"):
        idp.revoke_user_session(
            AccessToken=tokens["AccessToken"], SessionId=own(tracking, tokens)
        )
    assert_alive(tracking, tokens)


def test_nobody_ends_the_sessions_of_others(tracking, idp):
    ada, bob = tracking.make_user(), tracking.make_user()
    hers, his = tracking.sign_in(ada), tracking.sign_in(bob)
    session = own(tracking, hers)
    with refused("ResourceNotFoundException", NO_SESSION):
        idp.revoke_user_session(AccessToken=his["AccessToken"], SessionId=session)
    with refused("ResourceNotFoundException", NO_SESSION):
        idp.admin_revoke_user_session(UserPoolId=tracking.id, Username=bob, SessionId=session)
    assert_alive(tracking, hers)


@pytest.mark.parametrize("associated", [None, "NONE", "LINKED"])
def test_an_administrator_ends_a_session(tracking, idp, associated):
    ada = tracking.make_user()
    one, other = tracking.sign_in(ada), tracking.sign_in(ada)
    named = {"UserPoolId": tracking.id, "Username": ada, "SessionId": own(tracking, one)}
    linked = {"RevokeAssociatedSessions": associated} if associated else {}
    idp.admin_revoke_user_session(**named, **linked)
    assert_dead(tracking, one)
    assert_alive(tracking, other)
    with refused("ResourceNotFoundException", NO_SESSION):
        idp.admin_revoke_user_session(**named)
    with refused("ResourceNotFoundException", NO_SESSION):
        idp.admin_revoke_user_session(**{**named, "SessionId": UNUSED_ID})
    with refused("UserNotFoundException"):
        idp.admin_revoke_user_session(**{**named, "Username": "nobody"})
    with refused("InvalidParameterException"):
        idp.admin_revoke_user_session(**{**named, "SessionId": "abc" + "0" * 25})


def test_revoking_the_refresh_token_ends_the_session(tracking, idp):
    ada = tracking.make_user()
    one, other = tracking.sign_in(ada), tracking.sign_in(ada)
    idp.revoke_token(ClientId=tracking.client_id, Token=one["RefreshToken"])
    assert_dead(tracking, one)
    assert [session["SessionId"] for session in sessions_of(tracking, ada)] == [
        own(tracking, other)
    ]


def test_signing_out_everywhere_ends_every_session(tracking, idp):
    ada = tracking.make_user()
    tracking.sign_in(ada)
    tokens = tracking.sign_in(ada)
    idp.global_sign_out(AccessToken=tokens["AccessToken"])
    assert sessions_of(tracking, ada) == []
    tracking.sign_in(ada)
    assert len(sessions_of(tracking, ada)) == 1
    idp.admin_user_global_sign_out(UserPoolId=tracking.id, Username=ada)
    assert sessions_of(tracking, ada) == []


def test_disabling_a_user_ends_every_session_for_good(tracking, idp):
    ada = tracking.make_user()
    tokens = tracking.sign_in(ada)
    idp.admin_disable_user(UserPoolId=tracking.id, Username=ada)
    idp.admin_enable_user(UserPoolId=tracking.id, Username=ada)
    assert sessions_of(tracking, ada) == []
    assert_dead(tracking, tokens)


def test_a_reused_refresh_token_ends_the_session(make_pool):
    pool = make_pool(
        client={
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
            "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
        }
    )
    track(pool)
    ada = pool.make_user()
    first = pool.sign_in(ada)
    session = own(pool, first)
    second = refreshed(pool, first)
    assert own(pool, second) == session
    with refused("RefreshTokenReuseException"):
        refreshed(pool, first)
    assert_dead(pool, second)
    assert sessions_of(pool, ada) == []
