"""User pools and app clients: defaults, what an update leaves alone, refusals, lists, deletion."""

import pytest

from support import post, refused, unique

STANDARD_ATTRIBUTES = {
    "sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username",
    "profile", "picture", "website", "email", "email_verified", "gender", "birthdate", "zoneinfo",
    "locale", "phone_number", "phone_number_verified", "address", "updated_at",
}
NO_SUCH_POOL = "us-east-1_Nowhere00"


def describe(idp, pool):
    return idp.describe_user_pool(UserPoolId=pool.id)["UserPool"]


def describe_client(idp, pool, client_id=None):
    return idp.describe_user_pool_client(
        UserPoolId=pool.id, ClientId=client_id or pool.client_id
    )["UserPoolClient"]


def schema(described):
    return {item["Name"]: item for item in described["SchemaAttributes"]}


# Defaults of a pool


def test_a_pool_id_is_the_region_and_nine_characters(pool):
    region, _, name = pool.id.partition("_")
    assert region == "us-east-1"
    assert len(name) == 9 and name.isalnum()
    assert pool.arn.startswith("arn:aws:cognito-idp:us-east-1:")
    assert pool.arn.endswith(f":userpool/{pool.id}")


@pytest.mark.parametrize(
    "member, expected",
    [
        ("DeletionProtection", "INACTIVE"),
        ("LambdaConfig", {}),
        ("VerificationMessageTemplate", {"DefaultEmailOption": "CONFIRM_WITH_CODE"}),
        ("MfaConfiguration", "OFF"),
        ("EstimatedNumberOfUsers", 0),
        ("EmailConfiguration", {"EmailSendingAccount": "COGNITO_DEFAULT"}),
        ("UserPoolTags", {}),
        ("AdminCreateUserConfig",
         {"AllowAdminCreateUserOnly": False, "UnusedAccountValidityDays": 7}),
        ("UserPoolTier", "ESSENTIALS"),
        ("Policies", {
            "PasswordPolicy": {
                "MinimumLength": 8, "RequireUppercase": True, "RequireLowercase": True,
                "RequireNumbers": True, "RequireSymbols": True,
                "TemporaryPasswordValidityDays": 7,
            },
            "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
        }),
    ],
)
def test_a_bare_pool_has_this_default(pool, idp, member, expected):
    assert describe(idp, pool)[member] == expected


@pytest.mark.parametrize(
    "member",
    ["AccountRecoverySetting", "UsernameConfiguration", "UserPoolAddOns", "DeviceConfiguration",
     "SmsConfiguration", "AliasAttributes", "UsernameAttributes", "AutoVerifiedAttributes",
     "Domain", "CustomDomain", "Status"],
)
def test_a_bare_pool_leaves_this_out(pool, idp, member):
    assert member not in describe(idp, pool)


def test_creation_and_change_time_agree_at_first(pool):
    assert pool.described["CreationDate"] == pool.described["LastModifiedDate"]


def test_the_schema_holds_the_standard_attributes(pool, idp):
    found = schema(describe(idp, pool))
    assert set(found) - {"identities"} == STANDARD_ATTRIBUTES
    assert found["sub"]["Required"] is True
    assert found["sub"]["Mutable"] is False
    assert found["sub"]["StringAttributeConstraints"] == {"MinLength": "1", "MaxLength": "2048"}
    assert found["email"]["StringAttributeConstraints"] == {"MinLength": "0", "MaxLength": "2048"}
    assert found["birthdate"]["StringAttributeConstraints"] == {
        "MinLength": "10", "MaxLength": "10",
    }
    assert found["updated_at"]["NumberAttributeConstraints"] == {"MinValue": "0"}
    assert found["email_verified"]["AttributeDataType"] == "Boolean"
    assert "StringAttributeConstraints" not in found["email_verified"]


def test_two_pools_may_have_the_same_name(make_pool):
    name = unique("same")
    assert make_pool(PoolName=name).id != make_pool(PoolName=name).id


