//! A judged lesson: its rows, its events, the host it ran on.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Claim, Event, Guess, Os, Source, Strength};

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Observed as expected.
    Match,
    /// Observed, and not as expected.
    Differs,
    /// Could not be observed here.
    Skipped,
    /// Measured, never judged.
    Info,
}

impl Verdict {
    /// The word in the table and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Match => "match",
            Verdict::Differs => "differs",
            Verdict::Skipped => "skipped",
            Verdict::Info => "info",
        }
    }
}

/// One judged claim; the texts are those of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// A stable word, unique in its lesson.
    pub id: String,
    /// The property.
    pub property: String,
    /// What was expected on this system.
    pub expected: String,
    /// The same as a number or an error, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_value: Option<Value>,
    /// What was observed; `-` where the row was skipped.
    pub observed: String,
    /// The same as a number, a time in seconds or an error, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_value: Option<Value>,
    /// What became of it.
    pub verdict: Verdict,
    /// Who stood behind the claim.
    pub strength: Strength,
    /// Where it is written.
    pub source: &'static Source,
    /// Why it was skipped, or what a reader must know of the difference.
    pub reason: Option<String>,
}

/// The machine that answered.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// The operating system.
    pub os: Os,
    /// The kernel's release, as the system writes it; empty where it would not tell.
    pub release: String,
    /// The processor architecture.
    pub arch: &'static str,
}

impl Host {
    /// System and release as a sentence wants them: `Linux 6.18`.
    pub fn short(&self) -> String {
        let release: Vec<&str> = self.release.split('.').take(2).collect();
        format!("{} {}", self.os.name(), release.join(".")).trim_end().to_owned()
    }
}

/// A lesson before it has run.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The lesson's name.
    pub lesson: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its question.
    pub question: &'static str,
    /// Its scenes in order.
    pub scenes: Vec<PredictedScene>,
    /// The rows whose expected answer was observed on such a system, with that system.
    pub observed: Vec<(String, Os)>,
}

impl Prediction {
    /// Whether the answer that the row `id` expects was observed on such a system as `os`; else it is only documented.
    pub fn was_observed(&self, id: &str, os: Os) -> bool {
        self.observed.iter().any(|(row, on)| row == id && *on == os)
    }

    /// The claims of all scenes, in order.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> + Clone {
        self.scenes.iter().flat_map(|scene| &scene.claims)
    }
}

/// A scene before it has run.
#[derive(Clone, Debug)]
pub struct PredictedScene {
    /// A stable word, unique in its lesson.
    pub id: &'static str,
    /// What it shows.
    pub title: String,
    /// Its claims.
    pub claims: Vec<Claim>,
}

/// A scene that has run.
#[derive(Clone, Debug)]
pub struct SceneReport {
    /// A stable word, unique in its lesson.
    pub id: &'static str,
    /// What it shows.
    pub title: String,
    /// Its rows in order.
    pub rows: Vec<Row>,
    /// Every call that was made, in order.
    pub events: Vec<Event>,
    /// Notes on the run, such as that datagrams of unrelated senders were set aside.
    pub notes: Vec<String>,
    /// The error that ended the scene early, where one did that no claim speaks of.
    pub stopped: Option<String>,
}

/// A lesson that has run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The lesson's name.
    pub lesson: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its question.
    pub question: &'static str,
    /// Its scenes in order.
    pub scenes: Vec<SceneReport>,
    /// What people answer before they have seen it.
    pub guess: Guess,
    /// Why it is so.
    pub why: &'static str,
    /// The command to run after it.
    pub next: &'static str,
    /// When the run began; the times of the events count from here.
    pub began: SystemTime,
}

/// How many rows got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// As expected.
    pub matching: usize,
    /// Not as expected.
    pub differing: usize,
    /// Not observed.
    pub skipped: usize,
    /// Measured only.
    pub info: usize,
}

impl Tally {
    /// Rows that were judged: all but skipped and info.
    pub fn judged(&self) -> usize {
        self.matching + self.differing
    }

    /// Every row.
    pub fn rows(&self) -> usize {
        self.judged() + self.skipped + self.info
    }
}

impl std::ops::Add for Tally {
    type Output = Tally;

