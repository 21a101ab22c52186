"""What the tests share: a pool with its clients and users, the inbox, the clock, expected refusals."""

import base64
import contextlib
import hashlib
import hmac
import json
import time
import uuid

import pyotp
import pytest
import requests
from botocore.exceptions import ClientError

PASSWORD = "Correct-Horse-9!"
OTHER_PASSWORD = "Battery-Staple-7?"
WRONG_PASSWORD = "Wrong-Donkey-3#"
TARGET_PREFIX = "AWSCognitoIdentityProviderService."
STEP_SECONDS = 30

ALL_PASSWORD_FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


def unique(prefix):
    """A name that no other test of this or another run uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def unique_email():
    return f"{unique('user')}@example.com"


@contextlib.contextmanager
def refused(kind, message=None):
    """The block must be refused with exactly this error type and, if given, this message."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    assert error["Code"] == kind, error
    if message is not None:
        assert error["Message"] == message


def attributes(**values):
    """Attribute list from keywords: `custom__tier="3"` stands for `custom:tier`."""
    return [
        {"Name": name.replace("__", ":"), "Value": value}
        for name, value in values.items()
        if value is not None
    ]


def as_dict(attribute_list):
    return {item["Name"]: item["Value"] for item in attribute_list}


def secret_hash(username, client_id, secret):
    digest = hmac.new(secret.encode(), (username + client_id).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def claims_of(token):
    """Claims without any check of the signature."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def post(endpoint, operation, body, headers=None):
    """One raw request, for what an SDK refuses to send. `body` may be bytes or a JSON value."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": TARGET_PREFIX + operation,
        **(headers or {}),
    }
    return requests.post(endpoint + "/", data=raw, headers=sent, timeout=20)


class Inbox:
    """Messages which the server kept instead of sending them."""

    def __init__(self, endpoint):
        self._url = endpoint + "/_poolhouse/messages"

    def messages(self, pool, user=None, destination=None):
        """All messages that match, newest first."""
        query = {"pool": pool.id, "user": user, "destination": destination}
        answer = requests.get(self._url, params=query, timeout=20)
        answer.raise_for_status()
        return answer.json()["messages"]

    def newest(self, pool, user=None, destination=None, count=1):
        """The newest message once at least `count` have come."""
        deadline = time.monotonic() + 5
        while True:
            found = self.messages(pool, user, destination)
            if len(found) >= count:
                return found[0]
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages came"
            time.sleep(0.02)

    def code(self, pool, user=None, destination=None, count=1):
        """The code (or temporary password) in the newest message."""
        return self.newest(pool, user, destination, count)["code"]


class Clock:
    """The server's clock, which can only be moved forward: other tests rely on tokens made earlier."""

    def __init__(self, endpoint):
        self._url = endpoint + "/_poolhouse/clock"

    def now(self):
        answer = requests.get(self._url, timeout=20)
        answer.raise_for_status()
        return answer.json()["now"]

    def advance(self, seconds):
        assert seconds >= 0
        requests.post(self._url, json={"advance": seconds}, timeout=20).raise_for_status()

    def to_start_of_a_step(self):
        """Goes to the first second of a TOTP step, so that the step does not end within a test."""
        self.advance(STEP_SECONDS - self.now() % STEP_SECONDS + 1)


class Authenticator:
    """A user's authenticator application holding one secret, on the server's time."""

    def __init__(self, secret, clock):
        self._totp = pyotp.TOTP(secret)
        self._clock = clock

    def code(self, steps=0):
        """The code of the present step, or of one so many steps away."""
        return self._totp.at(self._clock.now() + steps * STEP_SECONDS)

    def fresh_code(self):
        """A code that was never sent before: waits (by the clock) for the next step."""
        self._clock.to_start_of_a_step()
        return self.code()

    def wrong_code(self):
        """Six digits that no step near the present has."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06d}".format, range(100)) if code not in near)


class Pool:
    """A user pool under test with one app client for the password flows."""

    def __init__(self, idp, described, **client_settings):
        self.idp = idp
        self.id = described["Id"]
        self.arn = described["Arn"]
        self.described = described
        self.client_id = self.make_client(**client_settings)["ClientId"]

    def make_client(self, **settings):
        settings.setdefault("ClientName", unique("client"))
        settings.setdefault("ExplicitAuthFlows", ALL_PASSWORD_FLOWS)
        return self.idp.create_user_pool_client(UserPoolId=self.id, **settings)["UserPoolClient"]

    def make_user(self, username=None, password=PASSWORD, **user_attributes):
        """A CONFIRMED user; `email` and `phone_number` count as verified."""
        username = username or unique("user")
        for contact in ("email", "phone_number"):
            if contact in user_attributes:
                user_attributes.setdefault(contact + "_verified", "true")
        self.idp.admin_create_user(
            UserPoolId=self.id,
            Username=username,
            MessageAction="SUPPRESS",
            TemporaryPassword=PASSWORD,
            UserAttributes=attributes(**user_attributes),
        )
        self.idp.admin_set_user_password(
            UserPoolId=self.id, Username=username, Password=password, Permanent=True
        )
        return username

    def make_new_user(self, username=None, **user_attributes):
        """A user in FORCE_CHANGE_PASSWORD whose temporary password is `PASSWORD`."""
        username = username or unique("user")
        self.idp.admin_create_user(
            UserPoolId=self.id,
            Username=username,
            MessageAction="SUPPRESS",
            TemporaryPassword=PASSWORD,
            UserAttributes=attributes(**user_attributes),
        )
        return username

    def sign_up(self, username=None, password=PASSWORD, **user_attributes):
        username = username or unique("user")
        self.idp.sign_up(
            ClientId=self.client_id,
            Username=username,
            Password=password,
            UserAttributes=attributes(**user_attributes),
        )
        return username

    def begin(self, username, password=PASSWORD, client_id=None):
        """The answer of USER_PASSWORD_AUTH: tokens or a challenge."""
        return self.idp.initiate_auth(
            ClientId=client_id or self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )

    def admin_begin(self, username, password=PASSWORD, client_id=None):
        """The answer of ADMIN_USER_PASSWORD_AUTH."""
        return self.idp.admin_initiate_auth(
            UserPoolId=self.id,
            ClientId=client_id or self.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )

    def sign_in(self, username, password=PASSWORD, client_id=None):
        """The tokens of a sign-in that needs nothing but the password."""
        answer = self.begin(username, password, client_id)
        assert "ChallengeName" not in answer, answer["ChallengeName"]
        return answer["AuthenticationResult"]

    def refresh(self, refresh_token, client_id=None):
        return self.idp.initiate_auth(
            ClientId=client_id or self.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": refresh_token},
        )

    def answer(self, challenge, username, session, **responses):
        """RespondToAuthChallenge."""
        return self.idp.respond_to_auth_challenge(
            ClientId=self.client_id,
            ChallengeName=challenge,
            Session=session,
            ChallengeResponses={"USERNAME": username, **responses},
        )

    def admin_answer(self, challenge, username, session, **responses):
        """AdminRespondToAuthChallenge."""
        return self.idp.admin_respond_to_auth_challenge(
            UserPoolId=self.id,
            ClientId=self.client_id,
            ChallengeName=challenge,
            Session=session,
            ChallengeResponses={"USERNAME": username, **responses},
        )

    def user(self, username):
        return self.idp.admin_get_user(UserPoolId=self.id, Username=username)

    def user_attributes(self, username):
        return as_dict(self.user(username)["UserAttributes"])
