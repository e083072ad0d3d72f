//! The words of the lab: facts, claims, verdicts, reports. No sockets, no formats.

mod claim;
mod error;
mod fact;
mod guess;
mod judge;
mod report;
mod source;

pub use claim::{Claim, Expect, Expected, Need, Strength, measured, promised, usual};
pub use error::{Os, OsError, SocketError};
pub use fact::{Fact, escaped, quoted, shortened};
pub use guess::{Choice, Guess};
pub use judge::{Observation, judge};
pub use report::{Host, Prediction, Report, Row, Status, Tally, Verdict};
pub use source::{Source, sources};
