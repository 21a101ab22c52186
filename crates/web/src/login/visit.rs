//! A request for a page: what it asks for, what its form holds, and where its sign-in stands.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
    request::Parts,
};
use poolhouse_domain::{
    Fault,
    auth::{
        Place,
        hosted::{self, Proved},
    },
    oauth::{
        authorize::{self, COGNITO, Checked, ErrorCode, Request},
        browser_session::{self, Begun},
        grant::{self, SignedIn},
        mount::Mount,
    },
    ports::Ports,
    sealing::Purpose,
    self_service::Operations,
    threat_protection,
    time::Timestamp,
    users::User,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::{
    Path,
    challenge::Asked,
    passkey::{self, Enrolling},
};
use crate::{
    look::{self, text},
    oauth::{self, cookies, headers},
    pages::{Failed, Look, Page, UsernameKind, field, respond},
};

/// The cookie with the token against forged forms, which each form repeats.
const CSRF_COOKIE: &str = "XSRF-TOKEN";
/// The cookie with what is carried between two pages.
const DATA_COOKIE: &str = "page-data";
/// For how many seconds a sign-in may go on.
const SIGN_IN_SECONDS: i64 = 300;
/// The same where a message has to arrive first. (Our choice: as long as the codes are good.)
const MESSAGE_SECONDS: i64 = 3_600;
/// For how many seconds the token against forged forms and the language are kept.
const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
/// The longest value of a field other than a passkey. (Our choice.)
const LONGEST_VALUE: usize = 2_048;
/// Cookies of one name that are looked at.
const LOOKED_AT: usize = 8;
/// Seconds until another code may be asked for. (Our choice.)
pub(super) const RESEND_AFTER: u32 = 30;

/// Where somebody stands between two pages.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Something is asked in a sign-in.
    Asked(Asked),
    /// A sign-up waits for its code.
    Confirm {
        username: String,
        /// With which the sign-in goes on; none if somebody else's browser signed up.
        session: Option<String>,
        destination: String,
    },
    /// A new password waits for its code.
    Reset { username: String, destination: String },
    /// An account has just been confirmed.
    Confirmed,
    /// A password has just been changed.
    PasswordChanged,
    /// A passkey may be added before the application gets its code.
    AddPasskey(Box<Enrolling>),
}

/// What the cookie between two pages holds: for one request of one client, in one browser.
#[derive(Serialize, Deserialize)]
struct PageData {
    client_id: String,
    request: String,
    csrf: String,
    expires_at: Timestamp,
    stage: Stage,
}

/// What a page answers.
pub(super) struct Reply {
    pub(super) body: Body,
    /// What the browser is to carry to the next page; none ends what it carries.
    pub(super) stage: Option<Stage>,
    /// The session of the browser that a sign-in has begun.
    pub(super) begun: Option<Box<Begun>>,
}

pub(super) enum Body {
    Page(Box<Page>),
    /// Another page, by its path.
    Go(&'static str),
    /// The application.
    Away(String),
}

impl Reply {
    pub(super) fn page(page: Page, stage: Option<Stage>) -> Self {
        Self { body: Body::Page(Box::new(page)), stage, begun: None }
    }

    pub(super) const fn go(path: &'static str, stage: Option<Stage>) -> Self {
        Self { body: Body::Go(path), stage, begun: None }
    }
}

/// What a form sent. Most of it is secret, so that it can't be printed.
#[derive(Default)]
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a form; what is repeated, or too long, is left out.
    fn parse(headers: &HeaderMap, body: &[u8]) -> Self {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Self::default();
        }
        let mut fields = BTreeMap::new();
        let mut repeated = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            let is_long = value.len() > LONGEST_VALUE && name != field::CREDENTIAL;
            if !is_long && fields.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                repeated.push(name.into_owned());
            }
        }
        for name in repeated {
            fields.remove(&name);
        }
        Self(fields)
    }

    /// A value; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether the form has a field, empty or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A code as people type it.
    pub(super) fn code(&self) -> String {
        self.get(field::CODE).chars().filter(|c| !c.is_whitespace()).collect()
    }
}

/// A telephone number as it is kept, of one as people write it. Other text stays as it is.
pub(super) fn phone_number(text: &str) -> String {
    let text = text.trim();
    let is_sign = |c: char| c.is_whitespace() || "-()./".contains(c);
    let is_number = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || is_sign(c));
    if text.strip_prefix('+').is_some_and(is_number) {
        text.chars().filter(|c| !is_sign(*c)).collect()
    } else {
        text.to_owned()
    }
}

