//! `AdminCreateUser`: an administrator makes a user, and invites them with a temporary password.

use poolhouse_domain::{
    attributes::{AttributeRefused, Contact, Creator, ViolatedRule},
    messages::{self, Message},
    passwords::{self, policy},
    ports::Ports,
    shapes::{
        AdminCreateUserRequest, AdminCreateUserResponse, AuthFactorType, DeliveryMediumType,
        MessageActionType, UserStatusType,
    },
    triggers::{
        Metadata, call,
        pre_sign_up::{self, Origin},
    },
    user_pools::UserPool,
    users::{
        Taken, User,
        aliases::OnConflict,
        create::{self, DraftRefused},
    },
};
use poolhouse_wire::{Sensitive, codes, operations::AdminCreateUser as Op};

use super::{draft_refused, user_type};
use crate::{
    attributes::{account_exists, pairs},
    delivery,
    failure::{Answer, Failure, Unanswered, invalid_parameter, trigger_failed},
    lookup,
    passwords::refusal,
    serve::Handle,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: AdminCreateUserRequest) -> Answer<Op> {
        let pool = lookup::user_pool::<Op>(ports, &input.user_pool_id).await?;
        let metadata = Metadata {
            client: input.client_metadata.clone(),
            validation: input
                .validation_data
                .clone()
                .map(|data| pairs(Some(data)).into_iter().collect()),
        };
        let ports = &ports.clone().carrying(metadata);
        let action = input.message_action;
        let mediums = input.desired_delivery_mediums.clone().filter(|mediums| !mediums.is_empty());
        let (user, login, password) = match action {
            Some(MessageActionType::Resend) => renew(ports, &pool, input).await?,
            _ => make(ports, &pool, input).await?,
        };
        if action != Some(MessageActionType::Suppress) {
            invite(ports, &pool, &user, &login, password, mediums).await?;
        }
        Ok(AdminCreateUserResponse { user: Some(user_type(&user, |_| true)) })
    }
}

/// A stored user, the name to sign in with, and the temporary password.
type Invited = (User, String, Option<Sensitive<String>>);

/// Makes a user.
async fn make(
    ports: &Ports,
    pool: &UserPool,
    input: AdminCreateUserRequest,
) -> Result<Invited, Unanswered<Op>> {
    let (login, now) = (input.username.into_inner(), ports.clock.now());
    let given = pairs(input.user_attributes);
    let (creator, entropy) = (Creator::Administrator, &*ports.entropy);
    let draft = create::draft(pool, &login, &given, creator, entropy, now);
    let mut user = draft.map_err(not_drafted)?;
    let password = match input.temporary_password.filter(|password| !password.is_empty()) {
        None if lives_without_password(pool, &user) => None,
        given => Some(temporary_password(ports, pool, given)?),
    };
    let is_forced = input.force_alias_creation == Some(true);
    let on_conflict = if is_forced { OnConflict::Take } else { OnConflict::Refuse };
    if pre_sign_up::is_connected(pool) {
        let mut view = ports.store.read().await?;
        let free = create::check_free(&mut *view, pool, &user, on_conflict).await?;
        free.map_err(|taken| name_taken(pool, taken))?;
    }
    let asked = pre_sign_up::ask(ports, pool, &user, &given, Origin::Administrator).await?;
    asked.map_err(trigger_failed)?;
    match &password {
        Some(password) => {
            user.password = Some(passwords::store_form(ports, &user, password).await?);
            user.status = UserStatusType::ForceChangePassword;
        }
        None => user.status = UserStatusType::Confirmed,
    }
    let mut tx = ports.store.write().await?;
    let inserted = create::insert(&mut *tx, pool, &user, on_conflict).await?;
    inserted.map_err(|taken| name_taken(pool, taken))?;
    tx.commit().await?;
    Ok((user, login, password))
}

/// Gives a user who never signed in another temporary password.
async fn renew(
    ports: &Ports,
    pool: &UserPool,
    input: AdminCreateUserRequest,
) -> Result<Invited, Unanswered<Op>> {
    let mut read = ports.store.read().await?;
    let mut user = lookup::user::<Op>(&mut *read, pool, &input.username).await?;
    drop(read);
    if user.status != UserStatusType::ForceChangePassword {
        let name = &user.username;
        let message = format!("Resend not possible. {name} status is not FORCE_CHANGE_PASSWORD");
        return Err(Failure::new(codes::UnsupportedUserStateException, message).into());
    }
    let given = input.temporary_password.filter(|password| !password.is_empty());
    let password = temporary_password(ports, pool, given)?;
    let stored = passwords::store_form(ports, &user, &password).await?;
    user.modified_at = ports.clock.now();
    // The version that was read guards against a change between reading and writing.
    let mut tx = ports.store.write().await?;
    passwords::history::replace(&mut *tx, pool, &mut user, stored).await?;
    tx.update_user(&mut user).await?;
    tx.commit().await?;
    let login = login_name(pool, &user);
    Ok((user, login, Some(password)))
}

