//! The words of the lab: facts, claims, verdicts, reports. No sockets, no formats.

/// The numbers of something on Linux, macOS and Windows; `-` where the system does not have it.
macro_rules! numbers {
    (($linux:tt $macos:tt $windows:tt)) => {
        [numbers!($linux), numbers!($macos), numbers!($windows)]
    };
    (-) => {
        None
    };
    ($number:literal) => {
        Some($number)
    };
}
pub(crate) use numbers;

mod call;
mod claim;
mod error;
mod fact;
mod guess;
mod impairment;
mod judge;
mod option;
mod per_system;
mod report;
mod sentence;
mod source;
mod text;

pub use call::{
    Action, Ancillary, Announcement, DONTWAIT, Direction, ERRQUEUE, Event, Events, ExtendedError, Flags,
    IPV4_UDP_HEADERS, Moment, NO_FLAGS, Outcome, PEEK, POLLERR, POLLIN, POLLOUT, Peer, Protocol, Receive, ReceiveForm,
    Received, Role, SendForm, Syscall, TRUNC, Trigger, UDP_HEADER, WAITALL, udp_header,
};
pub use claim::{
    Beside, Claim, Expect, Expected, NO_DROP_COUNT, Need, Property, Strength, measured, specified, tcp, typical, udp,
};
pub use error::{Access, Os, OsError, SocketError, file_message, os_message};
pub use fact::{Fact, escaped, quoted, shortened};
pub use guess::{Choice, Guess, PossibleAnswer, right, wrong};
pub use impairment::{Corruption, Decision, Delay, Impairments, RelayDirection, Share};
pub use judge::{Observation, Reason, judge};
pub use option::{Form, Level, Opt, OptionName, OptionValue, Returns};
pub use per_system::PerSystem;
pub use report::{
    Answer, Machine, PredictedScene, Prediction, Report, Row, SceneReport, Status, Tally, Verdict, literal,
};
pub use sentence::{Sentence, Truth};
pub use source::{Source, sources};
pub use text::{EscapeState, bytes, counted, escape, escape_but, listed};
