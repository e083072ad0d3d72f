//! What happened in a scene: every call that was made, in order.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::vocabulary::Event;

/// A moment in the run of a lesson: its place in the order of the scene's calls, and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// The place in the order, from 1.
    pub order: usize,
    /// The time since the lesson began.
    pub at: Duration,
}

/// The calls of one scene, and notes on its run.
#[derive(Debug, Default)]
pub struct Log {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    events: Vec<Event>,
    notes: Vec<String>,
}

impl Log {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an event. It is made inside the lock, so that order and times agree.
    pub(super) fn record(&self, event: impl FnOnce() -> Event) -> Timestamp {
        let mut pages = self.pages();
        let event = event();
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

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    #[test]
    fn a_note_is_taken_once() {
        let log = Log::default();
        for note in ["one", "two", "one"] {
            log.note(note.to_owned());
        }
        assert_eq!(log.take().1, ["one", "two"]);
    }
}
