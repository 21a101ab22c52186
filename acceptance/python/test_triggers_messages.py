"""CustomMessage: what the function that writes messages is told, and what is sent of what it says."""

import json

import pytest

from function_server import respond, throw
from support import ALL_PASSWORD_FLOWS, PASSWORD, refused, unique, unique_email

FUNCTION_ERROR = "UserLambdaValidationException"
UNUSABLE = "InvalidLambdaResponseException"
METADATA = {"from": "app"}
PHONE = "+15550100123"


def write(request):
    """Writes both texts from the places of the event, as functions should."""
    event = json.loads(request.body)
    places = event["request"]
    code = places["codeParameter"]
    name = places["usernameParameter"]
    to = f" for {name}" if name else ""
    event["response"] = {
        "smsMessage": f"text {code}{to}",
        "emailMessage": f"<b>mail</b> {code}{to}",
        "emailSubject": f"About {event['triggerSource']}",
    }
    request.send(200, json.dumps(event))


@pytest.fixture
def writer(functions):
    return functions.make(write)


@pytest.fixture
def make_written_pool(make_pool, sms, own_mail):
    """Makes pools with a function that writes their messages, for whichever medium."""

    def make(function, **settings):
        settings.setdefault("AutoVerifiedAttributes", ["email"])
        settings.setdefault("LambdaConfig", {"CustomMessage": function.arn})
        return make_pool(
            SmsConfiguration=sms,
            EmailConfiguration=own_mail,
            client={"ExplicitAuthFlows": [*ALL_PASSWORD_FLOWS, "ALLOW_USER_AUTH"]},
            **settings,
        )

    return make


class Someone:
    """A pool whose function writes messages, and one of its users."""

    def __init__(self, pool, medium):
        self.pool, self.idp, self.medium = pool, pool.idp, medium
        self.contact = "email" if medium == "EMAIL" else "phone_number"

    def own_address(self):
        return unique_email() if self.medium == "EMAIL" else PHONE

    def attribute(self, value=None):
        return [{"Name": self.contact, "Value": value or self.own_address()}]

    def sign_up(self):
        self.username = unique("user")
        self.idp.sign_up(
            ClientId=self.pool.client_id,
            Username=self.username,
            Password=PASSWORD,
            UserAttributes=self.attribute(),
            ClientMetadata=METADATA,
        )

    def make(self):
        self.username = self.pool.make_user(**{self.contact: self.own_address()})

    def token(self):
        return self.pool.sign_in(self.username)["AccessToken"]


def sign_up(someone):
    someone.sign_up()


def resend(someone):
    someone.sign_up()
    someone.idp.resend_confirmation_code(
        ClientId=someone.pool.client_id, Username=someone.username, ClientMetadata=METADATA
    )


def forget(someone):
    someone.make()
    someone.idp.forgot_password(
        ClientId=someone.pool.client_id, Username=someone.username, ClientMetadata=METADATA
    )


def reset(someone):
    someone.make()
    someone.idp.admin_reset_user_password(
        UserPoolId=someone.pool.id, Username=someone.username, ClientMetadata=METADATA
    )


def update(someone):
    someone.make()
    value = unique_email() if someone.medium == "EMAIL" else "+15550100199"
    someone.idp.update_user_attributes(
        AccessToken=someone.token(),
        UserAttributes=someone.attribute(value),
        ClientMetadata=METADATA,
    )


def admin_update(someone):
    someone.make()
    value = unique_email() if someone.medium == "EMAIL" else "+15550100199"
    someone.idp.admin_update_user_attributes(
        UserPoolId=someone.pool.id,
        Username=someone.username,
        UserAttributes=someone.attribute(value),
        ClientMetadata=METADATA,
    )


def verify(someone):
    someone.make()
    someone.idp.get_user_attribute_verification_code(
        AccessToken=someone.token(), AttributeName=someone.contact, ClientMetadata=METADATA
    )


def invite(someone):
    someone.username = unique("user")
    someone.idp.admin_create_user(
        UserPoolId=someone.pool.id,
        Username=someone.username,
        UserAttributes=someone.attribute(),
        DesiredDeliveryMediums=[someone.medium],
        ClientMetadata=METADATA,
    )


def invite_again(someone):
    someone.username = someone.pool.make_new_user(**{someone.contact: someone.own_address()})
    someone.idp.admin_create_user(
        UserPoolId=someone.pool.id,
        Username=someone.username,
        MessageAction="RESEND",
        DesiredDeliveryMediums=[someone.medium],
        ClientMetadata=METADATA,
    )


