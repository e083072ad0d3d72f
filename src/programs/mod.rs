//! The article's server and client, for two terminals, and a relay between them for a third one.

mod address;
pub mod client;
mod lines;
mod pasted;
mod payload;
mod pinger;
pub mod relay;
mod rules;
pub mod server;
mod signals;
mod transcript;

use std::io;

pub use self::address::Address;
pub use self::transcript::Transcript;
use crate::lab::CallError;

/// What ends the server, the client or the relay early.
#[derive(Debug)]
pub enum Ended {
    /// A call on the socket failed.
    Call(CallError),
    /// The address names nothing that a socket could use here, as the sentence says.
    Address(String),
    /// What was asked for is wrong everywhere, as the sentence says.
    Use(String),
    /// The input cannot be read.
    Input(io::Error),
    /// Nothing can be written any more.
    Output(io::Error),
}

impl From<CallError> for Ended {
    fn from(error: CallError) -> Self {
        Ended::Call(error)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Ended::Output(error)
    }
}
