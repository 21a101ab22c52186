//! What every operation that sets or deletes attributes, or takes a username, says of those that
//! the pool does not allow; and that nothing has changed then.

use serde_json::{Value, json};

use crate::testing::{PASSWORD, Stack, error, invalid, merged};

/// The operations that set attributes.
const OPERATIONS: [&str; 4] =
    ["SignUp", "AdminCreateUser", "UpdateUserAttributes", "AdminUpdateUserAttributes"];

/// A pool with attributes of every kind, and the user `ada`, who is signed in.
struct Scene {
    stack: Stack,
    pool: String,
    client: String,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::new().await;
        let schema = json!([
            { "Name": "nickname", "Required": true },
            { "Name": "text", "AttributeDataType": "String", "Mutable": true,
              "StringAttributeConstraints": { "MinLength": "3", "MaxLength": "10" } },
            { "Name": "number", "AttributeDataType": "Number", "Mutable": true,
              "NumberAttributeConstraints": { "MinValue": "5", "MaxValue": "9" } },
            { "Name": "flag", "AttributeDataType": "Boolean", "Mutable": true },
            { "Name": "fixed", "AttributeDataType": "String", "Mutable": false },
        ]);
        let pool = stack.pool(json!({ "Schema": schema })).await;
        let writable = json!([
            "nickname",
            "email",
            "phone_number",
            "birthdate",
            "updated_at",
            "custom:text",
            "custom:number",
            "custom:flag",
            "custom:fixed",
        ]);
        let client = stack.client(&pool, json!({ "WriteAttributes": writable })).await;
        let attributes = [("nickname", "Ada"), ("email", "ada@example.com")];
        stack.user(&pool, "ada", &attributes).await;
        let token = stack.access_token(&client, "ada").await;
        Self { stack, pool, client, token }
    }

    fn request(&self, operation: &str, attributes: &[(&str, &str)]) -> Value {
        let mut attributes = attributes.to_vec();
        let base = match operation {
            "SignUp" => {
                attributes.push(("nickname", "Jo"));
                json!({ "ClientId": self.client, "Username": "jo", "Password": PASSWORD })
            }
            "AdminCreateUser" => {
                json!({ "UserPoolId": self.pool, "Username": "jo", "MessageAction": "SUPPRESS" })
            }
            "UpdateUserAttributes" => json!({ "AccessToken": self.token }),
            _ => json!({ "UserPoolId": self.pool, "Username": "ada" }),
        };
        let attribute = |&(name, value): &(&str, &str)| json!({ "Name": name, "Value": value });
        let attributes: Vec<Value> = attributes.iter().map(attribute).collect();
        merged(base, json!({ "UserAttributes": attributes }))
    }

    async fn users(&self) -> Value {
        self.stack.ok("ListUsers", json!({ "UserPoolId": self.pool })).await
    }
}

#[tokio::test]
async fn every_operation_refuses_values_that_the_schema_does_not_allow() {
    let scene = Scene::new().await;
    let before = scene.users().await;
    let schema =
        |text: &str| invalid(&format!("Attributes did not conform to the schema: {text}\n"));
    let cases = [
        (
            "custom:text",
            "12345678901",
            schema("custom:text: String must be no longer than 10 characters"),
        ),
        ("custom:text", "12", schema("custom:text: String must be at least 3 characters")),
        ("custom:number", "10", schema("custom:number: Number must be no greater than 9")),
        ("custom:number", "4", schema("custom:number: Number must be no less than 5")),
        ("custom:number", "six", schema("custom:number: Value must be a number")),
        ("custom:flag", "perhaps", schema("custom:flag: Value must be true or false")),
        ("birthdate", "1.1.2001", schema("birthdate: String must be at least 10 characters")),
        (
            "birthdate",
            "2001-001-01",
            schema("birthdate: String must be no longer than 10 characters"),
        ),
        ("birthdate", "2001/01/01", schema("birthdate: Value must be of the form YYYY-MM-DD")),
        ("updated_at", "now", schema("updated_at: Value must be a number")),
        ("updated_at", "-1", schema("updated_at: Number must be no less than 0")),
        ("email", "ada", invalid("Invalid email address format.")),
        ("email", "ada lovelace@example.com", invalid("Invalid email address format.")),
        ("phone_number", "+49 170 1234567", invalid("Invalid phone number format.")),
        ("phone_number", "01701234567", invalid("Invalid phone number format.")),
    ];
    for (name, value, expected) in cases {
        for operation in OPERATIONS {
            let input = scene.request(operation, &[(name, value)]);
            let refused = scene.stack.refusal(operation, input).await;
            assert_eq!(refused, expected, "{operation} of {name} = {value}");
        }
    }
    assert_eq!(scene.users().await, before);
    for operation in OPERATIONS {
        let good = [("custom:text", "123"), ("custom:number", "9"), ("custom:flag", "true")];
        scene.stack.ok(operation, scene.request(operation, &good)).await;
        scene
            .stack
            .call("AdminDeleteUser", json!({ "UserPoolId": scene.pool, "Username": "jo" }))
            .await;
    }
}