/// A request for a page.
pub(super) struct Visit<'a> {
    pub(super) ports: Ports,
    pub(super) operations: &'a dyn Operations,
    pub(super) mount: &'a Mount,
    pub(super) checked: Checked,
    pub(super) form: Form,
    pub(super) look: Look,
    /// Where the sign-in stands, if this browser carries that for this request.
    pub(super) stage: Option<Stage>,
    pub(super) parts: &'a Parts,
    path: Path,
    csrf_cookies: Vec<&'a str>,
    expires_at: Timestamp,
}

/// A visit, or what is answered where there is none.
pub(super) enum Opened<'a> {
    Visit(Box<Visit<'a>>),
    Answered(Response<String>),
}

impl<'a> Visit<'a> {
    /// Checks what a request asks for.
    pub(super) async fn open(
        ports: &Ports,
        operations: &'a dyn Operations,
        (mount, path): (&'a Mount, Path),
        parts: &'a Parts,
        body: &[u8],
    ) -> Result<Opened<'a>, Fault> {
        let query = parts.uri.query().unwrap_or_default();
        let checked = match authorize::check(ports, mount, query).await? {
            Ok(checked) => checked,
            Err(refused) => {
                return Ok(Opened::Answered(oauth::authorize_refused(mount, parts, &refused)));
            }
        };
        if checked.request.is_silent() {
            let url = checked.request.reply_to.error(ErrorCode::LoginRequired, None).url();
            return Ok(Opened::Answered(headers::redirect(&url)));
        }
        let Some(mut look) = look::of_client(ports, mount, checked.client.id(), parts).await?
        else {
            let page = text(respond(StatusCode::OK, &Look::default(), &Page::Unavailable));
            return Ok(Opened::Answered(page));
        };
        let csrf_cookies = cookies::values(parts, CSRF_COOKIE);
        let csrf_cookies: Vec<_> =
            csrf_cookies.into_iter().filter(|v| is_token(v)).take(LOOKED_AT).collect();
        look.csrf = csrf_cookies.first().map_or_else(|| new_token(ports), |v| (*v).to_owned());
        let form = Form::parse(&parts.headers, body);
        let mut ports = ports.clone();
        let device_data = form.get(field::DEVICE_DATA);
        if threat_protection::mode(&mount.pool).is_some() && !device_data.is_empty() {
            ports.caller.device_data = Some(device_data.to_owned());
        }
        let expires_at = ports.clock.now().plus_seconds(SIGN_IN_SECONDS);
        let mut visit = Self {
            ports,
            operations,
            mount,
            checked,
            form,
            look,
            stage: None,
            parts,
            path,
            csrf_cookies,
            expires_at,
        };
        visit.recall()?;
        Ok(Opened::Visit(Box::new(visit)))
    }

    /// Takes up what the browser carries, if it is good for this request.
    fn recall(&mut self) -> Result<(), Fault> {
        let (now, request) = (self.ports.clock.now(), self.fingerprint()?);
        let pool_id = self.mount.pool.id().as_bytes();
        for cookie in cookies::values(self.parts, DATA_COOKIE).into_iter().take(LOOKED_AT) {
            let opened = self.ports.keyring.open_text(Purpose::PageData, pool_id, cookie);
            let data = opened.ok().and_then(|text| serde_json::from_slice::<PageData>(&text).ok());
            let is_ours = |data: &PageData| {
                data.client_id == self.checked.client.id()
                    && data.request == request
                    && data.csrf == self.look.csrf
                    && now < data.expires_at
            };
            if let Some(data) = data.filter(is_ours) {
                if matches!(data.stage, Stage::Asked(_) | Stage::AddPasskey(_)) {
                    // The time of a sign-in counts from its beginning, and that for a passkey from
                    // the sign-in.
                    self.expires_at = data.expires_at;
                }
                self.stage = Some(data.stage);
                break;
            }
        }
        Ok(())
    }

    /// What makes this request the same on the next page. The language may change meanwhile.
    fn fingerprint(&self) -> Result<String, Fault> {
        let request = Request { lang: None, ..self.checked.request.clone() };
        let text = serde_json::to_vec(&request)
            .map_err(|error| Fault::because("an authorize request can't be written", error))?;
        Ok(hex::encode(digest::digest(&digest::SHA256, &text)))
    }