/// Whether a user without password can sign in: by a code to a contact that is verified.
fn lives_without_password(pool: &UserPool, user: &User) -> bool {
    let by_code = [
        (Contact::Email, AuthFactorType::EmailOtp),
        (Contact::PhoneNumber, AuthFactorType::SmsOtp),
    ];
    by_code.into_iter().any(|(contact, factor)| {
        user.is_verified(contact.attribute()) && policy::is_first_factor(pool, factor)
    })
}

/// The password that was given, if it conforms, or a random one.
fn temporary_password(
    ports: &Ports,
    pool: &UserPool,
    given: Option<Sensitive<String>>,
) -> Result<Sensitive<String>, Failure<Op>> {
    let Some(password) = given else {
        return Ok(policy::generate(pool, &*ports.entropy));
    };
    passwords::check(pool, &password).map_err(refusal)?;
    Ok(password)
}

/// The name with which a user signs in: never the username where that is the `sub`.
fn login_name(pool: &UserPool, user: &User) -> String {
    let mut contacts = pool.username_attributes().iter();
    let contact = contacts.find_map(|attribute| user.attribute(attribute.as_str()));
    contact.unwrap_or(&user.username).to_owned()
}

/// Sends the invitation by the wanted media for which the user has an address; by text message, if
/// none is named.
///
/// Belief: without a usable medium the service complains only if media were named.
async fn invite(
    ports: &Ports,
    pool: &UserPool,
    user: &User,
    login: &str,
    password: Option<Sensitive<String>>,
    mediums: Option<Vec<DeliveryMediumType>>,
) -> Result<(), Unanswered<Op>> {
    let is_wanted = |contact: Contact| match &mediums {
        None => contact == Contact::PhoneNumber,
        Some(mediums) => mediums.contains(&match contact {
            Contact::Email => DeliveryMediumType::Email,
            Contact::PhoneNumber => DeliveryMediumType::Sms,
        }),
    };
    let reachable = Contact::ALL
        .into_iter()
        .filter(|contact| is_wanted(*contact) && user.attribute(contact.attribute()).is_some());
    let reachable: Vec<Contact> = reachable.collect();
    if reachable.is_empty() && mediums.is_some() {
        return Err(delivery::not_delivered::<Op>().into());
    }
    let (password, now) = (password.as_ref().map(|password| password.as_str()), ports.clock.now());
    let invitations = reachable
        .into_iter()
        .filter_map(|contact| messages::invitation(pool, user, contact, login, password, now));
    for invitation in invitations.collect::<Vec<Message>>() {
        let client = call::Client::NotApplicable;
        delivery::deliver::<Op>(ports, pool, user, client, login, invitation).await?;
    }
    Ok::<_, Unanswered<Op>>(())
}

/// What is said when no user can be made of what was given. Administrators are told of unknown
/// attributes in other words.
fn not_drafted(refused: DraftRefused) -> Failure<Op> {
    if let DraftRefused::Attributes(AttributeRefused::NotConforming(violations)) = &refused
        && let Some(unknown) = violations.iter().find(|v| v.rule == ViolatedRule::Unknown)
    {
        let name = &unknown.attribute;
        return invalid_parameter(format!(
            "Attributes did not conform to the schema: Type for attribute {{{name}}} could not be \
             determined"
        ));
    }
    draft_refused(refused)
}

