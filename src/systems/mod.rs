//! What systems really answered: a record for each, written there by `udp-lab record`, and notes on what differs.
//!
//! `tests/systems/run NAME` writes `docs/systems/NAME.json`. A new one needs one line here: its name in `systems!`.

mod notes;
mod record;

pub use self::notes::{NOTES, Note, note_on};
pub use self::record::{Record, RecordedHost, RecordedRow};
use crate::vocabulary::{Claim, Expect, Os, Prediction, Verdict};

/// A system whose answers were written down.
pub struct System {
    /// The name of its record: `docs/systems/NAME.json`.
    pub name: &'static str,
    /// The name that headings have.
    pub title: &'static str,
    /// The system for which it can speak: Wine does not for Windows, nor gVisor for Linux.
    pub speaks_for: Option<Os>,
    /// What it answered.
    pub record: Record,
}

/// What a record has for a claim of today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// What is expected.
    AsExpected(&'a str),
    /// Something else than expected.
    Differs(&'a str),
    /// This, where nobody has confirmed what to expect.
    Unjudged(&'a str),
    /// A number of that machine, which is no answer.
    Measured,
    /// It could not be shown there, for this reason.
    Skipped(&'a str),
    /// The record is older than the row, or than what is expected of it today.
    NotYet,
}

impl<'a> Answer<'a> {
    /// What was observed, where something was.
    pub fn observed(self) -> Option<&'a str> {
        match self {
            Answer::AsExpected(observed) | Answer::Differs(observed) | Answer::Unjudged(observed) => Some(observed),
            Answer::Measured | Answer::Skipped(_) | Answer::NotYet => None,
        }
    }

    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Answer::AsExpected(_) => Verdict::Match.word(),
            Answer::Differs(_) => Verdict::Differs.word(),
            Answer::Unjudged(_) | Answer::Measured => Verdict::Info.word(),
            Answer::Skipped(_) => Verdict::Skipped.word(),
            Answer::NotYet => "not yet",
        }
    }
}

impl System {
    /// What the system answered to `claim` of `lesson`. The verdict is today's, as the claim may have changed since.
    pub fn answer<'a>(&'a self, lesson: &str, claim: &'a Claim) -> Answer<'a> {
        let expected = claim.expected.on(self.record.host.os);
        if let Expect::Absent(reason) = expected {
            return Answer::Skipped(reason);
        }
        let Some(row) = self.record.row(lesson, &claim.id) else { return Answer::NotYet };
        match (expected, row, row.observed()) {
            (_, RecordedRow::Skipped(reason), _) => Answer::Skipped(reason),
            (Expect::Measured, ..) => Answer::Measured,
            (Expect::Unconfirmed(_), _, Some(observed)) => Answer::Unjudged(observed),
            (Expect::Is(fact), _, Some(observed)) if fact.to_string() == observed => Answer::AsExpected(observed),
            (Expect::Is(_), RecordedRow::Differs(observed), _) => Answer::Differs(observed),
            _ => Answer::NotYet,
        }
    }
}

/// Writes into `prediction` which of its expected answers were observed on such systems. It must be made with the
/// lesson's own parameters, as the records are.
pub fn mark_observed(prediction: &mut Prediction, systems: &[System]) {
    let confirmed = |claim: &Claim, system: &System| {
        let os = system.speaks_for.filter(|os| *os == system.record.host.os)?;
        let observed = system.answer(prediction.lesson, claim).observed()?;
        let expected = match claim.expected.on(os) {
            Expect::Is(fact) | Expect::Unconfirmed(fact) => fact.to_string(),
            Expect::Measured | Expect::Absent(_) => return None,
        };
        (observed == expected).then(|| (claim.id.clone(), os))
    };
    let of_claim = |claim| systems.iter().filter_map(move |system| confirmed(claim, system));
    prediction.observed = prediction.claims().flat_map(of_claim).collect();
}

macro_rules! systems {
    ($($name:literal: $title:literal, $speaks_for:expr;)*) => {
        /// Every record with the name of its file, its title, and for which system it can speak.
        static RECORDS: &[(&str, &str, Option<Os>, &str)] =
            &[$(($name, $title, $speaks_for, include_str!(concat!("../../docs/systems/", $name, ".json")))),*];
    };
}

systems! {
    "linux-6.18": "Linux 6.18", Some(Os::Linux);
    "linux-6.12": "Linux 6.12", Some(Os::Linux);
    "linux-6.1": "Linux 6.1", Some(Os::Linux);
    "linux-6.1-s390x": "Linux 6.1, s390x", Some(Os::Linux);
    "uml": "user-mode Linux", Some(Os::Linux);
    "gvisor": "gVisor", None;
    "wine": "Wine", None;
}

/// The systems whose answers this program has, in the order in which they are shown.
///
/// # Errors
/// A sentence: a record is not what [`Record`] says. The tests see to it that none is.
pub fn all() -> Result<Vec<System>, String> {
    let read = |(name, title, speaks_for, text): &(&'static str, &'static str, Option<Os>, &str)| {
        let record = serde_json::from_str(text);
        let record = record.map_err(|error| format!("cannot read the record docs/systems/{name}.json: {error}"))?;
        Ok(System { name, title, speaks_for: *speaks_for, record })
    };
    RECORDS.iter().map(read).collect()
}
