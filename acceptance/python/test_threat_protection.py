"""Threat protection: what is configured, what is recorded, what is refused, and what is said of it."""

import pytest
import requests

from support import PASSWORD, WRONG_PASSWORD, claims_of, refused, secret_hash

NOT_ENABLED = "Threat protection is not enabled for the user pool."
BLOCKED = "Unable to login because of security reasons."
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
BLOCK = {"Notify": False, "EventAction": "BLOCK"}
NOTHING = {"Notify": False, "EventAction": "NO_ACTION"}
DEFAULT_COMPROMISED = {
    "EventFilter": ["SIGN_IN", "PASSWORD_CHANGE", "SIGN_UP"],
    "Actions": {"EventAction": "BLOCK"},
}
DEFAULT_TAKEOVER = {"Actions": {"LowAction": BLOCK, "MediumAction": BLOCK, "HighAction": BLOCK}}


@pytest.fixture
def protected(make_pool):
    """Makes a pool whose threat protection is in this mode."""
    return lambda mode="ENFORCED": make_pool(UserPoolAddOns={"AdvancedSecurityMode": mode})


def events_of(pool, username, **arguments):
    pages = pool.idp.admin_list_user_auth_events(
        UserPoolId=pool.id, Username=username, **arguments
    )
    return pages["AuthEvents"]


def described(pool, **arguments):
    answer = pool.idp.describe_risk_configuration(UserPoolId=pool.id, **arguments)
    return answer["RiskConfiguration"]


def set_risk(pool, **arguments):
    return pool.idp.set_risk_configuration(UserPoolId=pool.id, **arguments)["RiskConfiguration"]


def sign_in_from(endpoint, pool, username, ip, user_agent=CHROME, password=PASSWORD):
    """A sign-in as a proxy passes it on."""
    body = {
        "ClientId": pool.client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": username, "PASSWORD": password},
    }
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
        "X-Forwarded-For": f"203.0.113.99, {ip}",
        "User-Agent": user_agent,
    }
    return requests.post(endpoint + "/", json=body, headers=headers, timeout=20)


def test_asking_for_protection_brings_the_tier_that_has_it(protected):
    assert protected("AUDIT").described["UserPoolTier"] == "PLUS"


def test_a_lower_tier_has_no_protection(make_pool):
    with refused("FeatureUnavailableInTierException"):
        make_pool(UserPoolTier="ESSENTIALS", UserPoolAddOns={"AdvancedSecurityMode": "AUDIT"})


def test_defaults_are_told_and_configurations_replaced(protected):
    pool = protected()
    assert described(pool) == {
        "UserPoolId": pool.id,
        "CompromisedCredentialsRiskConfiguration": DEFAULT_COMPROMISED,
        "AccountTakeoverRiskConfiguration": DEFAULT_TAKEOVER,
    }
    takeover = {"Actions": {"LowAction": NOTHING, "HighAction": BLOCK}}
    ranges = {"BlockedIPRangeList": ["198.51.100.0/24"], "SkippedIPRangeList": ["2001:db8::/32"]}
    set_risk(pool, RiskExceptionConfiguration=ranges)
    answer = set_risk(pool, AccountTakeoverRiskConfiguration=takeover)
    assert "RiskExceptionConfiguration" not in answer, "what is omitted is reset"
    assert answer["AccountTakeoverRiskConfiguration"] == takeover
    assert answer["CompromisedCredentialsRiskConfiguration"] == DEFAULT_COMPROMISED
    assert described(pool) == answer
    set_risk(pool)
    assert described(pool)["AccountTakeoverRiskConfiguration"] == DEFAULT_TAKEOVER


def test_a_client_overrides_and_inherits_again(protected):
    pool = protected()
    takeover = {"Actions": {"HighAction": BLOCK}}
    set_risk(pool, AccountTakeoverRiskConfiguration=takeover)
    inherited = described(pool, ClientId=pool.client_id)
    assert inherited["ClientId"] == pool.client_id
    assert inherited["AccountTakeoverRiskConfiguration"] == takeover
    own = {"Actions": {"HighAction": NOTHING}}
    set_risk(pool, ClientId=pool.client_id, AccountTakeoverRiskConfiguration=own)
    assert (
        described(pool, ClientId=pool.client_id)["AccountTakeoverRiskConfiguration"] == own
    )
    assert described(pool)["AccountTakeoverRiskConfiguration"] == takeover
    set_risk(pool, ClientId=pool.client_id)
    assert described(pool, ClientId=pool.client_id) == inherited


