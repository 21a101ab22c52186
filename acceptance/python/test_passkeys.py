"""Passkeys: registering, listing and deleting them, and sign-in by choice, with an authenticator made
of the objects of Yubico's fido2 library."""

import hashlib
import json
import os

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from fido2.cose import ES256, RS256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)
from pycognito.aws_srp import AWSSRP

from support import ALL_PASSWORD_FLOWS, PASSWORD, WRONG_PASSWORD, claims_of, refused, unique_email

RELYING_PARTY = "example.com"
ORIGIN = "https://app.example.com"
WRONG = "Incorrect username or password."
USED = "Invalid session for the user, session can only be used once."
NO_CHALLENGE = "The challenge was not found or has expired."
FLAG = AuthenticatorData.FLAG
ICLOUD = "fbfc3007-154e-4ecc-8c0b-6e020557d7bd"


class Browser:
    """A browser with one authenticator in it."""

    def __init__(self, algorithm=ES256, origin=ORIGIN, relying_party=RELYING_PARTY):
        self.algorithm, self.origin, self.relying_party = algorithm, origin, relying_party
        self.id, self.count = os.urandom(16), 0
        self.flags = FLAG.UP | FLAG.UV
        if algorithm is ES256:
            self._key = ec.generate_private_key(ec.SECP256R1())
        else:
            self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _rp_id_hash(self):
        return hashlib.sha256(self.relying_party.encode()).digest()

    def _envelope(self, response, **more):
        name = websafe_encode(self.id)
        return {"type": "public-key", "id": name, "rawId": name, "clientExtensionResults": {},
                "response": response, **more}

    def create(self, options, attachment="platform", transports=("internal", "hybrid")):
        """navigator.credentials.create, in its JSON form."""
        client_data = CollectedClientData.create("webauthn.create", options["challenge"], self.origin)
        key = self.algorithm.from_cryptography_key(self._key.public_key())
        data = AuthenticatorData.create(
            self._rp_id_hash(), self.flags | FLAG.AT, self.count,
            AttestedCredentialData.create(Aaguid.parse(ICLOUD), self.id, key),
        )
        return self._envelope(
            {
                "clientDataJSON": websafe_encode(client_data),
                "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
                "authenticatorData": websafe_encode(data),
                "transports": list(transports),
                "publicKeyAlgorithm": self.algorithm.ALGORITHM,
            },
            authenticatorAttachment=attachment,
        )

    def get(self, options, user_handle=None):
        """navigator.credentials.get, in its JSON form."""
        client_data = CollectedClientData.create("webauthn.get", options["challenge"], self.origin)
        data = AuthenticatorData.create(self._rp_id_hash(), self.flags, self.count)
        message = data + client_data.hash
        if self.algorithm is ES256:
            signature = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
        else:
            signature = self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        response = {
            "clientDataJSON": websafe_encode(client_data),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
        }
        if user_handle:
            response["userHandle"] = websafe_encode(user_handle.encode())
        return self._envelope(response, authenticatorAttachment="platform")


@pytest.fixture
def pool(make_pool):
    """A pool whose users choose among passwords, codes by mail and passkeys."""
    made = make_pool(
        client={"ExplicitAuthFlows": [*ALL_PASSWORD_FLOWS, "ALLOW_USER_AUTH"]},
        AutoVerifiedAttributes=["email"],
        Policies={"SignInPolicy": {
            "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"]
        }},
    )
    configure(made, RelyingPartyId=RELYING_PARTY)
    return made


def configure(pool, **settings):
    pool.idp.set_user_pool_mfa_config(UserPoolId=pool.id, WebAuthnConfiguration=settings)


@pytest.fixture
def ada(pool):
    return pool.make_user(email=unique_email())


@pytest.fixture
def token(pool, ada):
    return pool.sign_in(ada)["AccessToken"]


def start(pool, token):
    answer = pool.idp.start_web_authn_registration(AccessToken=token)
    return answer["CredentialCreationOptions"]


def complete(pool, token, credential):
    pool.idp.complete_web_authn_registration(AccessToken=token, Credential=credential)


def register(pool, token, browser):
    complete(pool, token, browser.create(start(pool, token)))
    return browser


def listed(pool, token, **page):
    return pool.idp.list_web_authn_credentials(AccessToken=token, **page)