def test_settings_of_creation_are_described(make_pool, idp):
    pool = make_pool(
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        DeviceConfiguration={"ChallengeRequiredOnNewDevice": True},
        UserPoolTags={"team": "identity"},
        UserPoolTier="LITE",
    )
    described = describe(idp, pool)
    assert described["AutoVerifiedAttributes"] == ["email"]
    assert described["UsernameConfiguration"] == {"CaseSensitive": False}
    assert described["DeviceConfiguration"]["ChallengeRequiredOnNewDevice"] is True
    assert described["UserPoolTags"] == {"team": "identity"}
    assert described["UserPoolTier"] == "LITE"


def test_a_standard_attribute_can_be_made_required(make_pool, idp):
    pool = make_pool(Schema=[{"Name": "email", "Required": True}])
    assert schema(describe(idp, pool))["email"]["Required"] is True


def test_an_unknown_pool_is_not_found(idp):
    with refused(
        "ResourceNotFoundException", f"User pool {NO_SUCH_POOL} does not exist."
    ):
        idp.describe_user_pool(UserPoolId=NO_SUCH_POOL)


# UpdateUserPool


def test_an_update_resets_auto_verification_that_it_leaves_out(mail_pool, idp):
    idp.update_user_pool(UserPoolId=mail_pool.id)
    assert describe(idp, mail_pool).get("AutoVerifiedAttributes", []) == []


def test_an_update_keeps_the_mfa_mode_that_it_leaves_out(pool, idp):
    idp.set_user_pool_mfa_config(
        UserPoolId=pool.id,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    idp.update_user_pool(UserPoolId=pool.id)
    assert describe(idp, pool)["MfaConfiguration"] == "OPTIONAL"


def test_an_update_keeps_the_password_policy_beside_a_new_sign_in_policy(make_pool, idp):
    pool = make_pool(Policies={"PasswordPolicy": {"MinimumLength": 12}})
    idp.update_user_pool(
        UserPoolId=pool.id,
        Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}},
    )
    policies = describe(idp, pool)["Policies"]
    assert policies["PasswordPolicy"]["MinimumLength"] == 12
    assert set(policies["SignInPolicy"]["AllowedFirstAuthFactors"]) == {"PASSWORD", "EMAIL_OTP"}


def test_an_update_keeps_the_sign_in_policy_beside_a_new_password_policy(make_pool, idp):
    factors = ["PASSWORD", "EMAIL_OTP"]
    pool = make_pool(Policies={"SignInPolicy": {"AllowedFirstAuthFactors": factors}})
    idp.update_user_pool(
        UserPoolId=pool.id, Policies={"PasswordPolicy": {"MinimumLength": 12}}
    )
    policies = describe(idp, pool)["Policies"]
    assert policies["PasswordPolicy"]["MinimumLength"] == 12
    assert set(policies["SignInPolicy"]["AllowedFirstAuthFactors"]) == set(factors)


def test_an_update_resets_and_keeps_what_it_leaves_out(make_pool, idp, account):
    reset = {
        "LambdaConfig": {"PreSignUp": FUNCTION},
        "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True},
        "AccountRecoverySetting": {
            "RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]
        },
        "UserPoolTags": {"team": "identity"},
        "SmsAuthenticationMessage": "code {####}",
        "EmailVerificationSubject": "subject",
        "EmailConfiguration": {"ReplyToEmailAddress": "reply@example.com"},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
        "DeletionProtection": "ACTIVE",
    }
    kept = {
        "SmsConfiguration": {"SnsCallerArn": f"arn:aws:iam::{account}:role/sms"},
        "DcrConfiguration": {"AllowedScopes": ["openid"]},
        "AcrConfiguration": {"Level1": {"AcrValue": "one"}},
        "IssuerConfiguration": {"Type": "UPDATED"},
        "KeyConfiguration": {"KeyType": "AWS_OWNED_KEY"},
        "UserPoolTier": "PLUS",
    }
    pool = make_pool(**reset, **kept)
    before = describe(idp, pool)
    idp.update_user_pool(UserPoolId=pool.id)
    after = describe(idp, pool)
    for member in ("Name", "Policies", "SchemaAttributes", "MfaConfiguration", *kept):
        assert after[member] == before[member], member
    bare = describe(idp, make_pool())
    for member in reset:
        assert after.get(member) == bare.get(member), member
        assert before[member] != after.get(member), member


