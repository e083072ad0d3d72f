//! `udp-lab doctor`: what this machine is, and what the lessons will skip on it. No lesson is run.

mod probe;
mod view;

pub use probe::{Checkup, reason_to_skip};
pub use view::{json, table};
