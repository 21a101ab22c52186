//! Terms documents: links to the terms of use and the privacy policy of an app client, one for each
//! language, which the sign-up page shows.

use std::collections::BTreeMap;

use async_trait::async_trait;
use poolhouse_wire::Sensitive;

use crate::{
    fault::{Fault, Ruling},
    granted, ids,
    ports::{Entropy, Transaction},
    shapes::{CreateTermsRequest, TermsDescriptionType, TermsType, UpdateTermsRequest},
    time::Timestamp,
};

/// Documents that a pool can have at most.
const MOST: i64 = 40;

/// A terms document of an app client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TermsDocument {
    /// The document as `DescribeTerms` shows it.
    pub details: TermsType,
    /// Number of writes so far; an update names the version it read.
    pub version: i64,
}

impl TermsDocument {
    /// The id, a random UUID.
    pub fn id(&self) -> &str {
        &self.details.terms_id
    }

    /// The document as lists show it.
    pub fn description(&self) -> TermsDescriptionType {
        let details = &self.details;
        TermsDescriptionType {
            terms_id: details.terms_id.clone(),
            terms_name: details.terms_name.clone(),
            enforcement: details.enforcement,
            creation_date: details.creation_date,
            last_modified_date: details.last_modified_date,
        }
    }
}

/// Why a terms document can't be had. (All texts are beliefs.)
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsRefused {
    /// The client has a document of this name.
    #[error("Terms with name {name} already exist for client {client_id}.")]
    Exists {
        /// Which of the two documents.
        name: String,
        /// The app client.
        client_id: String,
    },
    /// The pool has as many as it can have.
    #[error("Maximum number of terms documents in user pool {0} has been reached.")]
    TooMany(String),
    /// A document that consists of links has none.
    #[error("Links are required when TermsSource is LINK.")]
    NoLinks,
    /// What people would be sent to is not a page.
    #[error("{0} is not a valid URL.")]
    Url(String),
}

/// Storage of terms documents.
#[async_trait]
pub trait TermsDocuments: Send {
    /// Stores a new document, unless the client has one of the same name: then answers `false`.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if the app client is gone.
    async fn insert_terms(&mut self, terms: &TermsDocument) -> Result<bool, Fault>;

    /// The document of a pool with this id.
    async fn terms(
        &mut self,
        user_pool_id: &str,
        terms_id: &str,
    ) -> Result<Option<TermsDocument>, Fault>;

    /// The document of an app client with this name.
    async fn terms_of_client(
        &mut self,
        client_id: &str,
        name: &str,
    ) -> Result<Option<TermsDocument>, Fault>;

    /// Replaces a document that was read at `terms.version`, and counts the version up.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it changed (or was deleted) since it was read.
    async fn update_terms(&mut self, terms: &mut TermsDocument) -> Result<(), Fault>;

    /// Removes a document; answers whether there was one.
    async fn delete_terms(&mut self, user_pool_id: &str, terms_id: &str) -> Result<bool, Fault>;

    /// Documents of a pool in ascending order of id, after the given one.
    async fn list_terms(
        &mut self,
        user_pool_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TermsDocument>, Fault>;

    /// The number of documents of a pool.
    async fn count_terms(&mut self, user_pool_id: &str) -> Result<i64, Fault>;
}

/// Makes a terms document of an app client that is there.
pub async fn create(
    tx: &mut dyn Transaction,
    request: CreateTermsRequest,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Ruling<TermsDocument, TermsRefused> {
    let links = granted!(request.links.ok_or(TermsRefused::NoLinks));
    granted!(check_links(&links));
    let (client_id, name) = (request.client_id.into_inner(), request.terms_name);
    tx.hold_user_pool(&request.user_pool_id).await?;
    let is_there = tx.terms_of_client(&client_id, &name).await?.is_some();
    if !is_there && tx.count_terms(&request.user_pool_id).await? >= MOST {
        return Ok(Err(TermsRefused::TooMany(request.user_pool_id)));
    }
    let details = TermsType {
        terms_id: ids::random_uuid(entropy),
        user_pool_id: request.user_pool_id,
        client_id: Sensitive::new(client_id.clone()),
        terms_name: name.clone(),
        terms_source: request.terms_source,
        enforcement: request.enforcement,
        links,
        creation_date: now.to_wire(),
        last_modified_date: now.to_wire(),
    };
    let terms = TermsDocument { details, version: 0 };
    if is_there || !tx.insert_terms(&terms).await? {
        return Ok(Err(TermsRefused::Exists { name, client_id }));
    }
    Ok(Ok(terms))
}

/// Changes a terms document and stores it; what the request leaves out stays. Links are replaced as
/// a whole. (A belief.)
pub async fn update(
    documents: &mut (dyn TermsDocuments + '_),
    terms: &mut TermsDocument,
    request: UpdateTermsRequest,
    now: Timestamp,
) -> Ruling<(), TermsRefused> {
    if let Some(links) = request.links {
        granted!(check_links(&links));
        terms.details.links = links;
    }
    let details = &mut terms.details;
    if let Some(name) = request.terms_name.filter(|name| *name != details.terms_name) {
        if documents.terms_of_client(&details.client_id, &name).await?.is_some() {
            let client_id = details.client_id.to_string();
            return Ok(Err(TermsRefused::Exists { name, client_id }));
        }
        details.terms_name = name;
    }
    details.terms_source = request.terms_source.unwrap_or(details.terms_source);
    details.enforcement = request.enforcement.unwrap_or(details.enforcement);
    details.last_modified_date = now.to_wire();
    documents.update_terms(terms).await?;
    Ok(Ok(()))
}

fn check_links(links: &BTreeMap<String, String>) -> Result<(), TermsRefused> {
    match links.values().find(|url| !is_page(url)) {
        Some(url) => Err(TermsRefused::Url(url.clone())),
        None => Ok(()),
    }
}

/// Whether a link leads to a page of some host. Other schemes could run code on the sign-up page.
fn is_page(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let is_http = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = |c: char| c.is_alphanumeric() || "-._:[]".contains(c);
    is_http && authority.starts_with(|c: char| c != ':') && authority.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages() {
        for url in [
            "https://example.com",
            "HTTPS://example.com/a?b#c",
            "http://localhost:8080/terms",
            "https://[::1]/",
            "https://b\u{fc}cher.example/",
        ] {
            assert!(is_page(url), "{url}");
        }
        for url in [
            "example.com",
            "/terms",
            "javascript:alert(1)",
            "javascript://example.com/%0aalert(1)",
            "data:text/html,x",
            "https://",
            "https:///a",
            "https://:80",
            "https://a\\@b",
            "https://user@example.com",
        ] {
            assert!(!is_page(url), "{url}");
        }
    }
}