def sign_in(someone):
    """With a second factor, whose code is sent at once."""
    someone.make()
    kind = "EMAIL_OTP" if someone.medium == "EMAIL" else "SMS_MFA"
    member = "EmailMfaSettings" if someone.medium == "EMAIL" else "SMSMfaSettings"
    someone.idp.set_user_pool_mfa_config(
        UserPoolId=someone.pool.id,
        MfaConfiguration="OPTIONAL",
        EmailMfaConfiguration={},
        SmsMfaConfiguration={"SmsConfiguration": someone.pool.described["SmsConfiguration"]},
    )
    preference = {member: {"Enabled": True, "PreferredMfa": True}}
    someone.idp.admin_set_user_mfa_preference(
        UserPoolId=someone.pool.id, Username=someone.username, **preference
    )
    answer = someone.idp.initiate_auth(
        ClientId=someone.pool.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": someone.username, "PASSWORD": PASSWORD},
        ClientMetadata=METADATA,
    )
    assert answer["ChallengeName"] == kind


ROWS = {
    sign_up: "SignUp",
    resend: "ResendCode",
    forget: "ForgotPassword",
    reset: "ForgotPassword",
    update: "UpdateUserAttribute",
    admin_update: "UpdateUserAttribute",
    verify: "VerifyUserAttribute",
    invite: "AdminCreateUser",
    invite_again: "AdminCreateUser",
    sign_in: "Authentication",
}


@pytest.mark.parametrize("medium", ["EMAIL", "SMS"])
@pytest.mark.parametrize("act", ROWS, ids=lambda act: act.__name__)
def test_a_function_writes_every_message(make_written_pool, writer, inbox, act, medium):
    contact = "email" if medium == "EMAIL" else "phone_number"
    pool = make_written_pool(
        writer,
        AutoVerifiedAttributes=[contact],
        AccountRecoverySetting={
            "RecoveryMechanisms": [
                {"Name": f"verified_{contact}", "Priority": 1},
            ]
        },
    )
    someone = Someone(pool, medium)
    act(someone)
    event = writer.events[-1]
    source = f"CustomMessage_{ROWS[act]}"
    assert event["triggerSource"] == source
    assert event["userPoolId"] == pool.id
    assert event["userName"] == someone.username
    request = event["request"]
    assert request["codeParameter"] == "{####}"
    assert request["linkParameter"] == "{##Click Here##}"
    is_invitation = ROWS[act] == "AdminCreateUser"
    assert request["usernameParameter"] == ("{username}" if is_invitation else None)
    assert contact in request["userAttributes"]
    is_by_client = act not in (reset, admin_update, invite, invite_again)
    caller = pool.client_id if is_by_client else "CLIENT_ID_NOT_APPLICABLE"
    assert event["callerContext"]["clientId"] == caller
    # What begins a sign-in has metadata for other functions only.
    assert request.get("clientMetadata") == (None if act is sign_in else METADATA)
    assert len(writer.events) == (2 if act is resend else 1)

    sent = inbox.newest(pool)
    assert sent["code"] not in json.dumps(event)
    to = f" for {someone.username}" if is_invitation else ""
    if medium == "EMAIL":
        code = sent["code"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        code = code.replace('"', "&quot;")
        assert sent["body"] == f"<b>mail</b> {code}{to}"
        assert sent["subject"] == f"About {source}"
    else:
        assert sent["body"] == f"text {sent['code']}{to}"


def test_metadata_of_a_step_reaches_the_function_that_writes_its_message(
    make_written_pool, writer, inbox
):
    factors = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}
    pool = make_written_pool(writer, Policies=factors)
    username = pool.make_user(email=unique_email())
    asked = pool.idp.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": username},
        ClientMetadata={"step": "one"},
    )
    assert asked["ChallengeName"] == "SELECT_CHALLENGE"
    asked = pool.idp.respond_to_auth_challenge(
        ClientId=pool.client_id,
        ChallengeName="SELECT_CHALLENGE",
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": username, "ANSWER": "EMAIL_OTP"},
        ClientMetadata={"step": "two"},
    )
    sent = inbox.newest(pool)
    [event] = writer.events
    assert event["triggerSource"] == "CustomMessage_Authentication"
    assert event["request"]["clientMetadata"] == {"step": "two"}
    assert sent["body"] == f"<b>mail</b> {sent['code']}"
    done = pool.answer("EMAIL_OTP", username, asked["Session"], EMAIL_OTP_CODE=sent["code"])
    assert done["AuthenticationResult"]["AccessToken"]


