"""Messages of `poolhouse serve`: none is lost, whatever happens to the servers on either side.

The server is started here, with a mail server (STARTTLS under a private authority, with a login) and
a server for text messages beside it. Its database is that which POOLHOUSE_SERVE_DATABASE names (an
empty one on PostgreSQL), or else a SQLite file.
"""

import asyncio
import base64
import contextlib
import datetime
import email
import email.policy
import hashlib
import hmac
import http.server
import ipaddress
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import boto3
import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support import PASSWORD, attributes, refused, unique
from wire_shapes import check_every_answer_of

REGION = "eu-central-1"
ACCOUNT = "123456789012"
BINARY = os.environ.get("POOLHOUSE_BIN") or Path(__file__).parents[2] / "target/debug/poolhouse"
LOGIN = ("poolhouse", "Sesame-7")
SMS_KEY = bytes(range(24))
# The debug build may have to wait for a processor, and for the lease of one that was killed.
PATIENCE = 120


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(happens, what):
    """Waits until a function answers something true, and answers it."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := happens()):
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)
    return answer


def make_certificates(folder):
    """A private authority, and a certificate of it for this machine."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(name, key, issuer, issuer_key, is_authority):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = certificate("test authority", authority_key, None, authority_key, True)
    leaf = certificate("localhost", key, authority.subject, authority_key, False)
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "mail.pem").write_bytes(leaf.public_bytes(pem))
    (folder / "mail.key").write_bytes(
        key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


class Mail:
    """A mail server that can be stopped, can refuse, and remembers."""

    def __init__(self, folder):
        self.port = free_port()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "mail.pem", folder / "mail.key")
        self.password = LOGIN[1]
        self.answers = {}  # to commands: by recipient, or by None for all others
        self.refused = []
        self.received = []
        self.delay = 0
        self.controller = None
        self.start()

    def start(self):
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self.context,
            require_starttls=True,
            auth_required=True,
            authenticator=self.authenticate,
        )
        self.controller.start()

    def stop(self):
        self.controller.stop()

    def authenticate(self, server, session, envelope, mechanism, data):
        given = (data.login.decode(), data.password.decode())
        is_right = given == (LOGIN[0], self.password)
        # What counts as handled is not answered.
        return AuthResult(success=is_right, handled=is_right)

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.answers.get(address) or self.answers.get(None)
        if answer:
            self.refused.append(address)
            return answer.replace("{}", address)
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(self.delay)
        assert session.ssl is not None and session.authenticated
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.append((envelope.rcpt_tos[0], message))
        return "250 taken"

    def to(self, address):
        return [message for recipient, message in list(self.received) if recipient == address]

    def arrived(self, *addresses):
        """Waits until each address has a mail."""
        missing = lambda: [address for address in addresses if not self.to(address)]
        eventually(lambda: not missing(), lambda: f"no mail for {missing()}")