#[tokio::test]
async fn every_operation_refuses_attributes_that_are_not_there_to_be_set() {
    let scene = Scene::new().await;
    let before = scene.users().await;
    let text = "Attributes did not conform to the schema: custom:x: Attribute does not exist in \
                the schema.\n";
    let in_creation = "Attributes did not conform to the schema: Type for attribute {custom:x} could not be \
         determined";
    let unauthorized =
        error("NotAuthorizedException", "A client attempted to write unauthorized attribute");
    let fixed = invalid("Cannot modify the non-mutable attribute sub");
    let no_phone = invalid("Phone Number is required to verify/un-verify a phone number");
    for operation in OPERATIONS {
        let is_admin = operation.starts_with("Admin");
        let of_client = |otherwise: &(String, String)| {
            if is_admin { otherwise.clone() } else { unauthorized.clone() }
        };
        let unknown = if operation == "AdminCreateUser" { in_creation } else { text };
        for (name, value, expected) in [
            ("custom:x", "1", invalid(unknown)),
            ("sub", "1", of_client(&fixed)),
            ("phone_number_verified", "true", of_client(&no_phone)),
        ] {
            let input = scene.request(operation, &[(name, value)]);
            let refused = scene.stack.refusal(operation, input).await;
            assert_eq!(refused, expected, "{operation} of {name}");
        }
    }
    for operation in ["UpdateUserAttributes", "AdminUpdateUserAttributes"] {
        let input = scene.request(operation, &[("custom:fixed", "first")]);
        let expected = invalid("user.custom:fixed: Attribute cannot be updated.\n");
        assert_eq!(scene.stack.refusal(operation, input).await, expected, "{operation}");
    }
    assert_eq!(scene.users().await, before);
}

#[tokio::test]
async fn what_is_required_or_unknown_is_not_deleted() {
    let scene = Scene::new().await;
    let before = scene.users().await;
    for (operation, base) in [
        ("DeleteUserAttributes", json!({ "AccessToken": scene.token })),
        ("AdminDeleteUserAttributes", json!({ "UserPoolId": scene.pool, "Username": "ada" })),
    ] {
        let unauthorized = "A client attempted to write unauthorized attribute";
        let unknown = "Invalid user attributes: user.custom:x: Attribute does not exist in the \
                       schema.\n";
        let is_admin = operation.starts_with("Admin");
        for (name, expected) in [
            ("nickname", invalid("user.nickname: Required attribute cannot be deleted.\n")),
            ("custom:x", invalid(unknown)),
            ("custom:fixed", invalid("user.custom:fixed: Attribute cannot be updated.\n")),
            (
                "sub",
                if is_admin {
                    invalid("user.sub: Attribute cannot be updated.\n")
                } else {
                    error("NotAuthorizedException", unauthorized)
                },
            ),
        ] {
            let input = merged(base.clone(), json!({ "UserAttributeNames": ["email", name] }));
            let refused = scene.stack.refusal(operation, input).await;
            assert_eq!(refused, expected, "{operation} of {name}");
        }
    }
    assert_eq!(scene.users().await, before);
}

