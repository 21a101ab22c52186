//! From view models to markup: which parts a page has, with which words.

#![expect(
    clippy::ref_binding_to_reference,
    clippy::ref_option_ref,
    reason = "what askama makes of templates whose fields are references"
)]

use std::fmt::Write as _;

use askama::Template;
use poolhouse_domain::{shapes::AssetCategoryType as Category, user_pools::PasswordPolicy};

use super::{
    Attribute, Cause, Code, Confirm, Factor, Look, Notice, Page, Problem, Provider, ProviderKind,
    SetUpContact, SetUpTotp, SignIn, Terms, Username, UsernameKind,
    field::{self, CODE, CONFIRM_PASSWORD, EMAIL, NEW_PASSWORD, PASSWORD, PHONE_NUMBER, USERNAME},
    icons::{self, Icon},
    page,
    parts::{
        Account, Choice, Choices, Field, Graphic, Heading, Hidden, PasskeyParts, Policy,
        ProviderButton, Providers, Resend, Rule, Shown, Trouble,
    },
    qr,
    texts::{Texts, fill},
};

/// The longest code: digits, and spaces that people type between them.
const LONGEST_CODE: u32 = 20;
/// The longest username, e-mail address or telephone number.
const LONGEST_NAME: u32 = 128;

/// A page and how it looks: what templates call.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) look: &'a Look,
    pub(super) page: &'a Page,
    pub(super) t: &'static Texts,
}

