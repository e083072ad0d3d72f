//! A sentence of a tutorial, and whether what was observed bears it out.

use super::{Row, Strength, Verdict, listed};

/// What a tutorial says, and the rows by which that is judged. Which rows these are is written down before anything
/// runs; whether the sentence holds follows from what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The tutorial's words.
    pub text: &'static str,
    /// What holds exactly.
    pub exact: &'static str,
    shown_by: &'static [&'static str],
    bounded_by: &'static [&'static str],
    contradicted_by: &'static [&'static str],
}

impl Sentence {
    /// A sentence in the tutorial's words.
    pub const fn put(text: &'static str) -> Self {
        Sentence { text, exact: "", shown_by: &[], bounded_by: &[], contradicted_by: &[] }
    }

    /// The sentence holds when these rows match; only loosely where one of them is typical and guaranteed by no
    /// standard.
    pub const fn holds_when(self, rows: &'static [&'static str]) -> Self {
        Sentence { shown_by: rows, ..self }
    }

    /// When these rows match, it holds loosely: they show what it leaves out.
    pub const fn loosely_when(self, rows: &'static [&'static str]) -> Self {
        Sentence { bounded_by: rows, ..self }
    }

    /// When these rows match, it does not hold as it is put: they show the opposite.
    pub const fn not_when(self, rows: &'static [&'static str]) -> Self {
        Sentence { contradicted_by: rows, ..self }
    }

    /// What holds exactly, in one line that goes on after the verdict.
    pub const fn exactly(self, exact: &'static str) -> Self {
        Sentence { exact, ..self }
    }

    /// The rows by which it is judged.
    pub fn rests_on(&self) -> impl Iterator<Item = &'static str> {
        [self.shown_by, self.bounded_by, self.contradicted_by].into_iter().flatten().copied()
    }

    /// Those of `rows` by which it is judged.
    pub fn among<'r>(&self, rows: &'r [Row]) -> Vec<&'r Row> {
        let ids: Vec<&str> = self.rests_on().collect();
        rows.iter().filter(|row| ids.contains(&row.id.as_str())).collect()
    }

    /// Whether it holds, by what became of `rows`.
    pub fn truth(&self, rows: &[Row]) -> Truth {
        let judged = self.among(rows);
        let is_only_typical =
            judged.iter().any(|row| row.strength == Strength::Typical && self.shown_by.contains(&row.id.as_str()));
        if judged.iter().any(|row| row.verdict == Verdict::Differs) {
            Truth::NotAsExpected
        } else if judged.len() < self.rests_on().count() || judged.iter().any(|row| row.verdict != Verdict::Match) {
            Truth::NotObserved
        } else if !self.contradicted_by.is_empty() {
            Truth::NotAsPut
        } else if !self.bounded_by.is_empty() || is_only_typical {
            Truth::Loosely
        } else {
            Truth::Holds
        }
    }

    /// The rows that keep it from being judged: those that differ, or else those that were not observed or not judged.
    pub fn unsettled_by<'r>(&self, rows: &'r [Row]) -> Vec<&'r Row> {
        let open = self.among(rows).into_iter().filter(|row| row.verdict != Verdict::Match);
        let (differing, unobserved): (Vec<_>, Vec<_>) = open.partition(|row| row.verdict == Verdict::Differs);
        if differing.is_empty() { unobserved } else { differing }
    }
}

/// Whether a sentence holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// As it is put, and standards say so.
    Holds,
    /// With bounds that it does not mention.
    Loosely,
    /// The opposite was observed of what it says.
    NotAsPut,
    /// A row by which it is judged differs: this system is not the one that it was judged for.
    NotAsExpected,
    /// A row by which it is judged was not observed, or is not judged on this system.
    NotObserved,
}

impl Truth {
    /// All of them: those first that say that there is no verdict.
    pub const ALL: [Truth; 5] =
        [Truth::NotAsExpected, Truth::NotObserved, Truth::Holds, Truth::Loosely, Truth::NotAsPut];

