//! What happened in a scene: every call that was made, in order.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::lock::lock;
use crate::vocabulary::Event;

/// A moment in the run of a lesson: its place in the order of the scene's calls, and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// The place in the order, from 1.
    pub order: usize,
    /// The time since the lesson began.
    pub at: Duration,
}

/// Bytes of payload that the log of a scene keeps. Beyond them it keeps the [`BEGINNING`] of each, and its length: a
/// run of gigabytes takes no more memory than its calls.
const MOST_PAYLOAD: usize = 16 * 1024 * 1024;

/// Bytes of a payload that are kept in any case: more than a trace or a picture shows.
const BEGINNING: usize = 128;

/// The calls of one scene, and notes on its run.
#[derive(Debug, Default)]
pub struct Log {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    events: Vec<Event>,
    /// Bytes of payload in the events.
    payload: usize,
    notes: Vec<String>,
}

impl Log {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        lock(&self.pages)
    }

    /// Records an event. It is made inside the lock, so that order and times agree.
    pub(super) fn record(&self, event: impl FnOnce() -> Event) -> Timestamp {
        let mut pages = self.pages();
        let mut event = event();
        if pages.payload + event.payload_length() > MOST_PAYLOAD {
            event.shorten(BEGINNING);
        }
        pages.payload += event.payload_length() - event.left_out;
        let at = event.returned;
        pages.events.push(event);
        Timestamp { order: pages.events.len(), at }
    }

    /// Adds a note, once.
    pub(super) fn note(&self, note: String) {
        let mut pages = self.pages();
        if !pages.notes.contains(&note) {
            pages.notes.push(note);
        }
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.pages().events.len()
    }

    /// The events from place `first` on, counted from 0.
    pub fn since(&self, first: usize) -> Vec<Event> {
        self.pages().events.get(first..).unwrap_or_default().to_vec()
    }

    /// The last event.
    pub(super) fn last(&self) -> Option<Event> {
        self.pages().events.last().cloned()
    }

    /// Everything that was recorded; nothing is left.
    pub(crate) fn take(&self) -> (Vec<Event>, Vec<String>) {
        let pages = std::mem::take(&mut *self.pages());
        (pages.events, pages.notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Action, Outcome, Protocol, Role, SendForm, Syscall};

    #[test]
    fn of_many_long_payloads_the_beginning_is_kept_and_the_length() {
        const LENGTH: usize = 65_507;
        let log = Log::default();
        for _ in 0..1000 {
            let call = Syscall::Send { form: SendForm::Connected, payload: vec![b'x'; LENGTH] };
            log.record(|| Event {
                returned: Duration::ZERO,
                who: "client".to_owned(),
                protocol: Protocol::Udp,
                descriptor: 3,
                local: None,
                peer: None,
                role: Role::Lesson,
                left_out: 0,
                action: Action::Call(call, Outcome::Sent(LENGTH)),
            });
        }
        let (events, _) = log.take();
        assert!(events.iter().all(|event| event.payload_length() == LENGTH));
        let kept: Vec<usize> = events.iter().map(|event| event.payload().unwrap().len()).collect();
        let whole = kept.iter().filter(|kept| **kept == LENGTH).count();
        assert_eq!((kept[0], whole, kept[999]), (LENGTH, MOST_PAYLOAD / LENGTH, BEGINNING));
    }

    #[test]
    fn a_note_is_taken_once() {
        let log = Log::default();
        for note in ["one", "two", "one"] {
            log.note(note.to_owned());
        }
        assert_eq!(log.take().1, ["one", "two"]);
    }
}
