//! `VerifyUserAttribute`: a user proves a contact by the code that was sent to it.

use poolhouse_domain::{
    attempts::{self, Attempted},
    attributes::{VerifyRefused, verify},
    ports::Ports,
    shapes::{VerifyUserAttributeRequest, VerifyUserAttributeResponse},
};
use poolhouse_wire::operations::VerifyUserAttribute as Op;

use super::{alias_taken, code_refused, contact};
use crate::{
    failure::{Answer, Failure, limit_exceeded},
    serve::Handle,
    subject,
};

impl Handle for Op {
    async fn handle(ports: &Ports, input: VerifyUserAttributeRequest) -> Answer<Op> {
        let caller = subject::by_access_token::<Op>(ports, &input.access_token).await?;
        let contact = contact::<Op>(&input.attribute_name)?;
        let (pool, now) = (&caller.pool, ports.clock.now());
        let mut tx = ports.store.write().await?;
        let user = tx.user_by_sub(pool.id(), &caller.user.sub).await?;
        let user = user.ok_or_else(Failure::<Op>::user_gone)?;
        let what = Attempted::VerifyAttribute;
        let counted = attempts::count(&mut *tx, pool.id(), &user.sub, what, now).await?;
        counted.map_err(limit_exceeded::<Op>)?;
        let keyring = &ports.keyring;
        let outcome = verify(&mut *tx, keyring, pool, user, contact, &input.code, now).await?;
        tx.commit().await?; // on refusal too: the attempt must outlive the error answer
        outcome.map_err(refused)?;
        Ok(VerifyUserAttributeResponse {})
    }
}

fn refused(refused: VerifyRefused) -> Failure<Op> {
    match refused {
        VerifyRefused::Code(refused) => code_refused(refused),
        VerifyRefused::Alias(taken) => alias_taken(&taken),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, error};

    async fn asked(stack: &Stack, pool: &str) -> (String, String) {
        let client = stack.client(pool, json!({})).await;
        stack.user(pool, "jo", &[("email", "jo@gm.com")]).await;
        let token = stack.access_token(&client, "jo").await;
        let input = json!({ "AccessToken": token, "AttributeName": "email" });
        stack.ok("GetUserAttributeVerificationCode", input).await;
        (token, stack.last_code_for("jo@gm.com"))
    }

    fn verify(token: &str, code: &str) -> Value {
        json!({ "AccessToken": token, "AttributeName": "email", "Code": code })
    }

    fn another(code: &str) -> &'static str {
        if code == "000000" { "111111" } else { "000000" }
    }

    #[tokio::test]
    async fn a_code_verifies_once_and_wrong_ones_are_counted() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({})).await;
        let (token, code) = asked(&stack, &pool).await;
        let operation = "VerifyUserAttribute";
        let text = "Invalid verification code provided, please try again.";
        let mismatch = error("CodeMismatchException", text);
        for _ in 0..13 {
            let wrong = verify(&token, another(&code));
            assert_eq!(stack.refusal(operation, wrong).await, mismatch);
        }
        assert_eq!(stack.ok(operation, verify(&token, &code)).await, json!({}));
        let text = "Invalid code provided, please request a code again.";
        let expired = error("ExpiredCodeException", text);
        assert_eq!(stack.refusal(operation, verify(&token, &code)).await, expired);
        let text = "Attempt limit exceeded, please try after some time.";
        let limit = error("LimitExceededException", text);
        assert_eq!(stack.refusal(operation, verify(&token, &code)).await, limit);
    }

    #[tokio::test]
    async fn an_address_that_another_holds_is_not_verified_and_the_code_stays() {
        let stack = Stack::new().await;
        let pool = stack.pool(json!({ "AliasAttributes": ["email"] })).await;
        let (token, code) = asked(&stack, &pool).await;
        let verified = [("email", "jo@gm.com"), ("email_verified", "true")];
        stack.user(&pool, "al", &verified).await;
        let text = "An account with the given email already exists.";
        let taken = error("AliasExistsException", text);
        let input = verify(&token, &code);
        assert_eq!(stack.refusal("VerifyUserAttribute", input.clone()).await, taken);
        let user = json!({ "UserPoolId": pool, "Username": "al" });
        stack.ok("AdminDeleteUser", user).await;
        stack.ok("VerifyUserAttribute", input).await;
    }
}
