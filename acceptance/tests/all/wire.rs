//! Connections: how requests travel, and how the server ends.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use poolhouse_acceptance::{Client, Engine, Server, Store, both_engines, moment};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

both_engines!(
    one_http1_connection_carries_many_requests,
    http2_answers_without_being_negotiated,
    a_request_in_flight_is_answered_before_the_server_ends,
    a_body_without_end_is_not_read_to_its_end,
    slow_clients_hold_nobody_up,
    every_answer_has_an_id_of_its_own,
);

const LIST: &str = r#"{"MaxResults":10}"#;

/// A connection without a library between us and it.
struct Raw(TcpStream);

impl Raw {
    async fn open(server: &Server) -> Self {
        let address = server.endpoint().trim_start_matches("http://");
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The head of the next answer and its body, of the length that the head tells.
    async fn answer(&mut self) -> (String, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("an answer"));
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        (head, String::from_utf8(body).unwrap())
    }
}

/// The head of a request to list user pools, with this line more.
fn head(length: usize, line: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: AWSCognitoIdentityProviderService.ListUserPools\r\n\
         Content-Length: {length}\r\n{line}\r\n"
    )
}

async fn one_http1_connection_carries_many_requests(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let mut connection = Raw::open(&server).await;
    for _ in 0..20 {
        connection.send(&(head(LIST.len(), "") + LIST)).await;
        let (head, body) = connection.answer().await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(!head.contains("connection: close"), "{head}");
        assert!(head.contains("content-type: application/x-amz-json-1.1\r\n"), "{head}");
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"UserPools": []}));
    }
    // An error does not end the connection.
    connection.send(&(head(1, "") + "{")).await;
    assert!(connection.answer().await.0.starts_with("http/1.1 400 "));
    connection.send(&(head(LIST.len(), "") + LIST)).await;
    assert!(connection.answer().await.0.starts_with("http/1.1 200 "));
}

async fn http2_answers_without_being_negotiated(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let client = Client::http2(server.endpoint());
    let calls = (0..50).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.call("ListUserPools", json!({"MaxResults": 10})).await })
    });
    for call in calls.collect::<Vec<_>>() {
        let reply = call.await.unwrap();
        assert_eq!((reply.status, reply.version), (200, Version::HTTP_2));
        assert_eq!(reply.body, json!({"UserPools": []}));
    }
}

async fn a_request_in_flight_is_answered_before_the_server_ends(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let mut connection = Raw::open(&server).await;
    let mut idle = Raw::open(&server).await;
    idle.send(&(head(LIST.len(), "") + LIST)).await;
    idle.answer().await;
    connection.send(&head(LIST.len(), "Expect: 100-continue\r\n")).await;
    // Now the server waits for the body: the request is in flight.
    assert!(connection.answer().await.0.starts_with("http/1.1 100 "));
    server.terminate();
    while TcpStream::connect(server.endpoint().trim_start_matches("http://")).await.is_ok() {
        tokio::task::yield_now().await;
    }
    connection.send(LIST).await;
    let (head, body) = connection.answer().await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"UserPools": []}));
    // The connection that waits for nothing keeps nobody waiting.
    let started = moment();
    let (status, _) = server.ended(Duration::from_secs(15)).await;
    assert_eq!(status.code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

async fn a_body_without_end_is_not_read_to_its_end(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let client = server.client();
    let spaced = format!("{LIST}{}", " ".repeat(1_000_000));
    let reply = client.send(client.request("ListUserPools", spaced)).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text);

    // Whether the client reads the answer depends on when it looks up from sending.
    let mut connection = Raw::open(&server).await;
    connection.send(&head(1 << 30, "")).await;
    let chunk = vec![b' '; 1 << 20];
    let mut sent = 0;
    while sent < 1 << 30 && connection.0.write_all(&chunk).await.is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 1 << 27, "{sent} bytes were taken");

    // The largest requests of the protocol have two million bytes.
    let limited = vec![b' '; 1 << 23];
    let reply = client.send(client.request("ListUserPools", limited)).await;
    if let Ok(reply) = reply {
        assert_eq!(reply.status, 413, "{}", reply.text);
        assert_eq!(reply.refusal().kind, "SerializationException");
    }
    client.ok("ListUserPools", json!({"MaxResults": 10})).await;
}

async fn slow_clients_hold_nobody_up(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let mut slow = Vec::new();
    for number in 0..60 {
        let mut connection = Raw::open(&server).await;
        let whole = head(LIST.len(), "") + LIST;
        // Some stop within the head, some within the body.
        let sent = if number % 2 == 0 { 40 } else { whole.len() - 3 };
        connection.send(&whole[..sent]).await;
        slow.push((connection, whole[sent..].to_owned()));
    }
    let client = server.client();
    let started = moment();
    for _ in 0..20 {
        client.ok("ListUserPools", json!({"MaxResults": 10})).await;
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // And they are not worse off for having been slow.
    for (mut connection, rest) in slow {
        connection.send(&rest).await;
        assert!(connection.answer().await.0.starts_with("http/1.1 200 "));
    }
}

async fn every_answer_has_an_id_of_its_own(engine: Engine) {
    let store = Store::fresh(engine).await;
    let server = Server::dev(&store).await;
    let mut ids = BTreeSet::new();
    for client in [server.client(), Client::http2(server.endpoint())] {
        let mut requests = vec![
            client.request("ListUserPools", LIST),
            client.request("ListUserPools", "{}"),
            client.request("ListUserPools", "["),
            client.request("DescribeUserPool", r#"{"UserPoolId":"us-east-1_AAAAAAAAA"}"#),
            client.request("NoSuchOperation", "{}"),
        ];
        let elsewhere = format!("{}/no/such/path", server.endpoint());
        requests.push(Request::get(elsewhere).body(Bytes::new()).unwrap());
        for request in requests {
            let shown = format!("{:?}", request.headers());
            let reply = client.send(request).await.unwrap();
            let id = reply.header("x-amzn-requestid");
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{shown}: {id}");
            assert!(id.chars().all(|c| c == '-' || c.is_ascii_hexdigit()), "{id}");
            ids.insert(id.to_owned());
        }
    }
    assert_eq!(ids.len(), 12);
}
