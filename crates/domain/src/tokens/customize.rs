//! What a function makes of the claims of tokens (`triggers/pre_token_generation.rs`).
//!
//! What it may not touch it leaves as it is, without a word: a belief. Suppressing wins over adding.

use serde_json::Value;

use crate::triggers::pre_token_generation::{Changes, Customization};

/// Claims of either token that say who issued what to whom, and when.
const UNTOUCHABLE: [&str; 16] = [
    "acr",
    "amr",
    "at_hash",
    "auth_time",
    "azp",
    "event_id",
    "exp",
    "iat",
    "identities",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "origin_jti",
    "sub",
    "token_use",
];

/// Further ones of access tokens. Scopes have lists of their own.
const UNTOUCHABLE_IN_ACCESS: [&str; 5] =
    ["client_id", "device_key", "scope", "username", "version"];

/// Claims in the service's namespace that can be left out. What they say is changed with the groups.
const GROUPS: [&str; 3] = ["cognito:groups", "cognito:roles", "cognito:preferred_role"];

/// Changes the claims of an ID token.
pub fn id(claims: &mut Value, customization: &Customization) {
    change(claims, &customization.id, |name, _| name != "aud" && is_touchable(name));
}

/// Changes the claims of an access token. It can get an audience, but no other than its client.
pub fn access(claims: &mut Value, customization: &Customization, client_id: &str) {
    change(claims, &customization.access, |name, value| match name {
        "aud" => value.is_none_or(|value| value == client_id),
        _ => is_touchable(name) && !UNTOUCHABLE_IN_ACCESS.contains(&name),
    });
}

/// The scopes of an access token after the changes, separated by spaces.
pub fn scope(scope: &str, customization: &Customization) -> String {
    let added = customization.scopes_to_add.iter().map(String::as_str);
    let mut scopes: Vec<&str> = Vec::new();
    for scope in scope.split(' ').chain(added) {
        let is_suppressed = customization.scopes_to_suppress.contains(scope);
        if !scope.is_empty() && !is_suppressed && !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes.join(" ")
}

fn is_touchable(name: &str) -> bool {
    !UNTOUCHABLE.contains(&name) && !name.starts_with("cognito:")
}

/// `may` tells whether a claim may get a value, or be left out where there is none.
fn change(claims: &mut Value, changes: &Changes, may: impl Fn(&str, Option<&Value>) -> bool) {
    let Some(claims) = claims.as_object_mut() else { return };
    for (name, value) in &changes.add {
        let is_for_developers = name.starts_with("dev:");
        if !value.is_null() && !is_for_developers && may(name, Some(value)) {
            claims.insert(name.clone(), value.clone());
        }
    }
    for name in &changes.suppress {
        if may(name, None) || GROUPS.contains(&name.as_str()) {
            claims.remove(name);
        }
        if name == "cognito:groups" {
            for name in GROUPS {
                claims.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(add: Value, suppress: &[&str]) -> Changes {
        Changes {
            add: serde_json::from_value(add).unwrap(),
            suppress: suppress.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn suppressing_wins_over_adding() {
        let mut claims = json!({ "email": "a@x.org", "name": "Ada" });
        let changes = changes(json!({ "email": "b@x.org", "n": 1 }), &["email", "absent"]);
        id(&mut claims, &Customization { id: changes, ..Customization::default() });
        assert_eq!(claims, json!({ "name": "Ada", "n": 1 }));
    }

    #[test]
    fn what_says_who_issued_what_stays() {
        let all: Vec<&str> = UNTOUCHABLE
            .into_iter()
            .chain(UNTOUCHABLE_IN_ACCESS)
            .chain(["cognito:username", "cognito:anything", "dev:custom:x"])
            .collect();
        let forged = all.iter().map(|name| ((*name).to_owned(), json!("forged")));
        let mut forged = Value::Object(forged.collect());
        for suppress in [false, true] {
            let suppress: &[&str] =
                if suppress { all.split_last().map_or(&[], |(_, rest)| rest) } else { &[] };
            let before = json!({ "sub": "s", "client_id": "c", "cognito:username": "ada" });
            let mut claims = before.clone();
            let changed = changes(forged.clone(), suppress);
            let customization = Customization { access: changed, ..Customization::default() };
            access(&mut claims, &customization, "c");
            assert_eq!(claims, before);
        }
        forged["aud"] = json!("forged");
        let mut claims = json!({ "aud": "c", "version": 2 });
        let customization = Customization { id: changes(forged, &["aud"]), ..Default::default() };
        id(&mut claims, &customization);
        assert_eq!(claims["aud"], "c");
        assert_eq!(claims["version"], "forged", "only access tokens have a version");
    }

    #[test]
    fn an_access_token_gets_no_audience_but_its_client() {
        for (aud, expected) in [("c", json!({ "aud": "c" })), ("d", json!({}))] {
            let mut claims = json!({});
            let changes = changes(json!({ "aud": aud }), &[]);
            let customization = Customization { access: changes, ..Customization::default() };
            access(&mut claims, &customization, "c");
            assert_eq!(claims, expected);
        }
    }

    #[test]
    fn groups_go_together_and_attributes_of_developers_can_only_go() {
        let before = json!({
            "cognito:groups": ["g"], "cognito:roles": ["r"], "cognito:preferred_role": "r",
            "dev:custom:x": "1",
        });
        let left = |add: Value, suppress: &[&str]| {
            let mut claims = before.clone();
            let id_changes = changes(add, suppress);
            id(&mut claims, &Customization { id: id_changes, ..Customization::default() });
            claims.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
        };
        let all = "cognito:groups cognito:preferred_role cognito:roles dev:custom:x";
        assert_eq!(left(json!({ "cognito:groups": [] }), &[]), all);
        assert_eq!(left(json!({}), &["cognito:groups"]), "dev:custom:x");
        assert_eq!(left(json!({}), &["cognito:roles"]), all.replace("cognito:roles ", ""));
        assert_eq!(
            left(json!({ "dev:custom:x": "2" }), &["dev:custom:x"]),
            all.replace(" dev:custom:x", "")
        );
    }

    #[test]
    fn scopes_are_added_once_and_suppressed_for_good() {
        let customization = Customization {
            scopes_to_add: ["a/b", "c", "a/b", "d"].map(str::to_owned).to_vec(),
            scopes_to_suppress: ["c", "x"].map(str::to_owned).into(),
            ..Customization::default()
        };
        assert_eq!(scope("x y", &customization), "y a/b d");
        assert_eq!(scope("x", &Customization::default()), "x");
    }
}
