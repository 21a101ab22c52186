//! Mail through an SMTP server.
//!
//! Connections are kept here and not in the library's pool. The library limits the time for connecting
//! only: with a server that falls silent a mail would never end. To break one off from outside is safe
//! if its connection is thrown away, which the library's pool would keep for the next mail; that one
//! would then take the late answers to this one for its own.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use lettre::{
    Address,
    address::Envelope,
    message::{Mailbox, Message as Letter, MultiPart},
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, Tls, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter, ServerInfo},
        response::Code,
    },
};
use poolhouse_domain::messages::{DeliveryFailure, Message, NotSent, Sender};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a kept connection may take to show that it is still good.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// How long everything up to the mail's text may take, with connecting and logging in.
const PRELUDE: Duration = Duration::from_mins(1);
/// How long a server may take for the text and to say that it has it. It may look for viruses before
/// it says so, and whoever goes away meanwhile sends the mail twice (RFC 5321 section 4.5.3.2.6).
const LAST_WORD: Duration = Duration::from_mins(10);
/// Connections that are kept for the next mail at most.
const CONNECTIONS: usize = 8;
/// How long a connection is kept without a mail: less than servers do.
const IDLE: Duration = Duration::from_secs(30);

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
pub struct SmtpSender {
    server: (String, u16),
    tls: Tls,
    credentials: Option<Credentials>,
    from: Mailbox,
    hello: ClientId,
    /// Connections without a mail, and since when; the newest last.
    kept: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    prelude: Duration,
}

impl SmtpSender {
    /// Takes the settings; connects when the first mail is sent.
    ///
    /// # Errors
    /// A setting makes no sense, or would send codes in the clear over a network.
    pub fn new(settings: &SmtpSettings) -> Result<Self, BadSetting> {
        let from = settings.from.parse().map_err(|error| BadSetting::new("from", error))?;
        let usual_port = match settings.security {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::Plain => 25,
        };
        let credentials = settings.credentials.as_ref();
        Ok(Self {
            server: (settings.host.clone(), settings.port.unwrap_or(usual_port)),
            tls: tls(settings)?,
            credentials: credentials.map(|(user, password)| {
                Credentials::new(user.clone(), password.as_str().to_owned())
            }),
            from,
            hello: ClientId::default(),
            kept: Mutex::default(),
            prelude: PRELUDE,
        })
    }

