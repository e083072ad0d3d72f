//! Somebody who is told of each call before it is made, and lets it wait.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::log::Log;
use crate::vocabulary::Announcement;

/// Observes a lesson while it runs. The lesson's clock stands still as long as one of these takes.
pub trait Observer: Send + Sync {
    /// A scene begins.
    fn scene(&self, id: &str, title: &str);
    /// The scene has a socket of this name.
    fn opened(&self, name: &str);
    /// This call is made as soon as this returns; `log` has the scene's calls so far.
    fn announced(&self, call: &Announcement<'_>, log: &Log);
    /// The calls that follow are made without being announced, for a while: to wait before one of them would change
    /// what the scene shows.
    fn not_announced(&self, log: &Log);
    /// The scene is over.
    fn over(&self, log: &Log);
}

impl fmt::Debug for dyn Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// Tells the observer, if there is one.
#[derive(Debug)]
pub(super) struct Announcer {
    observer: Option<Arc<dyn Observer>>,
    /// How long the observer has made the lesson wait, in nanoseconds.
    paused: AtomicU64,
    /// How many calls wait for the observer.
    waiting: AtomicUsize,
    /// How many reasons there are not to announce calls.
    silenced: AtomicUsize,
}

impl Announcer {
    pub(super) fn new(observer: Option<Arc<dyn Observer>>) -> Self {
        Announcer { observer, paused: AtomicU64::new(0), waiting: AtomicUsize::new(0), silenced: AtomicUsize::new(0) }
    }

    fn tell(&self, what: impl FnOnce(&dyn Observer)) {
        let Some(observer) = &self.observer else { return };
        let began = Instant::now();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        what(&**observer);
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.paused.fetch_add(took, Ordering::Relaxed);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// How long the observer has made the lesson wait.
    pub(super) fn paused(&self) -> Duration {
        Duration::from_nanos(self.paused.load(Ordering::Relaxed))
    }

    /// Whether a call waits for the observer.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(super) fn scene(&self, id: &str, title: &str) {
        self.silenced.store(0, Ordering::Relaxed);
        self.tell(|observer| observer.scene(id, title));
    }

    pub(super) fn over(&self, log: &Log) {
        self.tell(|observer| observer.over(log));
    }

    pub(super) fn opened(&self, name: &str) {
        self.tell(|observer| observer.opened(name));
    }

    /// To be called before each call that is recorded.
    pub(super) fn announce(&self, call: &Announcement<'_>, log: &Log) {
        if self.silenced.load(Ordering::Relaxed) == 0 {
            self.tell(|observer| observer.announced(call, log));
        }
    }

    /// No call is announced from here on, up to [`resume`](Self::resume) or the end of the scene.
    pub(super) fn silence(&self, log: &Log) {
        if self.silenced.fetch_add(1, Ordering::Relaxed) == 0 {
            self.tell(|observer| observer.not_announced(log));
        }
    }

    pub(super) fn resume(&self) {
        self.silenced.fetch_sub(1, Ordering::Relaxed);
    }
}
