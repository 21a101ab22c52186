//! `SignUp`: a user makes the own account, which waits for confirmation.

use poolhouse_domain::{
    app_clients::AppClient,
    attributes::{Contact, Creator},
    auth::{Place, first_sign_in},
    codes::{self as issued, CodePurpose},
    messages::MessageKind,
    passwords::{self, policy},
    ports::Ports,
    shapes::{
        EventFilterType, EventResponseType, EventType, SignUpRequest, SignUpResponse,
        UserStatusType,
    },
    sign_up,
    threat_protection::{
        compromised::{self, Finding},
        events::{self, Happening, Subject},
    },
    triggers::{
        Metadata, call,
        post_confirmation::{self, Confirmed},
        pre_sign_up::{self, Origin},
    },
    user_pools::UserPool,
    users::{Taken, aliases::OnConflict, create},
};
use poolhouse_wire::{Sensitive, codes, operations::SignUp as Op};

use crate::{
    attributes::{account_exists, pairs},
    delivery,
    failure::{
        Answer, Failure, Unanswered, invalid_parameter, limit_exceeded, not_authorized,
        trigger_failed,
    },
    lookup,
    passwords::{known_to_others, refusal},
    secret_hash,
    serve::Handle,
    threat_protection::context,
    users::draft_refused,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: SignUpRequest) -> Answer<Op> {
        let (client, pool) = lookup::app_client::<Op>(ports, &input.client_id).await?;
        let metadata = Metadata {
            client: input.client_metadata,
            validation: input.validation_data.map(|data| pairs(Some(data)).into_iter().collect()),
        };
        let ports = context::of_user(ports, &pool, &client, input.user_context_data);
        let ports = &ports.carrying(metadata);
        secret_hash::verify::<Op>(&client, &input.username, input.secret_hash.as_ref())?;
        if !sign_up::is_open(&pool) {
            return Err(not_authorized::<Op>("SignUp is not permitted for this user pool").into());
        }
        let (given, now) = (pairs(input.user_attributes), ports.clock.now());
        let (creator, entropy) = (Creator::SignUp(&client), &*ports.entropy);
        let draft = create::draft(&pool, &input.username, &given, creator, entropy, now);
        let mut user = draft.map_err(draft_refused::<Op>)?;
        let (password, finding) = first_password(ports, &pool, &client, input.password).await?;
        if pre_sign_up::is_connected(&pool) {
            let mut view = ports.store.read().await?;
            let free = create::check_free(&mut *view, &pool, &user, OnConflict::Refuse).await?;
            free.map_err(name_taken)?;
        }
        let origin = Origin::SignUp(client.id());
        let decision = pre_sign_up::ask(ports, &pool, &user, &given, origin).await?;
        let decision = decision.map_err(trigger_failed)?;
        sign_up::decided(&mut user, decision).map_err(unverifiable)?;
        // A contact that the function calls verified moves here from whoever has it as an alias.
        let is_verified = decision.verifies().next().is_some();
        let on_conflict = if is_verified { OnConflict::Take } else { OnConflict::Refuse };
        if let Some(password) = password {
            user.password = Some(passwords::store_form(ports, &user, &password).await?);
        }

        let mut tx = ports.store.write().await?;
        create::insert(&mut *tx, &pool, &user, on_conflict).await?.map_err(name_taken)?;
        let is_confirmed = user.status == UserStatusType::Confirmed;
        let contact = sign_up::contact(&pool, &user).filter(|_| !is_confirmed);
        let sent = match contact {
            Some(contact) => {
                let (keyring, purpose) = (&ports.keyring, CodePurpose::SignUp);
                sign_up::count_code(&mut *tx, keyring, &pool, &user, contact, now)
                    .await?
                    .map_err(limit_exceeded)?;
                issued::issue(&mut *tx, keyring, entropy, &user, purpose, contact, now).await?
            }
            None => None,
        };
        tx.commit().await?;
        let subject = Subject { ports, pool: &pool, client_id: client.id(), user: &user };
        // That the sign-up counts as passed before it is confirmed is a belief.
        let plain = Happening::plain(EventType::SignUp, EventResponseType::Pass);
        let happening = Happening { risk: finding.risk(), ..plain };
        events::record(subject, happening).await?;
        let code_delivery_details = match &sent {
            Some(sent) => {
                let (kind, caller) = (MessageKind::SignUp, call::Client::Id(client.id()));
                Some(delivery::code::<Op>(ports, &pool, &user, caller, kind, sent).await?)
            }
            None => None,
        };
        if is_confirmed {
            let (confirmed, client) = (Confirmed::SignUp, call::Client::Id(client.id()));
            post_confirmation::tell(ports, &pool, &user, confirmed, client)
                .await?
                .map_err(trigger_failed)?;
        }
        let place = Place::new(ports, &pool, &client);
        let session = first_sign_in::after_sign_up(place, &user)?.map(Into::into);
        Ok(SignUpResponse {
            user_confirmed: is_confirmed,
            code_delivery_details,
            user_sub: user.sub,
            session,
        })
    }
}

