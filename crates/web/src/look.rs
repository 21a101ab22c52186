//! How the pages of a domain look to a browser: the style of an app client, and the language.

use http::{Method, Response, header::ACCEPT_LANGUAGE, request::Parts};
use poolhouse_domain::{
    Fault,
    oauth::{mount::Mount, parameters::Parameters},
    ports::Ports,
};

use crate::{
    oauth::{cookies, headers},
    pages::{Brand, Language, Look, field},
};

/// How the pages of a client look; none for a client without a style.
pub(crate) async fn of_client(
    ports: &Ports,
    mount: &Mount,
    client_id: &str,
    parts: &Parts,
) -> Result<Option<Look>, Fault> {
    let is_managed = mount.domain.shows_managed_login();
    let mut view = ports.store.read().await?;
    let brand = Brand::load(&mut *view, mount.pool.id(), client_id, is_managed).await?;
    drop(view);
    let Some(brand) = brand else { return Ok(None) };
    if !is_managed {
        return Ok(Some(Look { brand, ..Look::default() }));
    }
    Ok(Some(Look { brand, ..plain(parts) }))
}

/// The built-in look, in the browser's language.
pub(crate) fn plain(parts: &Parts) -> Look {
    let query = parts.uri.query().unwrap_or_default();
    let parameters = Parameters::parse(query);
    let asked = parameters.one(field::LANGUAGE).ok().flatten();
    let chosen = cookies::values(parts, field::LANGUAGE);
    let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    // After a form, there is no address for the same page.
    let here = (parts.method == Method::GET)
        .then(|| format!("{}?{}", parts.uri.path(), without_language(query)));
    Look {
        language: Language::negotiate(asked, chosen.first().copied(), accepted),
        here,
        ..Look::default()
    }
}

/// A query without the parameter for the language.
fn without_language(query: &str) -> String {
    let is_other = |part: &&str| part.split('=').next() != Some(field::LANGUAGE);
    query.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

/// A rendered page, which pages of other origins must not read.
pub(crate) fn text(page: Response<Vec<u8>>) -> Response<String> {
    headers::private(page.map(|body| String::from_utf8(body).unwrap_or_default()))
}