def test_an_update_moves_the_change_time(pool, idp, clock):
    before = describe(idp, pool)["LastModifiedDate"]
    clock.advance(10)
    idp.update_user_pool(UserPoolId=pool.id, UserPoolTags={"a": "b"})
    described = describe(idp, pool)
    assert described["LastModifiedDate"] > before
    assert described["CreationDate"] < described["LastModifiedDate"]


def test_an_update_of_an_unknown_pool_is_refused(idp):
    with refused(
        "ResourceNotFoundException", f"User pool {NO_SUCH_POOL} does not exist."
    ):
        idp.update_user_pool(UserPoolId=NO_SUCH_POOL)


# Refusals of CreateUserPool and UpdateUserPool

RECOVERY_DUPLICATES = (
    "Account Recovery Setting cannot have duplicate priorities or recovery mechanisms."
)


def mechanisms(*pairs):
    return {"RecoveryMechanisms": [{"Name": name, "Priority": rank} for name, rank in pairs]}


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"AliasAttributes": ["email"], "UsernameAttributes": ["email"]},
         "Only one of the aliasAttributes or usernameAttributes can be set in a User pool."),
        ({"AutoVerifiedAttributes": ["phone_number"]},
         "SMS configuration is required when phone_number is selected for auto verification"),
        ({"UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]}},
         "All attributes in AttributesRequireVerificationBeforeUpdate must exist in "
         "AutoVerifiedAttributes"),
        ({"AccountRecoverySetting": mechanisms(("admin_only", 1), ("verified_email", 2))},
         "Account Recovery Setting cannot use admin_only setting with any other recovery "
         "mechanisms."),
        ({"AccountRecoverySetting":
          mechanisms(("verified_email", 1), ("verified_phone_number", 1))}, RECOVERY_DUPLICATES),
        ({"AccountRecoverySetting": mechanisms(("verified_email", 1), ("verified_email", 2))},
         RECOVERY_DUPLICATES),
        ({"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}}},
         "Password should be configured as one of the allowed first auth factors."),
        ({"Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"]}}},
         "SMS_OTP can not be configured as AuthFactor as user pool is missing valid SMS "
         "configuration"),
        ({"EmailConfiguration": {"EmailSendingAccount": "DEVELOPER"}},
         "Source ARN is required to use DEVELOPER email sending owner"),
        ({"Schema": [{"Name": "tier", "AttributeDataType": "String", "Required": True}]},
         "Required custom attributes are not supported currently."),
        ({"Schema": [{"Name": "email", "AttributeDataType": "Number"}]},
         "You can not change AttributeDataType or set developerOnlyAttribute for standard schema "
         "attribute email"),
        ({"Schema": [{"Name": "tier", "AttributeDataType": "String"}] * 2},
         "Duplicate custom attribute names custom:tier are not allowed in a user pool schema."),
        ({"Schema": [{"Name": "tier"}]},
         "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."),
        ({"Schema": [{"Name": "rank", "AttributeDataType": "Number",
                      "NumberAttributeConstraints": {"MinValue": "5", "MaxValue": "4"}}]},
         "Attribute custom:rank cannot have a max value smaller than it's min value"),
        ({"Schema": [{"Name": "tier", "AttributeDataType": "String",
                      "StringAttributeConstraints": {"MinLength": "5", "MaxLength": "4"}}]},
         "Attribute custom:tier cannot have a max length shorter than it's min length"),
        ({"Policies": {"PasswordPolicy": {"MinimumLength": 8, "TemporaryPasswordValidityDays": 3}},
          "AdminCreateUserConfig": {"UnusedAccountValidityDays": 5}},
         "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of "
         "UnusedAccountValidityDays"),
        ({"LambdaConfig":
          {"CustomEmailSender": {"LambdaVersion": "V1_0",
                                 "LambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:f"}}},
         "KMSKeyId parameter is required when Custom SMS/Email Lambda trigger is used."),
        ({"LambdaConfig": {"PreSignUp": "arn:aws:lambda:eu-west-1:123456789012:function:f"}},
         "Cross-region lambda functions are not supported"),
        ({"LambdaConfig": {"KMSKeyID": "arn:aws:kms:eu-west-1:123456789012:key/k"}},
         "Encountered error when CreateGrant was attempted on the input KMS key - Invalid arn "
         "eu-west-1"),
        ({"EmailConfiguration":
          {"EmailSendingAccount": "DEVELOPER",
           "SourceArn": "arn:aws:ses:ap-south-1:123456789012:identity/example.com"}},
         "Invalid EmailConfiguration.SourceArn. Provided SourceArn must be in one of the following "
         "SES regions: eu-west-1, us-east-1, us-west-2."),
        ({"AdminCreateUserConfig": {"InviteMessageTemplate": {"SMSMessage": "Welcome aboard."}}},
         "1 validation error detected: Value 'Welcome aboard.' at "
         "'adminCreateUserConfig.inviteMessage.smsMessage' failed to satisfy constraint: Member must "
         r"satisfy regular expression pattern: (?s).*\{####\}(?s).*"),
    ],
)
def test_these_settings_of_a_pool_are_refused(idp, settings, message):
    with refused("InvalidParameterException", message):
        idp.create_user_pool(PoolName="refused", **settings)