    fn add(self, other: Tally) -> Tally {
        Tally {
            matching: self.matching + other.matching,
            differing: self.differing + other.differing,
            skipped: self.skipped + other.skipped,
            info: self.info + other.info,
        }
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Tally>>(tallies: I) -> Tally {
        tallies.fold(Tally::default(), |sum, tally| sum + tally)
    }
}

impl Report {
    /// The rows of all scenes, in order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.scenes.iter().flat_map(|scene| &scene.rows)
    }

    /// The calls of all scenes, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.scenes.iter().flat_map(|scene| &scene.events)
    }

    /// The notes of all scenes, each once.
    pub fn notes(&self) -> Vec<&str> {
        let mut notes: Vec<&str> = Vec::new();
        for note in self.scenes.iter().flat_map(|scene| &scene.notes) {
            if !notes.contains(&note.as_str()) {
                notes.push(note);
            }
        }
        notes
    }

    /// Why scenes ended early, for each that did.
    pub fn stopped(&self) -> Vec<&str> {
        self.scenes.iter().filter_map(|scene| scene.stopped.as_deref()).collect()
    }

    /// The row that answers the question.
    pub fn guessed(&self) -> Option<&Row> {
        self.rows().find(|row| row.id == self.guess.row)
    }

    /// Counts the verdicts.
    pub fn tally(&self) -> Tally {
        let count = |verdict| self.rows().filter(|row| row.verdict == verdict).count();
        Tally {
            matching: count(Verdict::Match),
            differing: count(Verdict::Differs),
            skipped: count(Verdict::Skipped),
            info: count(Verdict::Info),
        }
    }

    /// What the lesson says to its caller: a row that differs, before a scene that could not run.
    pub fn status(&self) -> Status {
        match Status::from(self.tally()) {
            Status::AsExpected if !self.stopped().is_empty() => Status::CouldNotRun,
            status => status,
        }
    }
}

/// What a finished command says to its caller: the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0: all as expected.
    AsExpected,
    /// 1: some row differs.
    Differs,
    /// 2: wrong use.
    WrongUse,
    /// 3: could not run here.
    CouldNotRun,
}

impl Status {
    /// The status of several lessons together: a row that differs, before a scene that could not run.
    pub fn of(reports: &[Report]) -> Status {
        let statuses = || reports.iter().map(Report::status);
        let any = |wanted| statuses().find(|status| *status == wanted);
        any(Status::Differs).or_else(|| any(Status::CouldNotRun)).unwrap_or(Status::AsExpected)
    }

    /// The process's exit status.
    pub fn code(self) -> u8 {
        match self {
            Status::AsExpected => 0,
            Status::Differs => 1,
            Status::WrongUse => 2,
            Status::CouldNotRun => 3,
        }
    }
}

impl From<Tally> for Status {
    fn from(tally: Tally) -> Self {
        if tally.differing == 0 { Status::AsExpected } else { Status::Differs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Tally = Tally { matching: 3, differing: 0, skipped: 5, info: 7 };
    const OTHER: Tally = Tally { matching: 11, differing: 2, skipped: 13, info: 17 };

    #[test]
    fn tallies_add_up() {
        let sum: Tally = [ONE, OTHER].into_iter().sum();
        assert_eq!(sum, Tally { matching: 14, differing: 2, skipped: 18, info: 24 });
        assert_eq!((OTHER.judged(), OTHER.rows()), (13, 43));
    }

    #[test]
    fn one_row_that_differs_makes_the_status() {
        let status = |tally| Status::from(tally).code();
        assert_eq!((status(ONE), status(OTHER), status(ONE + OTHER)), (0, 1, 1));
        assert_eq!((Status::WrongUse.code(), Status::CouldNotRun.code()), (2, 3));
    }

    #[test]
    fn a_host_is_named_by_the_first_two_numbers_of_its_release() {
        let host = |release: &str| Host { os: Os::Linux, release: release.to_owned(), arch: "x86_64" }.short();
        assert_eq!(
            (host("6.18.44-x").as_str(), host("6").as_str(), host("").as_str()),
            ("Linux 6.18", "Linux 6", "Linux")
        );
    }
}
