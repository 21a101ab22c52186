"""Sign-up, recovery, passwords, attribute verification, and what an administrator does with users."""

import pytest

from support import (
    OTHER_PASSWORD,
    PASSWORD,
    Pool,
    WRONG_PASSWORD,
    as_dict,
    attributes,
    post,
    refused,
    unique,
    unique_email,
)

WRONG_CODE = "Invalid verification code provided, please try again."
EXPIRED_CODE = "Invalid code provided, please request a code again."
NO_CLIENT_USER = "Username/client id combination not found."
NO_USER = "User does not exist."
BAD_LOGIN = "Incorrect username or password."
TOO_OFTEN = "Attempt limit exceeded, please try after some time."
CANNOT_RESET = "User password cannot be reset in the current state."
NO_CONTACT = (
    "Cannot reset password for the user as there is no registered/verified email or phone_number"
)
DAY = 24 * 3600
HOUR = 3600


def another(code):
    """A six-digit code other than this one."""
    return "000000" if code != "000000" else "111111"


def confirm(pool, username, code, **more):
    return pool.idp.confirm_sign_up(
        ClientId=pool.client_id, Username=username, ConfirmationCode=code, **more
    )


def forgot(pool, username):
    return pool.idp.forgot_password(ClientId=pool.client_id, Username=username)


def confirm_forgot(pool, username, code, password=OTHER_PASSWORD):
    return pool.idp.confirm_forgot_password(
        ClientId=pool.client_id, Username=username, ConfirmationCode=code, Password=password
    )


def resend(pool, username):
    return pool.idp.resend_confirmation_code(ClientId=pool.client_id, Username=username)


# SignUp


def test_sign_up_answers_where_the_code_went(mail_pool, idp):
    answer = idp.sign_up(
        ClientId=mail_pool.client_id,
        Username=unique("user"),
        Password=PASSWORD,
        UserAttributes=attributes(email="jo@gm.com"),
    )
    assert answer["UserConfirmed"] is False
    assert answer["UserSub"]
    assert answer["CodeDeliveryDetails"] == {
        "Destination": "j***@g***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }


def test_sign_up_without_auto_verification_sends_nothing(pool, idp, inbox):
    username = unique("user")
    answer = idp.sign_up(
        ClientId=pool.client_id,
        Username=username,
        Password=PASSWORD,
        UserAttributes=attributes(email="jo@gm.com"),
    )
    assert "CodeDeliveryDetails" not in answer
    assert inbox.messages(pool, username) == []


def test_a_phone_number_is_masked_but_for_its_last_four_digits(make_pool, idp, sms):
    pool = make_pool(AutoVerifiedAttributes=["phone_number"], SmsConfiguration=sms)
    answer = idp.sign_up(
        ClientId=pool.client_id,
        Username=unique("user"),
        Password=PASSWORD,
        UserAttributes=attributes(phone_number="+14155550008"),
    )
    assert answer["CodeDeliveryDetails"]["Destination"] == "+*******0008"


def test_with_mail_and_phone_auto_verified_only_the_phone_gets_a_code(make_pool, idp, sms):
    pool = make_pool(AutoVerifiedAttributes=["phone_number", "email"], SmsConfiguration=sms)
    answer = idp.sign_up(
        ClientId=pool.client_id,
        Username=unique("user"),
        Password=PASSWORD,
        UserAttributes=attributes(phone_number="+14155550008", email=unique_email()),
    )
    assert answer["CodeDeliveryDetails"]["DeliveryMedium"] == "SMS"


def test_a_user_who_signed_up_is_unconfirmed_and_the_address_unverified(mail_pool):
    username = mail_pool.sign_up(email=unique_email())
    user = mail_pool.user(username)
    assert user["UserStatus"] == "UNCONFIRMED"
    assert user["Enabled"] is True
    assert as_dict(user["UserAttributes"])["email_verified"] == "false"


def test_a_taken_username_is_refused(pool):
    username = pool.sign_up()
    with refused("UsernameExistsException", "User already exists"):
        pool.sign_up(username)


def test_sign_up_is_refused_in_a_pool_for_administrators_only(make_pool):
    pool = make_pool(AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    with refused("NotAuthorizedException", "SignUp is not permitted for this user pool"):
        pool.sign_up()


@pytest.mark.parametrize(
    "password, fault",
    [
        ("Sh0rt-x", "Password not long enough"),
        ("correct-horse-9!", "Password must have uppercase characters"),
        ("CORRECT-HORSE-9!", "Password must have lowercase characters"),
        ("Correct-Horse-x!", "Password must have numeric characters"),
        ("CorrectHorse9", "Password must have symbol characters"),
    ],
)
def test_each_fault_of_a_password_is_named(pool, password, fault):
    with refused("InvalidPasswordException", f"Password did not conform with policy: {fault}"):
        pool.sign_up(password=password)


def test_an_attribute_outside_the_schema_is_named(pool):
    with refused(
        "InvalidParameterException",
        "Attributes did not conform to the schema: custom:firstName: Attribute does not exist in "
        "the schema.\n",
    ):
        pool.sign_up(custom__firstName="Jo")


def test_each_missing_required_attribute_is_named(make_pool):
    pool = make_pool(Schema=[{"Name": "name", "Required": True}])
    with refused(
        "InvalidParameterException",
        "Attributes did not conform to the schema: name: The attribute is required\n",
    ):
        pool.sign_up()


@pytest.mark.parametrize("name", ["email_verified", "phone_number_verified"])
def test_a_client_cannot_sign_up_a_verified_contact(pool, name):
    with refused(
        "NotAuthorizedException", "A client attempted to write unauthorized attribute"
    ):
        pool.sign_up(email="jo@gm.com", **{name: "true"})


def test_an_attribute_the_client_may_not_write_is_refused(make_pool):
    pool = make_pool(client={"WriteAttributes": ["email"]})
    with refused(
        "NotAuthorizedException", "A client attempted to write unauthorized attribute"
    ):
        pool.sign_up(name="Jo")


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("email", "not an address", "Invalid email address format."),
        ("phone_number", "0415-555", "Invalid phone number format."),
    ],
)
def test_a_malformed_contact_is_refused(pool, name, value, message):
    with refused("InvalidParameterException", message):
        pool.sign_up(**{name: value})


