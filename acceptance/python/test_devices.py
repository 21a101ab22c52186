"""Devices: confirming, remembering, signing in with one, forgetting."""

import pytest
from pycognito.aws_srp import AWSSRP, generate_hash_device

from support import PASSWORD, WRONG_PASSWORD, Authenticator, as_dict, claims_of, refused, unique

ALWAYS = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": False}
OPT_IN = {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": True}

GONE = ("ResourceNotFoundException", "Device does not exist.")
BAD_REFRESH_TOKEN = ("NotAuthorizedException", "Invalid Refresh Token.")
UNKNOWN_KEY = "us-east-1_00000000-0000-4000-8000-000000000000"


class Device:
    """What a client keeps of a device, beside the tokens of the sign-in that made it."""

    def __init__(self, pool, username, tokens, name=None):
        metadata = tokens["NewDeviceMetadata"]
        self.pool, self.username, self.tokens = pool, username, tokens
        self.key, self.group_key = metadata["DeviceKey"], metadata["DeviceGroupKey"]
        self.password, self.verifier = generate_hash_device(self.group_key, self.key)
        self.name = name

    @property
    def token(self):
        return self.tokens["AccessToken"]

    def confirm(self, **overrides):
        request = {
            "AccessToken": self.token,
            "DeviceKey": self.key,
            "DeviceSecretVerifierConfig": self.verifier,
            **({"DeviceName": self.name} if self.name else {}),
            **overrides,
        }
        return self.pool.idp.confirm_device(**request)

    def remember(self, status="remembered"):
        return self.pool.idp.update_device_status(
            AccessToken=self.token, DeviceKey=self.key, DeviceRememberedStatus=status
        )

    def get(self):
        return self.pool.idp.get_device(AccessToken=self.token, DeviceKey=self.key)["Device"]

    def begin(self):
        """The answer of USER_PASSWORD_AUTH on this device."""
        return self.pool.idp.initiate_auth(
            ClientId=self.pool.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={
                "USERNAME": self.username,
                "PASSWORD": PASSWORD,
                "DEVICE_KEY": self.key,
            },
        )

    def srp(self, password=PASSWORD, device_password=None):
        """pycognito's SRP client on this device."""
        return AWSSRP(
            username=self.username,
            password=password,
            pool_id=self.pool.id,
            client_id=self.pool.client_id,
            client=self.pool.idp,
            device_key=self.key,
            device_group_key=self.group_key,
            device_password=device_password or self.password,
        )

    def refresh(self, key=None):
        parameters = {"REFRESH_TOKEN": self.tokens["RefreshToken"]}
        return self.pool.idp.initiate_auth(
            ClientId=self.pool.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={**parameters, **({"DEVICE_KEY": key} if key else {})},
        )


@pytest.fixture
def tracking(make_pool):
    """A pool in which every confirmed device is remembered."""
    return make_pool(DeviceConfiguration=ALWAYS)


@pytest.fixture
def asking(make_pool):
    """A pool in which users are asked whether a device shall be remembered."""
    return make_pool(DeviceConfiguration=OPT_IN)


def new_device(pool, username=None, name=None):
    """An unconfirmed device."""
    username = username or pool.make_user()
    return Device(pool, username, pool.sign_in(username), name)


def confirmed_device(pool, username=None, name=None):
    device = new_device(pool, username, name)
    device.confirm()
    return device


def require_totp(pool, device, clock):
    """Sets up TOTP for the device's user, then requires it of everybody. Answers the authenticator."""

    def offer(mfa):
        pool.idp.set_user_pool_mfa_config(
            UserPoolId=pool.id,
            MfaConfiguration=mfa,
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )

    offer("OPTIONAL")
    associated = pool.idp.associate_software_token(AccessToken=device.token)
    authenticator = Authenticator(associated["SecretCode"], clock)
    code = authenticator.fresh_code()
    pool.idp.verify_software_token(AccessToken=device.token, UserCode=code)
    offer("ON")
    return authenticator


def keys(answer):
    return [device["DeviceKey"] for device in answer["Devices"]]


# Keys, confirmation


def test_a_pool_without_tracking_hands_out_no_device(pool):
    tokens = pool.sign_in(pool.make_user())
    assert "NewDeviceMetadata" not in tokens
    assert "device_key" not in claims_of(tokens["AccessToken"])


def test_each_sign_in_without_a_key_gets_one(tracking):
    username = tracking.make_user()
    first, second = new_device(tracking, username), new_device(tracking, username)
    assert first.key.startswith("us-east-1_") and first.key != second.key
    assert first.group_key.startswith("-") and len(first.group_key) == 9
    assert claims_of(first.token)["device_key"] == first.key
    assert "device_key" not in claims_of(first.tokens["IdToken"])


def test_a_first_password_ends_with_a_device_too(tracking):
    username = tracking.make_new_user()
    challenge = tracking.begin(username)
    answer = tracking.answer(
        "NEW_PASSWORD_REQUIRED", username, challenge["Session"], NEW_PASSWORD="Other-Horse-9!"
    )
    assert "NewDeviceMetadata" in answer["AuthenticationResult"]


def test_a_confirmed_device_shows_all_its_attributes(tracking, account):
    device = confirmed_device(tracking, name="phone")
    shown = device.get()
    owner = f"{device.username}.{tracking.id}"
    attributes = as_dict(shown["DeviceAttributes"])
    assert attributes == {
        "device_status": "valid",
        "device_name": "phone",
        "dev:device_arn": f"arn:aws:cognito-idp:us-east-1:{account}:owner/{owner}/device/{device.key}",
        "dev:device_owner": owner,
        "last_ip_used": "127.0.0.1",
        "dev:device_remembered_status": "remembered",
        "dev:device_sdk": "aws-sdk",
    }
    assert shown["DeviceKey"] == device.key
    assert shown["DeviceCreateDate"] == shown["DeviceLastModifiedDate"]
    assert shown["DeviceLastAuthenticatedDate"].microsecond == 0
    of_admin = tracking.idp.admin_get_device(
        UserPoolId=tracking.id, Username=device.username, DeviceKey=device.key
    )
    assert of_admin["Device"] == shown


def test_a_device_without_a_name_has_none(tracking):
    assert "device_name" not in as_dict(confirmed_device(tracking).get()["DeviceAttributes"])


def test_the_user_is_asked_where_the_pool_says_so(tracking, asking):
    assert new_device(tracking).confirm()["UserConfirmationNecessary"] is False
    assert new_device(asking).confirm()["UserConfirmationNecessary"] is True


def test_a_device_can_be_confirmed_once(tracking):
    device = confirmed_device(tracking)
    with refused("DeviceKeyExistsException"):
        device.confirm()


def test_another_key_than_that_of_the_token_is_refused(tracking):
    device = new_device(tracking)
    other = new_device(tracking, device.username)
    with refused("InvalidParameterException", "Invalid device key given."):
        device.confirm(DeviceKey=other.key)


@pytest.mark.parametrize(
    "verifier",
    [{}, {"Salt": "Ag=="}, {"PasswordVerifier": "Ag=="}, {"Salt": "Ag==", "PasswordVerifier": "AA=="}],
)
def test_a_verifier_is_needed(tracking, verifier):
    with refused("InvalidParameterException"):
        new_device(tracking).confirm(DeviceSecretVerifierConfig=verifier)


def test_operations_on_devices_need_tracking(pool):
    username = pool.make_user()
    token = pool.sign_in(username)["AccessToken"]
    own = {"AccessToken": token, "DeviceKey": UNKNOWN_KEY}
    admin = {"UserPoolId": pool.id, "Username": username, "DeviceKey": UNKNOWN_KEY}
    for call in [
        lambda: pool.idp.confirm_device(**own),
        lambda: pool.idp.get_device(**own),
        lambda: pool.idp.list_devices(AccessToken=token),
        lambda: pool.idp.update_device_status(**own),
        lambda: pool.idp.forget_device(**own),
        lambda: pool.idp.admin_get_device(**admin),
        lambda: pool.idp.admin_list_devices(UserPoolId=pool.id, Username=username),
        lambda: pool.idp.admin_update_device_status(**admin),
        lambda: pool.idp.admin_forget_device(**admin),
    ]:
        with refused("InvalidUserPoolConfigurationException"):
            call()


# Lists, status, forgetting


def test_lists_go_through_three_pages(tracking):
    username = tracking.make_user()
    devices = [confirmed_device(tracking, username) for _ in range(5)]
    expected = sorted(device.key for device in devices)
    own = {"AccessToken": devices[0].token}
    admin = {"UserPoolId": tracking.id, "Username": username}
    for operation, request in [
        (tracking.idp.list_devices, own),
        (tracking.idp.admin_list_devices, admin),
    ]:
        pages, more = [], {}
        while True:
            answer = operation(**request, Limit=2, **more)
            pages.append(keys(answer))
            if "PaginationToken" not in answer:
                break
            more = {"PaginationToken": answer["PaginationToken"]}
        assert [len(page) for page in pages] == [2, 2, 1]
        assert sum(pages, []) == expected
        with refused("InvalidParameterException"):
            operation(**request, PaginationToken="nonsense")


def test_where_users_are_asked_they_see_what_they_remember(asking):
    device = confirmed_device(asking)
    listed = lambda: asking.idp.list_devices(AccessToken=device.token)
    assert keys(listed()) == []
    device.remember()
    assert keys(listed()) == [device.key]
    assert list(as_dict(listed()["Devices"][0]["DeviceAttributes"])) == ["device_status", "last_ip_used"]
    device.remember("not_remembered")
    assert keys(listed()) == []
    of_admin = asking.idp.admin_list_devices(UserPoolId=asking.id, Username=device.username)
    assert keys(of_admin) == [device.key]


def test_an_administrator_changes_the_status(tracking):
    device = confirmed_device(tracking)
    tracking.idp.admin_update_device_status(
        UserPoolId=tracking.id,
        Username=device.username,
        DeviceKey=device.key,
        DeviceRememberedStatus="not_remembered",
    )
    status = as_dict(device.get()["DeviceAttributes"])["dev:device_remembered_status"]
    assert status == "not_remembered"


def test_a_forgotten_device_is_gone(tracking):
    device = confirmed_device(tracking)
    other = confirmed_device(tracking, device.username)
    tracking.idp.forget_device(AccessToken=device.token, DeviceKey=device.key)
    for gone in [
        device.get,
        device.remember,
        lambda: tracking.idp.forget_device(AccessToken=device.token, DeviceKey=device.key),
        lambda: tracking.idp.forget_device(DeviceKey=other.key),
        lambda: tracking.idp.get_device(DeviceKey=other.key),
        device.begin,
    ]:
        with refused(*GONE):
            gone()
    with refused(*BAD_REFRESH_TOKEN):
        device.refresh(device.key)
    assert keys(tracking.idp.list_devices(AccessToken=other.token)) == [other.key]
    # Without the key a sign-in works, and makes another device.
    assert new_device(tracking, device.username).key != device.key


def test_an_administrator_forgets_a_device(tracking):
    device = confirmed_device(tracking)
    named = {"UserPoolId": tracking.id, "Username": device.username, "DeviceKey": device.key}
    tracking.idp.admin_forget_device(**named)
    with refused(*GONE):
        tracking.idp.admin_forget_device(**named)
    with refused(*GONE):
        tracking.idp.admin_get_device(**named)
    with refused(*GONE):
        tracking.idp.admin_update_device_status(**named, DeviceRememberedStatus="remembered")


def test_users_and_pools_must_exist(tracking):
    nobody = {"UserPoolId": tracking.id, "Username": unique("nobody")}
    with refused("ResourceNotFoundException", "User does not exist."):
        tracking.idp.admin_list_devices(**nobody)
    with refused("ResourceNotFoundException", "User does not exist."):
        tracking.idp.admin_get_device(**nobody, DeviceKey=UNKNOWN_KEY)
    with refused("UserNotFoundException", "User does not exist."):
        tracking.idp.admin_forget_device(**nobody, DeviceKey=UNKNOWN_KEY)
    with refused("UserNotFoundException", "User does not exist."):
        tracking.idp.admin_update_device_status(**nobody, DeviceKey=UNKNOWN_KEY)
    with refused("ResourceNotFoundException", "User pool us-east-1_None does not exist."):
        tracking.idp.admin_list_devices(UserPoolId="us-east-1_None", Username="x")


# Refresh


def test_refresh_tokens_are_tied_to_their_device(tracking):
    device = new_device(tracking)
    with refused(*BAD_REFRESH_TOKEN):
        device.refresh(device.key)
    device.confirm()
    other = confirmed_device(tracking, device.username)
    for key in [None, other.key, UNKNOWN_KEY]:
        with refused(*BAD_REFRESH_TOKEN):
            device.refresh(key)
    result = device.refresh(device.key)["AuthenticationResult"]
    assert claims_of(result["AccessToken"])["device_key"] == device.key
    assert "NewDeviceMetadata" not in result
    request = {"ClientId": tracking.client_id, "RefreshToken": device.tokens["RefreshToken"]}
    with refused(*BAD_REFRESH_TOKEN):
        tracking.idp.get_tokens_from_refresh_token(**request)
    tracking.idp.get_tokens_from_refresh_token(**request, DeviceKey=device.key)


# Signing in


def test_pycognito_signs_in_with_a_remembered_device(tracking):
    device = confirmed_device(tracking)
    for _ in range(3):
        result = device.srp().authenticate_user()["AuthenticationResult"]
        assert "NewDeviceMetadata" not in result
        assert claims_of(result["AccessToken"])["device_key"] == device.key


def test_pycognito_with_many_devices_whose_salts_differ(tracking):
    username = tracking.make_user()
    for _ in range(10):
        assert confirmed_device(tracking, username).srp().authenticate_user()


def test_a_wrong_device_password_is_refused(tracking):
    device = confirmed_device(tracking)
    with refused("NotAuthorizedException", "Incorrect username or password."):
        device.srp(device_password="wrong").authenticate_user()
    with refused("NotAuthorizedException", "Incorrect username or password."):
        device.srp(password=WRONG_PASSWORD).authenticate_user()


def test_a_plain_password_leads_to_the_device_challenge_too(tracking):
    device = confirmed_device(tracking)
    challenge = device.begin()
    assert challenge["ChallengeName"] == "DEVICE_SRP_AUTH"
    assert challenge["ChallengeParameters"] == {}
    srp = device.srp()
    verifier = tracking.answer(
        "DEVICE_SRP_AUTH",
        device.username,
        challenge["Session"],
        DEVICE_KEY=device.key,
        SRP_A=f"{srp.large_a_value:x}",
    )
    assert verifier["ChallengeName"] == "DEVICE_PASSWORD_VERIFIER"
    assert set(verifier["ChallengeParameters"]) == {
        "SALT", "SRP_B", "SECRET_BLOCK", "USERNAME", "DEVICE_KEY",
    }
    proof = srp.process_device_challenge(verifier["ChallengeParameters"])
    answer = tracking.idp.respond_to_auth_challenge(
        ClientId=tracking.client_id,
        ChallengeName="DEVICE_PASSWORD_VERIFIER",
        Session=verifier["Session"],
        ChallengeResponses=proof,
    )
    assert answer["AuthenticationResult"]["RefreshToken"]


def test_a_device_password_alone_signs_nobody_in(tracking):
    device = confirmed_device(tracking)
    with refused("InvalidParameterException", "Missing required parameter Session"):
        tracking.idp.respond_to_auth_challenge(
            ClientId=tracking.client_id,
            ChallengeName="DEVICE_SRP_AUTH",
            ChallengeResponses={
                "USERNAME": device.username, "DEVICE_KEY": device.key, "SRP_A": "2",
            },
        )


def test_a_remembered_device_replaces_totp_and_another_does_not(asking, clock):
    device = confirmed_device(asking)
    authenticator = require_totp(asking, device, clock)
    # SRP clients stamp with this machine's time, which the server has left behind: only passwords here.
    assert device.begin()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    device.remember()
    assert device.begin()["ChallengeName"] == "DEVICE_SRP_AUTH"
    challenge = asking.begin(device.username)
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    code = authenticator.fresh_code()
    answer = asking.answer(
        "SOFTWARE_TOKEN_MFA", device.username, challenge["Session"], SOFTWARE_TOKEN_MFA_CODE=code
    )
    assert answer["AuthenticationResult"]["NewDeviceMetadata"]["DeviceKey"] != device.key


def test_mfa_comes_before_a_device_that_does_not_replace_it(make_pool, clock):
    pool = make_pool(DeviceConfiguration={"ChallengeRequiredOnNewDevice": False})
    device = confirmed_device(pool)
    authenticator = require_totp(pool, device, clock)
    challenge = device.begin()
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    answer = pool.answer(
        "SOFTWARE_TOKEN_MFA",
        device.username,
        challenge["Session"],
        SOFTWARE_TOKEN_MFA_CODE=authenticator.fresh_code(),
    )
    assert answer["ChallengeName"] == "DEVICE_SRP_AUTH"