class Phones(http.server.ThreadingHTTPServer):
    """A server for text messages, which checks who sends them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PhonesHandler)
        self.statuses = []
        self.received = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/send"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class PhonesHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        name, stamp, signature = (self.headers[header] for header in names)
        tag = hmac.new(SMS_KEY, f"{name}.{stamp}.{body}".encode(), hashlib.sha256).digest()
        is_ours = signature == "v1," + base64.b64encode(tag).decode()
        is_fresh = abs(time.time() - int(stamp)) < 300
        status = self.server.statuses.pop(0) if self.server.statuses else 202
        self.server.received.append((status, name, json.loads(body)))
        self.send_response(status if is_ours and is_fresh else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mailer:
    """A webhook of a function that sends mails; it can be stopped."""

    def __init__(self):
        self.arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:mailer"
        self.port = free_port()
        self.received = []
        self.server = None
        self.start()

    def start(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), MailerHandler)
        self.server.received = self.received
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def addresses(self):
        events = [event for _, event in list(self.received)]
        return sorted(event["request"]["userAttributes"]["email"] for event in events)


class MailerHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.received.append((self.headers["webhook-id"], event))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Served:
    """A `poolhouse serve` that can be killed and started again."""

    def __init__(self, folder, mail, phones, mailer):
        self.folder = folder
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        url = os.environ.get("POOLHOUSE_SERVE_DATABASE")
        database = f'url = "{url}"' if url else 'file = "served.db"'
        secret = "whsec_" + base64.b64encode(SMS_KEY).decode()
        (folder / "sms.secret").write_text(secret + "\n")
        (folder / "smtp.secret").write_text(LOGIN[1] + "\n")
        (folder / "poolhouse.toml").write_text(f"""
            listen = "127.0.0.1:{port}"
            region = "{REGION}"
            account_id = "{ACCOUNT}"
            issuer = "{self.endpoint}"
            trusted_proxy = true
            [database]
            {database}
            [master_key]
            file = "served.key"
            [limits]
            rates = false
            [smtp]
            host = "localhost"
            port = {mail.port}
            security = "starttls"
            from = "Pool <pool@example.com>"
            username = "{LOGIN[0]}"
            password_file = "smtp.secret"
            authorities = "authority.pem"
            [sms.webhook]
            url = "{phones.url}"
            secret_file = "sms.secret"
            [log_delivery]
            "arn:aws:logs:{REGION}:{ACCOUNT}:log-group:pool" = "file:pool.jsonl"
            [[functions]]
            arn = "{mailer.arn}"
            webhook = "http://127.0.0.1:{mailer.port}/"
            secret_file = "sms.secret"
        """)
        key = folder / "served.key"
        key.touch(mode=0o600)
        key.write_text(os.urandom(32).hex())
        self.process = None
        self.start()
        printed = self.run("access-key", "create", "--name", "owner")
        values = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
        self.idp = check_every_answer_of(
            boto3.client(
                "cognito-idp",
                region_name=REGION,
                endpoint_url=self.endpoint,
                aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
            )
        )

    def start(self):
        with open(self.folder / "log", "ab") as log:
            arguments = [BINARY, "serve", "--config", "poolhouse.toml"]
            self.process = subprocess.Popen(arguments, cwd=self.folder, stdout=log, stderr=log)
        eventually(self.is_healthy, self.log)

    def is_healthy(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(self.endpoint + "/_poolhouse/health", timeout=20).status_code == 200

    def log(self):
        return (self.folder / "log").read_text()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=60)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)

    def run(self, *arguments):
        command = [BINARY, *arguments, "--config", "poolhouse.toml"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def outbox(self):
        return self.run("messages", "list")

    def is_empty(self, route="EMAIL"):
        return re.search(rf"^{route} +0 waiting; 0 given up$", self.outbox(), re.MULTILINE)


class Shop:
    """A pool that verifies e-mail addresses, and its client."""

    def __init__(self, served, **settings):
        self.idp = served.idp
        settings.setdefault("AutoVerifiedAttributes", ["email"])
        pool = self.idp.create_user_pool(PoolName=unique("pool"), **settings)["UserPool"]
        self.id = pool["Id"]
        flows = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        client = self.idp.create_user_pool_client(
            UserPoolId=self.id,
            ClientName="app",
            ExplicitAuthFlows=flows,
            PreventUserExistenceErrors="ENABLED",
        )
        self.client_id = client["UserPoolClient"]["ClientId"]

    def sign_up(self, address=None, **more):
        """Signs somebody up; answers the address."""
        address = address or f"{unique('user')}@example.com"
        self.idp.sign_up(
            ClientId=self.client_id,
            Username=address.split("@")[0],
            Password=PASSWORD,
            UserAttributes=attributes(email=address, **more),
        )
        return address


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    make_certificates(folder)
    return folder


@pytest.fixture(scope="module")
def mail(folder):
    server = Mail(folder)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def phones():
    server = Phones()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def mailer():
    server = Mailer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def served(folder, mail, phones, mailer):
    server = Served(folder, mail, phones, mailer)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def good_times(mail):
    """After each test the mail server takes everything."""
    yield
    mail.answers, mail.delay, mail.password = {}, 0, LOGIN[1]


@pytest.fixture
def shop(served):
    shop = Shop(served)
    yield shop
    served.idp.delete_user_pool(UserPoolId=shop.id)


def text_of(message):
    return message.get_body(("plain",)).get_content().strip()


def code_in(message):
    return re.search(r"\b\d{6,8}\b", text_of(message)).group()


def test_a_mail_goes_over_tls_and_its_code_works(served, mail, shop):
    address = shop.sign_up()
    mail.arrived(address)
    [message] = mail.to(address)
    assert message["to"] == address and message["from"] == "Pool <pool@example.com>"
    assert re.fullmatch(r"<[0-9a-f-]{36}@example\.com>", message["message-id"])
    assert abs(time.time() - message["date"].datetime.timestamp()) < PATIENCE
    code = code_in(message)
    assert message.get_body(("html",)).get_content().strip() == text_of(message)
    username = address.split("@")[0]
    served.idp.confirm_sign_up(
        ClientId=shop.client_id, Username=username, ConfirmationCode=code
    )
    eventually(served.is_empty, served.outbox)


def test_what_is_refused_for_now_arrives_exactly_once(served, mail, shop):
    mail.answers = {None: "451 come again"}
    addresses = [shop.sign_up() for _ in range(5)]
    eventually(lambda: set(addresses) <= set(mail.refused), lambda: mail.refused)
    assert not any(mail.to(address) for address in addresses)
    mail.answers = {}
    mail.arrived(*addresses)
    eventually(served.is_empty, served.outbox)
    assert [len(mail.to(address)) for address in addresses] == [1] * 5


def test_a_wrong_password_of_ours_loses_no_mail(served, mail, shop):
    # Connections that are kept have logged in before.
    mail.stop()
    mail.password = "changed"
    mail.start()
    address = shop.sign_up()
    eventually(lambda: "permanent error (535)" in served.log(), served.log)
    mail.password = LOGIN[1]
    mail.arrived(address)
    eventually(served.is_empty, served.outbox)


def test_what_is_refused_for_good_is_kept_for_the_operator(served, mail, shop):
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:pool"
    served.idp.set_log_delivery_configuration(
        UserPoolId=shop.id,
        LogConfigurations=[
            {
                "LogLevel": "ERROR",
                "EventSource": "userNotification",
                "CloudWatchLogsConfiguration": {"LogGroupArn": group},
            }
        ],
    )
    mail.answers = {None: "550 5.1.1 <{}> is nobody"}
    address = shop.sign_up()
    eventually(lambda: "1 given up" in served.outbox(), served.outbox)
    shown = served.outbox()
    assert shop.id in shown and "550" in shown and address not in shown
    assert mail.refused.count(address) == 1
    lines = served.folder / "pool.jsonl"
    eventually(lambda: lines.exists() and shop.id in lines.read_text(), served.log)
    [line] = [json.loads(line) for line in lines.read_text().splitlines() if shop.id in line]
    assert line["eventSource"] == "USER_NOTIFICATION" and line["logLevel"] == "ERROR"
    assert line["message"]["details"].startswith("An e-mail could not be delivered: ")
    local = address.split("@")[0]
    for told in (served.log(), lines.read_text(), shown):
        assert local not in told
    mail.answers = {}
    assert "1 messages will be tried again" in served.run("messages", "retry")
    mail.arrived(address)
    eventually(served.is_empty, served.outbox)
    mail.answers = {None: "550 no"}
    shop.sign_up()
    eventually(lambda: "1 given up" in served.outbox(), served.outbox)
    assert "1 messages dropped" in served.run("messages", "drop")
    assert served.is_empty()


def test_an_address_that_makes_no_sense_is_told_at_once(served, shop):
    with refused("CodeDeliveryFailureException", "Message could not be delivered."):
        shop.sign_up("strange@-example-.com")
    assert served.is_empty()


def test_mails_to_deleted_users_are_not_sent(served, mail, shop):
    mail.answers = {None: "451 come again"}
    address, other = shop.sign_up(), shop.sign_up()
    eventually(lambda: address in mail.refused, lambda: mail.refused)
    served.idp.admin_delete_user(UserPoolId=shop.id, Username=address.split("@")[0])
    mail.answers = {}
    mail.arrived(other)
    eventually(served.is_empty, served.outbox)
    assert not mail.to(address)


def test_mails_of_deleted_pools_are_not_sent(served, mail):
    shop = Shop(served)
    mail.answers = {None: "451 come again"}
    address = shop.sign_up()
    eventually(lambda: address in mail.refused, lambda: mail.refused)
    served.idp.delete_user_pool(UserPoolId=shop.id)
    mail.answers = {}
    eventually(served.is_empty, served.outbox)
    assert not mail.to(address)


def test_nobody_gets_a_mail_and_nothing_stays_of_it(served, mail, shop):
    known = shop.sign_up()
    mail.arrived(known)
    before = len(mail.received)
    name = unique("nobody")
    answer = served.idp.resend_confirmation_code(ClientId=shop.client_id, Username=name)
    assert answer["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    served.idp.resend_confirmation_code(ClientId=shop.client_id, Username=known.split("@")[0])
    eventually(lambda: len(mail.to(known)) == 2, lambda: len(mail.received))
    eventually(served.is_empty, served.outbox)
    assert len(mail.received) == before + 1


def test_kill_9_while_the_mail_server_is_down_loses_nothing(served, mail, shop):
    mail.stop()
    addresses = [shop.sign_up() for _ in range(10)]
    served.kill()
    served.start()
    addresses.append(shop.sign_up())
    mail.start()
    mail.arrived(*addresses)
    eventually(served.is_empty, served.outbox)
    assert [len(mail.to(address)) for address in addresses] == [1] * 11


def test_kill_9_while_mails_are_sent_loses_nothing(served, mail, shop):
    mail.delay = 0.2
    addresses = [shop.sign_up() for _ in range(40)]
    eventually(lambda: mail.to(addresses[0]), served.log)
    served.kill()
    # From here on nothing comes that was sent before.
    mail.stop()
    mail.delay = 0
    arrived_before = {address for address in addresses if mail.to(address)}
    mail.start()
    served.start()
    mail.arrived(*addresses)
    eventually(served.is_empty, served.outbox)
    for address in addresses:
        # Those that were on their way when the server died may come twice; it shows.
        assert len({message["message-id"] for message in mail.to(address)}) == 1
    doubles = [address for address in addresses if len(mail.to(address)) > 1]
    assert set(doubles) <= arrived_before and len(doubles) <= 8


def test_kill_9_loses_nothing_that_a_function_is_to_send(served, mailer):
    sender = {"LambdaVersion": "V1_0", "LambdaArn": mailer.arn}
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/codes"
    shop = Shop(served, LambdaConfig={"CustomEmailSender": sender, "KMSKeyID": key})
    mailer.stop()
    addresses = [shop.sign_up() for _ in range(10)]
    served.kill()
    served.start()
    addresses.append(shop.sign_up())
    mailer.start()
    eventually(lambda: len(mailer.received) >= 11, served.outbox)
    eventually(lambda: served.is_empty("FUNCTION"), served.outbox)
    assert mailer.addresses() == sorted(addresses)
    assert len({event_id for event_id, _ in mailer.received}) == 11
    served.idp.delete_user_pool(UserPoolId=shop.id)


def test_a_text_message_is_posted_until_it_is_taken(served, phones):
    caller = {"SnsCallerArn": f"arn:aws:iam::{ACCOUNT}:role/sms", "ExternalId": "tests"}
    shop = Shop(served, AutoVerifiedAttributes=["phone_number"], SmsConfiguration=caller)
    phones.statuses = [503]
    number = "+14155550" + str(time.time_ns())[-5:-2]
    shop.sign_up(phone_number=number)
    posts = lambda: [post for post in list(phones.received) if post[2]["to"] == number]
    eventually(lambda: len(posts()) == 2, served.log)
    (first, first_id, body), (second, second_id, again) = posts()
    assert (first, second) == (503, 202) and first_id == second_id and body == again
    assert body["user_pool_id"] == shop.id and body["kind"] == "SignUp"
    assert re.fullmatch(r"Your verification code is \d{6}", body["text"])
    assert body["expires_at"] > time.time() + 80_000
    assert number not in served.log() and number[-4:] in served.log()
    served.idp.delete_user_pool(UserPoolId=shop.id)


def test_the_code_of_a_sign_in_arrives(served, mail):
    policies = {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}
    shop = Shop(served, Policies=policies)
    address = f"{unique('user')}@example.com"
    username = address.split("@")[0]
    served.idp.admin_create_user(
        UserPoolId=shop.id,
        Username=username,
        MessageAction="SUPPRESS",
        UserAttributes=attributes(email=address, email_verified="true"),
    )

    def begin(name):
        parameters = {"USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP"}
        return served.idp.initiate_auth(
            ClientId=shop.client_id, AuthFlow="USER_AUTH", AuthParameters=parameters
        )

    assert begin(unique("nobody"))["ChallengeName"] == "EMAIL_OTP"
    asked = begin(username)
    mail.arrived(address)
    [message] = mail.to(address)
    answer = served.idp.respond_to_auth_challenge(
        ClientId=shop.client_id,
        ChallengeName="EMAIL_OTP",
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": username, "EMAIL_OTP_CODE": code_in(message)},
    )
    assert "AuthenticationResult" in answer
    eventually(served.is_empty, served.outbox)
    served.idp.delete_user_pool(UserPoolId=shop.id)
