"""Functions around signing in: who asks them, in which order, and what they decide. The events member by
member are tested beside the server's code."""

import json

import pytest
from pycognito.aws_srp import AWSSRP

from function_server import respond, throw
from support import ALL_PASSWORD_FLOWS, PASSWORD, WRONG_PASSWORD, claims_of, refused, unique

FUNCTION_ERROR = "UserLambdaValidationException"
WRONG = "Incorrect username or password."
CUSTOM_FLOWS = [*ALL_PASSWORD_FLOWS, "ALLOW_CUSTOM_AUTH"]
TRIGGERS = [
    "PreSignUp",
    "PreAuthentication",
    "PostAuthentication",
    "PreTokenGeneration",
    "UserMigration",
    "DefineAuthChallenge",
    "CreateAuthChallenge",
    "VerifyAuthChallengeResponse",
]


def decide(rule):
    """A function whose response is what the rule makes of the event."""

    def behave(request):
        event = json.loads(request.body)
        event["response"].update(rule(event))
        return request.send(200, json.dumps(event))

    return behave


@pytest.fixture
def asking(functions, make_pool):
    """A pool with one function behind all of these triggers, which decides by the trigger's name."""

    def make(rules, client=None, version=None, **settings):
        def rule(event):
            name = event["triggerSource"].split("_")[0]
            name = {"TokenGeneration": "PreTokenGeneration"}.get(name, name)
            made = rules.get(name, {})
            return made(event) if callable(made) else made

        function = functions.make(decide(rule))
        config = {trigger: function.arn for trigger in TRIGGERS}
        if version:
            config["PreTokenGenerationConfig"] = {
                "LambdaVersion": version,
                "LambdaArn": function.arn,
            }
        client = {"ExplicitAuthFlows": CUSTOM_FLOWS, **(client or {})}
        return make_pool(client=client, LambdaConfig=config, **settings), function

    return make


def sources(function):
    found = [event["triggerSource"] for event in function.events]
    function.requests.clear()
    return found


def test_a_sign_in_asks_before_and_after(asking):
    pool, function = asking({})
    username = pool.make_user(email="jo@gm.com")
    sources(function)
    pool.idp.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        ClientMetadata={"from": "app"},
    )
    before, after, tokens = function.events
    assert before["request"]["validationData"] == {"from": "app"}
    assert "clientMetadata" not in after["request"]
    assert "clientMetadata" not in tokens["request"]
    assert after["request"]["newDeviceUsed"] is False
    assert sources(function) == [
        "PreAuthentication_Authentication",
        "PostAuthentication_Authentication",
        "TokenGeneration_Authentication",
    ]


def test_metadata_of_a_later_step_reaches_what_comes_after(asking):
    pool, function = asking({})
    username = pool.make_new_user()
    asked = pool.begin(username)
    sources(function)
    pool.idp.respond_to_auth_challenge(
        ClientId=pool.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": username, "NEW_PASSWORD": PASSWORD + "2"},
        ClientMetadata={"step": "two"},
    )
    assert [e["request"]["clientMetadata"] for e in function.events] == [{"step": "two"}] * 2
    assert sources(function) == [
        "PostAuthentication_Authentication",
        "TokenGeneration_NewPasswordChallenge",
    ]


@pytest.mark.parametrize("trigger", ["PreAuthentication", "PostAuthentication", "PreTokenGeneration"])
def test_each_function_can_refuse(functions, make_pool, trigger):
    function = functions.make(throw("not today"), respond())
    pool = make_pool(LambdaConfig={trigger: function.arn})
    username = pool.make_user()
    with refused(FUNCTION_ERROR, f"{trigger} failed with error not today."):
        pool.begin(username)
    assert pool.sign_in(username)["AccessToken"]


