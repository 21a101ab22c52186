//! Operations on where the logs of a pool go.

mod get_log_delivery_configuration;
mod set_log_delivery_configuration;
