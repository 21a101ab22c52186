//! Requests to the Invoke API of AWS Lambda, and of servers that look like it.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, header::CONTENT_TYPE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use poolhouse_domain::{time::Timestamp, triggers::Invocation};
use serde_json::json;
use url::Url;

use crate::aws::{AccessKey, Unfit, endpoint};

/// What stays as it is in a step of a path (RFC 3986, "unreserved").
const STEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where and how the Invoke API is asked.
pub struct Lambda {
    /// None for that of AWS in the region of each function.
    pub endpoint: Option<Url>,
    /// The region that signatures name; none for that of the function.
    pub region: Option<String>,
    /// Signs.
    pub key: AccessKey,
    /// The name or ARN that is asked for, in place of the one that the user pool names.
    pub function: Option<String>,
}

impl Lambda {
    /// What is asked, for the log.
    pub(super) fn host(&self) -> String {
        self.endpoint.as_ref().map_or_else(|| "amazonaws.com".to_owned(), super::target::host)
    }

    /// The signed request for an invocation.
    pub(super) fn request(
        &self,
        call: &Invocation,
        now: Timestamp,
    ) -> Result<Request<String>, Unfit> {
        let arn = FunctionArn::parse(&call.function)?;
        let endpoint = match &self.endpoint {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => endpoint("lambda", arn.region),
        };
        let function = self.function.as_deref().unwrap_or_else(|| {
            // The ARN says it all to AWS. Servers on one's own machine know functions by their
            // names, and are rarely in the account and region that the ARN names.
            if is_aws(&endpoint) { &call.function } else { arn.name }
        });
        let function = utf8_percent_encode(function, STEP);
        // Versions and aliases are a part of the function: `sam local` refuses every query.
        let url = format!("{endpoint}/2015-03-31/functions/{function}/invocations");
        let kind = if call.is_queued { "Event" } else { "RequestResponse" };
        let context = json!({ "custom": { "event_id": call.id } }).to_string();
        let mut request = Request::post(url).body(call.event.clone())?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("x-amz-invocation-type", HeaderValue::from_static(kind));
        headers.insert("x-amz-client-context", STANDARD.encode(context).parse()?);
        let region = self.region.as_deref().unwrap_or(arn.region);
        self.key.sign(&mut request, "lambda", region, now)?;
        Ok(request)
    }
}

/// The parts of `arn:aws:lambda:REGION:ACCOUNT:function:NAME[:VERSION or ALIAS]` that are needed.
struct FunctionArn<'a> {
    region: &'a str,
    /// With version or alias.
    name: &'a str,
}

impl<'a> FunctionArn<'a> {
    fn parse(arn: &'a str) -> Result<Self, String> {
        let parts: Vec<&str> = arn.splitn(7, ':').collect();
        // The region becomes a part of a host name.
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        match parts.as_slice() {
            ["arn", _, "lambda", region, _, "function", name]
                if is_plain(region) && !region.is_empty() && !name.is_empty() =>
            {
                Ok(Self { region, name })
            }
            _ => Err("this is no ARN of a Lambda function".to_owned()),
        }
    }
}

fn is_aws(endpoint: &str) -> bool {
    let host = Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
}

/// The name in a function's ARN, without version or alias.
pub(super) fn name_in(arn: &str) -> Option<&str> {
    FunctionArn::parse(arn).ok()?.name.split(':').next()
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::triggers::Trigger;

    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:check:live";
    const NOW: Timestamp = Timestamp::from_seconds(1_777_638_645);

    fn lambda(endpoint: Option<&str>) -> Lambda {
        Lambda {
            endpoint: endpoint.map(|url| url.parse().unwrap()),
            region: None,
            key: AccessKey::new(
                "AKIAPOOLHOUSE1234567",
                &format!("s3cr3t/{}", "A".repeat(33)),
                None,
            ),
            function: None,
        }
    }

    fn call(function: &str) -> Invocation {
        Invocation {
            function: function.to_owned(),
            trigger: Trigger::PreSignUp,
            user_pool_id: "eu-west-1_Pool".to_owned(),
            id: "event-1".to_owned(),
            event: r#"{"userName":"josé"}"#.to_owned(),
            is_queued: false,
        }
    }

    fn uri(lambda: &Lambda, function: &str) -> String {
        lambda.request(&call(function), NOW).unwrap().uri().to_string()
    }

    #[test]
    fn aws_is_asked_for_the_whole_arn_in_the_function_s_region() {
        let path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012\
                    %3Afunction%3Acheck%3Alive/invocations";
        let expected = format!("https://lambda.eu-west-1.amazonaws.com{path}");
        assert_eq!(uri(&lambda(None), ARN), expected);
        let china = "arn:aws-cn:lambda:cn-north-1:123456789012:function:check";
        let host = "https://lambda.cn-north-1.amazonaws.com.cn/";
        assert!(uri(&lambda(None), china).starts_with(host));
        let private = "https://vpce-1.lambda.eu-west-1.vpce.amazonaws.com";
        assert_eq!(uri(&lambda(Some(private)), ARN), format!("{private}{path}"));
    }

    #[test]
    fn other_servers_are_asked_for_the_name_without_any_query() {
        let expected = "http://127.0.0.1:3001/2015-03-31/functions/check%3Alive/invocations";
        assert_eq!(uri(&lambda(Some("http://127.0.0.1:3001/")), ARN), expected);
        let renamed = Lambda {
            function: Some("CheckFunction".to_owned()),
            ..lambda(Some("http://127.0.0.1:3001/base"))
        };
        let expected = "http://127.0.0.1:3001/base/2015-03-31/functions/CheckFunction/invocations";
        assert_eq!(uri(&renamed, ARN), expected);
    }

    #[test]
    fn what_is_no_arn_of_a_function_leads_nowhere() {
        for arn in [
            "arn:aws:sns:eu-west-1:123456789012:topic",
            "arn:aws:lambda:eu-west-1:123456789012:function:",
            "arn:aws:lambda::123456789012:function:f",
            "arn:aws:lambda:evil.example/:123456789012:function:f",
            "arn:aws:lambda:evil.example?:123456789012:function:f",
        ] {
            assert!(lambda(None).request(&call(arn), NOW).is_err(), "{arn}");
        }
        let path = uri(&lambda(None), "arn:aws:lambda:eu-west-1:1:function:../../x?y#z");
        assert!(path.ends_with("function%3A..%2F..%2Fx%3Fy%23z/invocations"), "{path}");
    }

    #[test]
    fn requests_carry_the_event_s_id_and_the_kind_of_invocation() {
        let request = lambda(None).request(&call(ARN), NOW).unwrap();
        let context = request.headers().get("x-amz-client-context").unwrap();
        let context = STANDARD.decode(context).unwrap();
        assert_eq!(context, br#"{"custom":{"event_id":"event-1"}}"#);
        assert_eq!(request.headers().get("x-amz-invocation-type").unwrap(), "RequestResponse");
        let queued = Invocation { is_queued: true, ..call(ARN) };
        let request = lambda(None).request(&queued, NOW).unwrap();
        assert_eq!(request.headers().get("x-amz-invocation-type").unwrap(), "Event");
    }
}