def begin(pool, username, **parameters):
    return pool.idp.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": username, **parameters},
    )


def ask_for_passkey(pool, username):
    asked = begin(pool, username, PREFERRED_CHALLENGE="WEB_AUTHN")
    assert asked["ChallengeName"] == "WEB_AUTHN"
    return asked, json.loads(asked["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"])


# Registration


def test_the_options_are_those_of_the_pool_and_the_user(pool, ada, token):
    options = start(pool, token)
    assert len(websafe_decode(options["challenge"])) == 16
    sub = pool.user_attributes(ada)["sub"]
    assert options == {
        "authenticatorSelection": {
            "requireResidentKey": True, "residentKey": "required", "userVerification": "preferred",
        },
        "challenge": options["challenge"],
        "excludeCredentials": [],
        "pubKeyCredParams": [
            {"alg": -7, "type": "public-key"}, {"alg": -257, "type": "public-key"},
        ],
        "rp": {"id": RELYING_PARTY, "name": RELYING_PARTY},
        "timeout": 60000,
        "user": {"displayName": ada, "name": ada, "id": websafe_encode(sub.encode())},
    }


@pytest.mark.parametrize("algorithm", [ES256, RS256])
def test_a_passkey_is_registered_shown_and_excluded(pool, ada, token, algorithm):
    browser = register(pool, token, Browser(algorithm))
    (shown,) = listed(pool, token)["Credentials"]
    assert shown.pop("CreatedAt").timestamp() > 0
    name = websafe_encode(browser.id)
    assert shown == {
        "CredentialId": name,
        "FriendlyCredentialName": "iCloud Keychain",
        "RelyingPartyId": RELYING_PARTY,
        "AuthenticatorAttachment": "platform",
        "AuthenticatorTransports": ["internal", "hybrid"],
    }
    assert start(pool, token)["excludeCredentials"] == [{"id": name, "type": "public-key"}]
    factors = pool.idp.get_user_auth_factors(AccessToken=token)["ConfiguredUserAuthFactors"]
    assert factors == ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"]
    by_admin = pool.idp.admin_get_user_auth_factors(UserPoolId=pool.id, Username=ada)
    assert by_admin["ConfiguredUserAuthFactors"] == factors


def test_a_roaming_passkey_is_called_so(pool, token):
    complete(pool, token, Browser().create(start(pool, token), "cross-platform", ["usb"]))
    (shown,) = listed(pool, token)["Credentials"]
    assert shown["FriendlyCredentialName"] == "Roaming passkey"
    assert shown["AuthenticatorTransports"] == ["usb"]


def test_a_challenge_works_once(pool, token):
    options = start(pool, token)
    complete(pool, token, Browser().create(options))
    with refused("WebAuthnChallengeNotFoundException", NO_CHALLENGE):
        complete(pool, token, Browser().create(options))


def test_a_challenge_works_with_the_client_that_started_it(pool, ada, token):
    other = pool.make_client()["ClientId"]
    credential = Browser().create(start(pool, token))
    with refused("WebAuthnClientMismatchException"):
        complete(pool, pool.sign_in(ada, client_id=other)["AccessToken"], credential)
    complete(pool, token, credential)


@pytest.mark.parametrize(
    "browser, kind",
    [
        (Browser(origin="https://example.org"), "WebAuthnOriginNotAllowedException"),
        (Browser(origin="http://example.com"), "WebAuthnOriginNotAllowedException"),
        (Browser(relying_party="example.org"), "WebAuthnRelyingPartyMismatchException"),
    ],
)
def test_other_pages_and_parties_are_refused(pool, token, browser, kind):
    with refused(kind):
        complete(pool, token, browser.create(start(pool, token)))
    assert listed(pool, token)["Credentials"] == []


def test_where_verification_is_required_unverified_users_are_refused(pool, token):
    configure(pool, RelyingPartyId=RELYING_PARTY, UserVerification="required")
    browser = Browser()
    browser.flags = FLAG.UP
    with refused("WebAuthnCredentialNotSupportedException"):
        complete(pool, token, browser.create(start(pool, token)))


