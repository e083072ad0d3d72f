//! How a long ladder is made short: runs of steps that are alike, and then its middle, become a count. What is special
//! is the last to go, and is counted by its name.

use std::fmt;
use std::ops::AddAssign;

use super::label::Special;
use super::picture::{Extent, MOST_ON_A_SCREEN, Step, What};

/// A run of equal steps longer than this is shown by its first and its last.
pub const LONGEST_RUN: usize = 4;

/// Most steps of any other ladder.
const MOST_STEPS: usize = 24;

/// How many steps are left out, and what was special about some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Whether they are not all like the step before them.
    mixed: bool,
    steps: usize,
    lost: usize,
    truncated: usize,
    failed: usize,
    /// Receives, of what was sent in a row above.
    received: usize,
}

impl LeftOut {
    fn of(step: &Step) -> Self {
        let one = |special| usize::from(step.special() == Some(special));
        match step.what {
            What::More(left_out) => left_out,
            What::Sent { .. } | What::Mark { .. } => LeftOut {
                mixed: false,
                steps: 1,
                lost: one(Special::Lost),
                truncated: one(Special::Truncated),
                failed: one(Special::Failed),
                received: usize::from(matches!(&step.what, What::Mark { label, .. } if label.is_of_a_receive())),
            },
        }
    }

    /// Whether not all of them are like the step before them.
    pub(super) fn is_mixed(self) -> bool {
        self.mixed
    }

    /// Whether they are not all alike, nor all receives.
    pub(super) fn has_more_than_receives(self) -> bool {
        self.mixed && self.received < self.steps
    }

    /// What is special about some of them, where anything is.
    pub(super) fn special(self) -> Option<Special> {
        let kinds = [(self.lost, Special::Lost), (self.truncated, Special::Truncated), (self.failed, Special::Failed)];
        kinds.into_iter().find(|(count, _)| *count > 0).map(|(_, special)| special)
    }
}

impl AddAssign for LeftOut {
    fn add_assign(&mut self, other: LeftOut) {
        self.steps += other.steps;
        self.lost += other.lost;
        self.truncated += other.truncated;
        self.failed += other.failed;
        self.received += other.received;
    }
}

/// `(38 more)`, `(960 more lost)`, `(39 more receives)`, `(40 more steps: 2 lost, 3 truncated)`.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [(self.lost, "lost"), (self.truncated, "truncated"), (self.failed, "failed")];
        let named: Vec<_> = named.into_iter().filter(|(count, _)| *count > 0).collect();
        let what = match self.mixed {
            false => "more",
            true if self.received == self.steps => "more receives",
            true => "more steps",
        };
        match named[..] {
            [] => write!(f, "({} {what})", self.steps),
            [(count, name)] if count == self.steps => write!(f, "({count} more {name})"),
            _ => {
                let named: Vec<_> = named.iter().map(|(count, name)| format!("{count} {name}")).collect();
                write!(f, "({} {what}: {})", self.steps, named.join(", "))
            }
        }
    }
}

/// As many steps as a ladder of this extent has room for.
pub(super) fn folded(steps: Vec<Step>, extent: Extent) -> Vec<Step> {
    let most = if let Extent::Brief(_) = extent { MOST_ON_A_SCREEN } else { MOST_STEPS };
    shortened(without_runs(steps, extent), most)
}

/// The same with no more than `most` steps, where not more of them are special.
pub(super) fn shortened(steps: Vec<Step>, most: usize) -> Vec<Step> {
    // What was received was sent before: the rows of the sends say more.
    let steps = without_middle(steps, most, |step| {
        let LeftOut { steps, received, .. } = LeftOut::of(step);
        step.special().is_none() && received == steps
    });
    let steps = without_middle(steps, most, |step| step.special().is_none());
    // So many special ones: nobody reads them one by one.
    let steps = without_middle(steps, most.saturating_mul(2), |_| true);
    let is_count = |step: &Step| matches!(step.what, What::More(_)) && step.special().is_none();
    steps.chunk_by(|one, next| is_count(one) && is_count(next)).filter_map(|counts| more(counts, true)).collect()
}

/// Shows long runs of steps that are alike by their first and their last; a brief ladder by their first.
fn without_runs(steps: Vec<Step>, extent: Extent) -> Vec<Step> {
    let mut kept: Vec<Step> = Vec::new();
    for run in steps.chunk_by(Step::is_like) {
        let tail = usize::from(!matches!(extent, Extent::Brief(_)));
        match run {
            [first, rest @ ..] if run.len() > LONGEST_RUN => {
                let (left_out, tail) = rest.split_at(rest.len() - tail);
                kept.push(first.clone());
                kept.extend(more(left_out, false));
                kept.extend_from_slice(tail);
            }
            _ => kept.extend_from_slice(run),
        }
    }
    kept
}

/// What stands for `steps`: nothing for none, and one stands for itself. `mixed` where not all are like the step before
/// them.
fn more(steps: &[Step], mixed: bool) -> Option<Step> {
    let first = steps.first()?;
    if steps.len() == 1 {
        return Some(first.clone());
    }
    let mut left_out = LeftOut { mixed, ..LeftOut::default() };
    steps.iter().for_each(|step| left_out += LeftOut::of(step));
    Some(Step { what: What::More(left_out), ..*first })
}