#[tokio::test]
async fn names_must_be_contacts_where_contacts_are_names() {
    let stack = Stack::new().await;
    let (email, phone) = ("ada@example.com", "+491701234567");
    for (attributes, good, bad, text) in [
        (json!(["email"]), email, phone, "Username should be an email."),
        (json!(["phone_number"]), phone, email, "Username should be a phone number."),
        (
            json!(["email", "phone_number"]),
            phone,
            "ada",
            "Username should be either an email or a phone number.",
        ),
    ] {
        let pool = stack.pool(json!({ "UsernameAttributes": attributes })).await;
        let client = stack.client(&pool, json!({})).await;
        let attribute = if good == email { "email" } else { "phone_number" };
        let taken = format!("An account with the given {attribute} already exists.");
        let taken = error("UsernameExistsException", &taken);
        for (operation, base) in [
            ("SignUp", json!({ "ClientId": client, "Password": PASSWORD })),
            ("AdminCreateUser", json!({ "UserPoolId": pool, "MessageAction": "SUPPRESS" })),
        ] {
            let named = |name: &str| merged(base.clone(), json!({ "Username": name }));
            assert_eq!(stack.refusal(operation, named(bad)).await, invalid(text), "{operation}");
            if operation == "SignUp" {
                stack.ok(operation, named(good)).await;
            }
            assert_eq!(stack.refusal(operation, named(good)).await, taken, "{operation}");
        }
        let users = stack.ok("ListUsers", json!({ "UserPoolId": pool })).await;
        assert_eq!(users["Users"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn names_must_not_look_like_aliases_and_aliases_have_one_holder() {
    let stack = Stack::new().await;
    let aliases = json!({ "AliasAttributes": ["email", "phone_number", "preferred_username"] });
    let pool = stack.pool(aliases).await;
    let client = stack.client(&pool, json!({})).await;
    let of_ada = [
        ("email", "ada@example.com"),
        ("email_verified", "true"),
        ("phone_number", "+491701234567"),
        ("phone_number_verified", "true"),
        ("preferred_username", "countess"),
    ];
    stack.user(&pool, "ada", &of_ada).await;
    stack.user(&pool, "jo", &[]).await;
    let users = || stack.ok("ListUsers", json!({ "UserPoolId": pool }));
    let before = users().await;
    for (name, kind) in [("jo@example.com", "email"), ("+491709876543", "phone number")] {
        let text = format!(
            "Username cannot be of {kind} format, since user pool is configured for {kind} alias."
        );
        for (operation, base) in [
            ("SignUp", json!({ "ClientId": client, "Password": PASSWORD })),
            ("AdminCreateUser", json!({ "UserPoolId": pool })),
        ] {
            let input = merged(base, json!({ "Username": name }));
            assert_eq!(stack.refusal(operation, input).await, invalid(&text), "{operation}");
        }
    }
    for (attribute, flag) in [
        ("email", Some("email_verified")),
        ("phone_number", Some("phone_number_verified")),
        ("preferred_username", None),
    ] {
        let value = of_ada.iter().find(|pair| pair.0 == attribute).unwrap().1;
        let mut given = vec![json!({ "Name": attribute, "Value": value })];
        given.extend(flag.map(|flag| json!({ "Name": flag, "Value": "true" })));
        let text = format!("An account with the given {attribute} already exists.");
        let expected = error("AliasExistsException", &text);
        let new = json!({ "UserPoolId": pool, "Username": "new", "UserAttributes": given });
        assert_eq!(stack.refusal("AdminCreateUser", new.clone()).await, expected, "{attribute}");
        let known = merged(new, json!({ "Username": "jo" }));
        let refused = stack.refusal("AdminUpdateUserAttributes", known).await;
        assert_eq!(refused, expected, "{attribute}");
    }
    assert_eq!(users().await, before);
}

#[tokio::test]
async fn aliases_sign_in_while_they_are_in_effect_in_any_case_where_that_does_not_count() {
    let stack = Stack::new().await;
    for is_sensitive in [false, true] {
        let settings = json!({
            "AliasAttributes": ["email", "phone_number", "preferred_username"],
            "UsernameConfiguration": { "CaseSensitive": is_sensitive },
        });
        let pool = stack.pool(settings).await;
        let client = stack.client(&pool, json!({})).await;
        let given = [
            ("email", "Ada@Ex.org"),
            ("email_verified", "true"),
            ("phone_number", "+491701234567"),
            ("phone_number_verified", "true"),
            ("preferred_username", "Countess"),
        ];
        let sub = stack.user(&pool, "Ada", &given).await;
        let names = ["Ada", "Ada@Ex.org", "+491701234567", "Countess"];
        for name in names {
            stack.tokens(&client, name).await;
        }
        let sign_in = |name: &str| {
            json!({
                "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
                "AuthParameters": { "USERNAME": name, "PASSWORD": PASSWORD },
            })
        };
        let unknown = error("UserNotFoundException", "User does not exist.");
        for name in ["ADA", "ADA@EX.ORG", "COUNTESS"] {
            if is_sensitive {
                assert_eq!(stack.refusal("InitiateAuth", sign_in(name)).await, unknown, "{name}");
            } else {
                stack.tokens(&client, name).await;
            }
        }
        let ada = json!({ "UserPoolId": pool, "Username": sub });
        let shown = stack.ok("AdminGetUser", ada.clone()).await;
        let stored = |name: &str| if is_sensitive { name.to_owned() } else { name.to_lowercase() };
        assert_eq!(shown["Username"], stored("Ada"));
        let attributes = shown["UserAttributes"].as_array().unwrap();
        for (name, value) in [("email", "Ada@Ex.org"), ("preferred_username", "Countess")] {
            let attribute = json!({ "Name": name, "Value": stored(value) });
            assert!(attributes.contains(&attribute), "{shown}");
        }

        let unverified = json!([
            { "Name": "email_verified", "Value": "false" },
            { "Name": "phone_number", "Value": "+491709876543" },
        ]);
        let update = merged(ada.clone(), json!({ "UserAttributes": unverified }));
        stack.ok("AdminUpdateUserAttributes", update).await;
        let gone = json!({ "UserAttributeNames": ["preferred_username"] });
        stack.ok("AdminDeleteUserAttributes", merged(ada, gone)).await;
        for name in ["Ada@Ex.org", "+491701234567", "+491709876543", "Countess"] {
            assert_eq!(stack.refusal("InitiateAuth", sign_in(name)).await, unknown, "{name}");
        }
        stack.tokens(&client, "Ada").await;
    }
}
