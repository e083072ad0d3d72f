//! What happened: every call made in the lab, in order.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::{Serialize, Serializer};

use super::socket::LIMIT;
use super::{Ahead, Watcher};
use crate::vocabulary::{OsError, escaped};

/// One call on an endpoint, written down when it returned.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// The scene it happened in, counted from 1.
    pub scene: usize,
    /// When the call returned, since the lesson began.
    #[serde(rename = "returned_us", serialize_with = "microseconds")]
    pub returned: Duration,
    /// The endpoint that made the call.
    pub who: String,
    /// The call.
    pub call: &'static str,
    /// The endpoint at the other end, where there is one.
    pub with: Option<String>,
    /// What was sent, or is in the buffer after a receive.
    #[serde(serialize_with = "quotation")]
    pub payload: Option<Vec<u8>>,
    /// The bytes that a receive offered room for.
    pub buffer: Option<usize>,
    /// The descriptor of the socket.
    pub descriptor: u64,
    /// Whether it is a TCP socket.
    #[serde(skip)]
    pub tcp: bool,
    /// The socket's own address, once it has one.
    pub local: Option<SocketAddr>,
    /// The address of the other end, as it was given to the call or came from it.
    pub remote: Option<SocketAddr>,
    /// What the call returned.
    pub result: Outcome,
    /// What only a trace needs.
    #[serde(flatten)]
    pub details: Details,
}

/// What a trace of the call shows besides; nothing for most calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Details {
    /// The address that `bind` was asked for, where port 0 stands for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<SocketAddr>,
    /// The lengths of the buffers of `sendmsg` and `recvmsg`, in bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<usize>,
    /// The number given to `listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog: Option<i32>,
    /// The number that the call returned, where it is not that of the bytes moved: the descriptor of `accept`, the
    /// real length with MSG_TRUNC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returned: Option<u64>,
    /// Whether the system flagged what it received as cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It succeeded and has no number to tell.
    Done,
    /// It moved this many bytes.
    Bytes(usize),
    /// It found nothing within its limit.
    Nothing,
    /// It failed.
    Error(OsError),
}

fn microseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_micros() as u64)
}

fn quotation<S: Serializer>(payload: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    payload.as_ref().map(|bytes| escaped(bytes, usize::MAX).0).serialize(serializer)
}

/// A moment in the run: its place in the order of events, and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Place in the order; no two moments of a lesson share one.
    pub order: usize,
    /// Time since the lesson began.
    pub at: Duration,
}

/// The events of one lesson, and notes for the reader of its report.
#[derive(Debug)]
pub struct Log {
    started: Instant,
    began: SystemTime,
    pages: Mutex<Pages>,
    waited_in_vain: AtomicBool,
    watcher: Option<Arc<dyn Watcher>>,
    unstoppable: AtomicUsize,
    at_work: AtomicUsize,
}

#[derive(Debug, Default)]
struct Pages {
    events: Vec<Event>,
    notes: Vec<String>,
    /// The first event of the scene.
    scene: usize,
    /// How long the watcher has made the lesson wait.
    waited: Duration,
}

impl Log {
    pub(crate) fn new(watcher: Option<Arc<dyn Watcher>>) -> Self {
        Log {
            started: Instant::now(),
            began: SystemTime::now(),
            pages: Mutex::default(),
            waited_in_vain: AtomicBool::new(false),
            watcher,
            unstoppable: AtomicUsize::new(0),
            at_work: AtomicUsize::new(0),
        }
    }

    /// Tells the watcher, if there is one; how long it takes is no time of the lesson.
    fn tell(&self, what: &dyn Fn(&dyn Watcher, &[Event])) {
        let Some(watcher) = &self.watcher else { return };
        let mut pages = self.pages();
        let began = Instant::now();
        what(&**watcher, &pages.events[pages.scene..]);
        pages.waited += began.elapsed();
    }

    pub(crate) fn scene(&self, title: &str) {
        self.unstoppable.store(0, Ordering::Relaxed);
        let mut pages = self.pages();
        pages.scene = pages.events.len();
        drop(pages);
        self.tell(&|watcher, _| watcher.scene(title));
    }

    pub(crate) fn scene_is_over(&self) {
        self.tell(&|watcher, made| watcher.over(made));
    }

