"""Codes for custom senders, opened as functions do: with the AWS Encryption SDK, which asks the server
to unwrap data keys because `AWS_ENDPOINT_URL_KMS` says so."""

import base64
import html
import http.server
import json
import queue
import threading

import aws_encryption_sdk
import boto3
import pytest
import requests
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.exceptions import ActionNotAllowedError, DecryptKeyError
from aws_encryption_sdk.identifiers import AlgorithmSuite

from conftest import REGION
from support import OTHER_PASSWORD, PASSWORD, refused, unique, unique_email

# What functions for custom senders are told to use: messages of theirs do not commit to their key.
SUITE = AlgorithmSuite.AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384


@pytest.fixture(scope="module")
def key(account):
    return f"arn:aws:kms:{REGION}:{account}:key/5e0f2b1c-codes"


@pytest.fixture(scope="module")
def kms(client_settings):
    return boto3.client("kms", **client_settings)


@pytest.fixture
def sdk(monkeypatch, endpoint):
    """The SDK as functions have it, and where it finds keys."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any-secret")
    return client_with(CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT)


def client_with(policy):
    return aws_encryption_sdk.EncryptionSDKClient(commitment_policy=policy)


def encrypted(key, context):
    """What the server writes for functions, written by the SDK."""
    writer = client_with(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
    message, _ = writer.encrypt(
        source=b"123456", key_provider=provider(key), encryption_context=context, algorithm=SUITE
    )
    return message


def provider(key):
    return aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[key])


def test_a_data_key_is_made_and_unwrapped(kms, key):
    context = {"userpool-id": "us-east-1_AbCdEfGhI", "empty": "", "ünïcode": "✓"}
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    assert made["KeyId"] == key
    assert len(made["Plaintext"]) == 32
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
    assert opened["KeyId"] == key
    assert opened["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert opened["Plaintext"] == made["Plaintext"]
    named = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context, KeyId=key)
    assert named["Plaintext"] == made["Plaintext"]
    again = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    assert again["Plaintext"] != made["Plaintext"]


def test_what_was_altered_or_belongs_to_another_context_is_not_unwrapped(kms, key):
    context = {"userpool-id": "us-east-1_AbCdEfGhI"}
    blob = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)[
        "CiphertextBlob"
    ]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"userpool-id": "us-east-1_Other"})
    with refused("InvalidCiphertextException"):
        altered = blob[:-1] + bytes([blob[-1] ^ 1])
        kms.decrypt(CiphertextBlob=altered, EncryptionContext=context)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=b"anything", EncryptionContext=context)


@pytest.mark.belief
def test_keys_that_are_not_the_right_one_are_refused(kms, key):
    blob = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["CiphertextBlob"]
    with refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=f"{key}2")
    foreign = f"arn:aws:kms:{REGION}:999999999999:key/1"
    with refused("NotFoundException", f"Key '{foreign}' does not exist"):
        kms.generate_data_key(KeyId=foreign, KeySpec="AES_256")
    with refused("NotFoundException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=foreign)
    with refused("ValidationException"):
        kms.generate_data_key(KeyId=key)
    with refused("UnknownOperationException"):
        kms.create_key()


def test_an_alias_leads_to_a_key(kms):
    described = kms.describe_key(KeyId="alias/codes")["KeyMetadata"]
    assert described["Arn"].endswith(f":key/{described['KeyId']}")
    made = kms.generate_data_key(KeyId="alias/codes", KeySpec="AES_256")
    assert made["KeyId"] == described["Arn"]
    assert kms.describe_key(KeyId=described["Arn"])["KeyMetadata"] == described


def test_what_the_sdk_encrypts_it_decrypts(sdk, key):
    context = {"userpool-id": "us-east-1_AbCdEfGhI"}
    message = encrypted(key, context)
    code, header = sdk.decrypt(source=message, key_provider=provider(key))
    assert code == b"123456"
    assert header.encryption_context["userpool-id"] == "us-east-1_AbCdEfGhI"


def test_the_sdk_opens_nothing_with_another_key(sdk, key):
    message = encrypted(key, {})
    with pytest.raises(DecryptKeyError):
        sdk.decrypt(source=message, key_provider=provider(f"{key}2"))


class Mailer:
    """A server in the shape of AWS Lambda that keeps the events it gets."""

    def __init__(self):
        self.events = queue.Queue()
        mailer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                mailer.events.put((self.headers["X-Amz-Invocation-Type"], json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next_event(self):
        kind, event = self.events.get(timeout=20)
        assert kind == "Event"
        return event


@pytest.fixture
def mailer():
    made = Mailer()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def make_sending_pool(make_pool, mailer, endpoint, account, key):
    """Makes pools whose messages for one medium are sent by a function."""

    def make(trigger, **settings):
        function = f"arn:aws:lambda:{REGION}:{account}:function:{unique('mailer')}"
        sent = {"function": function, "lambda": mailer.url}
        requests.put(f"{endpoint}/_poolhouse/functions", json=sent, timeout=10).raise_for_status()
        sender = {"LambdaVersion": "V1_0", "LambdaArn": function}
        return make_pool(LambdaConfig={trigger: sender, "KMSKeyID": key}, **settings)

    return make


@pytest.fixture
def sending_pool(make_sending_pool):
    """A pool whose mail is sent by a function."""
    return make_sending_pool("CustomEmailSender", AutoVerifiedAttributes=["email"])


def secret_in(event, sdk, key):
    """What a function reads in its event."""
    message = base64.b64decode(event["request"]["code"])
    secret, header = sdk.decrypt(source=message, key_provider=provider(key))
    assert header.algorithm == SUITE
    assert header.encryption_context["userpool-id"] == event["userPoolId"]
    assert set(header.encryption_context) == {"userpool-id", "aws-crypto-public-key"}
    return secret.decode()


def test_a_function_reads_the_code_that_confirms_a_sign_up(sending_pool, mailer, sdk, key, idp, inbox):
    email = unique_email()
    username = unique("user")
    idp.sign_up(
        ClientId=sending_pool.client_id,
        Username=username,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": email}],
    )
    event = mailer.next_event()
    assert event["triggerSource"] == "CustomEmailSender_SignUp"
    assert event["request"]["type"] == "customEmailSenderRequestV1"
    assert event["request"]["userAttributes"]["email"] == email
    code = secret_in(event, sdk, key)
    assert code not in json.dumps(event)
    idp.confirm_sign_up(ClientId=sending_pool.client_id, Username=username, ConfirmationCode=code)
    assert not inbox.messages(sending_pool, destination=email)


def test_temporary_passwords_come_escaped_for_html(sending_pool, mailer, sdk, key, idp):
    idp.admin_create_user(
        UserPoolId=sending_pool.id,
        Username=unique("user"),
        UserAttributes=[{"Name": "email", "Value": unique_email()}],
        DesiredDeliveryMediums=["EMAIL"],
        TemporaryPassword="<Correct>&Horse-9!",
    )
    event = mailer.next_event()
    assert event["triggerSource"] == "CustomEmailSender_AdminCreateUser"
    assert secret_in(event, sdk, key) == "&lt;Correct&gt;&amp;Horse-9!"


def test_a_code_opens_under_the_key_of_its_pool_only(sending_pool, mailer, sdk, key, idp):
    idp.sign_up(
        ClientId=sending_pool.client_id,
        Username=unique("user"),
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": unique_email()}],
    )
    message = base64.b64decode(mailer.next_event()["request"]["code"])
    with pytest.raises(DecryptKeyError):
        sdk.decrypt(source=message, key_provider=provider(f"{key}2"))
    strict = client_with(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    with pytest.raises(ActionNotAllowedError):
        strict.decrypt(source=message, key_provider=provider(key))


def test_text_messages_go_to_their_own_function(make_sending_pool, mailer, sdk, key, sms, inbox):
    pool = make_sending_pool(
        "CustomSMSSender", AutoVerifiedAttributes=["phone_number"], SmsConfiguration=sms
    )
    username = pool.sign_up(phone_number="+15550100123")
    event = mailer.next_event()
    assert event["triggerSource"] == "CustomSMSSender_SignUp"
    assert event["request"]["type"] == "customSMSSenderRequestV1"
    assert event["request"]["userAttributes"]["phone_number"] == "+15550100123"
    code = secret_in(event, sdk, key)
    pool.idp.confirm_sign_up(
        ClientId=pool.client_id, Username=username, ConfirmationCode=code
    )
    assert not inbox.messages(pool)


def test_a_function_for_one_medium_leaves_the_other_alone(make_sending_pool, mailer, sms, inbox):
    pool = make_sending_pool(
        "CustomSMSSender", AutoVerifiedAttributes=["email"], SmsConfiguration=sms
    )
    username = pool.sign_up(email=unique_email())
    code = inbox.code(pool, user=username)
    pool.idp.confirm_sign_up(
        ClientId=pool.client_id, Username=username, ConfirmationCode=code
    )
    assert mailer.events.empty()


def test_a_temporary_password_that_a_function_read_signs_in(sending_pool, mailer, sdk, key, inbox):
    pool, username = sending_pool, unique("user")
    pool.idp.admin_create_user(
        UserPoolId=pool.id,
        Username=username,
        UserAttributes=[{"Name": "email", "Value": unique_email()}],
        DesiredDeliveryMediums=["EMAIL"],
        ClientMetadata={"from": "console"},
    )
    event = mailer.next_event()
    assert event["request"]["clientMetadata"] == {"from": "console"}
    password = html.unescape(secret_in(event, sdk, key))
    assert pool.begin(username, password)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert not inbox.messages(pool)


# What is done to a user with a verified address, and how its message is called.
SENT = {
    "ForgotPassword": lambda pool, user, _: pool.idp.forgot_password(
        ClientId=pool.client_id, Username=user
    ),
    "VerifyUserAttribute": lambda pool, user, token: pool.idp.get_user_attribute_verification_code(
        AccessToken=token, AttributeName="email"
    ),
    "UpdateUserAttribute": lambda pool, user, token: pool.idp.update_user_attributes(
        AccessToken=token, UserAttributes=[{"Name": "email", "Value": unique_email()}]
    ),
}


@pytest.mark.parametrize("source", SENT)
def test_every_mail_goes_to_the_function(sending_pool, mailer, sdk, key, inbox, source):
    pool = sending_pool
    username = pool.make_user(email=unique_email())
    SENT[source](pool, username, pool.sign_in(username)["AccessToken"])
    event = mailer.next_event()
    assert event["triggerSource"] == f"CustomEmailSender_{source}"
    assert event["request"]["clientMetadata"] is None
    assert secret_in(event, sdk, key).isdigit()
    assert not inbox.messages(pool)


def test_nobody_learns_from_a_function_who_exists(sending_pool, mailer, sdk, key):
    pool = sending_pool
    client = pool.make_client(PreventUserExistenceErrors="ENABLED")["ClientId"]
    username = pool.make_user(email=unique_email())
    for name in [unique("nobody"), username]:
        answer = pool.idp.forgot_password(ClientId=client, Username=name)
        assert answer["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    event = mailer.next_event()
    assert event["userName"] == username
    pool.idp.confirm_forgot_password(
        ClientId=client,
        Username=username,
        ConfirmationCode=secret_in(event, sdk, key),
        Password=OTHER_PASSWORD,
    )
    pool.sign_in(username, OTHER_PASSWORD)
    assert mailer.events.empty()