def test_a_pool_with_mail_as_alias_takes_no_username_that_looks_like_mail(make_pool):
    pool = make_pool(AliasAttributes=["email"])
    with refused(
        "InvalidParameterException",
        "Username cannot be of email format, since user pool is configured for email alias.",
    ):
        pool.sign_up("jo@example.com")


def test_a_pool_with_mail_as_username_takes_no_other_username(make_pool):
    pool = make_pool(UsernameAttributes=["email"])
    with refused("InvalidParameterException", "Username should be an email."):
        pool.sign_up("jo")


def test_a_pool_with_mail_as_username_stores_the_sub_as_username(make_pool, idp):
    pool = make_pool(UsernameAttributes=["email"], AutoVerifiedAttributes=["email"])
    address = unique_email()
    sub = idp.sign_up(ClientId=pool.client_id, Username=address, Password=PASSWORD)["UserSub"]
    user = pool.user(address)
    assert user["Username"] == sub
    assert as_dict(user["UserAttributes"])["email"] == address


def test_a_taken_mail_username_is_refused(make_pool):
    pool = make_pool(UsernameAttributes=["email"])
    address = pool.sign_up(unique_email())
    with refused(
        "UsernameExistsException", "An account with the given email already exists."
    ):
        pool.sign_up(address)


def test_sign_up_with_an_unknown_client_is_refused(idp):
    with refused(
        "ResourceNotFoundException", "User pool client 1nowhere does not exist."
    ):
        idp.sign_up(ClientId="1nowhere", Username="jo", Password=PASSWORD)


# ConfirmSignUp, ResendConfirmationCode, AdminConfirmSignUp


def test_the_code_from_the_message_confirms_the_user_and_the_address(mail_pool, inbox):
    address = unique_email()
    username = mail_pool.sign_up(email=address)
    code = inbox.code(mail_pool, destination=address)
    assert len(code) == 6 and code.isdigit()
    confirm(mail_pool, username, code)
    user = mail_pool.user(username)
    assert user["UserStatus"] == "CONFIRMED"
    assert as_dict(user["UserAttributes"])["email_verified"] == "true"
    assert mail_pool.sign_in(username)["AccessToken"]


def test_a_wrong_confirmation_code_is_refused_and_the_right_one_still_works(mail_pool, inbox):
    username = mail_pool.sign_up(email=unique_email())
    code = inbox.code(mail_pool, username)
    with refused("CodeMismatchException", WRONG_CODE):
        confirm(mail_pool, username, another(code))
    confirm(mail_pool, username, code)
    assert mail_pool.user(username)["UserStatus"] == "CONFIRMED"


def test_confirming_a_confirmed_user_is_refused(mail_pool, inbox):
    username = mail_pool.sign_up(email=unique_email())
    code = inbox.code(mail_pool, username)
    confirm(mail_pool, username, code)
    with refused(
        "NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"
    ):
        confirm(mail_pool, username, code)


def test_a_code_sent_again_replaces_the_first(mail_pool, inbox):
    username = mail_pool.sign_up(email=unique_email())
    first = inbox.code(mail_pool, username)
    assert resend(mail_pool, username)["CodeDeliveryDetails"]["AttributeName"] == "email"
    second = inbox.code(mail_pool, username, count=2)
    if first != second:
        with refused("CodeMismatchException", WRONG_CODE):
            confirm(mail_pool, username, first)
    confirm(mail_pool, username, second)


def test_a_code_is_not_sent_again_to_a_confirmed_user(mail_pool):
    username = mail_pool.make_user(email=unique_email())
    with refused("InvalidParameterException", "User is already confirmed."):
        resend(mail_pool, username)


def test_a_code_is_not_sent_again_in_a_pool_that_verifies_nothing(pool):
    username = pool.sign_up(email=unique_email())
    with refused(
        "InvalidParameterException", "Cannot resend codes. Auto verification not turned on."
    ):
        resend(pool, username)


