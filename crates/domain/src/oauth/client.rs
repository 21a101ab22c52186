//! The proof of an app client at the endpoints that it calls itself.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::form_urlencoded;

use super::parameters::Parameters;
use crate::{
    app_clients::{AppClient, secrets},
    fault::Ruling,
    granted,
    ports::Ports,
    user_pools::UserPool,
};

/// Why nobody is believed to be an app client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRefused {
    /// No client is named, one is named twice, or header and body name different ones.
    Unclear,
    /// There is no such client in the pool, or the secret is wrong, missing or superfluous.
    Invalid,
}

/// What a request says of its sender.
#[derive(Default)]
struct Claimed {
    id: Option<String>,
    secret: Option<String>,
}

/// The app client that sends a request: by HTTP Basic authentication (`authorization` is the value
/// of the header), by `client_id` and `client_secret` in the body or, if it has no secret, by its
/// name alone.
pub async fn authenticate(
    ports: &Ports,
    pool: &UserPool,
    authorization: Option<&str>,
    parameters: &Parameters<'_>,
) -> Ruling<Arc<AppClient>, ClientRefused> {
    let claimed = granted!(claimed(authorization, parameters));
    let id = granted!(claimed.id.ok_or(ClientRefused::Unclear));
    let client = ports.directory.app_client(&id).await?;
    let client = client.filter(|client| client.user_pool_id() == pool.id());
    let client = granted!(client.ok_or(ClientRefused::Invalid));
    let is_superfluous = client.secrets.is_empty() && claimed.secret.is_some();
    let is_right = secrets::check(&client, claimed.secret.as_deref()).is_ok();
    Ok(if is_right && !is_superfluous { Ok(client) } else { Err(ClientRefused::Invalid) })
}

/// What header and body say. Both may, if they agree; that they may at all is a belief.
fn claimed(
    authorization: Option<&str>,
    parameters: &Parameters<'_>,
) -> Result<Claimed, ClientRefused> {
    let one = |name| parameters.one(name).map_err(|_| ClientRefused::Unclear);
    let (id, secret) = (one("client_id")?, one("client_secret")?);
    let body = Claimed { id: id.map(str::to_owned), secret: secret.map(str::to_owned) };
    let Some(header) = authorization.and_then(basic) else { return Ok(body) };
    let header = header?;
    let agrees = |one: &Option<String>, other: &Option<String>| one.is_none() || one == other;
    if agrees(&body.id, &header.id) && agrees(&body.secret, &header.secret) {
        Ok(header)
    } else {
        Err(ClientRefused::Unclear)
    }
}

/// Name and secret of a header for Basic authentication; none for another scheme.
fn basic(authorization: &str) -> Option<Result<Claimed, ClientRefused>> {
    let (scheme, credentials) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(credentials.trim()).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = text.as_deref().and_then(|text| text.split_once(':'));
    let claimed = pair.map(|(id, secret)| Claimed {
        id: Some(plain(id)),
        // Some libraries send a header for clients without a secret, too.
        secret: Some(plain(secret)).filter(|secret| !secret.is_empty()),
    });
    Some(claimed.ok_or(ClientRefused::Invalid))
}

/// Half of the credentials. The service takes them as they are; libraries that keep to RFC 6749 section
/// 2.3.1 encode them as form values. One has a percent sign only if it is encoded.
fn plain(part: &str) -> String {
    let pair = || form_urlencoded::parse(part.as_bytes()).next();
    let decoded = part.contains('%').then(pair).flatten();
    decoded.map_or_else(|| part.to_owned(), |(text, _)| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&str>, body: &str) -> Result<(String, String), ClientRefused> {
        let claimed = claimed(header, &Parameters::parse(body))?;
        Ok((claimed.id.unwrap_or_default(), claimed.secret.unwrap_or_default()))
    }

    #[test]
    fn header_and_body_may_both_tell_but_not_differently() {
        let header = format!("Basic {}", STANDARD.encode("id:se:cr+et"));
        let told = Ok(("id".to_owned(), "se:cr+et".to_owned()));
        assert_eq!(read(Some(&header), ""), told);
        assert_eq!(read(Some(&header.replace("Basic", "bAsIc")), ""), told);
        assert_eq!(read(Some(&header), "client_id=id&client_secret=se%3Acr%2Bet"), told);
        assert_eq!(read(None, "client_id=id&client_secret=se:cr%2Bet"), told);
        assert_eq!(read(Some("Bearer x"), "client_id=id").map(|(id, _)| id), Ok("id".to_owned()));
        let header = format!("Basic {}", STANDARD.encode("a%5Fb:se%3Acr%2Bet%5f1"));
        assert_eq!(read(Some(&header), ""), Ok(("a_b".to_owned(), "se:cr+et_1".to_owned())));
        let header = format!("Basic {}", STANDARD.encode("id:se:cr+et"));
        for body in ["client_id=other", "client_secret=other", "client_id=id&client_id=id"] {
            assert_eq!(read(Some(&header), body), Err(ClientRefused::Unclear), "{body}");
        }
        for header in ["Basic !", "Basic aWQ=", "Basic", "basic "] {
            assert_eq!(read(Some(header), "client_id=id"), Err(ClientRefused::Invalid), "{header}");
        }
    }
}