@pytest.mark.parametrize("change", [{"type": "x"}, {"id": "b3RoZXI"}, {"response": {}}])
def test_what_no_browser_says_is_refused(pool, token, change):
    credential = {**Browser().create(start(pool, token)), **change}
    with refused("InvalidParameterException", "Credential data is not valid"):
        complete(pool, token, credential)


def test_pools_without_passkeys_or_relying_party_refuse(make_pool, pool, token):
    plain = make_pool()
    with refused("WebAuthnNotEnabledException"):
        start(plain, plain.sign_in(plain.make_user())["AccessToken"])
    configure(pool, UserVerification="preferred")
    with refused("WebAuthnConfigurationMissingException"):
        start(pool, token)


def test_a_user_has_twenty_passkeys_at_most_and_pages_show_them_all(pool, token):
    browsers = [register(pool, token, Browser()) for _ in range(20)]
    with refused("LimitExceededException"):
        start(pool, token)
    shown, sizes, page = [], [], {}
    while True:
        answer = listed(pool, token, MaxResults=8, **page)
        sizes.append(len(answer["Credentials"]))
        shown += [one["CredentialId"] for one in answer["Credentials"]]
        if "NextToken" not in answer:
            break
        page = {"NextToken": answer["NextToken"]}
    assert sizes == [8, 8, 4]
    assert shown == [websafe_encode(browser.id) for browser in browsers]
    with refused("InvalidParameterException"):
        listed(pool, token, NextToken="garbage")


def test_a_passkey_is_deleted_once_by_its_user(pool, token):
    browser = register(pool, token, Browser())
    name = websafe_encode(browser.id)
    others = pool.sign_in(pool.make_user())["AccessToken"]
    delete = pool.idp.delete_web_authn_credential
    with refused("ResourceNotFoundException"):
        delete(AccessToken=others, CredentialId=name)
    delete(AccessToken=token, CredentialId=name)
    with refused("ResourceNotFoundException"):
        delete(AccessToken=token, CredentialId=name)
    assert listed(pool, token)["Credentials"] == []


# Sign-in


@pytest.mark.parametrize("algorithm", [ES256, RS256])
def test_a_passkey_signs_in_once_for_a_challenge(pool, ada, token, algorithm):
    browser = register(pool, token, Browser(algorithm))
    asked, options = ask_for_passkey(pool, ada)
    assert options["rpId"] == RELYING_PARTY
    assert [one["id"] for one in options["allowCredentials"]] == [websafe_encode(browser.id)]
    sub = pool.user_attributes(ada)["sub"]
    shown = json.dumps(browser.get(options, user_handle=sub))
    answer = pool.answer("WEB_AUTHN", ada, asked["Session"], CREDENTIAL=shown)
    assert claims_of(answer["AuthenticationResult"]["IdToken"])["sub"] == sub
    with refused("NotAuthorizedException", USED):
        pool.answer("WEB_AUTHN", ada, asked["Session"], CREDENTIAL=shown)


def test_an_altered_foreign_or_misplaced_passkey_signs_nobody_in(pool, ada, token):
    browser = register(pool, token, Browser())
    bob = pool.make_user()
    bobs = register(pool, pool.sign_in(bob)["AccessToken"], Browser())
    asked, options = ask_for_passkey(pool, ada)
    right = browser.get(options)
    altered = json.loads(json.dumps(right))
    altered["response"]["signature"] = browser.get({"challenge": "b3RoZXI"})["response"]["signature"]
    browser.origin = "https://evil.org"
    elsewhere = browser.get(options)
    for shown in [altered, elsewhere, bobs.get(options), Browser().get(options)]:
        with refused("NotAuthorizedException", WRONG):
            pool.answer("WEB_AUTHN", ada, asked["Session"], CREDENTIAL=json.dumps(shown))
    answer = pool.answer("WEB_AUTHN", ada, asked["Session"], CREDENTIAL=json.dumps(right))
    assert "AuthenticationResult" in answer


def test_a_count_that_does_not_grow_is_refused(pool, ada, token):
    browser = Browser()
    browser.count = 3
    register(pool, token, browser)
    asked, options = ask_for_passkey(pool, ada)
    with refused("NotAuthorizedException", WRONG):
        pool.answer("WEB_AUTHN", ada, asked["Session"], CREDENTIAL=json.dumps(browser.get(options)))
    browser.count = 4
    pool.answer("WEB_AUTHN", ada, asked["Session"], CREDENTIAL=json.dumps(browser.get(options)))


