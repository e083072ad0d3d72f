//! A judged lesson: its rows, its events, the host it ran on.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;

use super::{Beside, Claim, Event, Guess, Os, Sentence, Source, Strength, Truth, counted};

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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
    /// The column it is in, where TCP and UDP stand side by side.
    #[serde(skip)]
    pub beside: Option<Beside>,
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
    /// What at the end of the reason is no reason, but what the user of this machine can do about it.
    #[serde(skip)]
    pub advice: Option<&'static str>,
    /// Whether it is shown as it comes: a number of this machine on this day.
    #[serde(skip)]
    pub is_measured: bool,
}

/// The machine that answered.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The operating system.
    pub os: Os,
    /// The kernel's release, as the system writes it; empty where it would not tell. Under Wine, what Wine says in
    /// Windows's place, and behind it in parentheses that it is Wine.
    pub release: String,
    /// The processor architecture.
    pub arch: &'static str,
}

impl Machine {
    /// System and release as a sentence wants them: `Linux 6.18`, `Windows 6.1 (Wine 8.0)`.
    pub fn short(&self) -> String {
        let (release, stand_in) = match self.release.find(" (") {
            Some(end) => self.release.split_at(end),
            None => (self.release.as_str(), ""),
        };
        let release: Vec<&str> = release.split('.').take(2).collect();
        format!("{} {}{stand_in}", self.os.name(), release.join(".")).trim_end().to_owned()
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
    /// Why it is so.
    pub why: &'static str,
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
    /// What it shows.
    pub title: String,
    /// Its claims.
    pub claims: Vec<Claim>,
}

/// A scene that has run.
#[derive(Clone, Debug)]
pub struct SceneReport {
    /// Its place among the scenes of its lesson, from 1.
    pub number: usize,
    /// A stable word, unique in its lesson.
    pub id: &'static str,
    /// The system on which it ran.
    pub os: Os,
    /// What it shows.
    pub title: String,
    /// What it answers, in which `{id}` stands for what was observed of a row; empty where it answers nothing by
    /// itself.
    pub answer: String,
    /// The sentence of a tutorial that it puts to the test, where it does.
    pub sentence: Option<Sentence>,
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
    /// Its scenes in order, those that were run.
    pub scenes: Vec<SceneReport>,
    /// The rows that answer the question.
    pub keys: &'static [&'static str],
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

impl SceneReport {
    /// The sentence that the scene puts to the test, and whether it holds.
    pub fn tested(&self) -> Option<(Sentence, Truth)> {
        self.sentence.map(|sentence| (sentence, sentence.truth(&self.rows)))
    }

    /// The row `id`.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// What the scene answers, made of what was observed.
    pub fn answered(&self) -> Option<Answer<'_>> {
        let mut answer = Answer { text: String::new(), rows: Vec::new() };
        let mut rest = self.answer.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            answer.text.push_str(before);
            if let Some(after) = after.strip_prefix('{') {
                answer.text.push('{');
                rest = after;
                continue;
            }
            let (value, after) = after.split_once('}').unwrap_or((after, ""));
            let (id, noun) = value.split_once(' ').unwrap_or((value, ""));
            if let Some(row) = self.row(id) {
                match noun {
                    "" => answer.text.push_str(&row.observed),
                    noun => answer.text.push_str(&counted(&row.observed, noun)),
                }
                answer.rows.push(row);
            }
            rest = after;
        }
        answer.text.push_str(rest);
        (!answer.text.is_empty()).then_some(answer)
    }
}

/// A user's text, to stand in an answer as it is: there `{` begins the name of a row, and `{{` is the character.
pub fn literal(text: &str) -> String {
    text.replace('{', "{{")
}

/// A sentence made of what was observed, and the rows that it rests on.
pub struct Answer<'r> {
    /// The sentence.
    pub text: String,
    /// The rows.
    pub rows: Vec<&'r Row>,
}

