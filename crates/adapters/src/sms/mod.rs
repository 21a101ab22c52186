//! Text messages: through Amazon SNS or a server that speaks its protocol, or by posting them to a
//! server of one's own.

mod http;
mod sns;

pub use http::HttpSms;
pub use sns::{SmsType, SnsSettings, SnsSms};

use std::time::Duration;

use poolhouse_domain::{
    attributes::is_phone_number,
    messages::{DeliveryFailure, Message},
};

/// How long the server may take for a message.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes that are read of an answer.
const LONGEST_ANSWER: usize = 16 * 1_024;

/// Whether a message goes to something that is a telephone number.
fn check(message: &Message) -> Result<(), DeliveryFailure> {
    if is_phone_number(&message.destination) {
        return Ok(());
    }
    Err(DeliveryFailure("the destination is no telephone number".to_owned()))
}

/// The beginning of an answer's body; as much as there is, if the connection ends.
async fn beginning(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    while body.len() < LONGEST_ANSWER
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    String::from_utf8_lossy(&body).into_owned()
}

#[cfg(test)]
mod testing {
    //! A server for tests, and what is sent to it.

    use poolhouse_domain::{
        messages::{Medium, Message, MessageKind, SmsSettings},
        ports::Clock,
        time::Timestamp,
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        task::JoinHandle,
    };

    pub(super) struct Frozen;

    impl Clock for Frozen {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(1_700_000_000)
        }
    }

    pub(super) fn message() -> Message {
        Message {
            invocation: None,
            user_pool_id: "us-east-1_AAAAAAAAA".into(),
            sub: "s".into(),
            username: "alice".into(),
            kind: MessageKind::MfaCode,
            medium: Medium::Sms,
            destination: "+14155550008".into(),
            subject: None,
            body: "Your code is 123456 & more".into(),
            code: "123456".into(),
            from: None,
            reply_to: None,
            sms: SmsSettings::default(),
            at: Timestamp::from_seconds(1_700_000_000),
            expires_at: Timestamp::from_seconds(1_700_000_180),
        }
    }

    /// A server that gives one answer and returns what it was asked: head and body.
    pub(super) async fn server(
        status: &'static str,
        answer: &'static str,
    ) -> (String, JoinHandle<(String, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            loop {
                let mut buffer = [0; 4_096];
                let count = stream.read(&mut buffer).await.unwrap();
                text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.unwrap().parse::<usize>().unwrap() {
                    let length = answer.len();
                    let reply =
                        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{answer}");
                    stream.write_all(reply.as_bytes()).await.unwrap();
                    return (head.to_owned(), body.to_owned());
                }
            }
        });
        (url, served)
    }

    /// The value of a header in a request's head.
    pub(super) fn header<'a>(head: &'a str, name: &str) -> &'a str {
        let find = |line: &'a str| line.split_once(": ").filter(|(found, _)| *found == name);
        head.lines().find_map(find).unwrap_or_else(|| panic!("no {name} in {head}")).1
    }
}