def test_a_function_says_what_tokens_tell(asking):
    def tokens(event):
        return {
            "claimsAndScopeOverrideDetails": {
                "idTokenGeneration": {
                    "claimsToAddOrOverride": {"tenant": {"id": 7}},
                    "claimsToSuppress": ["email"],
                },
                "accessTokenGeneration": {
                    "claimsToAddOrOverride": {"tenant": 7, "sub": "forged"},
                    "scopesToAdd": ["orders/read"],
                },
                "groupOverrideDetails": {
                    **event["request"]["groupConfiguration"],
                    "groupsToOverride": ["from-function"],
                },
            }
        }

    pool, function = asking({"PreTokenGeneration": tokens}, version="V2_0")
    username = pool.make_user(email="jo@gm.com")
    made = pool.sign_in(username)
    for shown in [made, pool.refresh(made["RefreshToken"])["AuthenticationResult"]]:
        identity, access = claims_of(shown["IdToken"]), claims_of(shown["AccessToken"])
        assert identity["tenant"] == {"id": 7}
        assert "email" not in identity
        assert identity["cognito:groups"] == access["cognito:groups"] == ["from-function"]
        assert access["tenant"] == 7
        assert access["sub"] == identity["sub"] != "forged"
        assert access["scope"] == "aws.cognito.signin.user.admin orders/read"
        pool.idp.get_user(AccessToken=shown["AccessToken"])
    assert sources(function)[-1] == "TokenGeneration_RefreshTokens"


def test_somebody_known_elsewhere_becomes_a_user(asking):
    def known(event):
        if event["request"].get("password", PASSWORD) != PASSWORD:
            return {}
        email = {"email": f"{event['userName']}@gm.com", "email_verified": "true"}
        return {
            "userAttributes": email,
            "finalUserStatus": "CONFIRMED",
            "messageAction": "SUPPRESS",
        }

    pool, function = asking({"UserMigration": known})
    username = unique("jo")
    with refused("UserNotFoundException", "User does not exist."):
        pool.begin(username, WRONG_PASSWORD)
    sources(function)
    pool.sign_in(username)
    assert sources(function) == [
        "UserMigration_Authentication",
        "PreSignUp_AdminCreateUser",
        "PreAuthentication_Authentication",
        "PostAuthentication_Authentication",
        "TokenGeneration_Authentication",
    ]
    assert pool.user(username)["UserStatus"] == "CONFIRMED"
    with refused("NotAuthorizedException", WRONG):
        pool.begin(username, WRONG_PASSWORD)

    other = unique("bo")
    pool.idp.forgot_password(ClientId=pool.client_id, Username=other)
    assert sources(function)[-2:] == ["UserMigration_ForgotPassword", "PreSignUp_AdminCreateUser"]
    assert pool.user_attributes(other)["email"] == f"{other}@gm.com"


def test_a_migration_that_fails(functions, make_pool):
    function = functions.make(throw("no idea"))
    pool = make_pool(LambdaConfig={"UserMigration": function.arn})
    text = f"Exception migrating user in app client {pool.client_id}"
    with refused("UserNotFoundException", text):
        pool.begin("nobody")
    with refused("UserNotFoundException", text):
        pool.idp.forgot_password(ClientId=pool.client_id, Username="nobody")


def define(event):
    """Asks for the password if that was begun, then for a sum, which may be wrong once."""
    session = event["request"]["session"]
    last = session[-1] if session else {}
    if last.get("challengeName") == "SRP_A":
        return {"challengeName": "PASSWORD_VERIFIER", "issueTokens": False}
    if last.get("challengeName") == "CUSTOM_CHALLENGE" and last["challengeResult"]:
        return {"issueTokens": True}
    if sum(not past["challengeResult"] for past in session) == 2:
        return {"failAuthentication": True}
    return {"challengeName": "CUSTOM_CHALLENGE"}


SUM = {
    "DefineAuthChallenge": define,
    "CreateAuthChallenge": {
        "publicChallengeParameters": {"question": "4 + 1"},
        "privateChallengeParameters": {"answer": "5"},
        "challengeMetadata": "SUM",
    },
    "VerifyAuthChallengeResponse": lambda event: {
        "answerCorrect": event["request"]["challengeAnswer"]
        == event["request"]["privateChallengeParameters"]["answer"]
    },
}