    /// The verdict in the words of every format.
    pub fn words(self) -> &'static str {
        match self {
            Truth::Holds => "holds",
            Truth::Loosely => "holds loosely",
            Truth::NotAsPut => "does not hold as worded",
            Truth::NotAsExpected => "not as expected here",
            Truth::NotObserved => "not observed here",
        }
    }

    /// The verdict on so many sentences, as the end of a sentence.
    fn said_of(self, count: usize) -> &'static str {
        match (self, count) {
            (Truth::Holds, 1) => "holds",
            (Truth::Holds, _) => "hold",
            (Truth::Loosely, 1) => "holds loosely",
            (Truth::Loosely, _) => "hold loosely",
            (Truth::NotAsPut, 1) => "does not hold as worded",
            (Truth::NotAsPut, _) => "do not hold as worded",
            (Truth::NotAsExpected, 1) => "is not as expected here",
            (Truth::NotAsExpected, _) => "are not as expected here",
            (Truth::NotObserved, 1) => "was not observed here",
            (Truth::NotObserved, _) => "were not observed here",
        }
    }

    /// Which of the numbered sentences hold, in one sentence; those come first that could not be judged.
    pub fn summary(tested: &[(usize, Truth)]) -> String {
        let mut parts = Vec::new();
        for wanted in Truth::ALL {
            let with_it = tested.iter().filter(|(_, truth)| *truth == wanted);
            let numbers: Vec<String> = with_it.map(|(number, _)| number.to_string()).collect();
            let noun = match (parts.is_empty(), numbers.len()) {
                (_, 0) => continue,
                (true, 1) => "Sentence ",
                (true, _) => "Sentences ",
                (false, _) => "",
            };
            parts.push(format!("{noun}{} {}", listed(&numbers), wanted.said_of(numbers.len())));
        }
        parts.join("; ") + "."
    }

    /// Whether the sentence could be judged.
    pub fn is_settled(self) -> bool {
        matches!(self, Truth::Holds | Truth::Loosely | Truth::NotAsPut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Claim, Fact, Observation, Os, judge, sources, specified, typical};

    const PLAIN: Sentence = Sentence::put("It is so.").holds_when(&["one", "other"]);
    const BOUNDED: Sentence = PLAIN.loosely_when(&["bound"]);
    const WRONG: Sentence = PLAIN.not_when(&["opposite"]);

    fn claim(id: &str) -> Claim {
        specified(id, id, 1, &sources::RFC768)
    }

    fn judged(claim: &Claim, observed: impl Into<Fact>) -> Row {
        judge(claim, Os::Linux, &Observation::Seen(observed.into()))
    }

    fn skipped(claim: &Claim) -> Row {
        judge(claim, Os::Linux, &Observation::Skipped("no such thing".into()))
    }

    /// A row for each claim, and whatever `odd` makes of the one called so.
    fn rows(odd: &str, row: fn(&Claim) -> Row) -> Vec<Row> {
        let claims = ["one", "other", "bound", "opposite"].map(claim);
        claims.iter().map(|claim| if claim.id == odd { row(claim) } else { judged(claim, 1) }).collect()
    }

    #[test]
    fn the_rows_that_match_make_the_verdict() {
        let rows = rows("", skipped);
        let truths = [PLAIN, BOUNDED, WRONG].map(|sentence| sentence.truth(&rows));
        assert_eq!(truths, [Truth::Holds, Truth::Loosely, Truth::NotAsPut]);
        assert_eq!(BOUNDED.not_when(&["opposite"]).truth(&rows), Truth::NotAsPut);
    }

    #[test]
    fn what_is_only_typical_holds_loosely() {
        let typical = typical("other", "other", 1, &sources::LOOPBACK);
        let rows = [judged(&claim("one"), 1), judged(&typical, 1)];
        assert_eq!(PLAIN.truth(&rows), Truth::Loosely);
    }

    #[test]
    fn a_row_that_differs_leaves_no_verdict() {
        for (sentence, row) in [(PLAIN, "other"), (BOUNDED, "bound"), (WRONG, "opposite"), (WRONG, "one")] {
            let rows = rows(row, |claim| judged(claim, 2));
            assert_eq!(sentence.truth(&rows), Truth::NotAsExpected, "{row}");
            let open: Vec<&str> = sentence.unsettled_by(&rows).iter().map(|row| row.id.as_str()).collect();
            assert_eq!(open, [row]);
        }
    }

    #[test]
    fn what_was_not_observed_leaves_no_verdict() {
        for (sentence, row) in [(PLAIN, "one"), (BOUNDED, "bound"), (WRONG, "opposite")] {
            let rows = rows(row, skipped);
            assert_eq!(sentence.truth(&rows), Truth::NotObserved, "{row}");
            assert_eq!(sentence.unsettled_by(&rows)[0].reason.as_deref(), Some("no such thing"));
        }
        let unconfirmed = |claim: &Claim| judged(&claim.clone().unconfirmed_on(Os::Linux), 1);
        assert_eq!(PLAIN.truth(&rows("one", unconfirmed)), Truth::NotObserved);
        assert_eq!(PLAIN.truth(&rows("", skipped)[..1]), Truth::NotObserved);
    }

    #[test]
    fn a_difference_weighs_more_than_what_was_not_observed() {
        let rows = [skipped(&claim("one")), judged(&claim("other"), 2)];
        assert_eq!(PLAIN.truth(&rows), Truth::NotAsExpected);
        assert_eq!(PLAIN.unsettled_by(&rows)[0].id, "other");
    }

    #[test]
    fn the_summary_begins_with_what_could_not_be_judged() {
        use Truth::{Holds, Loosely, NotAsExpected, NotAsPut, NotObserved};
        let summary = |truths: &[Truth]| Truth::summary(&(1..).zip(truths.iter().copied()).collect::<Vec<_>>());
        assert_eq!(
            summary(&[Holds, Loosely, NotAsPut, Loosely, Loosely]),
            "Sentence 1 holds; 2, 4 and 5 hold loosely; 3 does not hold as worded."
        );
        assert_eq!(
            summary(&[NotObserved, NotAsExpected, NotAsExpected, Holds, NotAsPut]),
            "Sentences 2 and 3 are not as expected here; 1 was not observed here; 4 holds; 5 does not hold as worded."
        );
    }

    #[test]
    fn rows_that_it_does_not_rest_on_change_nothing() {
        for row in [skipped, |claim: &Claim| judged(claim, 2)] {
            assert_eq!(PLAIN.truth(&rows("bound", row)), Truth::Holds);
        }
    }
}