def test_a_sixth_resend_within_an_hour_is_refused(mail_pool):
    username = mail_pool.sign_up(email=unique_email())
    for _ in range(5):
        resend(mail_pool, username)
    with refused("LimitExceededException", TOO_OFTEN):
        resend(mail_pool, username)


def test_codes_can_be_sent_again_an_hour_later(mail_pool, clock):
    username = mail_pool.sign_up(email=unique_email())
    for _ in range(5):
        resend(mail_pool, username)
    clock.advance(HOUR + 60)
    assert resend(mail_pool, username)["CodeDeliveryDetails"]


def test_more_than_fifteen_guesses_at_a_confirmation_code_are_refused(mail_pool, inbox, idp):
    username = mail_pool.sign_up(email=unique_email())
    wrong = another(inbox.code(mail_pool, username))
    for _ in range(15):
        with refused("CodeMismatchException", WRONG_CODE):
            confirm(mail_pool, username, wrong)
    with pytest.raises(idp.exceptions.ClientError) as caught:
        confirm(mail_pool, username, wrong)
    assert caught.value.response["Error"]["Code"] in (
        "LimitExceededException", "TooManyFailedAttemptsException",
    )


def test_a_confirmation_code_expires_after_a_day(mail_pool, inbox, clock):
    username = mail_pool.sign_up(email=unique_email())
    code = inbox.code(mail_pool, username)
    clock.advance(DAY + 60)
    with refused("ExpiredCodeException", EXPIRED_CODE):
        confirm(mail_pool, username, code)


def test_an_administrator_confirms_without_verifying_the_address(mail_pool, idp):
    username = mail_pool.sign_up(email=unique_email())
    idp.admin_confirm_sign_up(UserPoolId=mail_pool.id, Username=username)
    user = mail_pool.user(username)
    assert user["UserStatus"] == "CONFIRMED"
    assert as_dict(user["UserAttributes"])["email_verified"] == "false"


def test_an_administrator_cannot_confirm_twice(mail_pool, idp):
    username = mail_pool.make_user()
    with refused(
        "NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED"
    ):
        idp.admin_confirm_sign_up(UserPoolId=mail_pool.id, Username=username)


def test_an_address_that_another_user_holds_conflicts_at_confirmation(make_pool, inbox):
    pool = make_pool(AliasAttributes=["email"], AutoVerifiedAttributes=["email"])
    address = unique_email()
    pool.make_user(email=address)
    late = pool.sign_up(email=address)
    with refused("AliasExistsException"):
        confirm(pool, late, inbox.code(pool, late))


def test_forced_alias_creation_moves_the_address_to_the_new_user(make_pool, inbox):
    pool = make_pool(AliasAttributes=["email"], AutoVerifiedAttributes=["email"])
    address = unique_email()
    first = pool.make_user(email=address)
    late = pool.sign_up(email=address, password=OTHER_PASSWORD)
    confirm(pool, late, inbox.code(pool, late), ForceAliasCreation=True)
    assert pool.user(address)["Username"] == late
    assert pool.user_attributes(first)["email_verified"] == "false"


def test_a_verified_address_signs_in_where_mail_is_an_alias(make_pool):
    pool = make_pool(AliasAttributes=["email"])
    address = unique_email()
    pool.make_user(email=address)
    assert pool.sign_in(address)["AccessToken"]


def test_an_unverified_address_does_not_sign_in(make_pool):
    pool = make_pool(AliasAttributes=["email"])
    address = unique_email()
    pool.make_user(email=address, email_verified="false")
    with refused("UserNotFoundException", NO_USER):
        pool.begin(address)


# ForgotPassword and ConfirmForgotPassword


