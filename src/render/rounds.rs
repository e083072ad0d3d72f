//! Calls that are alike, and rounds of them: a trace shows the first and the last, and a run step by step announces
//! them together.

use super::fold::LONGEST_RUN;
use super::picture::family;
use crate::vocabulary::{Announcement, Flags, Peer, Role, Syscall};

/// Most different calls that make a round, such as receive and answer.
pub const LONGEST_ROUND: usize = 4;

/// What calls have in common that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    who: String,
    what: &'static str,
    flags: Flags,
    option: Option<&'static str>,
    peer: Option<String>,
    role: Role,
}

impl Kind {
    /// Of something that is no call.
    pub(super) fn new(who: &str, what: &'static str, peer: Option<&Peer>, role: Role) -> Self {
        let named = |name: &str| family(name).unwrap_or(name).to_owned();
        let peer = peer.map(|peer| named(&peer.name));
        Kind { who: named(who), what, flags: Flags::default(), option: None, peer, role }
    }

    /// Of a call.
    pub(super) fn of_call(call: &Syscall, who: &str, peer: Option<&Peer>, role: Role) -> Self {
        let kind = Kind::new(who, call.name(), peer, role);
        match call {
            Syscall::Receive(receive) => Kind { flags: receive.flags, ..kind },
            Syscall::SetOption { option, .. } | Syscall::GetOption(option) => {
                Kind { option: Some(option.name), ..kind }
            }
            _ => kind,
        }
    }

    /// Of a call that is about to be made.
    pub fn of(announced: &Announcement<'_>) -> Self {
        Kind::of_call(announced.call, announced.who, announced.peer, announced.role)
    }
}

/// How the first of `kinds` are repeated: the length of a round, and of all rounds that follow each other, where those
/// are so many that some are to be left out. The first alone, where not. `None` is like nothing.
pub(super) fn repetition(kinds: &[Option<Kind>]) -> (usize, usize) {
    let rounds = (1..=LONGEST_ROUND).map(|round| {
        let again = kinds.iter().zip(kinds.iter().skip(round)).take_while(|(one, next)| one.is_some() && one == next);
        let length = again.count() + round;
        (round, length - length % round)
    });
    rounds.into_iter().find(|(round, length)| *length > LONGEST_RUN * round).unwrap_or((1, 1))
}

/// How many calls make one round, where the `next` one only goes on with rounds that were seen often enough at the end
/// of `latest`.
pub fn round_of(latest: &[Kind], next: &Kind) -> Option<usize> {
    (1..=LONGEST_ROUND).find(|&round| {
        let enough = round * LONGEST_RUN.div_ceil(round).max(2);
        let back = |back: usize| latest.iter().nth_back(back);
        back(round - 1) == Some(next)
            && (round..enough).all(|place| back(place).is_some() && back(place) == back(place - round))
    })
}