    /// Whether the form comes from a page of ours that this browser has opened.
    pub(super) fn is_from_our_page(&self) -> bool {
        let site = self.parts.headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        let sent = self.form.get(self.look.brand.csrf_field()).as_bytes();
        let is_known = self
            .csrf_cookies
            .iter()
            .fold(subtle::Choice::from(0), |found, cookie| found | cookie.as_bytes().ct_eq(sent));
        // Our forms are on the origin that takes them. A page of a sibling name may have planted both
        // tokens; where the browser says nothing, they are all there is.
        let is_near = matches!(site, None | Some("same-origin" | "none"));
        is_near && bool::from(is_known)
    }

    /// What is answered to a form of somebody else, or of a browser that keeps no cookies.
    pub(super) fn forged(&self) -> Result<Response<String>, Fault> {
        let page = Page::Failed(Failed {
            code: "invalid_csrf_token".to_owned(),
            request_id: self.ports.caller.request_id.clone(),
            retry: Some(self.link("/login")),
            ..Failed::default()
        });
        let mut response = self.respond(Reply::page(page, None))?;
        *response.status_mut() = StatusCode::FORBIDDEN;
        Ok(response)
    }

    /// Where the sign-in takes place.
    pub(super) fn place(&self) -> Place<'_> {
        Place::new(&self.ports, &self.mount.pool, &self.checked.client).at_pages()
    }

    /// The address at which people sign in here.
    pub(super) const fn sign_in_path(&self) -> &'static str {
        match self.path {
            Path::AddPasskey => "/passkeys/add",
            _ => "/login",
        }
    }

    /// The name under which the browser knows this server, without the port.
    pub(super) fn host(&self) -> &str {
        let authority = oauth::authority(self.parts).unwrap_or_default();
        authority.rsplit_once(':').map_or(authority, |(host, _)| host)
    }

    /// The name that was typed. Where it may be a telephone number, that as it is kept.
    pub(super) fn username(&self) -> String {
        let text = self.form.get(field::USERNAME).trim();
        match self.username_kind() {
            UsernameKind::Username | UsernameKind::Email | UsernameKind::UsernameOrEmail => {
                text.to_owned()
            }
            _ => phone_number(text),
        }
    }

    /// What was entered for an attribute.
    pub(super) fn attribute(&self, name: &str) -> String {
        let text = self.form.get(&field::attribute(name));
        if name == "phone_number" { phone_number(text) } else { text.to_owned() }
    }

    /// Another page with the same query.
    pub(super) fn link(&self, path: &str) -> String {
        format!("{}{path}?{}", self.mount.path, self.parts.uri.query().unwrap_or_default())
    }

    /// Whether the pool's own users sign in here.
    pub(super) fn has_own_users(&self) -> bool {
        self.checked.client.identity_providers().iter().any(|name| name == COGNITO)
    }

    /// What names people may type to sign in.
    pub(super) fn username_kind(&self) -> UsernameKind {
        let pool = &self.mount.pool;
        let by = |name: &str| pool.username_attributes().iter().any(|a| a.as_str() == name);
        let or = |name: &str| pool.alias_attributes().iter().any(|a| a.as_str() == name);
        match (by("email"), by("phone_number"), or("email"), or("phone_number")) {
            (true, true, ..) => UsernameKind::EmailOrPhone,
            (true, false, ..) => UsernameKind::Email,
            (false, true, ..) => UsernameKind::Phone,
            (_, _, true, true) => UsernameKind::Any,
            (_, _, true, false) => UsernameKind::UsernameOrEmail,
            (_, _, false, true) => UsernameKind::UsernameOrPhone,
            _ => UsernameKind::Username,
        }
    }

    /// The end of a sign-in: a session of the browser, and back to the application, unless people are
    /// here for a passkey. The session is always a new one.
    pub(super) async fn signed_in(&self, proved: Proved) -> Result<Reply, Fault> {
        self.end(proved, self.path == Path::AddPasskey, None).await
    }

    /// The end of a sign-in that comes with a sign-up.
    pub(super) async fn signed_up(&self, proved: Proved) -> Result<Reply, Fault> {
        self.end(proved, passkey::is_offered(self), Some(Stage::Confirmed)).await
    }

    /// If less was shown than the application asks for, as after a sign-up, people sign in with more.
    async fn end(
        &self,
        proved: Proved,
        adds_passkey: bool,
        if_short: Option<Stage>,
    ) -> Result<Reply, Fault> {
        let Proved { user, event_id, methods } = proved;
        let place = Place { methods, ..self.place() };
        let acr_values = self.checked.request.acr_values.as_deref();
        if hosted::falls_short(place, &user, methods, acr_values).await? {
            return Ok(Reply::go(self.sign_in_path(), if_short));
        }
        let begun = browser_session::begin(place, self.mount, &user, COGNITO).await?;
        let (session, event_id) = (begun.session.clone(), Some(event_id));
        let begun = Some(Box::new(begun));
        if adds_passkey {
            let stage = Some(Stage::AddPasskey(Box::new(Enrolling { session, event_id })));
            return Ok(Reply { begun, ..Reply::go("/passkeys/add", stage) });
        }
        let signed_in = SignedIn { event_id, ..SignedIn::through(&session) };
        let url = self.granted(&user, &signed_in).await?;
        Ok(Reply { body: Body::Away(url), stage: None, begun })
    }

    /// Where the application gets what it asked for.
    pub(super) async fn granted(&self, user: &User, signed_in: &SignedIn) -> Result<String, Fault> {
        let request = &self.checked.request;
        let granted = grant::issue(self.place(), request, user, signed_in).await?;
        Ok(granted.unwrap_or_else(|failed| oauth::trigger_failed(request, &failed)))
    }

    /// Makes a response of what a page answers.
    pub(super) fn respond(&self, reply: Reply) -> Result<Response<String>, Fault> {
        let (ports, mount) = (&self.ports, self.mount);
        let mut csrf = self.look.csrf.clone();
        let mut response = match &reply.body {
            Body::Page(page) => text(respond(StatusCode::OK, &self.look, page)),
            Body::Go(path) => {
                let query = self.parts.uri.query().unwrap_or_default();
                headers::redirect(&mount.page(&format!("{path}?{query}")))
            }
            Body::Away(url) => headers::redirect(url),
        };
        if let Some(begun) = &reply.begun {
            cookies::remember(&mut response, ports, mount, begun);
            // What was known before a sign-in is worth nothing after it.
            csrf = new_token(ports);
        }
        cookies::set(&mut response, ports, mount, (CSRF_COOKIE, &csrf), DAY);
        self.carry(&mut response, reply.stage, csrf, reply.begun.is_some())?;
        if !self.look.brand.is_classic() && self.checked.request.lang.is_some() {
            let lang = (field::LANGUAGE, self.look.language.code());
            cookies::set(&mut response, ports, mount, lang, YEAR);
        }
        Ok(response)
    }

    /// Gives the browser what it is to carry to the next page.
    fn carry(
        &self,
        response: &mut Response<String>,
        stage: Option<Stage>,
        csrf: String,
        is_signed_in: bool,
    ) -> Result<(), Fault> {
        let (ports, now) = (&self.ports, self.ports.clock.now());
        let Some(stage) = stage else {
            if !cookies::values(self.parts, DATA_COOKIE).is_empty() {
                cookies::set(response, ports, self.mount, (DATA_COOKIE, ""), 0);
            }
            return Ok(());
        };
        let waits = matches!(stage, Stage::Confirm { .. } | Stage::Reset { .. });
        let expires_at = match (waits, is_signed_in) {
            (true, _) => now.plus_seconds(MESSAGE_SECONDS),
            // The time for what follows counts from the sign-in.
            (false, true) => now.plus_seconds(SIGN_IN_SECONDS),
            (false, false) => self.expires_at,
        };
        let client_id = self.checked.client.id().to_owned();
        let data = PageData { client_id, request: self.fingerprint()?, csrf, expires_at, stage };
        let content = serde_json::to_vec(&data)
            .map_err(|error| Fault::because("page data can't be written", error))?;
        let pool_id = self.mount.pool.id().as_bytes();
        let entropy = &*ports.entropy;
        let sealed = ports.keyring.seal_text(Purpose::PageData, pool_id, &content, entropy);
        let seconds = expires_at.seconds_since(now);
        cookies::set(response, ports, self.mount, (DATA_COOKIE, &sealed), seconds);
        Ok(())
    }
}

/// A new token against forged forms.
fn new_token(ports: &Ports) -> String {
    let mut random = [0_u8; 32];
    ports.entropy.fill(&mut random);
    URL_SAFE_NO_PAD.encode(random)
}

/// Whether a cookie looks like a token of ours.
fn is_token(value: &str) -> bool {
    value.len() == 43 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::phone_number;

    #[test]
    fn telephone_numbers_are_taken_as_people_write_them() {
        for (typed, kept) in [
            (" +1 555 010-0199 ", "+15550100199"),
            ("+49 (30) 123/456.7", "+49301234567"),
            ("+1 555 CALL", "+1 555 CALL"),
            ("030 123", "030 123"),
            ("a b", "a b"),
        ] {
            assert_eq!(phone_number(typed), kept, "{typed}");
        }
    }
}
