//! `udp-lab doctor`: what this machine is, and what the lessons will skip on it. No lesson is run.

mod probe;
mod view;

pub use probe::Checkup;
pub use view::{json, table};
