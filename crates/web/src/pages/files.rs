//! `/assets/…`: what pages load, from the built-in stylesheet to the images of styles.
//!
//! Addresses change with what they stand for, so that browsers keep it for ever. One that is out of
//! date, as during an update of several servers, gets what there is now, to be kept by nobody.

use std::{fmt::Write as _, sync::LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};
use poolhouse_domain::{Fault, branding::images, ports::Ports, shapes::AssetType};

use super::brand;

/// For what never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For what may be another tomorrow.
const NOT_AT_ALL: &str = "no-cache";
/// For images that somebody opens by themselves: no scripts, no requests, no forms.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// A file that is part of the program.
pub(super) struct BuiltIn {
    /// Where it is served.
    pub(super) href: String,
    stem: &'static str,
    ending: &'static str,
    media_type: &'static str,
    content: &'static str,
}

impl BuiltIn {
    fn new(
        stem: &'static str,
        ending: &'static str,
        media_type: &'static str,
        content: &'static str,
    ) -> Self {
        let hash = digest(&SHA256, content.as_bytes());
        let hash = hash.as_ref().iter().take(8).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let href = format!("{stem}{hash}{ending}");
        Self { href, stem, ending, media_type, content }
    }

    /// Whether a path is that of the file, in this or another version.
    fn is_at(&self, path: &str) -> bool {
        let hash = path.strip_prefix(self.stem).and_then(|rest| rest.strip_suffix(self.ending));
        hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

/// The stylesheet of all pages.
pub(super) static STYLESHEET: LazyLock<BuiltIn> = LazyLock::new(|| {
    let content = include_str!("../../static/pages.css");
    BuiltIn::new("/assets/pages.", ".css", "text/css; charset=utf-8", content)
});

/// The script of all pages.
pub(super) static SCRIPT: LazyLock<BuiltIn> = LazyLock::new(|| {
    let content = include_str!("../../static/pages.js");
    BuiltIn::new("/assets/pages.", ".js", "text/javascript; charset=utf-8", content)
});

/// The icon in the tab of those who have none.
pub(super) static FAVICON: LazyLock<BuiltIn> = LazyLock::new(|| {
    let content = include_str!("../../static/icon.svg");
    BuiltIn::new("/assets/icon.", ".svg", "image/svg+xml", content)
});

/// Answers a request for one of the files; `None` if its path is that of none.
pub async fn serve(ports: &Ports, parts: &Parts) -> Option<Response<Vec<u8>>> {
    let path = parts.uri.path();
    if !path.starts_with("/assets/") {
        return None;
    }
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Some(bare(StatusCode::METHOD_NOT_ALLOWED));
    }
    if let Some(file) =
        [&*STYLESHEET, &*SCRIPT, &*FAVICON].into_iter().find(|file| file.is_at(path))
    {
        let content = file.content.as_bytes().to_vec();
        return Some(found(content, file.media_type, file.href == path));
    }
    Some(match image(ports, path).await {
        Ok(Some((asset, is_current))) => shown(asset, is_current),
        Ok(None) => bare(StatusCode::NOT_FOUND),
        Err(fault) => {
            let source = std::error::Error::source(&fault).map(ToString::to_string);
            tracing::error!(%fault, source, "an image can't be served");
            bare(StatusCode::INTERNAL_SERVER_ERROR)
        }
    })
}

/// The image of a style that a path names, and whether it is the one that the path meant.
async fn image(ports: &Ports, path: &str) -> Result<Option<(AssetType, bool)>, Fault> {
    let Some((client_id, version, category, mode, name)) = brand::named(path) else {
        return Ok(None);
    };
    let mut tx = ports.store.read().await?;
    let Some(style) = tx.style_of_client(client_id).await? else { return Ok(None) };
    if ports.directory.user_pool(style.user_pool_id()).await?.is_none() {
        return Ok(None);
    }
    let asset = tx.asset(style.id(), category, mode, &name).await?;
    Ok(asset.map(|asset| (asset, style.version == version)))
}

fn shown(asset: AssetType, is_current: bool) -> Response<Vec<u8>> {
    let bytes = asset.bytes.map(|bytes| bytes.to_vec()).unwrap_or_default();
    let Some(kind) = images::kind(&bytes) else { return bare(StatusCode::NOT_FOUND) };
    found(bytes, images::media_type(kind), is_current)
}

fn found(content: Vec<u8>, media_type: &'static str, is_current: bool) -> Response<Vec<u8>> {
    let mut response = Response::new(content);
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, media_type);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(CACHE_CONTROL, if is_current { FOR_EVER } else { NOT_AT_ALL });
    response
}

/// A response without a body.
fn bare(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}
