//! How long the lab waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::socket::LIMIT;

/// The limits of one run of a lesson.
#[derive(Debug, Default)]
pub(super) struct Patience {
    waited_in_vain: AtomicBool,
    at_work: AtomicUsize,
}

impl Patience {
    /// How long to wait for what must arrive: [`LIMIT`], and once a wait was in vain, and the lesson shows it, less than
    /// a tenth of that for the rest.
    pub(super) fn limit(&self) -> Duration {
        if self.waited_in_vain.load(Ordering::Relaxed) { Duration::from_millis(200) } else { LIMIT }
    }

    /// How many datagrams to receive before the end marker must have come: more than any scene sends, so that a socket
    /// that returns datagrams without end does not hold the lesson for ever; fewer once a wait was in vain.
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
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn waits_are_short_once_one_was_in_vain() {
        let patience = Patience::default();
        assert_eq!((patience.limit(), patience.most()), (LIMIT, 10_000));
        patience.wait_was_in_vain();
        assert_eq!((patience.limit(), patience.most()), (Duration::from_millis(200), 500));
    }

    #[test]
    fn work_is_known_while_it_lasts() {
        let patience = Patience::default();
        assert!(!patience.is_at_work());
        patience.at_work.store(2, Ordering::Relaxed);
        let (time, started) = (Duration::from_millis(2), Instant::now());
        patience.work_for(time);
        assert!(started.elapsed() >= time && patience.is_at_work());
    }
}