def test_forgot_password_answers_where_the_code_went(mail_pool):
    username = mail_pool.make_user(email="jo@gm.com")
    assert forgot(mail_pool, username)["CodeDeliveryDetails"] == {
        "Destination": "j***@g***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }


def test_the_recovery_code_sets_a_new_password(mail_pool, inbox):
    username = mail_pool.make_user(email=unique_email())
    forgot(mail_pool, username)
    confirm_forgot(mail_pool, username, inbox.code(mail_pool, username))
    assert mail_pool.sign_in(username, OTHER_PASSWORD)["AccessToken"]
    with refused("NotAuthorizedException", BAD_LOGIN):
        mail_pool.begin(username, PASSWORD)


def test_a_wrong_recovery_code_is_refused(mail_pool, inbox):
    username = mail_pool.make_user(email=unique_email())
    forgot(mail_pool, username)
    with refused("CodeMismatchException", WRONG_CODE):
        confirm_forgot(mail_pool, username, another(inbox.code(mail_pool, username)))


def test_a_recovery_code_serves_once(mail_pool, inbox):
    username = mail_pool.make_user(email=unique_email())
    forgot(mail_pool, username)
    code = inbox.code(mail_pool, username)
    confirm_forgot(mail_pool, username, code)
    with refused("ExpiredCodeException", EXPIRED_CODE):
        confirm_forgot(mail_pool, username, code)


def test_a_recovery_code_expires_after_an_hour(mail_pool, inbox, clock):
    username = mail_pool.make_user(email=unique_email())
    forgot(mail_pool, username)
    code = inbox.code(mail_pool, username)
    clock.advance(HOUR + 60)
    with refused("ExpiredCodeException", EXPIRED_CODE):
        confirm_forgot(mail_pool, username, code)


def test_confirming_without_a_requested_code_is_refused(mail_pool):
    username = mail_pool.make_user(email=unique_email())
    with refused("ExpiredCodeException", EXPIRED_CODE):
        confirm_forgot(mail_pool, username, "123456")


def test_the_new_password_must_conform(mail_pool, inbox):
    username = mail_pool.make_user(email=unique_email())
    forgot(mail_pool, username)
    code = inbox.code(mail_pool, username)
    with refused(
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have symbol characters",
    ):
        confirm_forgot(mail_pool, username, code, "CorrectHorse9")


def test_recovery_of_an_unknown_user_is_refused(mail_pool):
    with refused("UserNotFoundException", NO_CLIENT_USER):
        forgot(mail_pool, "nobody")


def test_confirming_recovery_of_an_unknown_user_is_refused(mail_pool):
    with refused("UserNotFoundException", NO_CLIENT_USER):
        confirm_forgot(mail_pool, "nobody", "123456")


def test_a_user_without_a_verified_contact_cannot_recover(mail_pool):
    username = mail_pool.make_user(email=unique_email(), email_verified="false")
    with refused("InvalidParameterException", NO_CONTACT):
        forgot(mail_pool, username)


def test_a_user_with_a_temporary_password_cannot_recover(mail_pool):
    username = mail_pool.make_new_user(email=unique_email(), email_verified="true")
    with refused("NotAuthorizedException", CANNOT_RESET):
        forgot(mail_pool, username)


@pytest.mark.belief
def test_recovery_is_refused_where_only_an_administrator_may_reset(make_pool):
    pool = make_pool(
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]}
    )
    username = pool.make_user(email=unique_email())
    with refused("NotAuthorizedException", "Contact administrator to reset password."):
        forgot(pool, username)