    /// Announces a mail; answers the connection, whose server waits for the text.
    async fn announce(
        &self,
        envelope: &Envelope,
        mail: &[u8],
    ) -> Result<AsyncSmtpConnection, NotSent> {
        let mut connection = match self.kept_connection().await {
            Some(connection) => connection,
            None => self.connect().await.map_err(|error| not_taken(&error))?,
        };
        let parameters = parameters(connection.server_info(), envelope, mail)?;
        let sender = Mail::new(envelope.from().cloned(), parameters);
        connection.command(sender).await.map_err(|error| not_taken(&error))?;
        for recipient in envelope.to() {
            let recipient = Rcpt::new(recipient.clone(), Vec::new());
            connection.command(recipient).await.map_err(|error| not_taken(&error))?;
        }
        connection.command(Data).await.map_err(|error| not_taken(&error))?;
        Ok(connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let (host, port) = &self.server;
        let wrapper = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let (server, hello) = ((host.as_str(), *port), &self.hello);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), hello, wrapper, None)
                .await?;
        if let Tls::Required(parameters) = &self.tls {
            connection.starttls(parameters.clone(), hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// A connection that was kept and is still good. Others are closed.
    async fn kept_connection(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.kept().pop()?;
            if since.elapsed() >= IDLE {
                continue;
            }
            match timeout(SIGN_OF_LIFE, connection.test_connected()).await {
                Ok(true) => return Some(connection),
                Ok(false) => {}
                // The others are no better, and time is short.
                Err(_) => self.kept().clear(),
            }
        }
    }

    /// Keeps a connection for the next mail; closes the oldest, if there are too many.
    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut kept = self.kept();
        if kept.len() >= CONNECTIONS {
            drop(kept.remove(0));
        }
        kept.push((connection, Instant::now()));
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A mail in two forms, so that it can be read without HTML.
    ///
    /// Its `Message-ID` and date are the same in each try: who gets it twice can tell.
    fn compose(&self, id: &str, message: &Message) -> Result<Letter, String> {
        let Addresses { from, to, reply_to } = self.addresses(message)?;
        let id = format!("<{id}@{}>", from.email.domain());
        let seconds = u64::try_from(message.at.seconds()).unwrap_or_default();
        let subject = message.subject.clone().unwrap_or_default();
        let mut mail = Letter::builder()
            .from(from)
            .to(to)
            .subject(subject)
            .message_id(Some(id))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        if let Some(reply_to) = reply_to {
            mail = mail.reply_to(reply_to);
        }
        let body =
            MultiPart::alternative_plain_html(plain_text(&message.body), message.body.clone());
        mail.multipart(body).map_err(|error| format!("the mail can't be composed: {error}"))
    }

    fn addresses(&self, message: &Message) -> Result<Addresses, String> {
        let from = match &message.from {
            None => self.from.clone(),
            Some(from) => from.parse().map_err(|error| format!("bad From address: {error}"))?,
        };
        // Not a mailbox, in which a user could name an address of somebody else beside.
        let to = message.destination.parse::<Address>();
        let to = to.map_err(|error| format!("bad destination address: {error}"))?;
        let to = Mailbox::new(None, to);
        let reply_to = message.reply_to.as_ref().map(|address| address.parse()).transpose();
        let reply_to = reply_to.map_err(|error| format!("bad Reply-To address: {error}"))?;
        Ok(Addresses { from, to, reply_to })
    }
}

/// Whom a mail is from, whom it goes to, and who gets the replies.
struct Addresses {
    from: Mailbox,
    to: Mailbox,
    reply_to: Option<Mailbox>,
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
impl Sender for SmtpSender {
    fn check(&self, message: &Message) -> Result<(), DeliveryFailure> {
        self.addresses(message).map(drop).map_err(DeliveryFailure)
    }