/// The password, which may be absent where codes are a way to sign in, and what is known of it.
async fn first_password(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    password: Option<Sensitive<String>>,
) -> Result<(Option<Sensitive<String>>, Finding), Unanswered<Op>> {
    let is_absent = password.as_ref().is_none_or(|password| password.is_empty());
    if is_absent && policy::is_optional(pool) {
        return Ok((None, Finding::default()));
    }
    let Some(password) = password else {
        // The text of the time when the member was required.
        let text = "1 validation error detected: Value at 'password' failed to satisfy constraint: \
                    Member must not be null";
        return Err(invalid_parameter::<Op>(text).into());
    };
    passwords::check(pool, &password).map_err(refusal::<Op>)?;
    let kind = EventFilterType::SignUp;
    let finding = compromised::look_up(ports, pool, client.id(), kind, &password).await?;
    if finding.is_blocked {
        return Err(known_to_others::<Op>().into());
    }
    Ok((Some(password), finding))
}

/// What is said when a function wants a contact verified that the user doesn't have. The type and the
/// text are beliefs.
fn unverifiable(contact: Contact) -> Failure<Op> {
    let attribute = contact.attribute();
    let text = format!("Cannot auto-verify {attribute}: the attribute is not provided.");
    Failure::new(codes::InvalidLambdaResponseException, text)
}

