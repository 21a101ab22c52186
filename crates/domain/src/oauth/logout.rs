//! `/logout`: where a browser goes after it has been signed out.
//!
//! Beside the service's two forms it takes that of OpenID Connect RP-Initiated Logout 1.0, which the
//! service does not: `post_logout_redirect_uri` must be among the client's logout URLs too, gets the
//! `state` back, and the client may be named by `id_token_hint`.

use std::sync::Arc;

use super::{
    authorize::ReplyTo,
    mount::Mount,
    parameters::{Parameters, Repeated},
};
use crate::{app_clients::AppClient, fault::Ruling, granted, ports::Ports, tokens::access};

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An address of the application.
    Application(String),
    /// The page to sign in, with this query.
    SignIn(String),
}

/// Why not. For a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutRefused {
    /// A parameter is missing. An address that isn't the client's counts as missing.
    Missing(&'static str),
    /// A parameter stands there twice.
    Repeated,
    /// The pool has no such client.
    UnknownClient,
    /// The ID token was made for another client than the one that is named, or is none.
    OtherClientsHint,
}

impl From<Repeated> for LogoutRefused {
    fn from(_: Repeated) -> Self {
        Self::Repeated
    }
}

/// Where the query of a request asks to go.
pub async fn destination(
    ports: &Ports,
    mount: &Mount,
    query: &str,
) -> Ruling<Destination, LogoutRefused> {
    let parameters = Parameters::parse(query);
    let client = granted!(client(ports, mount, &parameters).await?);
    if let Some(uri) = granted!(parameters.one("logout_uri"))
        && is_logout_url(&client, uri)
    {
        return Ok(Ok(Destination::Application(uri.to_owned())));
    }
    if let Some(uri) = granted!(parameters.one("post_logout_redirect_uri"))
        && is_logout_url(&client, uri)
    {
        granted!(check_hint(ports, mount, &client, &parameters).await?);
        let state = granted!(parameters.one_raw("state"));
        return Ok(Ok(Destination::Application(with_state(uri, state))));
    }
    let names_both = granted!(parameters.one("redirect_uri")).is_some()
        && granted!(parameters.one("response_type")).is_some();
    if !names_both {
        return Ok(Err(LogoutRefused::Missing("redirect_uri")));
    }
    Ok(Ok(Destination::SignIn(for_sign_in(query))))
}

/// The client that `client_id` names or, where that is missing, for which the ID token was made.
async fn client(
    ports: &Ports,
    mount: &Mount,
    parameters: &Parameters<'_>,
) -> Ruling<Arc<AppClient>, LogoutRefused> {
    let named = granted!(parameters.one("client_id")).map(str::to_owned);
    let hint = granted!(parameters.one("id_token_hint"));
    let id = match (named, hint) {
        (Some(id), _) => Some(id),
        (None, Some(token)) => access::client_of_id_token(ports, &mount.pool, token).await?,
        (None, None) => None,
    };
    let id = granted!(id.ok_or(LogoutRefused::Missing("client_id")));
    let client = ports.directory.app_client(&id).await?;
    let client = client.filter(|client| client.user_pool_id() == mount.pool.id());
    Ok(client.ok_or(LogoutRefused::UnknownClient))
}

/// Whether the ID token, if there is one beside the client's name, was made for that client (OpenID
/// Connect RP-Initiated Logout 1.0 section 2). The service's own forms don't know the parameter.
async fn check_hint(
    ports: &Ports,
    mount: &Mount,
    client: &AppClient,
    parameters: &Parameters<'_>,
) -> Ruling<(), LogoutRefused> {
    let Some(token) = granted!(parameters.one("id_token_hint")) else { return Ok(Ok(())) };
    let made_for = access::client_of_id_token(ports, &mount.pool, token).await?;
    let is_its_own = made_for.as_deref() == Some(client.id());
    Ok(if is_its_own { Ok(()) } else { Err(LogoutRefused::OtherClientsHint) })
}

fn is_logout_url(client: &AppClient, uri: &str) -> bool {
    client.settings.logout_urls.iter().flatten().any(|url| url == uri)
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let reply_to =
        ReplyTo { redirect_uri: uri.to_owned(), state: Some(state.to_owned()), in_fragment: false };
    reply_to.url(&[])
}

/// The query as it came, without what is about signing out or skips the page. What is in it is
/// checked there.
fn for_sign_in(query: &str) -> String {
    let dropped = [
        "logout_uri",
        "post_logout_redirect_uri",
        "id_token_hint",
        "identity_provider",
        "idp_identifier",
    ];
    let is_kept = |part: &&str| {
        let name = part.split('=').next().unwrap_or_default();
        !dropped.contains(&name)
    };
    query.split('&').filter(is_kept).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_the_page_keeps_the_rest_to_the_letter() {
        let query = "client_id=c&logout_uri=x&redirect_uri=https%3A%2F%2Fa&state=a%20b+c\
                     &identity_provider=Google&response_type=code&idp_identifier=x";
        let kept = "client_id=c&redirect_uri=https%3A%2F%2Fa&state=a%20b+c&response_type=code";
        assert_eq!(for_sign_in(query), kept);
    }

    #[test]
    fn state_follows_only_where_it_was_sent() {
        assert_eq!(with_state("https://a/", Some("x%20y")), "https://a/?state=x%20y");
        assert_eq!(with_state("https://a/?b=c", Some("x")), "https://a/?b=c&state=x");
        assert_eq!(with_state("https://a/", None), "https://a/");
    }
}