def test_a_refused_pool_does_not_come_into_being(idp):
    name = unique("refused")
    with refused("InvalidParameterException"):
        idp.create_user_pool(PoolName=name, AutoVerifiedAttributes=["phone_number"])
    pages = idp.get_paginator("list_user_pools").paginate(MaxResults=60)
    assert name not in [pool["Name"] for page in pages for pool in page["UserPools"]]


FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


def test_tokens_are_customised_above_the_lite_tier_only(idp):
    with refused(
        "FeatureUnavailableInTierException",
        "The following features need to be disabled for the LITE pricing tier configured: "
        "Token Customization with Pre-Token Generation Lambda V2_0",
    ):
        idp.create_user_pool(
            PoolName="refused",
            UserPoolTier="LITE",
            LambdaConfig={
                "PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": FUNCTION}
            },
        )


def test_passkeys_belong_to_a_bare_name(pool, idp):
    for name in ("https://example.com", "example.com:443"):
        with refused(
            "InvalidParameterException", "RelyingPartyId contains invalid characters"
        ):
            idp.set_user_pool_mfa_config(
                UserPoolId=pool.id, WebAuthnConfiguration={"RelyingPartyId": name}
            )
    assert "WebAuthnConfiguration" not in idp.get_user_pool_mfa_config(UserPoolId=pool.id)


def test_passwordless_factors_are_refused_in_the_lite_tier(idp):
    with refused(
        "FeatureUnavailableInTierException",
        "The following features need to be disabled for the LITE pricing tier configured: "
        "Passwordless Sign-In",
    ):
        idp.create_user_pool(
            PoolName="refused",
            UserPoolTier="LITE",
            Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}},
        )


def test_an_update_is_refused_for_what_a_creation_is_refused_for(pool, idp):
    with refused(
        "InvalidParameterException",
        "SMS configuration is required when phone_number is selected for auto verification",
    ):
        idp.update_user_pool(UserPoolId=pool.id, AutoVerifiedAttributes=["phone_number"])