def test_one_chooses_a_code_by_mail(pool, inbox, ada):
    asked = begin(pool, ada)
    assert asked["ChallengeName"] == "SELECT_CHALLENGE"
    assert set(asked["AvailableChallenges"]) == {"EMAIL_OTP", "PASSWORD", "PASSWORD_SRP"}
    asked = pool.answer("SELECT_CHALLENGE", ada, asked["Session"], ANSWER="EMAIL_OTP")
    assert asked["ChallengeParameters"] == {
        "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL", "CODE_DELIVERY_DESTINATION": "u***@e***",
    }
    code = inbox.code(pool, user=ada)
    assert len(code) == 8
    wrong = "00000000" if code != "00000000" else "11111111"
    with refused("CodeMismatchException", "Invalid code or auth state for the user."):
        pool.answer("EMAIL_OTP", ada, asked["Session"], EMAIL_OTP_CODE=wrong)
    answer = pool.answer("EMAIL_OTP", ada, asked["Session"], EMAIL_OTP_CODE=code)
    assert "AuthenticationResult" in answer


def test_one_chooses_the_password(pool, ada):
    asked = begin(pool, ada)
    with refused("NotAuthorizedException", WRONG):
        pool.answer(
            "SELECT_CHALLENGE", ada, asked["Session"], ANSWER="PASSWORD", PASSWORD=WRONG_PASSWORD
        )
    answer = pool.answer(
        "SELECT_CHALLENGE", ada, asked["Session"], ANSWER="PASSWORD", PASSWORD=PASSWORD
    )
    assert "AuthenticationResult" in answer


def test_one_proves_the_password(pool, ada):
    srp = AWSSRP(ada, PASSWORD, pool.id, pool.client_id, client=pool.idp)
    srp_a = srp.get_auth_params()["SRP_A"]
    asked = begin(pool, ada, PREFERRED_CHALLENGE="PASSWORD_SRP", SRP_A=srp_a)
    assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    responses = srp.process_challenge(asked["ChallengeParameters"], {"USERNAME": ada})
    answer = pool.idp.respond_to_auth_challenge(
        ClientId=pool.client_id, ChallengeName="PASSWORD_VERIFIER", Session=asked["Session"],
        ChallengeResponses=responses,
    )
    assert "AuthenticationResult" in answer


def test_the_code_of_a_sign_up_signs_in(pool, inbox):
    email = unique_email()
    username = email.split("@", maxsplit=1)[0]
    signed_up = pool.idp.sign_up(
        ClientId=pool.client_id, Username=username,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    confirmed = pool.idp.confirm_sign_up(
        ClientId=pool.client_id, Username=username, Session=signed_up["Session"],
        ConfirmationCode=inbox.code(pool, destination=email),
    )
    sign_in = {
        "ClientId": pool.client_id, "AuthFlow": "USER_AUTH",
        "AuthParameters": {"USERNAME": username}, "Session": confirmed["Session"],
    }
    assert "AuthenticationResult" in pool.idp.initiate_auth(**sign_in)
    with refused("NotAuthorizedException", USED):
        pool.idp.initiate_auth(**sign_in)


def test_nobody_is_sent_a_code_that_nobody_gets(pool):
    hides = pool.make_client(
        ExplicitAuthFlows=["ALLOW_USER_AUTH"], PreventUserExistenceErrors="ENABLED"
    )["ClientId"]
    asked = pool.idp.initiate_auth(
        ClientId=hides, AuthFlow="USER_AUTH",
        AuthParameters={"USERNAME": "nobody@ingest.org", "PREFERRED_CHALLENGE": "EMAIL_OTP"},
    )
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "n***@i***"
    with refused("CodeMismatchException"):
        pool.idp.respond_to_auth_challenge(
            ClientId=hides, ChallengeName="EMAIL_OTP", Session=asked["Session"],
            ChallengeResponses={"USERNAME": "nobody@ingest.org", "EMAIL_OTP_CODE": "12345678"},
        )
    with refused("UserNotFoundException", "User does not exist."):
        begin(pool, "nobody@ingest.org")