@pytest.mark.parametrize(
    "settings, message",
    [
        (
            {"RiskExceptionConfiguration": {"BlockedIPRangeList": ["198.51.100.1"]}},
            "Incorrect CIDR format",
        ),
        (
            {
                "AccountTakeoverRiskConfiguration": {
                    "Actions": {"HighAction": {"Notify": True, "EventAction": "BLOCK"}},
                    "NotifyConfiguration": {
                        "SourceArn": "arn:aws:ses:ap-south-1:123456789012:identity/a.example"
                    },
                }
            },
            "Invalid NotifyConfiguration.SourceArn. Provided SourceArn must be in one of the following "
            "SES regions: eu-west-1, us-east-1, us-west-2.",
        ),
        (
            {"AccountTakeoverRiskConfiguration": {"Actions": {"LowAction": BLOCK}}},
            "The action for a higher risk level can not be milder than the action for a lower one.",
        ),
        (
            {
                "AccountTakeoverRiskConfiguration": {
                    "Actions": {"HighAction": {"Notify": True, "EventAction": "BLOCK"}}
                }
            },
            "NotifyConfiguration is required when Notify is true.",
        ),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(protected, settings, message):
    pool = protected()
    with refused("InvalidParameterException", message):
        set_risk(pool, **settings)
    assert "LastModifiedDate" not in described(pool)


def test_an_unknown_client_is_refused(protected):
    pool = protected()
    with refused("ResourceNotFoundException", "User pool client nobody does not exist."):
        set_risk(pool, ClientId="nobody")


def test_nothing_of_it_works_without_the_add_on(pool, idp):
    user = pool.make_user()
    pool.sign_in(user)
    event = {"UserPoolId": pool.id, "Username": user, "EventId": "x", "FeedbackValue": "Valid"}
    for call in [
        lambda: idp.describe_risk_configuration(UserPoolId=pool.id),
        lambda: idp.set_risk_configuration(UserPoolId=pool.id),
        lambda: idp.admin_list_user_auth_events(UserPoolId=pool.id, Username=user),
        lambda: idp.admin_update_auth_event_feedback(**event),
        lambda: idp.update_auth_event_feedback(**event, FeedbackToken="x"),
    ]:
        with refused("UserPoolAddOnNotEnabledException", NOT_ENABLED):
            call()


def test_events_carry_the_id_of_the_tokens_and_where_they_come_from(protected, endpoint):
    pool = protected("AUDIT")
    user = pool.make_user()
    answer = sign_in_from(endpoint, pool, user, "198.51.100.7").json()
    (event,) = events_of(pool, user)
    assert claims_of(answer["AuthenticationResult"]["IdToken"])["event_id"] == event["EventId"]
    del event["CreationDate"], event["EventId"]
    assert event == {
        "EventType": "SignIn",
        "EventResponse": "Pass",
        "EventRisk": {"RiskDecision": "NoRisk", "CompromisedCredentialsDetected": False},
        "ChallengeResponses": [{"ChallengeName": "Password", "ChallengeResponse": "Success"}],
        "EventContextData": {
            "IpAddress": "198.51.100.7",
            "DeviceName": "Chrome 126, Windows 10",
            "City": "null",
            "Country": "null",
        },
    }


def test_events_are_listed_newest_first_in_pages(protected, idp):
    pool = protected("AUDIT")
    user = pool.make_user()
    made = [claims_of(pool.sign_in(user)["IdToken"])["event_id"] for _ in range(5)]
    pages, seen, token = 0, [], {}
    while True:
        answer = idp.admin_list_user_auth_events(
            UserPoolId=pool.id, Username=user, MaxResults=2, **token
        )
        pages += 1
        seen += [event["EventId"] for event in answer["AuthEvents"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert (pages, seen) == (3, made[::-1])
    other = pool.make_user()
    with refused("InvalidParameterException"):
        events_of(pool, other, **token)
    with refused("UserNotFoundException", "User does not exist."):
        events_of(pool, "nobody")


def test_wrong_passwords_are_recorded(protected):
    pool = protected("AUDIT")
    user = pool.make_user()
    with refused("NotAuthorizedException"):
        pool.begin(user, WRONG_PASSWORD)
    (event,) = events_of(pool, user)
    assert event["EventResponse"] == "Fail"
    assert event["ChallengeResponses"] == [
        {"ChallengeName": "Password", "ChallengeResponse": "Failure"}
    ]


@pytest.mark.parametrize("mode", ["ENFORCED", "AUDIT"])
def test_blocked_networks_are_refused_where_protection_is_enforced(protected, endpoint, mode):
    pool = protected(mode)
    user = pool.make_user()
    set_risk(pool, RiskExceptionConfiguration={"BlockedIPRangeList": ["198.51.100.0/24"]})
    answer = sign_in_from(endpoint, pool, user, "198.51.100.7")
    if mode == "ENFORCED":
        assert answer.status_code == 400
        assert answer.json() == {"__type": "NotAuthorizedException", "message": BLOCKED}
    else:
        assert answer.status_code == 200
    (event,) = events_of(pool, user)
    assert event["EventRisk"]["RiskDecision"] == "Block"
    assert "RiskLevel" not in event["EventRisk"]
    assert sign_in_from(endpoint, pool, user, "192.0.2.7").status_code == 200


def test_a_stranger_with_the_right_password_is_blocked_and_may_be_let_in(protected, endpoint):
    pool = protected()
    user = pool.make_user()
    assert sign_in_from(endpoint, pool, user, "192.0.2.7").status_code == 200
    stranger = lambda: sign_in_from(endpoint, pool, user, "198.51.100.7", "curl/8.5.0")
    assert stranger().json()["message"] == BLOCKED
    assert events_of(pool, user)[0]["EventRisk"]["RiskDecision"] == "Block"
    set_risk(pool, RiskExceptionConfiguration={"SkippedIPRangeList": ["198.51.100.0/24"]})
    assert stranger().status_code == 200
    assert events_of(pool, user)[0]["EventRisk"]["RiskDecision"] == "NoRisk"


def test_a_server_tells_where_its_users_are(protected):
    pool = protected("AUDIT")
    user = pool.make_user()
    pool.idp.admin_initiate_auth(
        UserPoolId=pool.id,
        ClientId=pool.client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user, "PASSWORD": PASSWORD},
        ContextData={
            "IpAddress": "198.51.100.8",
            "ServerName": "app.example.com",
            "ServerPath": "/login",
            "HttpHeaders": [{"headerName": "User-Agent", "headerValue": CHROME}],
        },
    )
    client = pool.make_client(GenerateSecret=True, EnablePropagateAdditionalUserContextData=True)
    proof = secret_hash(user, client["ClientId"], client["ClientSecret"])
    pool.idp.initiate_auth(
        ClientId=client["ClientId"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user, "PASSWORD": PASSWORD, "SECRET_HASH": proof},
        UserContextData={"IpAddress": "198.51.100.9"},
    )
    later, earlier = [event["EventContextData"] for event in events_of(pool, user)]
    assert later["IpAddress"] == "198.51.100.9"
    assert earlier["IpAddress"] == "198.51.100.8"
    assert earlier["DeviceName"] == "Chrome 126, Windows 10"


def test_feedback_is_kept_and_counts(protected, endpoint, idp):
    pool = protected()
    user = pool.make_user()
    sign_in_from(endpoint, pool, user, "192.0.2.7")
    (event,) = events_of(pool, user)
    named = {"UserPoolId": pool.id, "Username": user, "EventId": event["EventId"]}
    idp.admin_update_auth_event_feedback(**named, FeedbackValue="Valid")
    assert sign_in_from(endpoint, pool, user, "192.0.2.7").status_code == 200
    idp.admin_update_auth_event_feedback(**named, FeedbackValue="Invalid")
    feedback = events_of(pool, user)[-1]["EventFeedback"]
    assert (feedback["FeedbackValue"], feedback["Provider"]) == ("Invalid", "Admin")
    assert feedback["FeedbackDate"]
    assert sign_in_from(endpoint, pool, user, "192.0.2.7").json()["message"] == BLOCKED
    with refused("ResourceNotFoundException", "Auth event does not exist."):
        idp.admin_update_auth_event_feedback(
            **{**named, "EventId": "none"}, FeedbackValue="Valid"
        )
    with refused("NotAuthorizedException", "Invalid feedback token."):
        idp.update_auth_event_feedback(**named, FeedbackValue="Valid", FeedbackToken="x")


def test_a_deleted_user_s_events_are_nobody_s(protected, idp):
    pool = protected("AUDIT")
    user = pool.make_user()
    pool.sign_in(user)
    idp.admin_delete_user(UserPoolId=pool.id, Username=user)
    pool.make_user(user)
    assert events_of(pool, user) == []


def test_a_user_is_told_of_a_blocked_sign_in_and_answers_by_a_link(
    protected, endpoint, inbox, clock, account
):
    pool = protected()
    blocked = {"Notify": True, "EventAction": "BLOCK"}
    set_risk(
        pool,
        AccountTakeoverRiskConfiguration={
            "Actions": {"LowAction": blocked, "MediumAction": blocked, "HighAction": blocked},
            "NotifyConfiguration": {
                "SourceArn": f"arn:aws:ses:us-east-1:{account}:identity/example.com",
                "BlockEmail": {
                    "Subject": "Blocked from {ip-address}",
                    "HtmlBody": "<a href='{one-click-link-invalid}'>not me</a>",
                },
            },
        },
    )
    username = pool.make_user(email="ada@example.com")
    assert sign_in_from(endpoint, pool, username, "192.0.2.1").status_code == 200
    clock.advance(3_600)
    answer = sign_in_from(endpoint, pool, username, "198.51.100.1", user_agent="curl/8.5")
    assert answer.json()["message"] == BLOCKED
    mail = inbox.newest(pool, user=username)
    assert mail["subject"] == "Blocked from 198.51.100.1"
    link = mail["body"].split("'")[1]
    page = requests.get(link, timeout=20)
    assert page.status_code == 200 and "not me" in page.text
    assert "EventFeedback" not in events_of(pool, username)[0]
    assert requests.post(link, timeout=20).status_code == 200
    feedback = events_of(pool, username)[0]["EventFeedback"]
    assert (feedback["FeedbackValue"], feedback["Provider"]) == ("Invalid", "User")
    wrong = requests.post(link[:-4] + "AAAA", timeout=20)
    assert wrong.status_code == 400
