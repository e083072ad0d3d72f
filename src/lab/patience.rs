//! How long the lab waits.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::socket::LIMIT;

/// The limits of one run of a lesson.
#[derive(Debug, Default)]
pub(super) struct Patience {
    waited_in_vain: AtomicBool,
    /// The longest wait that brought a datagram, in microseconds.
    slowest: AtomicU64,
    at_work: AtomicUsize,
}

impl Patience {
    /// How long to wait for what must arrive: [`LIMIT`]. Once a wait was in vain, and the lesson shows it, a tenth of that for
    /// the rest; longer where what did arrive has taken its time.
    pub(super) fn limit(&self) -> Duration {
        const LEAST: Duration = Duration::from_millis(200);
        const MARGIN: u32 = 8;
        match self.waited_in_vain.load(Ordering::Relaxed) {
            true => (Duration::from_micros(self.slowest.load(Ordering::Relaxed)) * MARGIN).clamp(LEAST, LIMIT),
            false => LIMIT,
        }
    }

    /// A datagram was received after so long a wait.
    pub(super) fn arrived_after(&self, wait: Duration) {
        self.slowest.fetch_max(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
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
    fn a_slow_loopback_is_waited_for_all_the_same() {
        let patience = Patience::default();
        patience.arrived_after(Duration::from_millis(120));
        patience.arrived_after(Duration::from_millis(2));
        patience.wait_was_in_vain();
        assert_eq!(patience.limit(), Duration::from_millis(960));
        patience.arrived_after(Duration::from_secs(1));
        assert_eq!(patience.limit(), LIMIT);
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
