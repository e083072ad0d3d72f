//! How a long ladder is made short: runs of steps that are alike, and then its middle, become a count. What is special is the
//! last to go, and is counted by its name.

use std::fmt;
use std::ops::AddAssign;

use super::label::Special;
use super::picture::{Extent, Step, What};

/// A run of equal steps longer than this is shown by its first and its last.
pub const LONGEST_RUN: usize = 4;

/// Most steps of a ladder with its answer below it, on one screen.
const MOST_ON_A_SCREEN: usize = 11;

/// Most steps of any other ladder.
const MOST_STEPS: usize = 24;

/// How many steps are left out, and what was special about some of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    steps: usize,
    lost: usize,
    truncated: usize,
    failed: usize,
}

impl LeftOut {
    fn of(step: &Step) -> Self {
        let one = |special| usize::from(step.special() == Some(special));
        match step.what {
            What::More(left_out) => left_out,
            What::Sent { .. } | What::Mark { .. } => LeftOut {
                steps: 1,
                lost: one(Special::Lost),
                truncated: one(Special::Truncated),
                failed: one(Special::Failed),
            },
        }
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
    }
}

/// `(38 more)`, `(960 more lost)`, `(40 more: 2 lost, 3 truncated)`.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [(self.lost, "lost"), (self.truncated, "truncated"), (self.failed, "failed")];
        let named: Vec<_> = named.into_iter().filter(|(count, _)| *count > 0).collect();
        match named[..] {
            [] => write!(f, "({} more)", self.steps),
            [(count, name)] if count == self.steps => write!(f, "({count} more {name})"),
            _ => {
                let named: Vec<_> = named.iter().map(|(count, name)| format!("{count} {name}")).collect();
                write!(f, "({} more: {})", self.steps, named.join(", "))
            }
        }
    }
}

/// As many steps as a ladder of this extent has room for.
pub(super) fn folded(steps: Vec<Step>, extent: Extent) -> Vec<Step> {
    let most = if extent == Extent::Brief { MOST_ON_A_SCREEN } else { MOST_STEPS };
    let steps = without_runs(steps, extent);
    let steps = without_middle(steps, most, |step| step.special().is_none());
    // So many special ones: nobody reads them one by one.
    without_middle(steps, 2 * most, |_| true)
}

/// Shows long runs of steps that are alike by their first and last.
fn without_runs(steps: Vec<Step>, extent: Extent) -> Vec<Step> {
    let mut kept: Vec<Step> = Vec::new();
    for run in steps.chunk_by(Step::is_like) {
        // A brief ladder shows the last one only of what is special.
        let tail = usize::from(extent != Extent::Brief || run[0].special().is_some());
        match run {
            [first, rest @ ..] if run.len() > LONGEST_RUN => {
                let (left_out, tail) = rest.split_at(rest.len() - tail);
                kept.push(first.clone());
                kept.extend(more(left_out));
                kept.extend_from_slice(tail);
            }
            _ => kept.extend_from_slice(run),
        }
    }
    kept
}

/// What stands for `steps`: nothing for none, and one stands for itself.
fn more(steps: &[Step]) -> Option<Step> {
    let first = steps.first()?;
    if steps.len() == 1 {
        return Some(first.clone());
    }
    let mut left_out = LeftOut::default();
    steps.iter().for_each(|step| left_out += LeftOut::of(step));
    Some(Step { what: What::More(left_out), ..*first })
}

/// Leaves out steps in the middle that `may_go`, as many as it takes to have no more than `most`, if that can be.
fn without_middle(steps: Vec<Step>, most: usize, may_go: impl Fn(&Step) -> bool) -> Vec<Step> {
    let middle = steps.len() / 2;
    let going = |reach: usize| -> Vec<bool> {
        let reached = middle.saturating_sub(reach)..middle + reach;
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
        if chunk[0] { kept.extend(more(steps)) } else { kept.extend_from_slice(steps) }
    }
    kept
}
