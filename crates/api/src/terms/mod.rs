//! Operations on terms documents, the links to an app client's terms of use and privacy policy.

mod create_terms;
mod delete_terms;
mod describe_terms;
mod describe_terms_by_client;
mod list_terms;
mod update_terms;

use poolhouse_domain::{
    ports::Transaction,
    terms::{TermsDocument, TermsRefused},
};
use poolhouse_wire::{Permits, codes};

use crate::{
    failure::{Failure, Unanswered, invalid_parameter},
    lookup::no_user_pool,
};

/// A document of a pool that is there, as stored now.
async fn find<Op>(
    tx: &mut dyn Transaction,
    user_pool_id: &str,
    terms_id: &str,
) -> Result<TermsDocument, Unanswered<Op>>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    if tx.user_pool(user_pool_id).await?.is_none() {
        return Err(no_user_pool(user_pool_id).into());
    }
    let terms = tx.terms(user_pool_id, terms_id).await?;
    Ok(terms.ok_or_else(|| not_found(terms_id))?)
}

/// The error for an unknown document. (The text is a belief.)
fn not_found<Op>(what: &str) -> Failure<Op>
where
    Op: Permits<codes::ResourceNotFoundException>,
{
    Failure::new(codes::ResourceNotFoundException, format!("Terms {what} does not exist."))
}

/// What is said of documents that can't be had.
fn terms_refused<Op>(refused: &TermsRefused) -> Failure<Op>
where
    Op: Permits<codes::InvalidParameterException> + Permits<codes::TermsExistsException>,
{
    let message = refused.to_string();
    match refused {
        TermsRefused::Exists { .. } => Failure::new(codes::TermsExistsException, message),
        _ => invalid_parameter(message),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Stack, text};

    /// The members of `CreateTerms` for terms of use.
    pub(super) fn terms(pool: &str, client: &str) -> Value {
        json!({
            "UserPoolId": pool, "ClientId": client, "TermsName": "terms-of-use",
            "TermsSource": "LINK", "Enforcement": "NONE",
            "Links": {
                "cognito:default": "https://example.com/terms",
                "cognito:french": "https://example.com/fr",
            },
        })
    }

    /// Makes a document and answers its id.
    pub(super) async fn made(stack: &Stack, input: Value) -> String {
        text(&stack.ok("CreateTerms", input).await["Terms"]["TermsId"])
    }
}