def test_recovery_follows_the_priorities_of_the_pool(make_pool, sms):
    pool = make_pool(
        SmsConfiguration=sms,
        AccountRecoverySetting={
            "RecoveryMechanisms": [
                {"Name": "verified_email", "Priority": 1},
                {"Name": "verified_phone_number", "Priority": 2},
            ]
        },
    )
    username = pool.make_user(email=unique_email(), phone_number="+14155550008")
    assert forgot(pool, username)["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"


def test_without_priorities_recovery_goes_to_the_phone_first(make_pool, sms):
    pool = make_pool(SmsConfiguration=sms)
    username = pool.make_user(email=unique_email(), phone_number="+14155550008")
    assert forgot(pool, username)["CodeDeliveryDetails"]["DeliveryMedium"] == "SMS"


def test_guesses_at_a_recovery_code_come_to_an_end(mail_pool, inbox, idp):
    username = mail_pool.make_user(email=unique_email())
    forgot(mail_pool, username)
    wrong = another(inbox.code(mail_pool, username))
    codes = set()
    for _ in range(21):
        with pytest.raises(idp.exceptions.ClientError) as caught:
            confirm_forgot(mail_pool, username, wrong)
        codes.add(caught.value.response["Error"]["Code"])
    assert codes & {"LimitExceededException", "TooManyFailedAttemptsException"}


# AdminResetUserPassword


def test_resetting_a_password_as_administrator_sends_a_code_and_blocks_sign_in(
    mail_pool, idp, inbox
):
    username = mail_pool.make_user(email=unique_email())
    idp.admin_reset_user_password(UserPoolId=mail_pool.id, Username=username)
    assert mail_pool.user(username)["UserStatus"] == "RESET_REQUIRED"
    with refused("PasswordResetRequiredException", "Password reset required for the user"):
        mail_pool.begin(username)
    confirm_forgot(mail_pool, username, inbox.code(mail_pool, username))
    assert mail_pool.user(username)["UserStatus"] == "CONFIRMED"
    assert mail_pool.sign_in(username, OTHER_PASSWORD)


def test_a_temporary_password_cannot_be_reset(mail_pool, idp):
    username = mail_pool.make_new_user(email=unique_email(), email_verified="true")
    with refused("NotAuthorizedException", CANNOT_RESET):
        idp.admin_reset_user_password(UserPoolId=mail_pool.id, Username=username)


def test_a_password_cannot_be_reset_without_a_verified_contact(mail_pool, idp):
    username = mail_pool.make_user()
    with refused("InvalidParameterException", NO_CONTACT):
        idp.admin_reset_user_password(UserPoolId=mail_pool.id, Username=username)


def test_resetting_the_password_of_an_unknown_user_is_refused(mail_pool, idp):
    with refused("UserNotFoundException", NO_USER):
        idp.admin_reset_user_password(UserPoolId=mail_pool.id, Username="nobody")


# ChangePassword


def change_password(pool, access_token, previous=PASSWORD, proposed=OTHER_PASSWORD):
    return pool.idp.change_password(
        AccessToken=access_token, PreviousPassword=previous, ProposedPassword=proposed
    )


def test_a_changed_password_replaces_the_old_one(pool):
    username = pool.make_user()
    change_password(pool, pool.sign_in(username)["AccessToken"])
    assert pool.sign_in(username, OTHER_PASSWORD)
    with refused("NotAuthorizedException", BAD_LOGIN):
        pool.begin(username, PASSWORD)


def test_changing_the_password_keeps_tokens_valid(pool, idp):
    token = pool.sign_in(pool.make_user())["AccessToken"]
    change_password(pool, token)
    assert idp.get_user(AccessToken=token)["Username"]


def test_the_previous_password_must_be_right(pool):
    token = pool.sign_in(pool.make_user())["AccessToken"]
    with refused("NotAuthorizedException", BAD_LOGIN):
        change_password(pool, token, previous=WRONG_PASSWORD)


def test_the_proposed_password_must_conform(pool):
    token = pool.sign_in(pool.make_user())["AccessToken"]
    with refused(
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have uppercase characters",
    ):
        change_password(pool, token, proposed="correct-horse-9!")


def test_a_sixth_change_within_an_hour_is_refused(pool):
    token = pool.sign_in(pool.make_user())["AccessToken"]
    for attempt in range(5):
        passwords = (PASSWORD, OTHER_PASSWORD) if attempt % 2 == 0 else (OTHER_PASSWORD, PASSWORD)
        change_password(pool, token, *passwords)
    with refused("LimitExceededException", TOO_OFTEN):
        change_password(pool, token, OTHER_PASSWORD, PASSWORD)


# Attributes and their verification


def test_a_changed_address_is_unverified_until_its_code_comes_back(mail_pool, idp, inbox):
    username = mail_pool.make_user(email=unique_email())
    token = mail_pool.sign_in(username)["AccessToken"]
    address = unique_email()
    answer = idp.update_user_attributes(
        AccessToken=token, UserAttributes=attributes(email=address)
    )
    assert answer["CodeDeliveryDetailsList"] == [
        {"Destination": "u***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    ]
    changed = mail_pool.user_attributes(username)
    assert (changed["email"], changed["email_verified"]) == (address, "false")
    code = inbox.code(mail_pool, destination=address)
    idp.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)
    assert mail_pool.user_attributes(username)["email_verified"] == "true"


def test_an_address_kept_until_verified_changes_with_the_code(make_pool, idp, inbox):
    pool = make_pool(
        AutoVerifiedAttributes=["email"],
        UserAttributeUpdateSettings={"AttributesRequireVerificationBeforeUpdate": ["email"]},
    )
    old, new = unique_email(), unique_email()
    username = pool.make_user(email=old)
    token = pool.sign_in(username)["AccessToken"]
    idp.update_user_attributes(AccessToken=token, UserAttributes=attributes(email=new))
    kept = pool.user_attributes(username)
    assert (kept["email"], kept["email_verified"]) == (old, "true")
    code = inbox.code(pool, destination=new)
    idp.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)
    moved = pool.user_attributes(username)
    assert (moved["email"], moved["email_verified"]) == (new, "true")


def test_a_plain_attribute_changes_at_once(pool, idp):
    username = pool.make_user()
    token = pool.sign_in(username)["AccessToken"]
    answer = idp.update_user_attributes(AccessToken=token, UserAttributes=attributes(name="Jo"))
    assert answer.get("CodeDeliveryDetailsList", []) == []
    assert as_dict(idp.get_user(AccessToken=token)["UserAttributes"])["name"] == "Jo"


def test_an_empty_value_deletes_an_attribute(pool, idp):
    username = pool.make_user(name="Jo")
    idp.admin_update_user_attributes(
        UserPoolId=pool.id, Username=username, UserAttributes=attributes(name="")
    )
    assert "name" not in pool.user_attributes(username)


def test_a_code_can_be_asked_for_an_unverified_address(mail_pool, idp, inbox):
    username = mail_pool.make_user(email="al@ex.org", email_verified="false")
    token = mail_pool.sign_in(username)["AccessToken"]
    answer = idp.get_user_attribute_verification_code(AccessToken=token, AttributeName="email")
    assert answer["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    code = inbox.code(mail_pool, username)
    with refused("CodeMismatchException", WRONG_CODE):
        idp.verify_user_attribute(
            AccessToken=token, AttributeName="email", Code=another(code)
        )
    idp.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)
    assert mail_pool.user_attributes(username)["email_verified"] == "true"


def test_a_verification_code_expires_after_a_day(mail_pool, idp, inbox, clock):
    username = mail_pool.make_user(email=unique_email(), email_verified="false")
    token = mail_pool.sign_in(username)["AccessToken"]
    idp.get_user_attribute_verification_code(AccessToken=token, AttributeName="email")
    code = inbox.code(mail_pool, username)
    clock.advance(DAY + 60)
    token = mail_pool.sign_in(username)["AccessToken"]
    with refused("ExpiredCodeException", EXPIRED_CODE):
        idp.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)


