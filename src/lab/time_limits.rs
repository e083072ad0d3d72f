//! How long the lab waits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Endpoint;

/// How long a lesson waits for what must arrive. It costs nothing when it does. More than the two seconds after which
/// Windows says that nobody listens at a TCP port (it repeats the SYN): that call is slow, and has not hung.
pub(super) const LIMIT: Duration = Duration::from_millis(2500);

/// The limits of one run of a lesson.
#[derive(Debug, Default)]
pub(super) struct TimeLimits {
    waited_in_vain: AtomicBool,
    /// The longest wait that brought what was waited for, in microseconds.
    slowest: AtomicU64,
}

impl TimeLimits {
    /// How long to wait for what must arrive: [`LIMIT`]. Once a wait was in vain, and the lesson shows it, a tenth of
    /// that for the rest; longer where what did arrive has taken its time.
    pub(super) fn limit(&self) -> Duration {
        const LEAST: Duration = Duration::from_millis(200);
        const MARGIN: u32 = 8;
        match self.waited_in_vain.load(Ordering::Relaxed) {
            true => (Duration::from_micros(self.slowest.load(Ordering::Relaxed)) * MARGIN).clamp(LEAST, LIMIT),
            false => LIMIT,
        }
    }

    /// Waits by `wait`, which is given the limit, and takes note of how long that was; `None` where nothing came.
    pub(super) fn within<T>(&self, wait: impl FnOnce(Duration) -> Option<T>) -> Option<T> {
        let began = Instant::now();
        let come = wait(self.limit());
        self.note(come.is_some(), began);
        come
    }

    fn note(&self, has_come: bool, began: Instant) {
        match has_come {
            true => self.arrived_after(began.elapsed()),
            false => self.shorten_after_timeout(),
        }
    }

    /// What was waited for came after so long a wait.
    pub(super) fn arrived_after(&self, wait: Duration) {
        self.slowest.fetch_max(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many datagrams to receive before the end marker must have come: more than any scene sends, so that a socket
    /// that returns datagrams without end does not hold the lesson for ever; fewer once a wait was in vain.
    pub(super) fn most(&self) -> usize {
        if self.waited_in_vain.load(Ordering::Relaxed) { 500 } else { 10_000 }
    }

    /// A wait was in vain.
    pub(super) fn shorten_after_timeout(&self) {
        self.waited_in_vain.store(true, Ordering::Relaxed);
    }
}

/// Whether a call that was to wait for `limit` at least has done so, where it took `waited`. The kernel counts ticks,
/// and the clock of the lesson is another one: on a busy virtual machine three of a thousand time-outs of 4 ms end
/// 14 µs early by it. So a tenth may be missing.
pub fn has_lasted(waited: Duration, limit: Duration) -> bool {
    waited >= limit - limit / 10
}

impl Endpoint {
    /// How long the lesson waits for what must arrive.
    pub(super) fn limit(&self) -> Duration {
        self.context().session.time_limits.limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_out_may_end_a_little_early_by_another_clock() {
        let limit = Duration::from_millis(4);
        let lasted = [4000, 3986, 3600, 3599, 0].map(|waited| has_lasted(Duration::from_micros(waited), limit));
        assert_eq!(lasted, [true, true, true, false, false]);
    }

    #[test]
    fn waits_are_short_once_one_was_in_vain() {
        let time_limits = TimeLimits::default();
        assert_eq!((time_limits.limit(), time_limits.most()), (LIMIT, 10_000));
        time_limits.shorten_after_timeout();
        assert_eq!((time_limits.limit(), time_limits.most()), (Duration::from_millis(200), 500));
    }

    #[test]
    fn a_slow_loopback_is_waited_for_all_the_same() {
        let time_limits = TimeLimits::default();
        time_limits.arrived_after(Duration::from_millis(120));
        time_limits.arrived_after(Duration::from_millis(2));
        time_limits.shorten_after_timeout();
        assert_eq!(time_limits.limit(), Duration::from_millis(960));
        time_limits.arrived_after(Duration::from_secs(1));
        assert_eq!(time_limits.limit(), LIMIT);
    }
}