/// Leaves out steps in the middle that `may_go`, as many as it takes to have no more than `most`, if that can be.
fn without_middle(steps: Vec<Step>, most: usize, may_go: impl Fn(&Step) -> bool) -> Vec<Step> {
    let middle = steps.len() / 2;
    let going = |reach: usize| -> Vec<bool> {
        // The ends stay.
        let reached = middle.saturating_sub(reach).max(1)..(middle + reach).min(steps.len().saturating_sub(1));
        steps.iter().enumerate().map(|(place, step)| reached.contains(&place) && may_go(step)).collect()
    };
    let length = |reach: &usize| -> usize {
        let going = going(*reach);
        going.chunk_by(|one, next| one == next).map(|chunk| if chunk[0] { 1 } else { chunk.len() }).sum()
    };
    let reaches: Vec<usize> = (0..=middle + 1).collect();
    let reach = reaches.partition_point(|reach| length(reach) > most);
    let mut kept = Vec::new();
    let mut rest = &steps[..];
    for chunk in going(reach).chunk_by(|one, next| one == next) {
        let (steps, others) = rest.split_at(chunk.len());
        rest = others;
        if chunk[0] { kept.extend(more(steps, true)) } else { kept.extend_from_slice(steps) }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::picture::{Brevity, Fate};
    use super::*;
    use crate::render::label::samples;

    const BRIEF: Extent = Extent::Brief(Brevity::Moves);
    const EXTENTS: [Extent; 3] = [BRIEF, Extent::Lesson, Extent::Whole];

    fn all(steps: &[Step]) -> LeftOut {
        let mut all = LeftOut::default();
        steps.iter().for_each(|step| all += LeftOut::of(step));
        all
    }

    fn is_count(step: &Step) -> bool {
        matches!(step.what, What::More(_))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_step_is_shown_or_counted_and_the_special_ones_by_name(steps in samples::steps(3, 40)) {
            for extent in EXTENTS {
                prop_assert_eq!(all(&folded(steps.clone(), extent)), all(&steps));
            }
        }

        #[test]
        fn what_is_special_is_left_out_only_of_many_in_a_row_or_on_a_screen_that_is_full(steps in samples::steps(3, 6)) {
            for extent in EXTENTS {
                let kept = folded(steps.clone(), extent);
                let long = |run: &[Step]| run[0].special().is_some() && run.len() > LONGEST_RUN;
                let long_runs = steps.chunk_by(Step::is_like).filter(|run| long(run)).count();
                let counts = kept.iter().filter(|step| is_count(step) && step.special().is_some()).count();
                prop_assert_eq!(counts, long_runs, "{:?}", kept);
            }
        }

        #[test]
        fn a_ladder_is_short_and_its_ends_are_shown(steps in samples::steps(3, 40)) {
            for (extent, most) in [(BRIEF, 2 * MOST_ON_A_SCREEN), (Extent::Lesson, 2 * MOST_STEPS)] {
                let kept = folded(steps.clone(), extent);
                prop_assert!(kept.len() <= most, "{}", kept.len());
                prop_assert_eq!(kept.first().map(is_count), steps.first().map(|_| false));
                let ordinary = kept.iter().filter(|step| step.special().is_none()).count();
                prop_assert!(kept.len() <= most / 2 || ordinary <= kept.len() / 2 + 1, "{:?}", kept);
            }
        }

        #[test]
        fn a_ladder_on_a_full_screen_is_shorter_and_loses_no_count(steps in samples::steps(3, 40), most in 3_usize..30) {
            let brief = folded(steps.clone(), BRIEF);
            let kept = shortened(brief.clone(), most);
            prop_assert_eq!(all(&kept), all(&steps));
            prop_assert!(kept.len() <= 2 * most && kept.len() <= brief.len(), "{} of {}", kept.len(), brief.len());
            prop_assert!(kept.len() == brief.len() || brief.len() > most);
            prop_assert_eq!(kept.first().map(is_count), steps.first().map(|_| false));
        }
    }

    fn run(count: usize, what: &What) -> Vec<Step> {
        vec![Step { at: Duration::ZERO, lane: 0, what: what.clone() }; count]
    }

    #[test]
    fn a_count_says_what_is_special() {
        let lost = What::Sent { to: 1, label: samples::label("sendto", Some(b"x"), ""), fate: Fate::Lost };
        let says = |step: &Step, text: &str| matches!(step.what, What::More(left_out) if left_out.to_string() == text);
        let [first, more] = &folded(run(961, &lost), BRIEF)[..] else { panic!("two lines") };
        assert!(first.what == lost && says(more, "(960 more lost)"));
        let [first, more, last] = &folded(run(961, &lost), Extent::Lesson)[..] else { panic!("three lines") };
        assert!(first.what == lost && last.what == lost && says(more, "(959 more lost)"));
        // As many as can be shown are shown.
        assert_eq!(folded(run(LONGEST_RUN, &samples::truncated(b"x")), BRIEF).len(), LONGEST_RUN);
        let several = LeftOut { mixed: true, steps: 40, truncated: 3, failed: 2, ..LeftOut::default() };
        assert_eq!(several.to_string(), "(40 more steps: 3 truncated, 2 failed)");
        let receives = LeftOut { mixed: true, steps: 9, received: 9, ..LeftOut::default() };
        assert_eq!(receives.to_string(), "(9 more receives)");
    }

    #[test]
    fn the_middle_is_left_out_around_what_is_special() {
        let step = |name: String| What::Mark { label: samples::label(&name, None, ""), special: None };
        let mut steps: Vec<Step> = (0..30).flat_map(|number| run(1, &step(format!("call {number}")))).collect();
        steps[15].what = samples::truncated(b"x");
        let kept = folded(steps.clone(), BRIEF);
        assert_eq!(kept.len(), MOST_ON_A_SCREEN);
        let place = kept.iter().position(|step| step.what == steps[15].what).unwrap();
        assert!(is_count(&kept[place - 1]) && is_count(&kept[place + 1]), "{kept:?}");
        assert!(kept.first().unwrap().what == steps[0].what && kept.last().unwrap().what == steps[29].what);
    }
}
