//! The OAuth 2.0 and OpenID Connect endpoints of a user pool domain, without their HTTP.
//!
//! | file | what |
//! |---|---|
//! | `mount.rs` | under which addresses a domain is served, and which one a request came to |
//! | `parameters.rs` | query strings and form bodies |
//! | `authorize.rs` | what an application asks for at `/oauth2/authorize`, checked |
//! | `browser_session.rs` | the `cognito` cookie: a browser that has signed in |
//! | `grant.rs` | what an application gets for a sign-in: a code or tokens; and codes exchanged |
//! | `client.rs` | the proof of an app client at the endpoints that it calls itself |
//! | `token.rs` | `/oauth2/token` |
//! | `user_info.rs` | `/oauth2/userInfo` |
//! | `revoke.rs` | `/oauth2/revoke` |
//! | `logout.rs` | `/logout` |
//! | `register.rs` | `/oauth2/register` |

pub mod authorize;
pub mod browser_session;
pub mod client;
pub mod grant;
pub mod logout;
pub mod mount;
pub mod parameters;
pub mod register;
pub mod revoke;
pub mod token;
pub mod user_info;