def test_mfa_cannot_be_required_beside_first_factors_by_mail(make_pool, idp):
    pool = make_pool(
        Policies={"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}}
    )
    with refused(
        "InvalidParameterException",
        "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is "
        "enabled",
    ):
        idp.set_user_pool_mfa_config(
            UserPoolId=pool.id,
            MfaConfiguration="ON",
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )


# AddCustomAttributes


def test_a_custom_attribute_is_added_with_its_prefix(pool, idp):
    idp.add_custom_attributes(
        UserPoolId=pool.id,
        CustomAttributes=[
            {"Name": "tier", "AttributeDataType": "String",
             "StringAttributeConstraints": {"MaxLength": "10"}}
        ],
    )
    added = schema(describe(idp, pool))["custom:tier"]
    assert added["AttributeDataType"] == "String"
    assert added["Required"] is False
    assert added["StringAttributeConstraints"] == {"MaxLength": "10"}


@pytest.mark.belief
def test_a_custom_attribute_that_exists_is_refused(pool, idp):
    tier = [{"Name": "tier", "AttributeDataType": "String"}]
    idp.add_custom_attributes(UserPoolId=pool.id, CustomAttributes=tier)
    with refused(
        "InvalidParameterException",
        "custom:tier: Existing attribute already has name custom:tier.",
    ):
        idp.add_custom_attributes(UserPoolId=pool.id, CustomAttributes=tier)


def test_custom_attributes_are_added_all_or_none(pool, idp):
    with refused("InvalidParameterException"):
        idp.add_custom_attributes(
            UserPoolId=pool.id,
            CustomAttributes=[
                {"Name": "good", "AttributeDataType": "String"},
                {"Name": "bad", "AttributeDataType": "String", "Required": True},
            ],
        )
    assert "custom:good" not in schema(describe(idp, pool))


def test_a_value_longer_than_its_attribute_allows_is_refused(pool, idp):
    idp.add_custom_attributes(
        UserPoolId=pool.id,
        CustomAttributes=[
            {"Name": "tier", "AttributeDataType": "String", "Mutable": True,
             "StringAttributeConstraints": {"MaxLength": "4"}}
        ],
    )
    with refused("InvalidParameterException"):
        pool.make_user(custom__tier="golden")


# Lists and deletion


def test_pools_are_listed_in_pages_and_each_once(make_pool, idp):
    made = {make_pool().id for _ in range(3)}
    seen, token = [], {}
    while True:
        page = idp.list_user_pools(MaxResults=1, **token)
        assert len(page["UserPools"]) <= 1
        seen += [pool["Id"] for pool in page["UserPools"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert made <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_listed_pool_has_these_members(pool, idp):
    pages = idp.get_paginator("list_user_pools").paginate(MaxResults=60)
    listed = next(item for page in pages for item in page["UserPools"] if item["Id"] == pool.id)
    assert set(listed) == {"Id", "Name", "LambdaConfig", "LastModifiedDate", "CreationDate"}


def test_clients_are_listed_in_pages_and_each_once(pool, idp):
    made = {pool.client_id, *(pool.make_client()["ClientId"] for _ in range(4))}
    seen, pages, token = [], 0, {}
    while True:
        page = idp.list_user_pool_clients(UserPoolId=pool.id, MaxResults=2, **token)
        seen += [client["ClientId"] for client in page["UserPoolClients"]]
        pages += 1
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert sorted(seen) == sorted(made)
    assert pages >= 3


def test_a_listed_client_does_not_show_its_secret(pool, idp):
    secret = pool.make_client(GenerateSecret=True)
    listed = idp.list_user_pool_clients(UserPoolId=pool.id, MaxResults=60)["UserPoolClients"]
    assert sorted(client["ClientId"] for client in listed) == sorted([pool.client_id, secret["ClientId"]])
    assert secret["ClientSecret"]
    for client in listed:
        assert set(client) == {"ClientId", "UserPoolId", "ClientName"}


@pytest.mark.parametrize("operation", ["list_user_pools", "list_user_pool_clients"])
def test_a_page_token_made_up_by_the_client_is_refused(pool, idp, operation):
    scope = {"UserPoolId": pool.id} if operation.endswith("clients") else {}
    with refused("InvalidParameterException"):
        getattr(idp, operation)(MaxResults=1, NextToken="made-up", **scope)


def test_a_deleted_pool_is_gone(pool, idp):
    idp.delete_user_pool(UserPoolId=pool.id)
    with refused("ResourceNotFoundException", f"User pool {pool.id} does not exist."):
        idp.describe_user_pool(UserPoolId=pool.id)


def test_the_clients_of_a_deleted_pool_are_gone_too(pool, idp):
    idp.delete_user_pool(UserPoolId=pool.id)
    with refused(
        "ResourceNotFoundException", f"User pool client {pool.client_id} does not exist."
    ):
        pool.begin("jo")


@pytest.mark.belief
def test_a_protected_pool_cannot_be_deleted_until_the_protection_ends(make_pool, idp):
    pool = make_pool(DeletionProtection="ACTIVE")
    with refused(
        "InvalidParameterException",
        "The user pool cannot be deleted because deletion protection is activated. Deletion "
        "protection must be inactivated first.",
    ):
        idp.delete_user_pool(UserPoolId=pool.id)
    idp.update_user_pool(UserPoolId=pool.id, DeletionProtection="INACTIVE")
    idp.delete_user_pool(UserPoolId=pool.id)


# Defaults of an app client


def bare_client(idp, pool, **settings):
    return idp.create_user_pool_client(
        UserPoolId=pool.id, ClientName="bare", **settings
    )["UserPoolClient"]


@pytest.mark.parametrize(
    "member, expected",
    [
        ("RefreshTokenValidity", 30),
        ("TokenValidityUnits", {}),
        ("AllowedOAuthFlowsUserPoolClient", False),
        ("EnableTokenRevocation", True),
        ("EnablePropagateAdditionalUserContextData", False),
        ("AuthSessionValidity", 3),
    ],
)
def test_a_bare_client_has_this_default(pool, idp, member, expected):
    client = bare_client(idp, pool)
    assert client[member] == expected
    assert describe_client(idp, pool, client["ClientId"])[member] == expected


@pytest.mark.parametrize(
    "member",
    ["ExplicitAuthFlows", "AccessTokenValidity", "IdTokenValidity", "ReadAttributes",
     "WriteAttributes", "SupportedIdentityProviders", "CallbackURLs", "LogoutURLs",
     "AllowedOAuthFlows", "AllowedOAuthScopes", "DefaultRedirectURI", "AnalyticsConfiguration",
     "RefreshTokenRotation", "ClientSecret"],
)
def test_a_bare_client_leaves_this_out(pool, idp, member):
    assert member not in bare_client(idp, pool)


def test_a_client_id_is_written_in_base_32(pool):
    assert 20 <= len(pool.client_id) <= 26
    assert set(pool.client_id) <= set("0123456789abcdefghijklmnopqrstuv")


def test_a_bare_client_allows_srp_but_not_plain_passwords(pool, idp):
    client_id = bare_client(idp, pool)["ClientId"]
    username = pool.make_user()
    with refused(
        "InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled for this client"
    ):
        pool.begin(username, client_id=client_id)
    answer = idp.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": username, "SRP_A": "c02a16" * 100},
    )
    assert answer["ChallengeName"] == "PASSWORD_VERIFIER"


def test_a_generated_secret_is_described_in_clear(pool, idp):
    client = pool.make_client(GenerateSecret=True)
    assert len(client["ClientSecret"]) >= 24
    described = describe_client(idp, pool, client["ClientId"])
    assert described["ClientSecret"] == client["ClientSecret"]


def test_the_refresh_token_validity_of_zero_means_thirty_days(pool, idp):
    assert bare_client(idp, pool, RefreshTokenValidity=0)["RefreshTokenValidity"] == 30


# UpdateUserPoolClient


def test_an_update_resets_what_it_leaves_out(pool, idp):
    client = pool.make_client(ReadAttributes=["email"], AuthSessionValidity=10)
    updated = idp.update_user_pool_client(UserPoolId=pool.id, ClientId=client["ClientId"])
    for member in ("ExplicitAuthFlows", "ReadAttributes"):
        assert member not in updated["UserPoolClient"]
    assert updated["UserPoolClient"]["AuthSessionValidity"] == 3


def test_an_update_keeps_name_secret_and_creation_time(pool, idp):
    client = pool.make_client(GenerateSecret=True)
    updated = idp.update_user_pool_client(
        UserPoolId=pool.id, ClientId=client["ClientId"], RefreshTokenValidity=5
    )["UserPoolClient"]
    assert updated["RefreshTokenValidity"] == 5
    described = describe_client(idp, pool, client["ClientId"])
    for member in ("ClientName", "ClientSecret", "CreationDate"):
        assert described[member] == client[member]


# Refusals of CreateUserPoolClient


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"AllowedOAuthFlowsUserPoolClient": True},
         "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to "
         "use OAuth flows."),
        ({"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "USER_PASSWORD_AUTH"]},
         "Auth flow name with prefix 'ALLOW' cannot be used with legacy auth flow names."),
        ({"EnablePropagateAdditionalUserContextData": True},
         "Client Secret is required to set EnablePropagateAdditionalUserContextData as true"),
        ({"AccessTokenValidity": 25}, "Invalid range for token validity."),
        ({"AccessTokenValidity": 4, "TokenValidityUnits": {"AccessToken": "minutes"}},
         "Invalid range for token validity."),
        ({"RefreshTokenValidity": 59, "TokenValidityUnits": {"RefreshToken": "minutes"}},
         "Invalid range for token validity."),
        ({"AccessTokenValidity": 2, "RefreshTokenValidity": 1,
          "TokenValidityUnits": {"AccessToken": "hours", "RefreshToken": "hours"}},
         "Access and Id Token expiration times must be less than or equal to refresh token "
         "expiration times."),
        ({"ReadAttributes": ["nonsense"]},
         "Invalid read attributes specified while creating a client"),
        ({"WriteAttributes": ["nonsense"]},
         "Invalid write attributes specified while creating a client"),
        ({"WriteAttributes": ["email_verified"]},
         "Invalid write attributes specified while creating a client"),
        ({"CallbackURLs": ["http://example.com/back"]},
         "http://example.com/back cannot use the HTTP protocol."),
        ({"CallbackURLs": ["https://example.com/back#part"]},
         "https://example.com/back#part cannot use fragment"),
        ({"CallbackURLs": ["https://example.com/a"], "DefaultRedirectURI": "https://example.com/b"},
         "The default redirect URI https://example.com/b is not in the callback URIs list."),
        ({"AnalyticsConfiguration":
          {"ApplicationArn": "arn:aws:mobiletargeting:eu-west-1:123456789012:apps/a"}},
         "The integration with Pinpoint is not supported for the requested eu-west-1 region."),
        ({"AnalyticsConfiguration": {"ApplicationId": "ab"}},
         "Invalid analytics configuration given, either <application arn> or <application id, role "
         "arn, external id> are valid"),
        ({"GenerateSecret": True, "ClientSecret": "own_secret_of_30_characters_00"},
         "GenerateSecret and ClientSecret can not be set together."),
    ],
)
def test_these_settings_of_a_client_are_refused(pool, idp, settings, message):
    with refused("InvalidParameterException", message):
        bare_client(idp, pool, **settings)