/// What is said when somebody has the name. (The first text is a belief.)
fn name_taken(pool: &UserPool, taken: Taken) -> Failure<Op> {
    match taken {
        Taken::Username => {
            Failure::new(codes::UsernameExistsException, "User account already exists")
        }
        Taken::Alias(attribute) if pool.username_attributes().is_empty() => {
            Failure::new(codes::AliasExistsException, account_exists(&attribute))
        }
        Taken::Alias(attribute) => {
            Failure::new(codes::UsernameExistsException, account_exists(&attribute))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error, invalid, merged};

    fn named(pool: &str, name: &str, more: Value) -> Value {
        merged(json!({ "UserPoolId": pool, "Username": name }), more)
    }

    async fn sign_in(stack: &Stack, client: &str, name: &str, password: &str) -> Value {
        let parameters = json!({ "USERNAME": name, "PASSWORD": password });
        let input = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters,
        });
        stack.call("InitiateAuth", input).await.body
    }

    fn mail(value: &str) -> Value {
        json!([{ "Name": "email", "Value": value }])
    }

    #[tokio::test]
    async fn a_new_user_is_invited_with_a_temporary_password() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let more = json!({
            "UserAttributes": mail("jo@gm.com"), "DesiredDeliveryMediums": ["EMAIL"],
        });
        let user = stack.ok("AdminCreateUser", named(&pool, "jo", more)).await["User"].clone();
        assert_eq!(user["UserStatus"], "FORCE_CHANGE_PASSWORD");
        assert_eq!(user["Enabled"], true);
        assert_eq!(user["Attributes"][0]["Name"], "sub");
        assert_eq!(user["Attributes"].as_array().unwrap().len(), 2);
        let password = stack.last_code_for("jo@gm.com");
        let body = stack.messenger().messages().remove(0).body;
        assert!(body.starts_with("Your username is jo and temporary password is "), "{body}");
        let begun = sign_in(&stack, &client, "jo", &password).await;
        assert_eq!(begun["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    }

    #[tokio::test]
    async fn a_template_and_markup_are_filled_in() {
        let stack = Stack::new().await;
        let template = json!({
            "EmailSubject": "Hello", "EmailMessage": "<b>{username}</b> {####}",
        });
        let config = json!({ "AdminCreateUserConfig": { "InviteMessageTemplate": template } });
        let pool = stack.pool(config).await;
        let more = json!({
            "UserAttributes": mail("jo@gm.com"), "DesiredDeliveryMediums": ["EMAIL"],
            "TemporaryPassword": "Tempor-1&ry",
        });
        stack.ok("AdminCreateUser", named(&pool, "<jo>", more)).await;
        let message = stack.messenger().messages().remove(0);
        assert_eq!(message.subject.as_deref(), Some("Hello"));
        assert_eq!(message.body, "<b>&lt;jo&gt;</b> Tempor-1&amp;ry");
        assert_eq!(message.code, "Tempor-1&ry");
    }

    #[tokio::test]
    async fn nothing_is_sent_when_suppressed_or_without_telephone() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let more = json!({
            "UserAttributes": mail("jo@gm.com"), "DesiredDeliveryMediums": ["EMAIL"],
            "MessageAction": "SUPPRESS",
        });
        stack.ok("AdminCreateUser", named(&pool, "jo", more)).await;
        let more = json!({ "UserAttributes": mail("al@gm.com") });
        stack.ok("AdminCreateUser", named(&pool, "al", more)).await;
        assert!(stack.messenger().messages().is_empty());
    }

    #[tokio::test]
    async fn a_failed_delivery_is_told_and_the_user_exists() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let more = json!({ "DesiredDeliveryMediums": ["EMAIL"] });
        let undelivered = error("CodeDeliveryFailureException", "Message could not be delivered.");
        let refused = stack.refusal("AdminCreateUser", named(&pool, "jo", more)).await;
        assert_eq!(refused, undelivered);
        stack.messenger().fail(true);
        let more = json!({
            "DesiredDeliveryMediums": ["EMAIL"], "UserAttributes": mail("al@gm.com"),
        });
        let refused = stack.refusal("AdminCreateUser", named(&pool, "al", more)).await;
        assert_eq!(refused, undelivered);
        for name in ["jo", "al"] {
            stack.ok("AdminGetUser", named(&pool, name, json!({}))).await;
        }
    }

    #[tokio::test]
    async fn resending_makes_a_new_temporary_password() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UsernameAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        let more = json!({ "DesiredDeliveryMediums": ["EMAIL"] });
        stack.ok("AdminCreateUser", named(&pool, "jo@gm.com", more.clone())).await;
        let first = stack.last_code_for("jo@gm.com");
        stack.advance(8 * 24 * 3_600);
        let again = merged(more, json!({ "MessageAction": "RESEND" }));
        stack.ok("AdminCreateUser", named(&pool, "jo@gm.com", again)).await;
        let second = stack.messenger().messages().remove(1);
        assert!(second.body.contains("username is jo@gm.com "), "{}", second.body);
        let refused = sign_in(&stack, &client, "jo@gm.com", &first).await;
        assert_eq!(refused["message"], "Incorrect username or password.");
        let begun = sign_in(&stack, &client, "jo@gm.com", &second.code).await;
        assert_eq!(begun["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    }

    #[tokio::test]
    async fn resending_is_only_for_users_who_never_signed_in() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        stack.user(&pool, "jo", &[]).await;
        let again = json!({ "MessageAction": "RESEND" });
        let text = "Resend not possible. jo status is not FORCE_CHANGE_PASSWORD";
        assert_eq!(
            stack.refusal("AdminCreateUser", named(&pool, "jo", again.clone())).await,
            error("UnsupportedUserStateException", text)
        );
        assert_eq!(
            stack.refusal("AdminCreateUser", named(&pool, "nobody", again)).await,
            error("UserNotFoundException", "User does not exist.")
        );
    }

    #[tokio::test]
    async fn each_refusal_has_its_text() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "name", "Required": true }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        stack.ok("AdminCreateUser", named(&pool, "jo", json!({}))).await;
        let operation = "AdminCreateUser";
        let refused = stack.refusal(operation, named(&pool, "jo", json!({}))).await;
        assert_eq!(refused, error("UsernameExistsException", "User account already exists"));
        let text = "Password did not conform with policy: Password must have numeric characters";
        let weak = json!({ "TemporaryPassword": "Correct-Horse!" });
        let refused = stack.refusal(operation, named(&pool, "al", weak)).await;
        assert_eq!(refused, error("InvalidPasswordException", text));
        let schema = "Attributes did not conform to the schema: ";
        for (attribute, value, text) in [
            (
                "custom:x",
                "1",
                format!("{schema}Type for attribute {{custom:x}} could not be determined"),
            ),
            ("sub", "1", "Cannot modify the non-mutable attribute sub".to_owned()),
            ("email_verified", "true", "Email is required to verify/un-verify an email".to_owned()),
            (
                "birthdate",
                "1.1.2001",
                format!("{schema}birthdate: String must be at least 10 characters\n"),
            ),
            ("updated_at", "now", format!("{schema}updated_at: Value must be a number\n")),
        ] {
            let given = json!({ "UserAttributes": [{ "Name": attribute, "Value": value }] });
            let refused = stack.refusal(operation, named(&pool, "al", given)).await;
            assert_eq!(refused, invalid(&text));
        }
    }

    #[tokio::test]
    async fn a_verified_alias_moves_only_by_force() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AliasAttributes": ["email"] })).await;
        stack.user(&pool, "jo", &[("email", "jo@gm.com"), ("email_verified", "true")]).await;
        let verified = json!([
            { "Name": "email", "Value": "jo@gm.com" },
            { "Name": "email_verified", "Value": "true" },
        ]);
        let more = json!({ "UserAttributes": verified });
        let text = "An account with the given email already exists.";
        assert_eq!(
            stack.refusal("AdminCreateUser", named(&pool, "al", more.clone())).await,
            error("AliasExistsException", text)
        );
        let forced = merged(more, json!({ "ForceAliasCreation": true }));
        let taken = stack.refusal("AdminCreateUser", named(&pool, "jo", forced.clone())).await;
        assert_eq!(taken.0, "UsernameExistsException");
        let holder = stack.ok("AdminGetUser", named(&pool, "jo@gm.com", json!({}))).await;
        assert_eq!(holder["Username"], "jo", "a refusal moves nothing");
        stack.ok("AdminCreateUser", named(&pool, "al", forced)).await;
        let holder = stack.ok("AdminGetUser", named(&pool, "jo@gm.com", json!({}))).await;
        assert_eq!(holder["Username"], "al");
    }

    #[tokio::test]
    async fn a_user_whom_codes_reach_needs_no_password() {
        let stack = Stack::new().await;
        let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] });
        let pool = stack.pool(json!({ "Policies": { "SignInPolicy": factors } })).await;
        let verified = json!([
            { "Name": "email", "Value": "jo@gm.com" },
            { "Name": "email_verified", "Value": "true" },
        ]);
        let more = json!({ "UserAttributes": verified, "MessageAction": "SUPPRESS" });
        let user = stack.ok("AdminCreateUser", named(&pool, "jo", more)).await["User"].clone();
        assert_eq!(user["UserStatus"], "CONFIRMED");
    }

    #[tokio::test]
    async fn names_are_lower_case_where_case_does_not_count() {
        let stack = Stack::new().await;
        let lax = json!({ "UsernameConfiguration": { "CaseSensitive": false } });
        let pool = stack.pool(lax).await;
        let more = json!({ "UserAttributes": mail("Jo@GM.com") });
        let user = stack.ok("AdminCreateUser", named(&pool, "Jo", more)).await["User"].clone();
        assert_eq!(user["Username"], "jo");
        assert_eq!(user["Attributes"][1]["Value"], "jo@gm.com");
        stack.ok("AdminGetUser", named(&pool, "JO", json!({}))).await;
        let refused = stack.refusal("AdminCreateUser", named(&pool, "jO", json!({}))).await;
        assert_eq!(refused.0, "UsernameExistsException");
    }

    #[tokio::test]
    async fn force_moves_no_address_that_is_not_declared_verified() {
        let stack = Stack::new().await;
        let aliases = json!({ "AliasAttributes": ["email", "phone_number", "preferred_username"] });
        let pool = stack.pool(aliases).await;
        let of_jo = [
            ("email", "jo@gm.com"),
            ("email_verified", "true"),
            ("phone_number", "+14155550008"),
            ("phone_number_verified", "true"),
            ("preferred_username", "joey"),
        ];
        stack.user(&pool, "jo", &of_jo).await;
        let holder = async |alias: &str| {
            stack.ok("AdminGetUser", named(&pool, alias, json!({}))).await["Username"].take()
        };
        let forced =
            |attributes: Value| json!({ "UserAttributes": attributes, "ForceAliasCreation": true });
        let unverified = json!([
            { "Name": "email", "Value": "jo@gm.com" },
            { "Name": "phone_number", "Value": "+14155550008" },
            { "Name": "phone_number_verified", "Value": "false" },
        ]);
        stack.ok("AdminCreateUser", named(&pool, "al", forced(unverified))).await;
        for alias in ["jo@gm.com", "+14155550008"] {
            assert_eq!(holder(alias).await, "jo", "{alias}");
        }
        let verified = json!([
            { "Name": "phone_number", "Value": "+14155550008" },
            { "Name": "phone_number_verified", "Value": "true" },
        ]);
        stack.ok("AdminCreateUser", named(&pool, "bo", forced(verified))).await;
        assert_eq!(holder("+14155550008").await, "bo");
        assert_eq!(holder("jo@gm.com").await, "jo");
        // A name that needs no verification is nobody's to take.
        let name = forced(json!([{ "Name": "preferred_username", "Value": "joey" }]));
        let text = "An account with the given preferred_username already exists.";
        assert_eq!(
            stack.refusal("AdminCreateUser", named(&pool, "cy", name)).await,
            error("AliasExistsException", text)
        );
        assert_eq!(holder("joey").await, "jo");
    }

    #[tokio::test]
    async fn an_address_beside_another_that_is_the_username_is_refused() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UsernameAttributes": ["email"] })).await;
        let more = json!({ "UserAttributes": mail("other@gm.com"), "MessageAction": "SUPPRESS" });
        assert_eq!(
            stack.refusal("AdminCreateUser", named(&pool, "jo@gm.com", more)).await,
            invalid("Attribute email must be the same as the username.")
        );
        let listed = stack.ok("ListUsers", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["Users"], json!([]));
        let same = json!({ "UserAttributes": mail("jo@gm.com"), "MessageAction": "SUPPRESS" });
        stack.ok("AdminCreateUser", named(&pool, "jo@gm.com", same)).await;
    }

    #[tokio::test]
    async fn a_weak_password_is_not_given_to_a_user_who_is_invited_again() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let first = json!({ "TemporaryPassword": "Tempor-1&ry", "MessageAction": "SUPPRESS" });
        stack.ok("AdminCreateUser", named(&pool, "jo", first)).await;
        let again = json!({ "TemporaryPassword": "weak", "MessageAction": "RESEND" });
        let text = "Password did not conform with policy: Password not long enough";
        assert_eq!(
            stack.refusal("AdminCreateUser", named(&pool, "jo", again)).await,
            error("InvalidPasswordException", text)
        );
        let begun = sign_in(&stack, &client, "jo", "Tempor-1&ry").await;
        assert_eq!(begun["ChallengeName"], "NEW_PASSWORD_REQUIRED");
        assert!(stack.messenger().messages().is_empty());
    }
}