impl<'r> Answer<'r> {
    /// The rows that differ from what was expected.
    pub fn differing(&self) -> impl Iterator<Item = &'r Row> {
        self.rows.iter().copied().filter(|row| row.verdict == Verdict::Differs)
    }

    /// The rows that were not observed.
    pub fn skipped(&self) -> impl Iterator<Item = &'r Row> {
        self.rows.iter().copied().filter(|row| row.verdict == Verdict::Skipped)
    }

    /// Whether nothing was observed of what it speaks of.
    pub fn is_unseen(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.verdict == Verdict::Skipped)
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

    /// The row `id`.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.scenes.iter().find_map(|scene| scene.row(id))
    }

    /// The rows that answer the question, as far as their scenes were run.
    pub fn key_rows(&self) -> impl Iterator<Item = &Row> {
        self.keys.iter().filter_map(|id| self.row(id))
    }

    /// Whether the answer to the question rests on this row.
    pub fn is_key(&self, row: &Row) -> bool {
        self.keys.contains(&row.id.as_str())
    }

    /// The scene that shows the answer: that of the first key row.
    pub fn key_scene(&self) -> Option<&SceneReport> {
        self.keys.first().and_then(|id| self.scenes.iter().find(|scene| scene.row(id).is_some()))
    }

    /// The answer to the question: which of the sentences hold that the lesson puts to the test; or what the scenes
    /// answer that have its rows. Nothing where none of them was run.
    pub fn answered(&self) -> Option<Answer<'_>> {
        let tested = self.tested();
        match tested.is_empty() {
            true => self.answered_by_key_scenes(),
            false => {
                let rows = tested.iter().flat_map(|(scene, sentence, _)| sentence.among(&scene.rows)).collect();
                let truths: Vec<_> = tested.iter().map(|(scene, _, truth)| (scene.number, *truth)).collect();
                Some(Answer { text: Truth::summary(&truths), rows })
            }
        }
    }

    fn answered_by_key_scenes(&self) -> Option<Answer<'_>> {
        let has_key = |scene: &&SceneReport| self.keys.iter().any(|id| scene.row(id).is_some());
        let answers: Vec<Answer> = self.scenes.iter().filter(has_key).filter_map(SceneReport::answered).collect();
        let seen = answers.iter().filter(|answer| !answer.is_unseen()).map(|answer| answer.text.as_str());
        let text = seen.collect::<Vec<_>>().join(" ");
        let mut rows: Vec<&Row> = self.key_rows().collect();
        for row in answers.iter().flat_map(|answer| answer.rows.iter().copied()) {
            if !rows.iter().any(|known| known.id == row.id) {
                rows.push(row);
            }
        }
        (!answers.is_empty()).then_some(Answer { text, rows })
    }

    /// The scenes that put a sentence to the test, with the sentence and whether it holds.
    pub fn tested(&self) -> Vec<(&SceneReport, Sentence, Truth)> {
        let tested = self.scenes.iter().filter_map(|scene| Some((scene, scene.tested()?)));
        tested.map(|(scene, (sentence, truth))| (scene, sentence, truth)).collect()
    }

    /// The rows that decide about the answer that was `said`, from 0: the one that contradicts it, where it is wrong,
    /// then the one that shows the right answer. Nothing where a scene with one of them was not run.
    pub fn deciding(&self, said: Option<usize>) -> Option<Vec<&Row>> {
        let answers = self.guess.answers;
        let right = self.guess.right();
        let wrong = said.filter(|place| *place != right);
        wrong.into_iter().chain([right]).map(|place| self.row(answers[place].row)).collect()
    }

    /// Whether those rows were observed and do not differ: only then the answer that was `said` is right or wrong.
    pub fn answers_as_expected(&self, said: usize) -> bool {
        let is_expected = |row: &Row| matches!(row.verdict, Verdict::Match | Verdict::Info);
        self.deciding(Some(said)).is_some_and(|rows| rows.into_iter().all(is_expected))
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
    /// 1: some row differs; `find` found nothing; a message had no answer, where that is asked about.
    Negative,
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
        any(Status::Negative).or_else(|| any(Status::CouldNotRun)).unwrap_or(Status::AsExpected)
    }

    /// The process's exit status.
    pub fn code(self) -> u8 {
        match self {
            Status::AsExpected => 0,
            Status::Negative => 1,
            Status::WrongUse => 2,
            Status::CouldNotRun => 3,
        }
    }
}

impl From<Tally> for Status {
    fn from(tally: Tally) -> Self {
        if tally.differing == 0 { Status::AsExpected } else { Status::Negative }
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
        let host = |release: &str| Machine { os: Os::Linux, release: release.to_owned(), arch: "x86_64" }.short();
        assert_eq!(
            (host("6.18.44-x").as_str(), host("6").as_str(), host("").as_str()),
            ("Linux 6.18", "Linux 6", "Linux")
        );
        assert_eq!(
            host("6.1.7601 (Wine 8.0)"),
            "Linux 6.1 (Wine 8.0)",
            "who stands in for the system is never left out"
        );
    }
}