def test_an_identity_provider_that_does_not_exist_is_refused(pool, idp):
    message = f"The provider Nowhere does not exist for User Pool {pool.id}."
    with refused("InvalidParameterException", message):
        bare_client(idp, pool, SupportedIdentityProviders=["Nowhere"])


def test_write_attributes_must_hold_the_required_ones(make_pool, idp):
    pool = make_pool(Schema=[{"Name": "name", "Required": True}])
    with refused(
        "InvalidParameterException", "Invalid write attributes specified while creating a client"
    ):
        bare_client(idp, pool, WriteAttributes=["email"])


def test_the_code_flow_needs_a_callback(pool, idp):
    with refused(
        "InvalidOAuthFlowException",
        "CallbackUrls can not be empty when code flow or implicit flow is selected",
    ):
        bare_client(
            idp, pool,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid"],
        )


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"AllowedOAuthFlows": ["client_credentials", "code"], "GenerateSecret": True},
         "client_credentials flow can not be selected along with code flow or implicit flow."),
        ({}, "client_credentials flow can not be selected if client does not have a client secret."),
        ({"GenerateSecret": True}, "openid is not supported with client_credentials flow"),
    ],
)
def test_a_machine_s_flow_is_refused_to_these_clients(pool, idp, settings, message):
    machine = {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["openid"],
    }
    with refused("InvalidOAuthFlowException", message):
        bare_client(idp, pool, **{**machine, **settings})


