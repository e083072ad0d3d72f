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
use std::time::Duration;

pub use self::address::Address;
pub use self::transcript::Transcript;
use crate::sockets::{self, CallError};

/// What ends the server, the client or the relay early.
#[derive(Debug)]
pub enum ProgramError {
    /// A call on the socket failed.
    Call(CallError),
    /// It cannot be done here, as the sentence says: a name is not known, a file cannot be read.
    Environment(String),
    /// What was asked for is wrong everywhere, as the sentence says.
    Usage(String),
    /// The input cannot be read.
    Input(io::Error),
    /// Nothing can be written any more.
    Output(io::Error),
}

/// How often a program that waits for datagrams looks whether a signal has asked it to end.
const SIGNAL_CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// Whether a receive has ended before anything came: its time was over, or a signal interrupted it.
fn nothing_came(error: &io::Error) -> bool {
    sockets::is_timeout(error) || error.kind() == io::ErrorKind::Interrupted
}

impl From<CallError> for ProgramError {
    fn from(error: CallError) -> Self {
        ProgramError::Call(error)
    }
}

impl From<io::Error> for ProgramError {
    fn from(error: io::Error) -> Self {
        ProgramError::Output(error)
    }
}