def test_clients_that_hide_who_exists_tell_nothing_of_the_function(
    functions, make_written_pool, inbox
):
    function = functions.make(throw("no mail today"))
    pool = make_written_pool(function)
    client = pool.make_client(PreventUserExistenceErrors="ENABLED")["ClientId"]
    username = pool.make_user(email=unique_email())
    for name in [username, unique("nobody")]:
        answer = pool.idp.forgot_password(ClientId=client, Username=name)
        assert answer["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    function.wait_for_requests(1)
    assert [event["userName"] for event in function.events] == [username]


def test_a_code_in_a_function_s_text_confirms(make_written_pool, writer, inbox):
    pool = make_written_pool(writer)
    username = pool.sign_up(email=unique_email())
    code = inbox.newest(pool)["body"].removeprefix("<b>mail</b> ")
    pool.idp.confirm_sign_up(ClientId=pool.client_id, Username=username, ConfirmationCode=code)
    assert pool.user(username)["UserStatus"] == "CONFIRMED"


@pytest.mark.parametrize("answer", [{}, {"emailMessage": "", "emailSubject": None}])
@pytest.mark.belief
def test_a_function_that_writes_nothing_leaves_the_pool_s_texts(
    functions, make_written_pool, inbox, answer
):
    pool = make_written_pool(
        functions.make(respond(**answer)),
        EmailVerificationMessage="The pool says {####}",
        EmailVerificationSubject="From the pool",
    )
    pool.sign_up(email=unique_email())
    sent = inbox.newest(pool)
    assert sent["body"] == f"The pool says {sent['code']}"
    assert sent["subject"] == "From the pool"


def outcomes(functions):
    """Functions that stand in the way of a message, and what the caller gets."""
    return {
        "no place": (functions.make(respond(emailMessage="Hello")), UNUSABLE, None),
        "too long": (functions.make(respond(emailMessage="{####}" + "x" * 20_000)), UNUSABLE, None),
        "error": (
            functions.make(throw("no mail today")),
            FUNCTION_ERROR,
            "CustomMessage failed with error no mail today.",
        ),
    }


@pytest.mark.parametrize("name", ["no place", "too long", "error"])
@pytest.mark.parametrize(
    "act", [act for act in ROWS if act is not resend], ids=lambda act: act.__name__
)
def test_a_function_can_stand_in_the_way(functions, make_written_pool, inbox, act, name):
    function, kind, message = outcomes(functions)[name]
    pool = make_written_pool(function)
    with refused(kind, message):
        act(Someone(pool, "EMAIL"))
    assert len(function.events) == 1
    assert not inbox.messages(pool)


@pytest.mark.parametrize("name", ["no place", "error"])
def test_a_function_can_stand_in_the_way_of_a_code_sent_again(
    functions, make_written_pool, inbox, name
):
    function, kind, message = outcomes(functions)[name]
    good = functions.make()
    pool = make_written_pool(good)
    username = pool.sign_up(email=unique_email())
    function_of_pool(pool, function)
    with refused(kind, message):
        pool.idp.resend_confirmation_code(ClientId=pool.client_id, Username=username)
    assert len(inbox.messages(pool)) == 1


def function_of_pool(pool, function):
    """Exchanges the function that writes messages."""
    pool.idp.update_user_pool(
        UserPoolId=pool.id,
        AutoVerifiedAttributes=["email"],
        LambdaConfig={"CustomMessage": function.arn},
    )


@pytest.mark.parametrize("text", ["{####}", "{username}"])
def test_invitations_need_both_places(functions, make_written_pool, inbox, text):
    pool = make_written_pool(functions.make(respond(emailMessage=text)))
    with refused(UNUSABLE):
        invite(Someone(pool, "EMAIL"))
    assert not inbox.messages(pool)


def test_who_sends_messages_also_writes_them(functions, make_written_pool, writer, account, inbox):
    """No text is asked for where a function sends; the other medium's texts are still written."""
    sender = functions.make(kind="webhook")
    triggers = {
        "CustomMessage": writer.arn,
        "CustomEmailSender": {"LambdaVersion": "V1_0", "LambdaArn": sender.arn},
        "KMSKeyID": f"arn:aws:kms:us-east-1:{account}:key/5e0f2b1c-codes",
    }
    pool = make_written_pool(
        writer, LambdaConfig=triggers, AutoVerifiedAttributes=["email", "phone_number"]
    )
    pool.sign_up(email=unique_email())
    sender.wait_for_requests(1)
    assert sender.events[0]["triggerSource"] == "CustomEmailSender_SignUp"
    assert writer.events == []
    assert not inbox.messages(pool)

    pool.sign_up(phone_number=PHONE)
    assert [event["triggerSource"] for event in writer.events] == ["CustomMessage_SignUp"]
    assert inbox.newest(pool)["body"].startswith("text ")
