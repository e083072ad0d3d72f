//! Waiting for what no call waits for: it is checked again and again.

use std::thread;
use std::time::{Duration, Instant};

/// Nearly all that is waited for is under way and comes within this time: so long only other threads are let go first.
const SHORT: Duration = Duration::from_millis(2);

/// From then on this is the time between two checks: what is late may be so because it needs the processor.
const PAUSE: Duration = Duration::from_micros(500);

/// Checks until that returns something, for `limit` and once more.
pub(super) fn recheck<T>(limit: Duration, mut check: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        let waited = began.elapsed();
        match check() {
            None if waited <= limit => pause(waited),
            found => return found,
        }
    }
}

fn pause(waited: Duration) {
    match waited < SHORT {
        true => thread::yield_now(),
        false => thread::sleep(PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_returned_and_what_does_not_come_is_given_up() {
        let mut checks = 0;
        let third = recheck(Duration::from_secs(60), || {
            checks += 1;
            (checks == 3).then_some("found")
        });
        assert_eq!((third, checks), (Some("found"), 3));
        let limit = SHORT + 3 * PAUSE;
        let began = Instant::now();
        assert_eq!(recheck(limit, || None::<()>), None);
        assert!(began.elapsed() > limit);
    }
}