    async fn send(&self, id: &str, message: &Message) -> Result<(), NotSent> {
        let mail = self.compose(id, message).map_err(NotSent::for_good)?;
        let (envelope, mail) = (mail.envelope().clone(), mail.formatted());
        let late = |_| NotSent::for_now("the SMTP server did not answer in time");
        let announced = timeout(self.prelude, self.announce(&envelope, &mail)).await;
        let mut connection = announced.map_err(late)??;
        let taken = timeout(LAST_WORD, connection.message(&mail)).await;
        taken.map_err(late)?.map_err(|error| not_taken(&error))?;
        self.keep(connection);
        Ok(())
    }
}

/// What the server must be told of a mail.
fn parameters(
    server: &ServerInfo,
    envelope: &Envelope,
    mail: &[u8],
) -> Result<Vec<MailParameter>, NotSent> {
    let mut parameters = Vec::new();
    let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    if !envelope.to().iter().chain(envelope.from()).all(is_ascii) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(NotSent::for_now("the SMTP server takes ASCII addresses only"));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !mail.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(NotSent::for_now("the SMTP server takes ASCII mails only"));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

fn not_taken(error: &Error) -> NotSent {
    let reason = format!("the SMTP server did not take the mail: {error}");
    NotSent::new(reason, is_final(error))
}

/// Whether the server has refused this mail, and not just now or us (RFC 5321 section 4.2.1).
///
/// Refusals of the login (RFC 4954 section 6) have codes for good ones, too, but a wrong password is
/// the operator's to mend: mails wait for it.
fn is_final(error: &Error) -> bool {
    let code = error.status().map(|code: Code| code.to_string());
    let is_about_login = matches!(code.as_deref(), Some("530" | "534" | "535" | "538"));
    error.is_permanent() && !is_about_login
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
    use poolhouse_domain::{
        messages::{Medium, MessageKind, SmsSettings},
        time::Timestamp,
    };
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
            invocation: None,
            user_pool_id: "us-east-1_AAAAAAAAA".into(),
            sub: "s".into(),
            username: "alice".into(),
            kind: MessageKind::SignUp,
            medium: Medium::Email,
            destination: "alice@example.com".into(),
            subject: Some("Your verification code".into()),
            body: "Your <b>code</b> is 123456".into(),
            code: "123456".into(),
            from: None,
            reply_to: None,
            sms: SmsSettings::default(),
            at: Timestamp::from_seconds(1_700_000_000),
            expires_at: Timestamp::from_seconds(1_700_003_600),
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
        let messenger = SmtpSender::new(&settings(port)).unwrap();
        messenger.send("id", &message()).await.unwrap();
        drop(messenger);
        let received = server.await.unwrap().join("\n");
        for expected in [
            "MAIL FROM:<pool@example.com>",
            "RCPT TO:<alice@example.com>",
            "From: Pool <pool@example.com>",
            "Message-ID: <id@example.com>",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
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
        let messenger = SmtpSender::new(&SmtpSettings { credentials, ..settings(port) }).unwrap();
        let from = Some("Shop <shop@example.com>".to_owned());
        let reply_to = Some("help@example.com".to_owned());
        messenger.send("id", &Message { from, reply_to, ..message() }).await.unwrap();
        drop(messenger);
        let received = server.await.unwrap().join("\n");
        assert!(received.contains("AUTH PLAIN AG1lAHNlY3JldA=="), "{received}");
        assert!(received.contains("MAIL FROM:<shop@example.com>"), "{received}");
        assert!(received.contains("Reply-To: help@example.com"), "{received}");
    }

    #[tokio::test]
    async fn a_refused_recipient_and_a_dead_server_are_delivery_failures() {
        let (port, server) = server("550 no such mailbox").await;
        let messenger = SmtpSender::new(&settings(port)).unwrap();
        let failure = messenger.send("id", &message()).await.unwrap_err();
        assert!(failure.to_string().contains("no such mailbox") && failure.is_final, "{failure}");
        assert!(!failure.to_string().contains("123456"));
        drop(messenger);
        server.await.unwrap();

        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let absent = SmtpSender::new(&settings(port)).unwrap();
        assert!(!absent.send("id", &message()).await.unwrap_err().is_final);
    }

    #[tokio::test]
    async fn what_a_server_refuses_for_now_or_because_of_us_is_tried_again() {
        for (answer, is_final) in [
            ("451 come again", false),
            ("452 full", false),
            ("530 log in first", false),
            ("550 nobody here", true),
            ("553 odd", true),
        ] {
            let (port, server) = server(answer).await;
            let messenger = SmtpSender::new(&settings(port)).unwrap();
            let failure = messenger.send("id", &message()).await.unwrap_err();
            assert_eq!(failure.is_final, is_final, "{answer}: {failure}");
            drop(messenger);
            server.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_server_that_falls_silent_is_given_up_with_its_connection() {
        // It greets, and says no more.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"220 test\r\n").await.unwrap();
            let mut said = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut said).await.unwrap();
            said
        });
        let sender = SmtpSender::new(&settings(port)).unwrap();
        let sender = SmtpSender { prelude: Duration::from_millis(50), ..sender };
        let failure = sender.send("id", &message()).await.unwrap_err();
        assert_eq!(failure, NotSent::for_now("the SMTP server did not answer in time"));
        assert!(silent.await.unwrap().starts_with("EHLO"), "the connection was not closed");
        assert!(sender.kept().is_empty());
    }

    /// What becomes of a mail after whose last line the server is silent for so many seconds.
    async fn outcome_of_silence(seconds: u64) -> Result<(), NotSent> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"220 test\r\n").await.unwrap();
            let mut in_data = false;
            while let Ok(Some(line)) = lines.next_line().await {
                if in_data && line != "." {
                    continue;
                }
                if in_data {
                    tokio::time::pause();
                    tokio::time::advance(Duration::from_secs(seconds)).await;
                    tokio::time::resume();
                }
                in_data = line == "DATA";
                let answer = if in_data { "354 go on\r\n" } else { "250 fine\r\n" };
                // The client may have gone.
                let _ = write.write_all(answer.as_bytes()).await;
            }
        });
        SmtpSender::new(&settings(port)).unwrap().send("id", &message()).await
    }

    #[tokio::test]
    async fn a_server_may_think_for_ten_minutes_about_a_whole_mail() {
        assert_eq!(outcome_of_silence(590).await, Ok(()));
    }

    #[tokio::test]
    async fn a_server_may_not_think_for_ever() {
        let late = NotSent::for_now("the SMTP server did not answer in time");
        assert_eq!(outcome_of_silence(610).await, Err(late));
    }

    #[tokio::test]
    async fn a_connection_is_kept_while_it_is_good() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (accepted, mut connections) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.send(()).unwrap();
                tokio::spawn(async move { converse_on(stream).await });
            }
        });
        let sender = SmtpSender::new(&settings(port)).unwrap();
        for _ in 0..3 {
            sender.send("id", &message()).await.unwrap();
        }
        assert_eq!(sender.kept().len(), 1);
        if let Some((_, since)) = sender.kept().first_mut() {
            *since = since.checked_sub(IDLE).unwrap();
        }
        sender.send("id", &message()).await.unwrap();
        assert_eq!(sender.kept().len(), 1);
        assert_eq!(std::iter::from_fn(|| connections.try_recv().ok()).count(), 2);
    }

    /// Takes one mail after another.
    async fn converse_on(stream: TcpStream) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 test\r\n").await.unwrap();
        let mut in_data = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.as_str() {
                "DATA" => "354 go on",
                "." => "250 taken",
                _ if in_data => continue,
                _ => "250 fine",
            };
            in_data = line == "DATA";
            write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_senseless_address_is_known_before_anything_is_sent() {
        let messenger = SmtpSender::new(&settings(1)).unwrap();
        assert!(messenger.check(&message()).is_ok());
        let nowhere = Message { destination: "nobody\r\nBcc: x@example.com".into(), ..message() };
        assert!(messenger.check(&nowhere).is_err());
        assert!(messenger.send("id", &nowhere).await.unwrap_err().is_final);
        let named = Message { destination: "a@b.c <x@example.com>".into(), ..message() };
        assert!(messenger.check(&named).is_err());
        let from_nowhere = Message { from: Some("shop".into()), ..message() };
        let failure = messenger.check(&from_nowhere).unwrap_err();
        assert!(failure.to_string().starts_with("bad From address"), "{failure}");
        let to_nowhere = Message { reply_to: Some("shop".into()), ..message() };
        assert!(messenger.check(&to_nowhere).is_err());
    }

    #[tokio::test]
    async fn mail_in_the_clear_leaves_the_machine_never() {
        let remote = SmtpSettings { host: "mail.example.com".into(), ..settings(25) };
        let refused = SmtpSender::new(&remote).err().unwrap();
        assert!(refused.key == "security" && refused.problem.contains("starttls"));
        let local = SmtpSettings { host: "localhost".into(), ..settings(25) };
        assert!(SmtpSender::new(&local).is_ok());
        let nameless = SmtpSettings { from: "nobody".into(), ..settings(25) };
        assert_eq!(SmtpSender::new(&nameless).err().unwrap().key, "from");
    }

    #[test]
    fn plain_text_keeps_breaks_links_and_entities() {
        let html =
            "<p>Hi &amp; welcome</p>Go <a href=\"https://a.example/?x=1\">here</a><br/>1 &lt; 2";
        assert_eq!(plain_text(html), "Hi & welcome\nGo https://a.example/?x=1 here\n1 < 2");
        assert_eq!(plain_text("code 1 < 2, no tag"), "code 1 < 2, no tag");
    }
}