def begin_custom(pool, username, **parameters):
    return pool.idp.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="CUSTOM_AUTH",
        AuthParameters={"USERNAME": username, **parameters},
    )


def test_a_custom_sign_in(asking):
    pool, function = asking(SUM)
    username = pool.make_user()
    sources(function)
    asked = begin_custom(pool, username)
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert asked["ChallengeParameters"] == {"question": "4 + 1", "USERNAME": username}
    again = pool.answer("CUSTOM_CHALLENGE", username, asked["Session"], ANSWER="6")
    assert again["ChallengeName"] == "CUSTOM_CHALLENGE"
    with refused("NotAuthorizedException"):
        pool.answer("CUSTOM_CHALLENGE", username, asked["Session"], ANSWER="5")
    answer = pool.admin_answer("CUSTOM_CHALLENGE", username, again["Session"], ANSWER="5")
    assert answer["AuthenticationResult"]["RefreshToken"]
    assert sources(function) == [
        "DefineAuthChallenge_Authentication",
        "CreateAuthChallenge_Authentication",
        "VerifyAuthChallengeResponse_Authentication",
        "DefineAuthChallenge_Authentication",
        "CreateAuthChallenge_Authentication",
        "VerifyAuthChallengeResponse_Authentication",
        "DefineAuthChallenge_Authentication",
        "PostAuthentication_Authentication",
        "TokenGeneration_Authentication",
    ]


def test_a_custom_sign_in_that_fails(asking):
    pool, _ = asking(SUM, client={"PreventUserExistenceErrors": "ENABLED"})
    for username in [pool.make_user(), "nobody"]:
        asked = begin_custom(pool, username)
        asked = pool.answer("CUSTOM_CHALLENGE", username, asked["Session"], ANSWER="1")
        with refused("NotAuthorizedException", WRONG):
            pool.answer("CUSTOM_CHALLENGE", username, asked["Session"], ANSWER="2")
    asked = begin_custom(pool, "nobody")
    with refused("NotAuthorizedException", WRONG):
        pool.answer("CUSTOM_CHALLENGE", "nobody", asked["Session"], ANSWER="5")


def test_a_custom_sign_in_without_functions(make_pool):
    pool = make_pool(client={"ExplicitAuthFlows": CUSTOM_FLOWS})
    username = pool.make_user()
    text = "Custom auth lambda trigger is not configured for the user pool."
    with refused("InvalidParameterException", text):
        begin_custom(pool, username)


@pytest.mark.parametrize("password", [PASSWORD, WRONG_PASSWORD])
def test_a_custom_sign_in_that_begins_with_the_password(asking, password):
    pool, _ = asking(SUM)
    username = pool.make_user()
    srp = AWSSRP(
        username=username,
        password=password,
        pool_id=pool.id,
        client_id=pool.client_id,
        client=pool.idp,
    )
    parameters = srp.get_auth_params()
    parameters.pop("USERNAME")
    asked = begin_custom(pool, username, CHALLENGE_NAME="SRP_A", **parameters)
    assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    proof = srp.process_challenge(asked["ChallengeParameters"], {"USERNAME": username})
    proof.pop("USERNAME")
    if password == WRONG_PASSWORD:
        with refused("NotAuthorizedException", WRONG):
            pool.answer("PASSWORD_VERIFIER", username, asked["Session"], **proof)
        return
    asked = pool.answer("PASSWORD_VERIFIER", username, asked["Session"], **proof)
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    answer = pool.answer("CUSTOM_CHALLENGE", username, asked["Session"], ANSWER="5")
    assert claims_of(answer["AuthenticationResult"]["AccessToken"])["username"] == username


def test_events_are_kept_for_whoever_looks(asking, functions):
    pool, _ = asking(SUM)
    begin_custom(pool, pool.make_user())
    assert [i["trigger"] for i in functions.invocations(pool=pool.id)][:2] == [
        "CreateAuthChallenge",
        "DefineAuthChallenge",
    ]
