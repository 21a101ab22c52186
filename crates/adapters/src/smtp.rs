//! Mail through an SMTP server. Text messages can't be sent yet.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{Mailbox, Message as Mail, MultiPart},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use poolhouse_domain::messages::{DeliveryFailure, Medium, Message, Messenger};
use zeroize::Zeroizing;

/// How long the server may take for one command.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How the connection to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Begins in the clear and must switch to TLS before anything is sent (RFC 3207). Port 587.
    StartTls,
    /// TLS from the first byte (RFC 8314). Port 465.
    Tls,
    /// Not at all: only for a server on this machine. Port 25.
    Plain,
}

/// Which server sends the mail, and how it is reached.
pub struct SmtpSettings {
    /// Host name or address.
    pub host: String,
    /// Port, if not the usual one for `security`.
    pub port: Option<u16>,
    /// Protection of the connection.
    pub security: Security,
    /// User name and password, if the server asks for them.
    pub credentials: Option<(String, Zeroizing<String>)>,
    /// `From` where a user pool sets none: `a@example.com` or `Name <a@example.com>`.
    pub from: String,
    /// Certificates, in PEM, of authorities to be trusted besides the public ones.
    pub authorities: Option<Vec<u8>>,
}

/// A setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    /// The setting's name, a field of [`SmtpSettings`].
    pub key: &'static str,
    /// What is wrong with it and what to do.
    pub problem: String,
}

impl BadSetting {
    fn new(key: &'static str, problem: impl std::fmt::Display) -> Self {
        Self { key, problem: problem.to_string() }
    }
}

/// Sends mail through one SMTP server, over connections that are kept and shared.
pub struct SmtpMessenger {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMessenger {
    /// Takes the settings; connects when the first mail is sent. To be called within a tokio
    /// runtime, on which the connections are kept.
    ///
    /// # Errors
    /// A setting makes no sense, or would send codes in the clear over a network.
    pub fn new(settings: &SmtpSettings) -> Result<Self, BadSetting> {
        let from = settings.from.parse().map_err(|error| BadSetting::new("from", error))?;
        let tls = tls(settings)?;
        let usual_port = match settings.security {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::Plain => 25,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port.unwrap_or(usual_port))
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some((user, password)) = &settings.credentials {
            builder =
                builder.credentials(Credentials::new(user.clone(), password.as_str().to_owned()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// A mail in two forms, so that it can be read without HTML.
    fn compose(&self, message: &Message) -> Result<Mail, String> {
        let from = match &message.from {
            None => self.from.clone(),
            Some(from) => from.parse().map_err(|error| format!("bad From address: {error}"))?,
        };
        let to = message.destination.parse();
        let to: Mailbox = to.map_err(|error| format!("bad destination address: {error}"))?;
        let subject = message.subject.clone().unwrap_or_default();
        let mut mail = Mail::builder().from(from).to(to).subject(subject);
        if let Some(reply_to) = &message.reply_to {
            let parsed = reply_to.parse();
            let parsed = parsed.map_err(|error| format!("bad Reply-To address: {error}"))?;
            mail = mail.reply_to(parsed);
        }
        let body =
            MultiPart::alternative_plain_html(plain_text(&message.body), message.body.clone());
        mail.multipart(body).map_err(|error| format!("the mail can't be composed: {error}"))
    }
}

/// The protection of the connection. `Plain` is refused unless the server is on this machine.
fn tls(settings: &SmtpSettings) -> Result<Tls, BadSetting> {
    let parameters = || {
        let mut builder = TlsParameters::builder(settings.host.clone());
        if let Some(pem) = &settings.authorities {
            let certificate = Certificate::from_pem(pem);
            let certificate = certificate.map_err(|error| BadSetting::new("authorities", error))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| BadSetting::new("host", error))
    };
    match settings.security {
        Security::StartTls => Ok(Tls::Required(parameters()?)),
        Security::Tls => Ok(Tls::Wrapper(parameters()?)),
        Security::Plain if is_loopback(&settings.host) => Ok(Tls::None),
        Security::Plain => Err(BadSetting::new(
            "security",
            "without TLS, codes and passwords would be readable on the way: use \"starttls\" or \
             \"tls\" (\"plain\" is only for a server on this machine)",
        )),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[async_trait]
impl Messenger for SmtpMessenger {
    async fn deliver(&self, message: Message) -> Result<(), DeliveryFailure> {
        match message.medium {
            Medium::Sms => NoSender.deliver(message).await,
            Medium::Email => {
                let mail = self.compose(&message).map_err(DeliveryFailure)?;
                let sent = self.transport.send(mail).await;
                sent.map(drop).map_err(|error| {
                    DeliveryFailure(format!("the SMTP server did not take the mail: {error}"))
                })
            }
        }
    }
}

/// For a server on which nothing is configured that sends: every message fails.
///
/// To pretend that a code is on its way would leave users waiting for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSender;

#[async_trait]
impl Messenger for NoSender {
    async fn deliver(&self, message: Message) -> Result<(), DeliveryFailure> {
        let medium = match message.medium {
            Medium::Email => "e-mail",
            Medium::Sms => "SMS",
        };
        let user_pool_id = message.user_pool_id.as_str();
        tracing::warn!(user_pool_id, "no {medium} sender configured: a message was not sent");
        Err(DeliveryFailure(format!("no {medium} sender configured")))
    }
}

/// The text of a body that may hold markup: tags are dropped, but line breaks and the targets of
/// links are kept.
fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag, after)) = next_tag(rest) {
        text.push_str(before);
        let name: String = tag.chars().take_while(|c| *c != '>' && !c.is_whitespace()).collect();
        match name.trim_end_matches('/').to_ascii_lowercase().as_str() {
            "br" | "/p" | "/div" | "/li" | "/tr" | "/h1" | "/h2" | "/h3" => text.push('\n'),
            "a" => {
                if let Some(target) = link_target(tag) {
                    text.push_str(target);
                    text.push(' ');
                }
            }
            _ => {}
        }
        rest = after;
    }
    text.push_str(rest);
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " ")];
    let text = entities.iter().fold(text, |text, (entity, meant)| text.replace(entity, meant));
    text.replace("&amp;", "&")
}

/// What comes before the first tag, the tag without its brackets, and what comes after it.
fn next_tag(html: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = html.split_once('<')?;
    let (tag, after) = rest.split_once('>')?;
    Some((before, tag, after))
}

/// The `href` of a link.
fn link_target(tag: &str) -> Option<&str> {
    let (_, after) = tag.split_once("href=")?;
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    after.get(1..)?.split(quote).next()
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::{messages::MessageKind, time::Timestamp};
    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::{TcpListener, TcpStream},
        task::JoinHandle,
    };

