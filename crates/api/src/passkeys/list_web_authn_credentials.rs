//! `ListWebAuthnCredentials`: a user's passkeys, oldest first, page by page.

use poolhouse_domain::{
    passkeys::{MOST, Passkey},
    ports::Ports,
    shapes::{
        ListWebAuthnCredentialsRequest, ListWebAuthnCredentialsResponse,
        WebAuthnCredentialDescription,
    },
    time::Timestamp,
};
use poolhouse_wire::operations::ListWebAuthnCredentials as Op;

use super::bearer;
use crate::{failure::Answer, pages, serve::Handle};

impl Handle for Op {
    async fn handle(ports: &Ports, input: ListWebAuthnCredentialsRequest) -> Answer<Op> {
        let bearer = bearer::<Op>(ports, &input.access_token).await?;
        let (pool_id, sub) = (bearer.pool.id(), &bearer.user.sub);
        let list = format!("ListWebAuthnCredentials {pool_id} {sub}");
        let size = match input.max_results {
            None | Some(0) => MOST,
            wanted => pages::size(wanted),
        };
        let after: Option<(Timestamp, String)> =
            pages::start::<Op, _>(ports, &list, input.next_token.as_deref())?;
        let mut passkeys = ports.store.read().await?.passkeys_of_user(pool_id, sub).await?;
        passkeys.retain(|passkey| after.as_ref().is_none_or(|after| place(passkey) > *after));
        let next_token = pages::cut(ports, &list, &mut passkeys, size, place)?;
        let credentials = passkeys.into_iter().map(description).collect();
        Ok(ListWebAuthnCredentialsResponse { credentials, next_token })
    }
}

/// The place of a passkey in the list.
fn place(passkey: &Passkey) -> (Timestamp, String) {
    (passkey.created_at, passkey.credential_id.clone())
}

/// A passkey as the protocol shows it.
fn description(passkey: Passkey) -> WebAuthnCredentialDescription {
    WebAuthnCredentialDescription {
        credential_id: passkey.credential_id,
        friendly_credential_name: passkey.friendly_name,
        relying_party_id: passkey.relying_party_id,
        authenticator_attachment: passkey.attachment,
        authenticator_transports: passkey.transports,
        created_at: passkey.created_at.to_wire(),
    }
}

#[cfg(test)]
mod tests {
    use poolhouse_testkit::{Authenticator, START, Told};
    use serde_json::{Value, json};

    use super::super::testing::{list, passkey_pool, register, start};
    use crate::testing::{Stack, invalid, merged, text};

    #[tokio::test]
    async fn a_passkey_is_shown_whole() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        stack.user(&pool, "ada", &[]).await;
        let token = stack.access_token(&client, "ada").await;
        assert_eq!(list(&stack, &token).await, json!([]));
        let roaming = Authenticator::es256("roaming");
        let options = start(&stack, &token).await;
        let mut credential = roaming.register(&options, &Told::default());
        credential["authenticatorAttachment"] = json!("cross-platform");
        credential["response"]["transports"] = json!(["usb", "N0 WORD", ""]);
        let input = json!({ "AccessToken": token, "Credential": credential });
        stack.ok("CompleteWebAuthnRegistration", input).await;
        stack.advance(2);
        let options = start(&stack, &token).await;
        let bare = Authenticator::es256("bare");
        let mut credential = bare.register(&options, &Told::default());
        credential["authenticatorAttachment"] = json!("unheard-of");
        credential["response"].as_object_mut().unwrap().remove("transports");
        let input = json!({ "AccessToken": token, "Credential": credential });
        stack.ok("CompleteWebAuthnRegistration", input).await;

        let mut shown = list(&stack, &token).await;
        let times: Vec<f64> = shown
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .map(|one| one.as_object_mut().unwrap().remove("CreatedAt").unwrap().as_f64().unwrap())
            .collect();
        assert!((times[1] - times[0] - 2.0).abs() < 0.001, "{times:?} from {START:?}");
        let expected = json!([
            {
                "CredentialId": roaming.id(), "FriendlyCredentialName": "Roaming passkey",
                "RelyingPartyId": "example.com", "AuthenticatorAttachment": "cross-platform",
                "AuthenticatorTransports": ["usb"],
            },
            {
                "CredentialId": bare.id(), "FriendlyCredentialName": "Passkey",
                "RelyingPartyId": "example.com", "AuthenticatorTransports": [],
            },
        ]);
        assert_eq!(shown, expected);
    }

    #[tokio::test]
    async fn pages_hold_every_passkey_of_the_user_once() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        for name in ["ada", "bob"] {
            stack.user(&pool, name, &[]).await;
        }
        let token = stack.access_token(&client, "ada").await;
        let bobs = stack.access_token(&client, "bob").await;
        register(&stack, &bobs, &Authenticator::es256("bobs")).await;
        let mut expected = Vec::new();
        for number in 0..5 {
            let key = Authenticator::es256(&number.to_string());
            register(&stack, &token, &key).await;
            expected.push(key.id());
        }
        let (mut shown, mut sizes, mut next) = (Vec::new(), Vec::new(), Value::Null);
        loop {
            let input = json!({ "AccessToken": token, "MaxResults": 2, "NextToken": next });
            let mut answer = stack.ok("ListWebAuthnCredentials", input).await;
            let page = answer["Credentials"].as_array().unwrap();
            sizes.push(page.len());
            shown.extend(page.iter().map(|one| text(&one["CredentialId"])));
            match answer.get_mut("NextToken") {
                Some(token) => next = token.take(),
                None => break,
            }
        }
        shown.sort();
        assert_eq!((sizes, shown), (vec![2, 2, 1], expected));
        let input = json!({ "AccessToken": token, "MaxResults": 0 });
        let answer = stack.ok("ListWebAuthnCredentials", input).await;
        assert_eq!(answer["Credentials"].as_array().unwrap().len(), 5);
    }

    #[tokio::test]
    async fn foreign_tokens_are_refused() {
        let stack = Stack::new().await;
        let (pool, client) = passkey_pool(&stack).await;
        for name in ["ada", "bob"] {
            stack.user(&pool, name, &[]).await;
        }
        let token = stack.access_token(&client, "ada").await;
        for id in ["one", "two"] {
            register(&stack, &token, &Authenticator::es256(id)).await;
        }
        let input = json!({ "AccessToken": token, "MaxResults": 1 });
        let answer = stack.ok("ListWebAuthnCredentials", input.clone()).await;
        let input = merged(input, json!({ "NextToken": answer["NextToken"] }));
        let bobs = stack.access_token(&client, "bob").await;
        for change in [json!({ "AccessToken": bobs }), json!({ "NextToken": "garbage" })] {
            let refused = stack.refusal("ListWebAuthnCredentials", merged(input.clone(), change));
            assert_eq!(refused.await, invalid("Invalid pagination token given."));
        }
    }
}
