//! `{issuer}/assets/{client}/{name}`: the logos of the classic pages.
//!
//! Strangers' browsers show what administrators have stored. So an image goes out as the kind that
//! its bytes are, browsers are told to take it for nothing else, and a page made of it may do
//! nothing.

use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};
use poolhouse_domain::{
    Fault,
    branding::{classic::Logo, images},
    ports::Ports,
};

/// A name tells its content, so that an image never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// No scripts, no requests, no forms: for those who open an image by itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Answers a request for an image; `None` if its path is not that of one.
pub async fn serve(ports: &Ports, parts: &Parts) -> Option<Response<Vec<u8>>> {
    let (user_pool_id, client_id, name) = route(parts.uri.path())?;
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Some(bare(StatusCode::METHOD_NOT_ALLOWED));
    }
    Some(match logo(ports, user_pool_id, client_id, name).await {
        Ok(Some(logo)) => image(logo),
        Ok(None) => bare(StatusCode::NOT_FOUND),
        Err(fault) => {
            let source = std::error::Error::source(&fault).map(ToString::to_string);
            tracing::error!(%fault, source, "an image can't be served");
            bare(StatusCode::INTERNAL_SERVER_ERROR)
        }
    })
}

/// Pool, app client and name.
fn route(path: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = path.splitn(5, '/').collect();
    match parts.as_slice() {
        ["", pool, "assets", client, name] => Some((pool, client, name)),
        _ => None,
    }
}

async fn logo(
    ports: &Ports,
    user_pool_id: &str,
    client_id: &str,
    name: &str,
) -> Result<Option<Logo>, Fault> {
    if ports.directory.user_pool(user_pool_id).await?.is_none() {
        return Ok(None);
    }
    let mut tx = ports.store.read().await?;
    let found = tx.ui_customization(user_pool_id, client_id).await?;
    Ok(found.and_then(|found| found.logo).filter(|logo| logo.name == name))
}

fn image(logo: Logo) -> Response<Vec<u8>> {
    let Some(kind) = images::kind(&logo.bytes) else { return bare(StatusCode::NOT_FOUND) };
    let mut response = Response::new(logo.bytes);
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, images::media_type(kind));
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(CACHE_CONTROL, FOR_EVER);
    response
}

/// A response without a body.
fn bare(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use http::Request;
    use poolhouse_domain::{
        branding::classic::{ALL, UiCustomization},
        shapes::UserPoolType,
        user_pools::UserPool,
    };
    use poolhouse_testkit::Kit;

    use super::*;

    const POOL: &str = "us-east-1_AbCdEfGhI";

    async fn request(kit: &Kit, method: Method, path: &str) -> Option<Response<Vec<u8>>> {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        serve(&kit.ports, &request.into_parts().0).await
    }

    /// A server with one pool that has this logo, and the logo's path.
    async fn kit(bytes: &[u8]) -> (Kit, String) {
        let kit = Kit::new().await.unwrap();
        let settings = UserPoolType { id: Some(POOL.to_owned()), ..UserPoolType::default() };
        let now = kit.ports.clock.now();
        let new = UiCustomization::new(POOL, ALL, None, Some(bytes.to_vec()), now).unwrap();
        let mut tx = kit.ports.store.write().await.unwrap();
        tx.insert_user_pool(&UserPool { settings, ..UserPool::default() }).await.unwrap();
        tx.put_ui_customization(&new).await.unwrap();
        tx.commit().await.unwrap();
        let url = new.to_shape(&kit.ports.identity).image_url.unwrap();
        let path = url.strip_prefix(&kit.ports.identity.issuer_base).unwrap().to_owned();
        (kit, path)
    }

    #[tokio::test]
    async fn a_logo_is_served_as_an_image_and_as_nothing_else() {
        for (bytes, media_type) in
            [(&b"\x89PNG\r\n\x1a\n<svg>"[..], "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg")]
        {
            let (kit, path) = kit(bytes).await;
            let answer = request(&kit, Method::GET, &path).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], media_type);
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let policy = answer.headers()["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("default-src 'none'") && policy.ends_with("sandbox"));
            assert_eq!(answer.body(), bytes);
        }
    }

    #[tokio::test]
    async fn other_names_methods_and_pools_get_nothing() {
        let (kit, path) = kit(b"\xff\xd8\xff\xe0").await;
        for wrong in [
            path.replace(".jpg", ".png"),
            path.replace("ALL", "client"),
            path.replace(POOL, "us-east-1_Nowhere12"),
            format!("{path}/more"),
        ] {
            let answer = request(&kit, Method::GET, &wrong).await.unwrap();
            assert_eq!((answer.status().as_u16(), answer.body().len()), (404, 0), "{wrong}");
        }
        assert_eq!(request(&kit, Method::POST, &path).await.unwrap().status(), 405);
        for other in ["/", "/a/b/c/d", "/us-east-1_x/.well-known/jwks.json", "/a/assets/c"] {
            assert!(request(&kit, Method::GET, other).await.is_none(), "{other}");
        }
    }
}