def test_an_immutable_attribute_cannot_be_updated(make_pool, idp):
    pool = make_pool(
        Schema=[{"Name": "tier", "AttributeDataType": "String", "Mutable": False}]
    )
    username = pool.make_user(custom__tier="gold")
    with refused(
        "InvalidParameterException", "user.custom:tier: Attribute cannot be updated.\n"
    ):
        idp.admin_update_user_attributes(
            UserPoolId=pool.id, Username=username, UserAttributes=attributes(custom__tier="tin")
        )


def test_a_client_cannot_verify_an_address_by_writing_the_flag(pool, idp):
    token = pool.sign_in(pool.make_user(email=unique_email()))["AccessToken"]
    with refused(
        "NotAuthorizedException", "A client attempted to write unauthorized attribute"
    ):
        idp.update_user_attributes(
            AccessToken=token, UserAttributes=attributes(email_verified="true")
        )


@pytest.mark.belief
def test_an_address_cannot_be_verified_where_there_is_none(pool, idp):
    with refused(
        "InvalidParameterException", "Email is required to verify/un-verify an email"
    ):
        idp.admin_update_user_attributes(
            UserPoolId=pool.id,
            Username=pool.make_user(),
            UserAttributes=attributes(email_verified="true"),
        )


def test_an_administrator_deletes_attributes(pool, idp):
    username = pool.make_user(name="Jo", email=unique_email())
    idp.admin_delete_user_attributes(
        UserPoolId=pool.id, Username=username, UserAttributeNames=["name"]
    )
    left = pool.user_attributes(username)
    assert "name" not in left and "email" in left


@pytest.mark.belief
def test_deleting_an_attribute_outside_the_schema_is_refused(pool, idp):
    with refused(
        "InvalidParameterException",
        "Invalid user attributes: user.custom:foo: Attribute does not exist in the schema.\n",
    ):
        idp.admin_delete_user_attributes(
            UserPoolId=pool.id, Username=pool.make_user(), UserAttributeNames=["custom:foo"]
        )


def test_get_user_shows_what_the_client_may_read(make_pool, idp):
    pool = make_pool(client={"ReadAttributes": ["email"]})
    username = pool.make_user(name="Jo", email="jo@gm.com")
    token = pool.sign_in(username)["AccessToken"]
    shown = as_dict(idp.get_user(AccessToken=token)["UserAttributes"])
    assert shown["email"] == "jo@gm.com"
    assert "name" not in shown


# AdminCreateUser and AdminSetUserPassword