    pub(super) fn opened(&self, name: &str) {
        self.tell(&|watcher, _| watcher.opened(name));
    }

    /// To be called before each call that is written down.
    pub(super) fn ahead(&self, call: &Ahead<'_>) {
        if self.unstoppable.load(Ordering::Relaxed) == 0 {
            self.tell(&|watcher, made| watcher.ahead(call, made));
        }
    }

    /// No call waits for the watcher from here on, up to [`stoppable`](Log::stoppable) or the end of the scene.
    pub(super) fn unstoppable(&self) {
        if self.unstoppable.fetch_add(1, Ordering::Relaxed) == 0 {
            self.tell(&|watcher, made| watcher.unstoppable(made));
        }
    }

    pub(super) fn stoppable(&self) {
        self.unstoppable.fetch_sub(1, Ordering::Relaxed);
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an event down; the clock is read inside the lock, so that order and times agree.
    pub(crate) fn write(&self, event: impl FnOnce(Duration) -> Event) -> Moment {
        let mut pages = self.pages();
        let at = self.started.elapsed().saturating_sub(pages.waited);
        pages.events.push(event(at));
        Moment { order: pages.events.len(), at }
    }

    /// Adds a note, once.
    pub(crate) fn note(&self, note: String) {
        let mut pages = self.pages();
        if !pages.notes.contains(&note) {
            pages.notes.push(note);
        }
    }

    /// How long to wait for what must arrive: two seconds, and once a wait was in vain, and the lesson shows it, a tenth
    /// of one for the rest.
    pub(super) fn limit(&self) -> Duration {
        if self.waited_in_vain.load(Ordering::Relaxed) { Duration::from_millis(200) } else { LIMIT }
    }

    /// How many datagrams to receive before the fence must have come: more than any scene sends, so that a socket that
    /// answers without end does not hold the lesson for ever; fewer once a wait was in vain.
    pub(super) fn most(&self) -> usize {
        if self.waited_in_vain.load(Ordering::Relaxed) { 500 } else { 10_000 }
    }

    pub(super) fn wait_was_in_vain(&self) {
        self.waited_in_vain.store(true, Ordering::Relaxed);
    }

    /// Spends `time` as a server does that works on a request.
    pub(super) fn work_for(&self, time: Duration) {
        self.at_work.fetch_add(1, Ordering::Relaxed);
        thread::sleep(time);
        self.at_work.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether a server works on a request: then no call need return.
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.load(Ordering::Relaxed) > 0
    }

    /// Grows with every call that returns.
    pub(super) fn progress(&self) -> usize {
        self.pages().events.len()
    }

    /// The last call that returned, in words.
    pub(super) fn last_call(&self) -> String {
        match self.pages().events.last() {
            Some(last) => format!("the last one that did was `{}` of {}, in scene {}", last.call, last.who, last.scene),
            None => "it is the first one".to_owned(),
        }
    }

    /// When the lesson began, by the clock on the wall.
    pub(crate) fn began(&self) -> SystemTime {
        self.began
    }

    pub(crate) fn close(&self) -> (Vec<Event>, Vec<String>) {
        let pages = std::mem::take(&mut *self.pages());
        (pages.events, pages.notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_short_once_one_was_in_vain() {
        let log = Log::new(None);
        assert_eq!((log.limit(), log.most()), (LIMIT, 10_000));
        log.wait_was_in_vain();
        assert_eq!((log.limit(), log.most()), (Duration::from_millis(200), 500));
    }

    #[test]
    fn who_works_is_known_to() {
        let log = Log::new(None);
        assert!(!log.is_at_work());
        log.at_work.store(2, Ordering::Relaxed);
        assert!(log.is_at_work());
        let (time, started) = (Duration::from_millis(2), Instant::now());
        log.work_for(time);
        assert!(started.elapsed() >= time && log.is_at_work());
    }

    #[test]
    fn a_note_is_taken_once() {
        let log = Log::new(None);
        for note in ["one", "two", "one"] {
            log.note(note.to_owned());
        }
        assert_eq!(log.close().1, ["one", "two"]);
    }

    #[test]
    fn before_the_first_call_there_is_none() {
        assert_eq!((Log::new(None).progress(), Log::new(None).last_call().as_str()), (0, "it is the first one"));
    }
}