/// What is said when somebody has the name, whatever the client hides elsewhere.
fn name_taken(taken: Taken) -> Failure<Op> {
    let message = match taken {
        Taken::Username => "User already exists".to_owned(),
        Taken::Alias(attribute) => account_exists(&attribute),
    };
    Failure::new(codes::UsernameExistsException, message)
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::triggers::{InvocationFailed, Trigger};
    use serde_json::json;

    use crate::testing::{PASSWORD, Stack, error, invalid, merged, text as text_of};

    fn mail(value: &str) -> serde_json::Value {
        json!([{ "Name": "email", "Value": value }])
    }

    #[tokio::test]
    async fn a_code_goes_to_the_auto_verified_address() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({
            "ClientId": client, "Username": "jo", "Password": PASSWORD,
            "UserAttributes": mail("jo@gm.com"),
        });
        let answer = stack.ok("SignUp", input).await;
        assert_eq!(answer["UserConfirmed"], false);
        assert_eq!(
            answer["CodeDeliveryDetails"],
            json!({
                "Destination": "j***@g***", "DeliveryMedium": "EMAIL", "AttributeName": "email",
            })
        );
        let code = stack.last_code_for("jo@gm.com");
        assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
        let user = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "jo" })).await;
        assert_eq!(user["UserStatus"], "UNCONFIRMED");
        assert_eq!(
            user["UserAttributes"],
            json!([
                { "Name": "sub", "Value": answer["UserSub"] },
                { "Name": "email_verified", "Value": "false" },
                { "Name": "email", "Value": "jo@gm.com" },
            ])
        );
    }

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    #[tokio::test]
    async fn a_function_sees_what_was_given_before_there_is_a_user() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "LambdaConfig": { "PreSignUp": FUNCTION } })).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({
            "ClientId": client, "Username": "jo", "Password": PASSWORD,
            "UserAttributes": mail("jo@gm.com"),
            "ValidationData": [{ "Name": "invited", "Value": "yes" }],
            "ClientMetadata": { "from": "app" },
        });
        stack.ok("SignUp", input).await;
        let [asked] = &*stack.functions().invocations() else { panic!("one function is asked") };
        assert_eq!(asked.function, FUNCTION);
        let event = format!(
            "{{\"version\":\"1\",\"region\":\"us-east-1\",\"userPoolId\":\"{pool}\",\"userName\":\"jo\",\
             \"callerContext\":{{\"awsSdkVersion\":\"aws-sdk-unknown-unknown\",\"clientId\":\"{client}\"}},\
             \"triggerSource\":\"PreSignUp_SignUp\",\"request\":{{\"userAttributes\":{{\"email\":\"jo@gm.com\"}},\
             \"validationData\":{{\"invited\":\"yes\"}},\"clientMetadata\":{{\"from\":\"app\"}}}},\
             \"response\":{{\"autoConfirmUser\":false,\"autoVerifyEmail\":false,\"autoVerifyPhone\":false}}}}"
        );
        assert_eq!(asked.event, event);
    }

    #[tokio::test]
    async fn a_function_can_confirm_a_user_and_verify_a_contact() {
        let stack = Stack::new().await;
        let functions = json!({ "PreSignUp": FUNCTION, "PostConfirmation": FUNCTION });
        let config = json!({ "AutoVerifiedAttributes": ["email"], "LambdaConfig": functions });
        let pool = stack.pool(config).await;
        let client = stack.client(&pool, json!({})).await;
        let decision = json!({ "autoConfirmUser": true, "autoVerifyEmail": true });
        stack.functions().respond(Trigger::PreSignUp, decision);
        let input = json!({
            "ClientId": client, "Username": "jo", "Password": PASSWORD,
            "UserAttributes": mail("jo@gm.com"),
        });
        let answer = stack.ok("SignUp", input.clone()).await;
        assert_eq!(answer["UserConfirmed"], true);
        assert!(answer.get("CodeDeliveryDetails").is_none());
        assert!(stack.messenger().messages().is_empty());
        let asked = ["PreSignUp_SignUp", "PostConfirmation_ConfirmSignUp"];
        assert_eq!(stack.functions().sources(), asked);
        let attributes = &stack.functions().events()[1]["request"]["userAttributes"];
        let expected = json!({
            "sub": answer["UserSub"], "cognito:user_status": "CONFIRMED",
            "email": "jo@gm.com", "email_verified": "true",
        });
        assert_eq!(*attributes, expected);

        let without = merged(input, json!({ "Username": "bo", "UserAttributes": [] }));
        let refused = stack.refusal("SignUp", without).await;
        let text = "Cannot auto-verify email: the attribute is not provided.";
        assert_eq!(refused, error("InvalidLambdaResponseException", text));
        let bo = json!({ "UserPoolId": pool, "Username": "bo" });
        assert_eq!(stack.refusal("AdminGetUser", bo).await.0, "UserNotFoundException");
    }

    #[tokio::test]
    async fn an_address_that_a_function_calls_verified_moves_from_its_holder() {
        let stack = Stack::new().await;
        let functions = json!({ "PreSignUp": FUNCTION });
        let config = json!({ "AliasAttributes": ["email"], "LambdaConfig": functions });
        let pool = stack.pool(config).await;
        let client = stack.client(&pool, json!({})).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        stack.user(&pool, "holder", &verified).await;
        stack.functions().respond(Trigger::PreSignUp, json!({ "autoVerifyEmail": true }));
        let input = json!({
            "ClientId": client, "Username": "jo", "Password": PASSWORD,
            "UserAttributes": mail("jo@gm.com"),
        });
        stack.ok("SignUp", input).await;
        let by_alias = json!({ "UserPoolId": pool, "Username": "jo@gm.com" });
        assert_eq!(stack.ok("AdminGetUser", by_alias).await["Username"], "jo");
        let holder = json!({ "UserPoolId": pool, "Username": "holder" });
        let holder = stack.ok("AdminGetUser", holder).await;
        let unverified = json!({ "Name": "email_verified", "Value": "false" });
        assert!(holder["UserAttributes"].as_array().unwrap().contains(&unverified));
    }

    #[tokio::test]
    async fn a_function_that_fails_before_makes_no_user_and_one_that_fails_after_leaves_it() {
        let stack = Stack::new().await;
        let functions = json!({ "PreSignUp": FUNCTION, "PostConfirmation": FUNCTION });
        let pool = stack.pool(json!({ "LambdaConfig": functions })).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "ClientId": client, "Username": "jo", "Password": PASSWORD });
        let jo = json!({ "UserPoolId": pool, "Username": "jo" });
        let unreachable = |text: &str| Err(InvocationFailed::Unreachable(text.to_owned()));
        let script = stack.functions();
        script.throw(Trigger::PreSignUp, "Not invited");
        let refused = stack.refusal("SignUp", input.clone()).await;
        let text = "PreSignUp failed with error Not invited.";
        assert_eq!(refused, error("UserLambdaValidationException", text));
        let timeout = "Socket timeout while invoking Lambda function.";
        script.script(Trigger::PreSignUp, move |_| unreachable(timeout));
        let refused = stack.refusal("SignUp", input.clone()).await;
        let text = format!("PreSignUp invocation failed due to error {timeout}");
        assert_eq!(refused, error("UnexpectedLambdaException", &text));
        script.respond(Trigger::PreSignUp, json!("yes"));
        let refused = stack.refusal("SignUp", input.clone()).await;
        assert_eq!(
            refused,
            error("InvalidLambdaResponseException", "Unrecognizable lambda output")
        );
        assert_eq!(stack.refusal("AdminGetUser", jo.clone()).await.0, "UserNotFoundException");

        script.respond(Trigger::PreSignUp, json!({ "autoConfirmUser": true }));
        script.throw(Trigger::PostConfirmation, "Too late");
        let refused = stack.refusal("SignUp", input.clone()).await;
        let text = "PostConfirmation failed with error Too late.";
        assert_eq!(refused, error("UserLambdaValidationException", text));
        assert_eq!(stack.ok("AdminGetUser", jo).await["UserStatus"], "CONFIRMED");

        script.clear();
        assert_eq!(stack.refusal("SignUp", input).await.0, "UsernameExistsException");
        assert!(script.events().is_empty(), "nobody is asked about a name that is taken");
    }

    #[tokio::test]
    async fn nothing_is_sent_where_nothing_is_verified() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "ClientId": client, "Username": "jo", "Password": PASSWORD });
        let answer = stack.ok("SignUp", input).await;
        assert!(answer.get("CodeDeliveryDetails").is_none());
        assert!(stack.messenger().messages().is_empty());
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_delivered_leaves_the_user_there() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        stack.messenger().fail(true);
        let input = json!({
            "ClientId": client, "Username": "jo", "Password": PASSWORD,
            "UserAttributes": mail("jo@gm.com"),
        });
        let refused = stack.refusal("SignUp", input).await;
        let text = "Message could not be delivered.";
        assert_eq!(refused, error("CodeDeliveryFailureException", text));
        stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "jo" })).await;
    }

    #[tokio::test]
    async fn each_refusal_has_its_text_and_makes_no_user() {
        let stack = Stack::new().await;
        let schema = json!([{ "Name": "name", "Required": true }]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let writable = json!({ "WriteAttributes": ["name", "email", "phone_number"] });
        let client = stack.client(&pool, writable).await;
        let try_with = |password: &str, attributes: serde_json::Value| {
            stack.refusal(
                "SignUp",
                json!({
                    "ClientId": client, "Username": "jo", "Password": password,
                    "UserAttributes": attributes,
                }),
            )
        };
        let unauthorized =
            error("NotAuthorizedException", "A client attempted to write unauthorized attribute");
        let schema = "Attributes did not conform to the schema: ";
        let cases = [
            (json!([]), invalid(&format!("{schema}name: The attribute is required\n"))),
            (
                json!([{ "Name": "custom:a", "Value": "1" }, { "Name": "custom:b", "Value": "" }]),
                invalid(&format!(
                    "{schema}custom:a: Attribute does not exist in the schema.\n\
                     custom:b: Attribute does not exist in the schema.\n"
                )),
            ),
            (json!([{ "Name": "website", "Value": "x" }]), unauthorized.clone()),
            (json!([{ "Name": "email_verified", "Value": "true" }]), unauthorized),
            (mail("jo"), invalid("Invalid email address format.")),
            (
                json!([{ "Name": "phone_number", "Value": "0415" }]),
                invalid("Invalid phone number format."),
            ),
        ];
        for (attributes, expected) in cases {
            assert_eq!(try_with(PASSWORD, attributes).await, expected);
        }
        let named = json!([{ "Name": "name", "Value": "Jo" }]);
        for (password, problem) in [
            ("Sh0rt-x", "Password not long enough"),
            ("correct-horse-9!", "Password must have uppercase characters"),
            ("CORRECT-HORSE-9!", "Password must have lowercase characters"),
            ("Correct-Horse-x!", "Password must have numeric characters"),
            ("CorrectHorse9", "Password must have symbol characters"),
        ] {
            let text = format!("Password did not conform with policy: {problem}");
            let expected = error("InvalidPasswordException", &text);
            assert_eq!(try_with(password, named.clone()).await, expected);
        }
        let listed = stack.ok("ListUsers", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["Users"], json!([]));
    }

    #[tokio::test]
    async fn a_taken_name_is_told_even_where_existence_is_hidden() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "PreventUserExistenceErrors": "ENABLED" })).await;
        let input = json!({ "ClientId": client, "Username": "jo", "Password": PASSWORD });
        stack.ok("SignUp", input.clone()).await;
        let expected = error("UsernameExistsException", "User already exists");
        assert_eq!(stack.refusal("SignUp", input).await, expected);
    }

    #[tokio::test]
    async fn only_administrators_make_users_where_the_pool_says_so() {
        let stack = Stack::new().await;
        let config = json!({ "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true } });
        let pool = stack.pool(config).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "ClientId": client, "Username": "jo", "Password": PASSWORD });
        let expected =
            error("NotAuthorizedException", "SignUp is not permitted for this user pool");
        assert_eq!(stack.refusal("SignUp", input).await, expected);
    }

    #[tokio::test]
    async fn a_contact_as_username_is_kept_apart_from_the_stored_one() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "UsernameAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        let sign_up =
            |name: &str| json!({ "ClientId": client, "Username": name, "Password": PASSWORD });
        let sub = stack.ok("SignUp", sign_up("jo@gm.com")).await["UserSub"].clone();
        let named = json!({ "UserPoolId": pool, "Username": "jo@gm.com" });
        assert_eq!(stack.ok("AdminGetUser", named).await["Username"], sub);
        assert_eq!(
            stack.refusal("SignUp", sign_up("jo")).await,
            invalid("Username should be an email.")
        );
        let taken = "An account with the given email already exists.";
        assert_eq!(
            stack.refusal("SignUp", sign_up("jo@gm.com")).await,
            error("UsernameExistsException", taken)
        );
    }

    #[tokio::test]
    async fn aliases_restrict_names() {
        let stack = Stack::new().await;
        let aliases = json!({ "AliasAttributes": ["email", "preferred_username"] });
        let pool = stack.pool(aliases).await;
        let client = stack.client(&pool, json!({})).await;
        let input = json!({ "ClientId": client, "Username": "jo@x", "Password": PASSWORD });
        let expected = invalid(
            "Username cannot be of email format, since user pool is configured for email alias.",
        );
        assert_eq!(stack.refusal("SignUp", input).await, expected);
        let input = json!({
            "ClientId": client, "Username": "jo", "Password": PASSWORD,
            "UserAttributes": [{ "Name": "preferred_username", "Value": "joey" }],
        });
        let expected = invalid(
            "Preferred username cannot be provided for unconfirmed account, since user pool is \
             configured for preferred username alias.",
        );
        assert_eq!(stack.refusal("SignUp", input).await, expected);
    }

    #[tokio::test]
    async fn a_client_with_a_secret_must_prove_it() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({ "GenerateSecret": true })).await;
        let input = json!({ "ClientId": client, "Username": "jo", "Password": PASSWORD });
        let text = format!("Client {client} is configured for secret but secret was not received");
        let expected = error("NotAuthorizedException", &text);
        assert_eq!(stack.refusal("SignUp", input.clone()).await, expected);
        let wrong = merged(input.clone(), json!({ "SecretHash": "wrong" }));
        let text = format!("Unable to verify secret hash for client {client}");
        assert_eq!(stack.refusal("SignUp", wrong).await, error("NotAuthorizedException", &text));
        let described = json!({ "UserPoolId": pool, "ClientId": client });
        let described = stack.ok("DescribeUserPoolClient", described).await;
        let secret = text_of(&described["UserPoolClient"]["ClientSecret"]);
        let hash = poolhouse_domain::secret_hash::compute(&secret, "jo", &client);
        stack.ok("SignUp", merged(input, json!({ "SecretHash": hash }))).await;
    }

    #[tokio::test]
    async fn an_unknown_client_is_refused() {
        let stack = Stack::new().await;
        let input = json!({ "ClientId": "nowhere", "Username": "jo", "Password": PASSWORD });
        let text = "User pool client nowhere does not exist.";
        assert_eq!(stack.refusal("SignUp", input).await, error("ResourceNotFoundException", text));
    }

    #[tokio::test]
    async fn twenty_codes_an_hour_go_to_an_address_whatever_the_names() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AutoVerifiedAttributes": ["email"] })).await;
        let client = stack.client(&pool, json!({})).await;
        let sign_up = |name: &str, address: &str| {
            json!({
                "ClientId": client, "Username": name, "Password": PASSWORD,
                "UserAttributes": mail(address),
            })
        };
        for number in 0..20 {
            stack.ok("SignUp", sign_up(&format!("user-{number}"), "victim@gm.com")).await;
        }
        let text = "Attempt limit exceeded, please try after some time.";
        let limit = error("LimitExceededException", text);
        for address in ["victim@gm.com", "Victim@GM.com"] {
            assert_eq!(stack.refusal("SignUp", sign_up("one-more", address)).await, limit);
        }
        assert_eq!(stack.messenger().messages().len(), 20);
        let one_more = json!({ "UserPoolId": pool, "Username": "one-more" });
        let unknown = error("UserNotFoundException", "User does not exist.");
        assert_eq!(stack.refusal("AdminGetUser", one_more).await, unknown);
        stack.ok("SignUp", sign_up("another", "other@gm.com")).await;
        stack.advance(3_600);
        stack.ok("SignUp", sign_up("one-more", "victim@gm.com")).await;
    }

    #[tokio::test]
    async fn a_password_is_missing_only_where_codes_are_no_way_to_sign_in() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let client = stack.client(&pool, json!({})).await;
        let without = json!({ "ClientId": client, "Username": "jo" });
        let text = "1 validation error detected: Value at 'password' failed to satisfy constraint: \
                    Member must not be null";
        assert_eq!(stack.refusal("SignUp", without.clone()).await, invalid(text));
        let listed = stack.ok("ListUsers", json!({ "UserPoolId": pool })).await;
        assert_eq!(listed["Users"], json!([]));

        let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] });
        let pool = stack.pool(json!({ "Policies": { "SignInPolicy": factors } })).await;
        let client = stack.client(&pool, json!({})).await;
        let input =
            merged(without, json!({ "ClientId": client, "UserAttributes": mail("jo@gm.com") }));
        assert_eq!(stack.ok("SignUp", input).await["UserConfirmed"], false);
    }

    #[tokio::test]
    async fn of_two_contacts_to_verify_only_the_telephone_gets_a_code() {
        let stack = Stack::new().await;
        let sms = json!({ "SnsCallerArn": "arn:aws:iam::123456789012:role/sms" });
        let both = json!({
            "AutoVerifiedAttributes": ["email", "phone_number"], "SmsConfiguration": sms,
        });
        let pool = stack.pool(both).await;
        let client = stack.client(&pool, json!({})).await;
        let contacts = json!([
            { "Name": "email", "Value": "jo@gm.com" },
            { "Name": "phone_number", "Value": "+14155550008" },
        ]);
        let input = json!({
            "ClientId": client, "Username": "jo", "Password": PASSWORD, "UserAttributes": contacts,
        });
        let details = json!({
            "Destination": "+*******0008", "DeliveryMedium": "SMS",
            "AttributeName": "phone_number",
        });
        assert_eq!(stack.ok("SignUp", input).await["CodeDeliveryDetails"], details);
        assert_eq!(stack.messenger().messages().len(), 1);
        let again = json!({ "ClientId": client, "Username": "jo" });
        let answer = stack.ok("ResendConfirmationCode", again).await;
        assert_eq!(answer["CodeDeliveryDetails"], details);
        let code = stack.last_code_for("+14155550008");
        let confirm = json!({ "ClientId": client, "Username": "jo", "ConfirmationCode": code });
        stack.ok("ConfirmSignUp", confirm).await;
        let jo = stack.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "jo" })).await;
        for (name, value) in [("phone_number_verified", "true"), ("email_verified", "false")] {
            let flag = json!({ "Name": name, "Value": value });
            assert!(jo["UserAttributes"].as_array().unwrap().contains(&flag), "{jo}");
        }
    }
}