/// What is between the frame's tags.
#[derive(Template)]
enum Body<'a> {
    #[template(path = "sign_in.html")]
    SignIn { v: View<'a>, t: &'static Texts, page: &'a SignIn },
    #[template(path = "password.html")]
    Password { v: View<'a>, t: &'static Texts, page: &'a page::Password },
    #[template(path = "choose.html")]
    Choose { v: View<'a>, page: &'a page::Choose },
    #[template(path = "code.html")]
    Code { v: View<'a>, t: &'static Texts, page: &'a Code },
    #[template(path = "passkey.html")]
    Passkey { v: View<'a>, t: &'static Texts, page: &'a page::Passkey },
    #[template(path = "choose_set_up.html")]
    ChooseSetUp { v: View<'a>, t: &'static Texts, page: &'a page::ChooseSetUp },
    #[template(path = "set_up_totp.html")]
    SetUpTotp {
        v: View<'a>,
        t: &'static Texts,
        page: &'a SetUpTotp,
        qr: Option<qr::Drawing>,
        key_parts: Vec<String>,
        is_otpauth: bool,
    },
    #[template(path = "set_up_contact.html")]
    SetUpContact { v: View<'a>, t: &'static Texts, page: &'a SetUpContact },
    #[template(path = "new_password.html")]
    NewPassword { v: View<'a>, t: &'static Texts, page: &'a page::NewPassword },
    #[template(path = "sign_up.html")]
    SignUp { v: View<'a>, t: &'static Texts, page: &'a page::SignUp },
    #[template(path = "confirm.html")]
    Confirm { v: View<'a>, t: &'static Texts, page: &'a Confirm },
    #[template(path = "forgot_password.html")]
    ForgotPassword { v: View<'a>, t: &'static Texts, page: &'a page::ForgotPassword },
    #[template(path = "reset_password.html")]
    ResetPassword { v: View<'a>, t: &'static Texts, page: &'a page::ResetPassword },
    #[template(path = "add_passkey.html")]
    AddPasskey { v: View<'a>, t: &'static Texts, page: &'a page::AddPasskey },
    #[template(path = "continue.html")]
    Continue { v: View<'a>, t: &'static Texts, page: &'a page::Continue },
    #[template(path = "message.html")]
    Message {
        v: View<'a>,
        t: &'static Texts,
        /// What comes before the text.
        cause: Option<&'static str>,
        text: String,
        failed: Option<&'a page::Failed>,
        link: Option<(&'a String, &'static str)>,
    },
}

/// One of the ways to sign in on a page.
enum Way<'a> {
    Form(&'a Username),
    Providers,
    Search(&'a str),
}

/// A piece of the terms sentence.
struct Piece<'a> {
    text: &'a str,
    href: Option<&'a String>,
}

impl<'a> View<'a> {
    pub(super) const fn of(look: &'a Look, page: &'a Page) -> Self {
        Self { look, page, t: Texts::of(look.language) }
    }

    /// The markup between the frame's tags.
    pub(super) fn body(self) -> askama::Result<String> {
        let (v, t) = (self, self.t);
        let body = match self.page {
            Page::SignIn(page) => Body::SignIn { v, t, page },
            Page::Password(page) => Body::Password { v, t, page },
            Page::Choose(page) => Body::Choose { v, page },
            Page::Code(page) => Body::Code { v, t, page },
            Page::Passkey(page) => Body::Passkey { v, t, page },
            Page::ChooseSetUp(page) => Body::ChooseSetUp { v, t, page },
            Page::SetUpTotp(page) => Body::SetUpTotp {
                v,
                t,
                page,
                qr: qr::draw(&page.uri),
                key_parts: in_fours(&page.secret),
                is_otpauth: page.uri.starts_with("otpauth://totp/"),
            },
            Page::SetUpContact(page) => Body::SetUpContact { v, t, page },
            Page::NewPassword(page) => Body::NewPassword { v, t, page },
            Page::SignUp(page) => Body::SignUp { v, t, page },
            Page::Confirm(page) => Body::Confirm { v, t, page },
            Page::ForgotPassword(page) => Body::ForgotPassword { v, t, page },
            Page::ResetPassword(page) => Body::ResetPassword { v, t, page },
            Page::AddPasskey(page) => Body::AddPasskey { v, t, page },
            Page::Continue(page) => Body::Continue { v, t, page },
            Page::LinkResult(page) => {
                let text = page.problem.as_ref().map(|problem| self.trouble(problem).text);
                let text = text.unwrap_or_else(|| t.confirmed_description.to_owned());
                self.message(text, None, page.sign_in.as_ref(), t.sign_in)
            }
            Page::SignedOut(page) => {
                let text = t.signed_out_description.to_owned();
                self.message(text, None, page.sign_in.as_ref(), t.sign_in)
            }
            Page::Failed(page) => {
                let text = t.failed_description.to_owned();
                self.message(text, Some(page), page.retry.as_ref(), t.try_again)
            }
            Page::Unavailable => {
                self.message(t.unavailable_description.to_owned(), None, None, t.try_again)
            }
        };
        body.render()
    }

    fn message(
        self,
        text: String,
        failed: Option<&'a page::Failed>,
        href: Option<&'a String>,
        link: &'static str,
    ) -> Body<'a> {
        let cause = failed.and_then(|failed| failed.cause).map(|cause| self.cause(cause));
        let link = href.map(|href| (href, link));
        Body::Message { v: self, t: self.t, cause, text, failed, link }
    }

    const fn cause(self, cause: Cause) -> &'static str {
        match cause {
            Cause::RedirectMismatch => self.t.error_redirect_mismatch,
            Cause::InvalidClient => self.t.error_invalid_client,
            Cause::InvalidRequest => self.t.error_invalid_request,
            Cause::AccessDenied => self.t.error_access_denied,
            Cause::ServerError => self.t.error_server_error,
        }
    }

    /// What stands in the tab and above the page.
    pub(super) fn title(self) -> &'static str {
        let t = self.t;
        match self.page {
            Page::SignIn(_) => t.sign_in,
            Page::Password(_) => t.enter_password,
            Page::Choose(_) => t.choose,
            Page::Code(page) => match page.factor {
                Factor::EmailOtp => t.code_title_email,
                Factor::SmsOtp | Factor::SmsMfa => t.code_title_sms,
                Factor::SoftwareToken | Factor::Password | Factor::Passkey => t.code_title_app,
            },
            Page::Passkey(_) => t.passkey,
            Page::ChooseSetUp(_) => t.set_up,
            Page::SetUpTotp(_) => t.totp,
            Page::SetUpContact(page) if page.factor == Factor::EmailOtp => t.contact_email,
            Page::SetUpContact(_) => t.contact_sms,
            Page::NewPassword(_) | Page::ResetPassword(_) => t.new_password_title,
            Page::SignUp(_) => t.sign_up,
            Page::Confirm(_) => t.confirm,
            Page::ForgotPassword(_) => t.forgot,
            Page::AddPasskey(_) => t.add_passkey,
            Page::Continue(_) => t.signed_in,
            Page::LinkResult(page) if page.problem.is_some() => t.link_failed,
            Page::LinkResult(_) => t.confirmed,
            Page::SignedOut(_) => t.signed_out,
            Page::Failed(_) => t.failed,
            Page::Unavailable => t.unavailable,
        }
    }

    fn heading(&self) -> Heading<'a> {
        Heading {
            title: self.title(),
            graphic: self.graphic(),
            problem: self.problem().map(|problem| self.trouble(problem)),
            notice: self.notice(),
            warning: icons::WARNING,
            tick: icons::TICK,
        }
    }

    /// The sign of what the page is about.
    fn graphic(&self) -> Option<Graphic> {
        let (category, icon) = match self.page {
            Page::Code(Code { factor, .. }) | Page::SetUpContact(SetUpContact { factor, .. }) => {
                graphic_of(*factor)
            }
            Page::SetUpTotp(_) => graphic_of(Factor::SoftwareToken),
            Page::Passkey(_) | Page::AddPasskey(_) => graphic_of(Factor::Passkey),
            Page::NewPassword(_) | Page::ForgotPassword(_) | Page::ResetPassword(_) => {
                graphic_of(Factor::Password)
            }
            Page::Failed(_) | Page::Unavailable => {
                let has_graphics = self.look.brand.has_graphics();
                return has_graphics.then_some(Graphic::BuiltIn(icons::WARNING));
            }
            _ => return None,
        };
        self.look.brand.has_graphics().then(|| self.drawn(category, icon))
    }

    /// A style's own image, or else ours.
    fn drawn(&self, category: Category, icon: Icon) -> Graphic {
        match self.look.brand.picture(category) {
            Some(picture) => Graphic::Own(Shown::of(picture, "icon")),
            None => Graphic::BuiltIn(icon),
        }
    }

    const fn problem(&self) -> Option<&'a Problem> {
        match self.page {
            Page::SignIn(page) => page.problem.as_ref(),
            Page::Password(page) => page.problem.as_ref(),
            Page::Choose(page) => page.problem.as_ref(),
            Page::Code(page) => page.problem.as_ref(),
            Page::Passkey(page) => page.problem.as_ref(),
            Page::ChooseSetUp(page) => page.problem.as_ref(),
            Page::SetUpTotp(page) => page.problem.as_ref(),
            Page::SetUpContact(page) => page.problem.as_ref(),
            Page::NewPassword(page) => page.problem.as_ref(),
            Page::SignUp(page) => page.problem.as_ref(),
            Page::Confirm(page) => page.problem.as_ref(),
            Page::ForgotPassword(page) => page.problem.as_ref(),
            Page::ResetPassword(page) => page.problem.as_ref(),
            Page::AddPasskey(page) => page.problem.as_ref(),
            // It has the whole page to itself.
            Page::LinkResult(_)
            | Page::Continue(_)
            | Page::SignedOut(_)
            | Page::Failed(_)
            | Page::Unavailable => None,
        }
    }

    fn notice(&self) -> Option<&'static str> {
        let notice = match self.page {
            Page::SignIn(page) => page.notice,
            Page::Code(page) => page.notice,
            Page::Confirm(page) => page.notice,
            Page::ResetPassword(page) => page.notice,
            _ => None,
        };
        notice.map(|notice| match notice {
            Notice::CodeSent => self.t.notice_code_sent,
            Notice::PasswordChanged => self.t.notice_password_changed,
            Notice::Confirmed => self.t.confirmed_description,
            Notice::PasskeyAdded => self.t.notice_passkey_added,
        })
    }

    fn trouble(&self, problem: &Problem) -> Trouble {
        let t = self.t;
        let text = match problem {
            Problem::Credentials => t.problem_credentials,
            Problem::WrongCode => t.problem_wrong_code,
            Problem::ExpiredCode => t.problem_expired_code,
            Problem::TooManyAttempts => t.problem_too_many,
            Problem::Disabled => t.problem_disabled,
            Problem::NotConfirmed => t.problem_not_confirmed,
            Problem::ResetRequired => t.problem_reset_required,
            Problem::UsernameExists => t.problem_username_exists,
            Problem::AliasExists => t.problem_alias_exists,
            Problem::InvalidUsername => t.problem_username,
            Problem::PasswordPolicy => t.problem_policy,
            Problem::PasswordReused => t.problem_reused,
            Problem::PasswordCompromised => t.problem_compromised,
            Problem::PasswordsDiffer => t.problem_differ,
            Problem::Missing(_) => t.problem_missing,
            Problem::InvalidAttribute(_) => t.problem_attribute,
            Problem::NotDelivered => t.problem_not_delivered,
            Problem::UnknownDomain => t.problem_domain,
            Problem::PasskeyRefused => t.problem_passkey,
            Problem::PasskeysFull => t.problem_passkeys_full,
            Problem::Expired => t.problem_expired,
            Problem::Text(text) => text,
        };
        let text = match problem {
            Problem::Missing(name) => fill(text, "field", self.name_of(name)),
            Problem::InvalidAttribute(name) => fill(text, "field", self.attribute_label(name)),
            _ => text.to_owned(),
        };
        Trouble { text, field: self.field_of(problem).map(|name| self.id(&name)) }
    }

    /// The name of the field that a problem is about.
    fn field_of(&self, problem: &Problem) -> Option<String> {
        let name = match problem {
            Problem::WrongCode | Problem::ExpiredCode => CODE,
            Problem::UsernameExists | Problem::InvalidUsername => USERNAME,
            Problem::PasswordPolicy | Problem::PasswordReused | Problem::PasswordCompromised => {
                self.new_password_name()
            }
            Problem::PasswordsDiffer => CONFIRM_PASSWORD,
            Problem::UnknownDomain => EMAIL,
            Problem::Missing(name) => name,
            Problem::InvalidAttribute(_) if matches!(self.page, Page::SetUpContact(_)) => {
                self.contact_name()
            }
            Problem::InvalidAttribute(name) => return Some(field::attribute(name)),
            _ => return None,
        };
        Some(name.to_owned())
    }

    /// What people call a field.
    fn name_of<'n>(&self, name: &'n str) -> &'n str {
        let t = self.t;
        match name {
            USERNAME => self.username_label(),
            PASSWORD => t.password,
            NEW_PASSWORD => t.new_password,
            CONFIRM_PASSWORD => t.confirm_password,
            CODE => t.code,
            EMAIL => t.email,
            PHONE_NUMBER => t.phone,
            _ => {
                let inner = name.strip_prefix("requiredAttributes[");
                let inner = inner.and_then(|name| name.strip_suffix(']'));
                self.attribute_label(inner.unwrap_or(name))
            }
        }
    }

    fn username_label(&self) -> &'static str {
        let kind = match self.page {
            Page::SignIn(page) => page.username.as_ref().map(|username| username.kind),
            Page::SignUp(page) => Some(page.username.kind),
            Page::ForgotPassword(page) => Some(page.username.kind),
            _ => None,
        };
        self.label_of(kind.unwrap_or_default())
    }

    const fn label_of(&self, kind: UsernameKind) -> &'static str {
        let t = self.t;
        match kind {
            UsernameKind::Username => t.username,
            UsernameKind::Email => t.email,
            UsernameKind::Phone => t.phone,
            UsernameKind::EmailOrPhone => t.email_or_phone,
            UsernameKind::UsernameOrEmail => t.username_or_email,
            UsernameKind::UsernameOrPhone => t.username_or_phone,
            UsernameKind::Any => t.username_email_or_phone,
        }
    }

    /// What the attribute is called; pools' own ones by the name in the schema.
    fn attribute_label<'n>(&self, name: &'n str) -> &'n str {
        let t = self.t;
        match name {
            "address" => t.address,
            "birthdate" => t.birthdate,
            "email" => t.email,
            "family_name" => t.family_name,
            "gender" => t.gender,
            "given_name" => t.given_name,
            "locale" => t.locale,
            "middle_name" => t.middle_name,
            "name" => t.name,
            "nickname" => t.nickname,
            "phone_number" => t.phone,
            "picture" => t.picture,
            "preferred_username" => t.preferred_username,
            "profile" => t.profile,
            "updated_at" => t.updated_at,
            "website" => t.website,
            "zoneinfo" => t.zoneinfo,
            _ => name.strip_prefix("custom:").unwrap_or(name),
        }
    }

    fn hidden(&self) -> Hidden<'a> {
        Hidden { csrf_field: self.look.brand.csrf_field(), csrf: &self.look.csrf }
    }

    /// A link that leads to a page, whatever it was meant to be.
    #[expect(clippy::unused_self, reason = "templates have nothing else to call it on")]
    fn link(&self, href: &'a str) -> &'a str {
        let is_page = ["/", "?", "https://", "http://"].iter().any(|start| href.starts_with(start));
        // With two slashes it would lead to another host.
        if is_page && !href.starts_with("//") { href } else { "#" }
    }

    fn ways(&self, page: &'a SignIn) -> Vec<Way<'a>> {
        let form = page.username.as_ref().map(Way::Form);
        let providers = (!page.providers.is_empty()).then_some(Way::Providers);
        let search = page.domain_search.as_deref().map(Way::Search);
        let ways = if self.look.brand.has_providers_first() {
            [providers, search, form]
        } else {
            [form, providers, search]
        };
        ways.into_iter().flatten().collect()
    }

    fn providers(&self, providers: &'a [Provider]) -> Providers<'a> {
        let brand = &self.look.brand;
        let order: Vec<&str> = brand.provider_order().collect();
        let rank = |provider: &&Provider| {
            order.iter().position(|name| *name == provider.name).unwrap_or(order.len())
        };
        let mut sorted: Vec<&Provider> = providers.iter().collect();
        sorted.sort_by_key(rank);
        Providers {
            buttons: sorted.into_iter().map(|provider| self.provider(provider)).collect(),
            has_icons: brand.has_provider_icons(),
            has_promise: brand.is_classic()
                && providers.iter().any(|provider| provider.kind != ProviderKind::Company),
        }
    }

    fn provider(&self, provider: &'a Provider) -> ProviderButton<'a> {
        let built_in = match provider.kind {
            ProviderKind::Amazon => icons::AMAZON,
            ProviderKind::Apple => icons::APPLE,
            ProviderKind::Facebook => icons::FACEBOOK,
            ProviderKind::Google => icons::GOOGLE,
            ProviderKind::Company => icons::COMPANY,
        };
        let own = self.look.brand.provider_icon(&provider.name);
        ProviderButton {
            href: self.link(&provider.href),
            text: fill(self.t.continue_with, "provider", &provider.name),
            icon: own
                .map_or(Graphic::BuiltIn(built_in), |own| Graphic::Own(Shown::of(own, "icon"))),
            is_social: provider.kind != ProviderKind::Company,
        }
    }

    /// A text field without anything special.
    fn field(&self, name: &str, label: &'a str, value: &'a str) -> Field<'a> {
        let is_invalid = self.problem().and_then(|problem| self.field_of(problem));
        Field {
            t: self.t,
            id: self.id(name),
            name: name.to_owned(),
            label,
            value,
            kind: "text",
            autocomplete: "",
            inputmode: None,
            hint: None,
            max_length: None,
            policy: None,
            is_required: true,
            is_long: false,
            is_code: false,
            is_first: false,
            is_invalid: is_invalid.as_deref() == Some(name),
        }
    }

    /// The id of the field with a name.
    fn id(&self, name: &str) -> String {
        let signs_in = matches!(self.page, Page::SignIn(_) | Page::Password(_));
        match name {
            // By these, programs find them on the service's pages.
            USERNAME if signs_in => "signInFormUsername".to_owned(),
            PASSWORD if signs_in => "signInFormPassword".to_owned(),
            // Pools' own attributes may hold any sign.
            _ => name
                .chars()
                .map(|c| match c {
                    c if c.is_ascii_alphanumeric() || c == '_' => c.to_string(),
                    c => format!("-{:x}", u32::from(c)),
                })
                .collect(),
        }
    }

    /// Whether the field that the page is about should have the focus: unless there is something to
    /// be read first.
    const fn may_focus(&self) -> bool {
        self.problem().is_none()
    }

    fn username(&self, username: &'a Username, autocomplete: &'static str) -> Field<'a> {
        let (kind, inputmode) = match username.kind {
            UsernameKind::Email => ("email", Some("email")),
            UsernameKind::Phone => ("tel", Some("tel")),
            UsernameKind::EmailOrPhone | UsernameKind::UsernameOrEmail => ("text", Some("email")),
            UsernameKind::Username | UsernameKind::UsernameOrPhone | UsernameKind::Any => {
                ("text", None)
            }
        };
        let hint = (username.kind == UsernameKind::Phone).then(|| self.t.phone_hint.to_owned());
        let field = self.field(USERNAME, self.label_of(username.kind), &username.value);
        let (max_length, is_first) = (Some(LONGEST_NAME), self.may_focus());
        Field { kind, autocomplete, inputmode, hint, max_length, is_first, ..field }
    }

    fn work_email(&self, value: &'a str) -> Field<'a> {
        Field {
            kind: "email",
            autocomplete: "email",
            inputmode: Some("email"),
            max_length: Some(LONGEST_NAME),
            ..self.field(EMAIL, self.t.work_email, value)
        }
    }

    fn password(&self) -> Field<'a> {
        Field {
            kind: "password",
            autocomplete: "current-password",
            is_first: matches!(self.page, Page::Password(_)) && self.may_focus(),
            ..self.field(PASSWORD, self.t.password, "")
        }
    }

    /// A new account's password has the name of any other; elsewhere there may be both.
    const fn new_password_name(&self) -> &'static str {
        if matches!(self.page, Page::SignUp(_)) { PASSWORD } else { NEW_PASSWORD }
    }

    fn new_password(&self, policy: &'a PasswordPolicy) -> Field<'a> {
        let (t, name) = (self.t, self.new_password_name());
        let is_optional = matches!(self.page, Page::SignUp(page) if page.is_password_optional);
        let label = if is_optional { t.password_optional } else { self.name_of(name) };
        Field {
            kind: "password",
            autocomplete: "new-password",
            policy: Some(self.policy(name, policy)),
            hint: is_optional.then(|| t.password_optional_hint.to_owned()),
            is_required: !is_optional,
            ..self.field(name, label, "")
        }
    }

    fn confirm_password(&self) -> Field<'a> {
        Field {
            kind: "password",
            autocomplete: "new-password",
            ..self.field(CONFIRM_PASSWORD, self.t.confirm_password, "")
        }
    }

    fn policy(&self, name: &str, policy: &PasswordPolicy) -> Policy {
        let t = self.t;
        let length = policy.minimum_length;
        let wanted = [
            (policy.requires_lowercase, "lowercase", t.policy_lowercase, "lower"),
            (policy.requires_uppercase, "uppercase", t.policy_uppercase, "upper"),
            (policy.requires_numbers, "number", t.policy_number, "digit"),
            (policy.requires_symbols, "symbol", t.policy_symbol, "special"),
        ];
        let text = fill(t.policy_length, "number", &length.to_string());
        let mut rules = vec![Rule { name: "length", number: length, text }];
        let mut generator = format!("minlength: {length}; allowed: ascii-printable;");
        for (_, name, text, class) in wanted.into_iter().filter(|rule| rule.0) {
            rules.push(Rule { name, number: 1, text: text.to_owned() });
            let _ = write!(generator, " required: {class};");
        }
        Policy { t, id: self.id(name), rules, generator }
    }

    fn code(&self, length: u8) -> Field<'a> {
        Field {
            autocomplete: "one-time-code",
            inputmode: Some("numeric"),
            hint: Some(fill(self.t.code_digits, "number", &length.to_string())),
            max_length: Some(LONGEST_CODE),
            is_code: true,
            is_first: !matches!(self.page, Page::SetUpTotp(_)) && self.may_focus(),
            ..self.field(CODE, self.t.code, "")
        }
    }

    fn device_name(&self) -> Field<'a> {
        Field {
            is_required: false,
            max_length: Some(LONGEST_NAME),
            autocomplete: "off",
            ..self.field(field::DEVICE_NAME, self.t.device_name, "")
        }
    }

    /// The name of the field for the address of codes.
    const fn contact_name(&self) -> &'static str {
        match self.page {
            Page::SetUpContact(SetUpContact { factor: Factor::SmsMfa, .. }) => PHONE_NUMBER,
            _ => EMAIL,
        }
    }

    fn contact(&self, page: &'a SetUpContact) -> Field<'a> {
        let is_email = page.factor == Factor::EmailOtp;
        let field = if is_email {
            self.email_field(EMAIL, &page.value)
        } else {
            self.phone_field(PHONE_NUMBER, &page.value)
        };
        Field { is_first: self.may_focus(), ..field }
    }

    fn email_field(&self, name: &str, value: &'a str) -> Field<'a> {
        Field {
            kind: "email",
            autocomplete: "email",
            inputmode: Some("email"),
            ..self.field(name, self.t.email, value)
        }
    }

    fn phone_field(&self, name: &str, value: &'a str) -> Field<'a> {
        Field {
            kind: "tel",
            autocomplete: "tel",
            inputmode: Some("tel"),
            hint: Some(self.t.phone_hint.to_owned()),
            ..self.field(name, self.t.phone, value)
        }
    }

    fn attribute(&self, attribute: &'a Attribute) -> Field<'a> {
        let (name, value) = (field::attribute(&attribute.name), &*attribute.value);
        let plain = self.field(&name, self.attribute_label(&attribute.name), value);
        let text = |autocomplete| Field { autocomplete, ..self.field(&name, plain.label, value) };
        let address = |autocomplete| Field {
            kind: "url",
            inputmode: Some("url"),
            autocomplete,
            ..self.field(&name, plain.label, value)
        };
        let field = match attribute.name.as_str() {
            "address" => Field { is_long: true, ..text("street-address") },
            "birthdate" => Field { kind: "date", ..text("bday") },
            "email" => self.email_field(&name, value),
            "family_name" => text("family-name"),
            "gender" => text("sex"),
            "given_name" => text("given-name"),
            "locale" => text("language"),
            "middle_name" => text("additional-name"),
            "name" => text("name"),
            "nickname" | "preferred_username" => text("nickname"),
            "phone_number" => self.phone_field(&name, value),
            "picture" => address("photo"),
            "profile" | "website" => address("url"),
            _ if attribute.is_number => Field { inputmode: Some("numeric"), ..plain },
            _ => plain,
        };
        Field { max_length: attribute.max_length, ..field }
    }

    fn choices(&self, factors: &[Factor]) -> Choices<'a> {
        let t = self.t;
        let choice = |factor: &Factor| {
            let (name, hint) = match factor {
                Factor::Password => (t.factor_password, None),
                Factor::Passkey => (t.factor_passkey, Some(t.factor_passkey_hint)),
                Factor::EmailOtp => (t.factor_email, None),
                Factor::SmsOtp | Factor::SmsMfa => (t.factor_sms, None),
                Factor::SoftwareToken => (t.factor_app, Some(t.factor_app_hint)),
            };
            let (category, icon) = graphic_of(*factor);
            Choice { value: factor.value(), name, hint, sign: self.drawn(category, icon) }
        };
        Choices { choices: factors.iter().map(choice).collect(), arrow: icons::ARROW }
    }

    fn account(&self, username: &'a str) -> Account<'a> {
        Account { t: self.t, hidden: self.hidden(), username }
    }

    fn resend(&self, seconds: u32) -> Resend<'a> {
        Resend { t: self.t, seconds }
    }

    fn passkey_parts(&self) -> PasskeyParts<'a> {
        PasskeyParts::of(self.t)
    }

    fn sent_to(&self, destination: &str) -> String {
        if destination.is_empty() {
            return self.t.code_sent.to_owned();
        }
        fill(self.t.code_sent_to, "destination", destination)
    }

    fn code_description(&self, page: &Code) -> String {
        match (page.factor, page.destination.as_str()) {
            (Factor::SoftwareToken, "") => self.t.code_app.to_owned(),
            (Factor::SoftwareToken, device) => fill(self.t.code_app_named, "device", device),
            (_, destination) => self.sent_to(destination),
        }
    }

    fn contact_description(&self, factor: Factor) -> &'static str {
        let t = self.t;
        match factor {
            Factor::EmailOtp => t.contact_email_description,
            _ => t.contact_sms_description,
        }
    }

    fn continue_as(&self, username: &str) -> String {
        fill(self.t.continue_as, "username", username)
    }

    /// The terms sentence, taken apart at its two links.
    fn terms(&self, terms: &'a Terms) -> Vec<Piece<'a>> {
        let t = self.t;
        let mut pieces = Vec::new();
        let mut rest = t.terms;
        while let Some((text, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            pieces.push(Piece { text, href: None });
            pieces.push(match name {
                "terms" => Piece { text: t.terms_of_use, href: Some(&terms.terms_of_use) },
                _ => Piece { text: t.privacy_policy, href: Some(&terms.privacy_policy) },
            });
            rest = after;
        }
        pieces.push(Piece { text: rest, href: None });
        pieces
    }
}

/// The place for images about a factor, and our drawing.
const fn graphic_of(factor: Factor) -> (Category, Icon) {
    match factor {
        Factor::Password => (Category::PasswordGraphic, icons::LOCK),
        Factor::Passkey => (Category::PasskeyGraphic, icons::PASSKEY),
        Factor::EmailOtp => (Category::EmailGraphic, icons::MAIL),
        Factor::SmsOtp | Factor::SmsMfa => (Category::SmsGraphic, icons::MESSAGE),
        Factor::SoftwareToken => (Category::AuthAppGraphic, icons::PHONE),
    }
}

/// A key as people read it out.
fn in_fours(key: &str) -> Vec<String> {
    let letters: Vec<char> = key.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect()).collect()
}
