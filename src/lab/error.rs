//! What ends a scene early: a call that failed outside the lesson's subject, a thing that is not there, a defect.

use std::fmt;

use crate::sockets::CallError;
use crate::vocabulary::Reason;

/// Why a scene ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SceneError {
    /// What the rest of the scene presupposes is not there, for this reason; its open rows are skipped.
    Skip(String),
    /// A call failed that no claim speaks of: the open rows are skipped, and the program ends with status 3.
    Call(CallError),
    /// A call does not return: as for a call that failed.
    Hung(String),
    /// Not even the lab's own datagram passes on loopback, for this reason: nothing can be said of UDP, and no lesson
    /// can run.
    NoLoopback(String),
    /// The scene makes call after call: as for a call that failed.
    Endless(String),
    /// The lesson does not keep to its own claims: a defect of the program.
    Defect(String),
}

impl SceneError {
    /// Why the rows are skipped that were open when the scene ended.
    pub(super) fn reason(&self) -> Reason {
        match self {
            SceneError::Call(error) => Reason { seen: format!("{}.", error.reason()), advice: error.advice() },
            other => other.to_string().into(),
        }
    }
}

impl From<CallError> for SceneError {
    fn from(error: CallError) -> Self {
        SceneError::Call(error)
    }
}

impl fmt::Display for SceneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SceneError::Skip(reason) => f.write_str(reason),
            SceneError::Hung(text) | SceneError::Endless(text) => f.write_str(text),
            SceneError::Call(error) => write!(f, "{error}"),
            SceneError::NoLoopback(reason) => write!(f, "UDP does not pass on loopback here: {reason}"),
            SceneError::Defect(text) => write!(f, "a defect of udp-lab, please report it: {text}"),
        }
    }
}

impl std::error::Error for SceneError {}
