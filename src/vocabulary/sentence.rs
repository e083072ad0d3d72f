//! A sentence of a tutorial, and whether what was observed bears it out.

use super::{Row, Strength, Verdict};

/// What a tutorial says, and the rows by which that is judged. Which rows these are is written down before anything runs;
/// whether the sentence holds follows from what became of them.
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

    /// The sentence holds when these rows match; only loosely where one of them is typical and guaranteed by no standard.
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

    /// Whether it holds, by what became of `rows`.
    pub fn truth(&self, rows: &[Row]) -> Truth {
        let named = |ids: &[&str]| rows.iter().filter(|row| ids.contains(&row.id.as_str())).collect::<Vec<_>>();
        let ids: Vec<&str> = self.rests_on().collect();
        let (judged, shown) = (named(&ids), named(self.shown_by));
        let is_only_typical = shown.iter().any(|row| row.strength == Strength::Usual);
        if judged.iter().any(|row| row.verdict == Verdict::Differs) {
            Truth::NotAsExpected
        } else if judged.len() < ids.len() || judged.iter().any(|row| row.verdict != Verdict::Match) {
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
        let ids: Vec<&str> = self.rests_on().collect();
        let open = |row: &&Row| ids.contains(&row.id.as_str()) && row.verdict != Verdict::Match;
        let (differing, unobserved): (Vec<_>, Vec<_>) =
            rows.iter().filter(open).partition(|row| row.verdict == Verdict::Differs);
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
            Truth::NotAsPut => "does not hold as put",
            Truth::NotAsExpected => "not as expected here",
            Truth::NotObserved => "not observed here",
        }
    }

    /// Whether the sentence could be judged.
    pub fn is_settled(self) -> bool {
        matches!(self, Truth::Holds | Truth::Loosely | Truth::NotAsPut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Claim, Fact, Observation, Os, judge, promised, sources, usual};

    const PLAIN: Sentence = Sentence::put("It is so.").holds_when(&["one", "other"]);
    const BOUNDED: Sentence = PLAIN.loosely_when(&["bound"]);
    const WRONG: Sentence = PLAIN.not_when(&["opposite"]);

    fn specified(id: &str) -> Claim {
        promised(id, id, 1, &sources::RFC768)
    }

    fn judged(claim: &Claim, observed: impl Into<Fact>) -> Row {
        judge(claim, Os::Linux, &Observation::Seen(observed.into()))
    }

    fn skipped(claim: &Claim) -> Row {
        judge(claim, Os::Linux, &Observation::Skipped("no such thing".to_owned()))
    }

    /// A row for each claim, and whatever `odd` makes of the one called so.
    fn rows(odd: &str, row: fn(&Claim) -> Row) -> Vec<Row> {
        let claims = ["one", "other", "bound", "opposite"].map(specified);
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
        let typical = usual("other", "other", 1, &sources::LOOPBACK);
        let rows = [judged(&specified("one"), 1), judged(&typical, 1)];
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
        let rows = [skipped(&specified("one")), judged(&specified("other"), 2)];
        assert_eq!(PLAIN.truth(&rows), Truth::NotAsExpected);
        assert_eq!(PLAIN.unsettled_by(&rows)[0].id, "other");
    }

    #[test]
    fn rows_that_it_does_not_rest_on_change_nothing() {
        for row in [skipped, |claim: &Claim| judged(claim, 2)] {
            assert_eq!(PLAIN.truth(&rows("bound", row)), Truth::Holds);
        }
    }
}