    use super::*;

    fn settings(port: u16) -> SmtpSettings {
        SmtpSettings {
            host: "127.0.0.1".into(),
            port: Some(port),
            security: Security::Plain,
            credentials: None,
            from: "Pool <pool@example.com>".into(),
            authorities: None,
        }
    }

    fn message() -> Message {
        Message {
            user_pool_id: "us-east-1_AAAAAAAAA".into(),
            username: "alice".into(),
            kind: MessageKind::SignUp,
            medium: Medium::Email,
            destination: "alice@example.com".into(),
            subject: Some("Your verification code".into()),
            body: "Your <b>code</b> is 123456".into(),
            code: "123456".into(),
            from: None,
            reply_to: None,
            at: Timestamp::from_seconds(1_700_000_000),
        }
    }

    /// A server that takes one connection, answers `to_recipient` to `RCPT TO`, and returns all
    /// lines that it was sent.
    async fn server(to_recipient: &'static str) -> (u16, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let handle = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            converse(stream, to_recipient).await
        });
        (port, handle)
    }

    async fn converse(stream: TcpStream, to_recipient: &str) -> Vec<String> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut received = Vec::new();
        let mut in_data = false;
        write.write_all(b"220 test\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            let command = line.split([' ', ':']).next().unwrap_or_default().to_owned();
            let answer = match (in_data, command.as_str()) {
                (true, _) => (line == ".").then_some("250 taken"),
                (false, "EHLO") => Some("250-test\r\n250 AUTH PLAIN"),
                (false, "AUTH") => Some("235 welcome"),
                (false, "RCPT") => Some(to_recipient),
                (false, "DATA") => Some("354 go on"),
                (false, "QUIT") => Some("221 bye"),
                (false, _) => Some("250 fine"),
            };
            in_data = if in_data { line != "." } else { command == "DATA" };
            let is_over = command == "QUIT" || line == ".";
            received.push(line);
            if let Some(answer) = answer {
                write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            }
            if is_over {
                break;
            }
        }
        received
    }

    #[tokio::test]
    async fn a_mail_arrives_as_text_and_as_html() {
        let (port, server) = server("250 fine").await;
        let messenger = SmtpMessenger::new(&settings(port)).unwrap();
        messenger.deliver(message()).await.unwrap();
        drop(messenger);
        let received = server.await.unwrap().join("\n");
        for expected in [
            "MAIL FROM:<pool@example.com>",
            "RCPT TO:<alice@example.com>",
            "From: Pool <pool@example.com>",
            "Subject: Your verification code",
            "Your code is 123456",
            "Your <b>code</b> is 123456",
            "text/plain",
            "text/html",
        ] {
            assert!(received.contains(expected), "{expected} is not in {received}");
        }
    }

    #[tokio::test]
    async fn sender_and_reply_address_of_the_pool_are_used_and_the_client_authenticates() {
        let (port, server) = server("250 fine").await;
        let credentials = Some(("me".to_owned(), Zeroizing::new("secret".to_owned())));
        let messenger =
            SmtpMessenger::new(&SmtpSettings { credentials, ..settings(port) }).unwrap();
        let from = Some("Shop <shop@example.com>".to_owned());
        let reply_to = Some("help@example.com".to_owned());
        messenger.deliver(Message { from, reply_to, ..message() }).await.unwrap();
        drop(messenger);
        let received = server.await.unwrap().join("\n");
        assert!(received.contains("AUTH PLAIN AG1lAHNlY3JldA=="), "{received}");
        assert!(received.contains("MAIL FROM:<shop@example.com>"), "{received}");
        assert!(received.contains("Reply-To: help@example.com"), "{received}");
    }

    #[tokio::test]
    async fn a_refused_recipient_and_a_dead_server_are_delivery_failures() {
        let (port, server) = server("550 no such mailbox").await;
        let messenger = SmtpMessenger::new(&settings(port)).unwrap();
        let failure = messenger.deliver(message()).await.unwrap_err();
        assert!(failure.to_string().contains("no such mailbox"), "{failure}");
        assert!(!failure.to_string().contains("123456"));
        drop(messenger);
        server.await.unwrap();

        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        assert!(SmtpMessenger::new(&settings(port)).unwrap().deliver(message()).await.is_err());
    }

    #[tokio::test]
    async fn a_text_message_and_a_senseless_address_are_delivery_failures() {
        let messenger = SmtpMessenger::new(&settings(1)).unwrap();
        let sms = Message { medium: Medium::Sms, destination: "+15550100".into(), ..message() };
        let failure = messenger.deliver(sms).await.unwrap_err();
        assert_eq!(failure.to_string(), "no SMS sender configured");
        let nowhere = Message { destination: "nobody\r\nBcc: x@example.com".into(), ..message() };
        assert!(messenger.deliver(nowhere).await.is_err());
    }

    #[tokio::test]
    async fn mail_in_the_clear_leaves_the_machine_never() {
        let remote = SmtpSettings { host: "mail.example.com".into(), ..settings(25) };
        let refused = SmtpMessenger::new(&remote).err().unwrap();
        assert!(refused.key == "security" && refused.problem.contains("starttls"));
        let local = SmtpSettings { host: "localhost".into(), ..settings(25) };
        assert!(SmtpMessenger::new(&local).is_ok());
        let nameless = SmtpSettings { from: "nobody".into(), ..settings(25) };
        assert_eq!(SmtpMessenger::new(&nameless).err().unwrap().key, "from");
    }

    #[test]
    fn plain_text_keeps_breaks_links_and_entities() {
        let html =
            "<p>Hi &amp; welcome</p>Go <a href=\"https://a.example/?x=1\">here</a><br/>1 &lt; 2";
        assert_eq!(plain_text(html), "Hi & welcome\nGo https://a.example/?x=1 here\n1 < 2");
        assert_eq!(plain_text("code 1 < 2, no tag"), "code 1 < 2, no tag");
    }
}
