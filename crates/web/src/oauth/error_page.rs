//! `/error`: the page for those whom nobody else can be told about.
//!
//! Anybody can make a link to it, so that it says nothing but what is written here: of codes that are
//! known what they mean, of others that something went wrong.

use http::{Response, StatusCode, request::Parts};
use poolhouse_domain::{
    Fault,
    oauth::{mount::Mount, parameters::Parameters},
    ports::Ports,
};
use url::form_urlencoded;

use crate::{
    look,
    pages::{Cause, Failed, Look, Page, respond},
};

/// Says what the code in the query means, in the look of the client that it names.
pub(super) async fn answer(
    ports: &Ports,
    mount: &Mount,
    parts: &Parts,
) -> Result<Response<String>, Fault> {
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default());
    let one = |name| parameters.one(name).ok().flatten();
    let client = match one("client_id") {
        Some(id) => ports.directory.app_client(id).await?,
        None => None,
    };
    let client = client.filter(|client| client.user_pool_id() == mount.pool.id());
    let look = match &client {
        Some(client) => look::of_client(ports, mount, client.id(), parts).await?,
        None => None,
    };
    let cause = one("error").and_then(Cause::of_code);
    let failed = Failed {
        code: cause.map(Cause::code).unwrap_or_default().to_owned(),
        cause,
        detail: detail(cause, client.as_ref().map(|client| client.id())),
        request_id: ports.caller.request_id.clone(),
        retry: None,
    };
    let look = look.unwrap_or_else(|| look::plain(parts));
    let here = look.here.as_ref().map(|_| {
        let client_id = client.as_ref().map(|client| ("client_id", client.id()));
        let code = cause.map(|cause| ("error", cause.code()));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(code.into_iter().chain(client_id))
            .finish();
        format!("{}?{query}", parts.uri.path())
    });
    let look = Look { here, ..look };
    Ok(look::text(respond(StatusCode::OK, &look, &Page::Failed(failed))))
}

/// What developers have to look at, for mistakes that many make.
fn detail(cause: Option<Cause>, client_id: Option<&str>) -> String {
    match (cause, client_id) {
        (Some(Cause::RedirectMismatch), Some(id)) => format!(
            "The redirect_uri is not one of the callback URLs of the app client {id}. They are \
             compared to the letter: a slash at the end, a port and upper case count."
        ),
        (Some(Cause::InvalidClient), _) => {
            "The user pool of this domain has no app client with this client_id.".to_owned()
        }
        _ => String::new(),
    }
}

/// A page that says that a request can't be answered, and why, in words of ours.
pub fn page(parts: &Parts, status: StatusCode, text: &str) -> Response<String> {
    let failed = Failed {
        code: Cause::InvalidRequest.code().to_owned(),
        cause: Some(Cause::InvalidRequest),
        detail: text.to_owned(),
        ..Failed::default()
    };
    let look = Look { here: None, ..look::plain(parts) };
    look::text(respond(status, &look, &Page::Failed(failed)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CLIENT, Scene};

    async fn body(scene: &Scene, query: &str) -> String {
        let answer = scene.get(&format!("/error?{query}")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"));
        assert_eq!(answer.headers()["x-frame-options"], "DENY");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        answer.into_body()
    }

    #[tokio::test]
    async fn known_codes_are_explained_and_unknown_ones_are_not_repeated() {
        let scene = Scene::new().await;
        let mismatch = body(&scene, &format!("error=redirect_mismatch&client_id={CLIENT}")).await;
        for text in [
            "An error was encountered with the requested page.",
            "to an address that is not registered for it",
            "<code>redirect_mismatch</code>",
            &format!("callback URLs of the app client {CLIENT}."),
        ] {
            assert!(mismatch.contains(text), "{text}: {mismatch}");
        }
        for query in [
            "error=call+0123-456&client_id=nobody",
            "error=%3Cscript%3Ealert(1)%3C/script%3E&client_id=%3Cscript%3Ealert(2)%3C/script%3E",
            "error=redirect_mismatch&error=redirect_mismatch",
            "",
        ] {
            let page = body(&scene, query).await;
            assert!(page.contains("An error was encountered"), "{page}");
            for text in ["0123", "nobody", "<script>", "redirect_mismatch</code>", "<dl"] {
                assert!(!page.contains(text), "{text}: {page}");
            }
        }
    }

    #[tokio::test]
    async fn it_is_in_the_language_of_the_browser() {
        let scene = Scene::new().await;
        let page = body(&scene, "error=invalid_client&lang=nl").await;
        assert!(page.contains("De applicatie die u hierheen heeft gestuurd"), "{page}");
        let answer = scene.get_with("/oauth2/authorize", ("accept-language", "de")).await;
        assert_eq!(answer.status(), 400);
        assert!(answer.body().contains("<html lang=\"de\""), "{}", answer.body());
    }
}