def test_a_created_user_must_change_the_password(pool, idp):
    username = unique("user")
    user = idp.admin_create_user(
        UserPoolId=pool.id,
        Username=username,
        MessageAction="SUPPRESS",
        UserAttributes=attributes(email="jo@gm.com"),
    )["User"]
    assert user["Username"] == username
    assert user["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    assert user["Enabled"] is True
    assert as_dict(user["Attributes"])["sub"]
    assert "email_verified" not in as_dict(user["Attributes"])


def test_the_invitation_holds_a_temporary_password_that_works(pool, idp, inbox):
    username, address = unique("user"), unique_email()
    idp.admin_create_user(
        UserPoolId=pool.id,
        Username=username,
        DesiredDeliveryMediums=["EMAIL"],
        UserAttributes=attributes(email=address),
    )
    temporary = inbox.code(pool, destination=address)
    assert pool.begin(username, temporary)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_a_suppressed_invitation_is_not_sent(pool, inbox):
    username = pool.make_new_user(email=unique_email())
    assert inbox.messages(pool, username) == []


def test_resending_the_invitation_makes_a_new_temporary_password(pool, idp, inbox):
    username, address = unique("user"), unique_email()
    invitation = {
        "UserPoolId": pool.id, "Username": username, "DesiredDeliveryMediums": ["EMAIL"],
    }
    idp.admin_create_user(UserAttributes=attributes(email=address), **invitation)
    first = inbox.code(pool, destination=address)
    idp.admin_create_user(MessageAction="RESEND", **invitation)
    second = inbox.code(pool, destination=address, count=2)
    assert pool.begin(username, second)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    with refused("NotAuthorizedException", BAD_LOGIN):
        pool.begin(username, first)


@pytest.mark.belief
def test_an_invitation_is_not_sent_again_to_a_confirmed_user(pool, idp):
    username = pool.make_user(email=unique_email())
    with refused(
        "UnsupportedUserStateException",
        f"Resend not possible. {username} status is not FORCE_CHANGE_PASSWORD",
    ):
        idp.admin_create_user(UserPoolId=pool.id, Username=username, MessageAction="RESEND")


def test_an_invitation_is_not_sent_again_to_an_unknown_user(pool, idp):
    with refused("UserNotFoundException", NO_USER):
        idp.admin_create_user(UserPoolId=pool.id, Username="nobody", MessageAction="RESEND")


@pytest.mark.belief
def test_a_user_cannot_be_created_twice(pool):
    username = pool.make_new_user()
    with refused("UsernameExistsException", "User account already exists"):
        pool.make_new_user(username)


def test_an_administrator_need_not_give_required_attributes(make_pool):
    pool = make_pool(Schema=[{"Name": "name", "Required": True}])
    assert pool.make_new_user()


def test_a_temporary_password_must_conform(pool, idp):
    with refused(
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have numeric characters",
    ):
        idp.admin_create_user(
            UserPoolId=pool.id, Username=unique("user"), TemporaryPassword="Correct-Horse!"
        )


def test_a_temporary_password_expires_after_seven_days(pool, clock):
    username = pool.make_new_user()
    clock.advance(7 * DAY + 60)
    with refused(
        "NotAuthorizedException",
        "Temporary password has expired and must be reset by an administrator.",
    ):
        pool.begin(username)


def test_resending_the_invitation_revives_an_expired_temporary_password(
    pool, idp, inbox, clock
):
    username = pool.make_new_user(email=unique_email())
    clock.advance(8 * DAY)
    idp.admin_create_user(
        UserPoolId=pool.id,
        Username=username,
        MessageAction="RESEND",
        DesiredDeliveryMediums=["EMAIL"],
    )
    temporary = inbox.code(pool, username)
    assert pool.begin(username, temporary)["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


@pytest.mark.parametrize("signed_up", [True, False])
def test_a_permanent_password_confirms_the_user(pool, idp, signed_up):
    username = pool.sign_up() if signed_up else pool.make_new_user()
    idp.admin_set_user_password(
        UserPoolId=pool.id, Username=username, Password=OTHER_PASSWORD, Permanent=True
    )
    assert pool.user(username)["UserStatus"] == "CONFIRMED"
    assert pool.sign_in(username, OTHER_PASSWORD)


def test_a_password_that_is_not_permanent_must_be_changed(pool, idp):
    username = pool.make_user()
    idp.admin_set_user_password(
        UserPoolId=pool.id, Username=username, Password=OTHER_PASSWORD, Permanent=False
    )
    assert pool.user(username)["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    begun = pool.begin(username, OTHER_PASSWORD)
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


def test_a_password_set_by_an_administrator_must_conform(pool, idp):
    with refused(
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    ):
        idp.admin_set_user_password(
            UserPoolId=pool.id, Username=pool.make_user(), Password="Aa1!aaa", Permanent=True
        )


def test_setting_the_password_of_an_unknown_user_is_refused(pool, idp):
    with refused("UserNotFoundException", NO_USER):
        idp.admin_set_user_password(
            UserPoolId=pool.id, Username="nobody", Password=PASSWORD, Permanent=True
        )


# Enable, disable, delete, get


def test_a_disabled_user_cannot_sign_in_and_an_enabled_one_can(pool, idp):
    username = pool.make_user()
    idp.admin_disable_user(UserPoolId=pool.id, Username=username)
    assert pool.user(username)["Enabled"] is False
    with refused("NotAuthorizedException", "User is disabled."):
        pool.begin(username)
    idp.admin_enable_user(UserPoolId=pool.id, Username=username)
    assert pool.user(username)["Enabled"] is True
    assert pool.sign_in(username)


def test_disabling_keeps_the_status(pool, idp):
    username = pool.make_user()
    idp.admin_disable_user(UserPoolId=pool.id, Username=username)
    assert pool.user(username)["UserStatus"] == "CONFIRMED"


def test_a_deleted_user_is_gone(pool, idp):
    username = pool.make_user()
    idp.admin_delete_user(UserPoolId=pool.id, Username=username)
    with refused("UserNotFoundException", NO_USER):
        pool.user(username)


def test_deleting_a_user_twice_is_refused(pool, idp):
    username = pool.make_user()
    idp.admin_delete_user(UserPoolId=pool.id, Username=username)
    with refused("UserNotFoundException", NO_USER):
        idp.admin_delete_user(UserPoolId=pool.id, Username=username)


def test_the_name_of_a_deleted_user_can_be_used_again_with_another_sub(pool, idp):
    username = pool.make_user()
    before = pool.user_attributes(username)["sub"]
    idp.admin_delete_user(UserPoolId=pool.id, Username=username)
    pool.make_user(username)
    assert pool.user_attributes(username)["sub"] != before


def test_a_user_can_delete_the_own_account(pool, idp):
    username = pool.make_user()
    idp.delete_user(AccessToken=pool.sign_in(username)["AccessToken"])
    with refused("UserNotFoundException", NO_USER):
        pool.user(username)


def test_an_administrator_finds_a_user_by_sub(pool):
    username = pool.make_user()
    assert pool.user(pool.user_attributes(username)["sub"])["Username"] == username


@pytest.mark.parametrize(
    "operation",
    ["admin_get_user", "admin_enable_user", "admin_disable_user", "admin_confirm_sign_up",
     "admin_user_global_sign_out"],
)
def test_operations_on_an_unknown_user_are_refused(pool, idp, operation):
    with refused("UserNotFoundException", NO_USER):
        getattr(idp, operation)(UserPoolId=pool.id, Username="nobody")


def test_usernames_differ_by_case_unless_the_pool_says_otherwise(make_pool):
    name = unique("Jo")
    strict = make_pool()
    strict.make_user(name)
    with refused("UserNotFoundException", NO_USER):
        strict.user(name.lower())
    lax = make_pool(UsernameConfiguration={"CaseSensitive": False})
    lax.make_user(name)
    assert lax.user(name.upper())["Username"] == name.lower()


# ListUsers


@pytest.fixture(scope="module")
def crowd(idp):
    """A pool of seven users: user-0 … user-6, half of them named Ann; user-6 is disabled."""
    described = idp.create_user_pool(PoolName=unique("crowd"))["UserPool"]
    pool = Pool(idp, described)
    for number in range(7):
        pool.make_user(
            f"user-{number}",
            email=f"user{number}@example.com",
            name="Ann" if number % 2 else "Bob",
        )
    idp.admin_disable_user(UserPoolId=pool.id, Username="user-6")
    yield pool
    idp.delete_user_pool(UserPoolId=pool.id)


def usernames(answer):
    return {user["Username"] for user in answer["Users"]}


def test_listing_in_pages_shows_each_user_once(crowd, idp):
    seen, pages, token = [], 0, {}
    while True:
        answer = idp.list_users(UserPoolId=crowd.id, Limit=2, **token)
        assert len(answer["Users"]) <= 2
        seen += [user["Username"] for user in answer["Users"]]
        pages += 1
        if "PaginationToken" not in answer:
            break
        token = {"PaginationToken": answer["PaginationToken"]}
    assert sorted(seen) == [f"user-{number}" for number in range(7)]
    assert pages >= 4


@pytest.mark.parametrize(
    "condition, expected",
    [
        ('username = "user-3"', {3}),
        ('username ^= "user-"', {0, 1, 2, 3, 4, 5, 6}),
        ('name = "Ann"', {1, 3, 5}),
        ('name ^= "B"', {0, 2, 4, 6}),
        ('email = "user2@example.com"', {2}),
        ('"email"^="user4"', {4}),
        ('email="user2@example.com"', {2}),
        ('status = "Disabled"', {6}),
        ('status = "Enabled"', {0, 1, 2, 3, 4, 5}),
        ('cognito:user_status = "CONFIRMED"', {0, 1, 2, 3, 4, 5, 6}),
        ('cognito:user_status = "confirmed"', {0, 1, 2, 3, 4, 5, 6}),
        ('cognito:user_status = "UNCONFIRMED"', set()),
        ('username = "User-3"', set()),
        ('given_name = "Ann"', set()),
        ("", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_a_filter_selects_users(crowd, idp, condition, expected):
    found = usernames(idp.list_users(UserPoolId=crowd.id, Filter=condition))
    assert found == {f"user-{number}" for number in expected}


def test_a_filter_on_sub_finds_the_user(crowd, idp):
    sub = crowd.user_attributes("user-5")["sub"]
    assert usernames(idp.list_users(UserPoolId=crowd.id, Filter=f'sub = "{sub}"')) == {"user-5"}


def test_a_filtered_list_is_paginated_too(crowd, idp):
    first = idp.list_users(UserPoolId=crowd.id, Filter='name = "Ann"', Limit=2)
    second = idp.list_users(
        UserPoolId=crowd.id,
        Filter='name = "Ann"',
        Limit=2,
        PaginationToken=first["PaginationToken"],
    )
    assert usernames(first) | usernames(second) == {"user-1", "user-3", "user-5"}
    assert not usernames(first) & usernames(second)


@pytest.mark.belief
@pytest.mark.parametrize("condition", ['name == "Ann"', "name = Ann", 'name "Ann"', "name"])
def test_a_filter_that_cannot_be_read_is_refused(crowd, idp, condition):
    with refused("InvalidParameterException", "Error while parsing filter"):
        idp.list_users(UserPoolId=crowd.id, Filter=condition)


@pytest.mark.belief
@pytest.mark.parametrize("name", ["custom:tier", "website", "nonsense"])
def test_a_filter_on_an_attribute_without_index_is_refused(crowd, idp, name):
    with refused("InvalidParameterException", f"Invalid search attribute: {name}"):
        idp.list_users(UserPoolId=crowd.id, Filter=f'{name} = "x"')


def test_a_pagination_token_made_up_by_the_client_is_refused(crowd, idp):
    with refused("InvalidParameterException"):
        idp.list_users(UserPoolId=crowd.id, PaginationToken="made-up")


def test_only_the_attributes_asked_for_are_answered(crowd, idp):
    answer = idp.list_users(
        UserPoolId=crowd.id, AttributesToGet=["email"], Filter='username = "user-1"'
    )
    assert answer["Users"][0]["Attributes"] == [{"Name": "email", "Value": "user1@example.com"}]


def test_asking_for_an_attribute_outside_the_schema_is_refused(crowd, idp):
    with refused(
        "InvalidParameterException",
        "One or more requested attributes do not exist in user pool.",
    ):
        idp.list_users(UserPoolId=crowd.id, AttributesToGet=["custom:nothing"])


def test_a_limit_over_sixty_is_a_validation_error(crowd, endpoint):
    answer = post(endpoint, "ListUsers", {"UserPoolId": crowd.id, "Limit": 61})
    assert answer.json() == {
        "__type": "InvalidParameterException",
        "message": "1 validation error detected: Value '61' at 'limit' failed to satisfy "
        "constraint: Member must have value less than or equal to 60",
    }