def test_a_scope_that_does_not_exist_is_refused(pool, idp):
    with refused("ScopeDoesNotExistException", "Invalid scope requested: orders/read"):
        bare_client(
            idp, pool,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["orders/read"],
            CallbackURLs=["https://example.com/back"],
        )


def test_an_update_names_itself_when_it_refuses_write_attributes(pool, idp):
    with refused(
        "InvalidParameterException", "Invalid write attributes specified while updating a client"
    ):
        idp.update_user_pool_client(
            UserPoolId=pool.id, ClientId=pool.client_id, WriteAttributes=["nonsense"]
        )


def test_rotation_and_the_refresh_flow_exclude_each_other(pool, idp):
    with refused("InvalidParameterException"):
        pool.make_client(RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 0})


def test_an_unknown_client_is_not_found(pool, idp):
    with refused("ResourceNotFoundException", "User pool client 1nowhere does not exist."):
        describe_client(idp, pool, "1nowhere")


def test_a_client_of_another_pool_is_not_found(make_pool, idp):
    one, other = make_pool(), make_pool()
    with refused(
        "ResourceNotFoundException", f"User pool client {other.client_id} does not exist."
    ):
        describe_client(idp, one, other.client_id)


def test_a_deleted_client_is_gone(pool, idp):
    idp.delete_user_pool_client(UserPoolId=pool.id, ClientId=pool.client_id)
    with refused(
        "ResourceNotFoundException", f"User pool client {pool.client_id} does not exist."
    ):
        pool.begin("jo")


def test_a_client_of_an_unknown_pool_is_refused(idp):
    with refused(
        "ResourceNotFoundException", f"User pool {NO_SUCH_POOL} does not exist."
    ):
        idp.create_user_pool_client(UserPoolId=NO_SUCH_POOL, ClientName="c")


@pytest.mark.parametrize(
    "body, message",
    [
        ({}, "1 validation error detected: Value null at 'poolName' failed to satisfy constraint: "
             "Member must not be null"),
        ({"PoolName": "p", "Policies": {"PasswordPolicy": {"MinimumLength": 5}}},
         "1 validation error detected: Value '5' at 'policies.passwordPolicy.minimumLength' failed "
         "to satisfy constraint: Member must have value greater than or equal to 6"),
    ],
)
def test_a_pool_that_breaks_the_model_is_a_validation_error(endpoint, body, message):
    answer = post(endpoint, "CreateUserPool", body)
    assert answer.status_code == 400
    assert answer.json() == {"__type": "InvalidParameterException", "message": message}
