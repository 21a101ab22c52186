//! What requests say of the device they come from (`UserContextData`, `ContextData`), for pools with
//! threat protection. Elsewhere it is accepted and means nothing.

use std::net::IpAddr;

use poolhouse_domain::{
    app_clients::AppClient,
    caller::Caller,
    ports::Ports,
    shapes::{ContextDataType, UserContextDataType},
    threat_protection,
    user_pools::UserPool,
};
use poolhouse_wire::Sensitive;

/// The ports of a request of the public operations. Its word on the address counts only if it comes
/// from a server: from a client with a secret that is set to pass such data on.
pub(crate) fn of_user(
    ports: &Ports,
    pool: &UserPool,
    client: &AppClient,
    data: Option<Sensitive<UserContextDataType>>,
) -> Ports {
    let mut ports = ports.clone();
    let (Some(_), Some(data)) = (threat_protection::mode(pool), data) else { return ports };
    let data = data.into_inner();
    let passes_on = client.settings.enable_propagate_additional_user_context_data == Some(true);
    if passes_on && !client.secrets.is_empty() {
        let said = data.ip_address.as_deref().and_then(|address| address.parse().ok());
        // The connection is the server's, and so is its `User-Agent`.
        let caller = Caller::new(said.or(ports.caller.ip), None);
        ports.caller = Caller { request_id: ports.caller.request_id, ..caller };
    }
    ports.caller.device_data = data.encoded_data;
    ports
}

/// The ports of a request of the administrators' operations, which a server sends on behalf of the
/// user: only what it says is known of them.
pub(crate) fn of_administrator(
    ports: &Ports,
    pool: &UserPool,
    data: Option<ContextDataType>,
) -> Ports {
    let mut ports = ports.clone();
    if threat_protection::mode(pool).is_none() {
        return ports;
    }
    let data = data.unwrap_or_default();
    let is_user_agent = |name: &String| name.eq_ignore_ascii_case("user-agent");
    let header =
        data.http_headers.iter().find(|h| h.header_name.as_ref().is_some_and(is_user_agent));
    let user_agent = header.and_then(|header| header.header_value.as_deref());
    let caller = Caller::new(data.ip_address.parse::<IpAddr>().ok(), user_agent);
    let request_id = std::mem::take(&mut ports.caller.request_id);
    ports.caller = Caller { device_data: data.encoded_data, request_id, ..caller };
    ports
}
