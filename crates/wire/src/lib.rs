//! The cognito-idp protocol: generated shapes, decoding, encoding, codes.
//!
//! Everything under [`types`], [`operations`] and [`codes`] is generated from the service model by
//! `cargo xtask codegen`; the runtime that the generated code calls is written by hand here.
//!
//! A request goes through [`aws_json::route`], then [`Operation::decode`], which either yields the
//! input shape or a [`DecodeError`] that already holds the complete answer text. An answer is
//! written with [`to_json`]; documents that we stored ourselves come back with [`from_stored`].

pub mod aws_json;
mod decode;
mod encode;
mod generated;
pub mod java_order;
#[cfg(feature = "model-cases")]
pub mod model_cases;
mod operation;
mod pattern;
mod value;

pub use decode::{
    Constraint, Context, Decode, DecodeError, Members, Mismatch, StoredError, decode_body,
    from_stored,
};
pub use encode::{Encode, Object, to_json};
pub use generated::{codes, operations, types};
pub use operation::{About, Auth, Code, NoOutput, Operation, Permits};
pub use operations::{OperationName, Slice};
pub use pattern::Pattern;
pub use value::{Blob, Sensitive, Timestamp, WireEnum};
