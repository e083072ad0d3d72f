//! A server loop, run by one thread or several on one socket, and what it did: who handled what, and when.

use std::collections::HashMap;
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::hang::no_thread;
use super::{Call, Endpoint, Moment, Target};

/// Longest request that the loop takes whole, in bytes.
const BUFFER: usize = 1024;

/// A thread that has handled the requests of one client so often serves no more: the queue does not get shorter.
const MOST_COPIES: usize = 20;

/// Who serves, and how long each request takes.
#[derive(Clone, Copy, Debug)]
pub struct Crew {
    /// Threads that receive on the same socket; 1 is the plain loop.
    pub threads: usize,
    /// Time spent on a request between receiving it and answering it.
    pub work: Duration,
}

/// One request in the hands of one thread.
#[derive(Clone, Debug)]
pub struct Handling {
    /// The endpoint that asked.
    pub client: String,
    /// The request was received.
    pub began: Moment,
    /// The answer was sent.
    pub ended: Moment,
}

/// What a crew did from its start to the fence.
#[derive(Clone, Debug)]
pub struct Service {
    /// When the loop started.
    pub started: Moment,
    /// Every request, in the order in which they were received.
    pub handlings: Vec<Handling>,
}

impl Service {
    /// The most requests that were in hand at one moment.
    pub fn most_in_hand(&self) -> usize {
        let mut moments: Vec<(usize, bool)> = Vec::new();
        for handling in &self.handlings {
            moments.push((handling.began.order, true));
            moments.push((handling.ended.order, false));
        }
        moments.sort_unstable();
        let mut in_hand = 0_usize;
        let mut most = 0;
        for (_, began) in moments {
            in_hand = if began { in_hand + 1 } else { in_hand - 1 };
            most = most.max(in_hand);
        }
        most
    }

    /// How many answers were sent before `work` had passed for them and for all requests received before them.
    pub fn early_answers(&self, work: Duration) -> usize {
        let early = |(index, handling): &(usize, &Handling)| {
            let steps = u32::try_from(index + 1).unwrap_or(u32::MAX);
            handling.ended.at.saturating_sub(self.started.at) < work.saturating_mul(steps)
        };
        self.handlings.iter().enumerate().filter(early).count()
    }

    /// The clients in the order in which they were answered.
    pub fn order_of_answers(&self) -> Vec<&str> {
        let mut by_end: Vec<&Handling> = self.handlings.iter().collect();
        by_end.sort_unstable_by_key(|handling| handling.ended.order);
        by_end.iter().map(|handling| handling.client.as_str()).collect()
    }

    /// How many requests were handled by more than one thread, or twice by one.
    pub fn handled_again(&self) -> usize {
        let mut times: HashMap<&str, usize> = HashMap::new();
        for handling in &self.handlings {
            *times.entry(&handling.client).or_default() += 1;
        }
        times.values().filter(|&&times| times > 1).count()
    }

    /// From the start of the loop to the first answer.
    pub fn first_answer(&self) -> Duration {
        let ends = self.handlings.iter().map(|handling| handling.ended.at);
        ends.min().unwrap_or_default().saturating_sub(self.started.at)
    }

    /// From the start of the loop to the last answer.
    pub fn last_answer(&self) -> Duration {
        let ends = self.handlings.iter().map(|handling| handling.ended.at);
        ends.max().unwrap_or_default().saturating_sub(self.started.at)
    }
}

/// Where the threads of a crew wait for each other with their first request in hand: only a crew that really works
/// at the same time gets through. Two seconds at most, so that a crew that cannot is seen and not waited for.
struct Meeting {
    expected: usize,
    arrived: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    fn join(&self, limit: Duration) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        *arrived += 1;
        self.changed.notify_all();
        let waiting = self.changed.wait_timeout_while(arrived, limit, |arrived| *arrived < self.expected);
        drop(waiting);
    }
}

impl Endpoint {
    /// Serves everything that is queued: receive, work, answer with `answer(request)`, until the fence. Each of the
    /// crew's threads receives on this same socket.
    ///
    /// # Errors
    /// What the system says of a send.
    pub fn serve(&self, crew: Crew, answer: impl Fn(&[u8]) -> Vec<u8> + Sync) -> Call<Service> {
        self.at_once(|| self.serve_with(crew, answer))
    }

    fn serve_with(&self, crew: Crew, answer: impl Fn(&[u8]) -> Vec<u8> + Sync) -> Call<Service> {
        for _ in 0..crew.threads {
            self.raise_fence(BUFFER)?;
        }
        let meeting = Meeting { expected: crew.threads, arrived: Mutex::new(0), changed: Condvar::new() };
        let started = self.mark("serve", None);
        let work = || -> Call<Vec<Handling>> {
            let mut handlings: Vec<Handling> = Vec::new();
            let mut handled: HashMap<String, usize> = HashMap::new();
            while let Some((request, client)) = self.next_request(BUFFER) {
                let copies = handled.entry(client.name().to_owned()).or_default();
                if *copies == MOST_COPIES {
                    break;
                }
                *copies += 1;
                let began = self.mark("begin", Some(&client));
                if handlings.is_empty() {
                    meeting.join(self.limit());
                }
                self.work_for(crew.work);
                self.send_to(&answer(&request), &client)?;
                let ended = self.mark("end", Some(&client));
                handlings.push(Handling { client: client.name().to_owned(), began, ended });
            }
            Ok(handlings)
        };
        let handlings: Call<Vec<Vec<Handling>>> = thread::scope(|scope| {
            let start = |_| thread::Builder::new().spawn_scoped(scope, work);
            let threads: Vec<_> = (0..crew.threads).map(start).collect();
            let join = |thread: io::Result<thread::ScopedJoinHandle<'_, _>>| {
                let thread = thread.map_err(|error| no_thread(&error))?;
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).collect()
        });
        let mut handlings = handlings?.concat();
        handlings.sort_unstable_by_key(|handling| handling.began.order);
        Ok(Service { started, handlings })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Ten milliseconds lie between one moment and the next.
    fn moment(order: usize) -> Moment {
        Moment { order, at: Duration::from_millis(10 * order as u64) }
    }

    fn service(handlings: &[(&str, usize, usize)]) -> Service {
        let handling = |&(client, began, ended): &(&str, usize, usize)| Handling {
            client: client.to_owned(),
            began: moment(began),
            ended: moment(ended),
        };
        Service { started: moment(1), handlings: handlings.iter().map(handling).collect() }
    }

    #[test]
    fn one_after_another_is_one_in_hand() {
        let service = service(&[("a", 2, 3), ("b", 4, 5), ("c", 6, 7)]);
        assert_eq!((service.most_in_hand(), service.handled_again()), (1, 0));
        assert_eq!(service.order_of_answers(), ["a", "b", "c"]);
        assert_eq!(service.first_answer(), Duration::from_millis(20));
        assert_eq!(service.last_answer(), Duration::from_millis(60));
    }

    #[test]
    fn requests_at_the_same_time_are_in_hand_together() {
        let service = service(&[("a", 2, 7), ("b", 3, 5), ("a", 4, 8), ("c", 6, 9)]);
        assert_eq!((service.most_in_hand(), service.handled_again()), (3, 1));
        assert_eq!(service.order_of_answers(), ["b", "a", "a", "c"]);
    }

    #[test]
    fn nothing_handled_is_nothing_in_hand() {
        let service = service(&[]);
        assert_eq!((service.most_in_hand(), service.handled_again()), (0, 0));
        assert_eq!((service.first_answer(), service.last_answer()), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn an_answer_is_early_before_the_work_for_all_up_to_it() {
        let service = service(&[("a", 2, 3), ("b", 4, 5), ("c", 5, 6)]);
        let early = |milliseconds| service.early_answers(Duration::from_millis(milliseconds));
        assert_eq!((early(16), early(17), early(20), early(21)), (0, 1, 1, 3));
    }

    #[test]
    fn a_meeting_ends_when_all_have_come_or_the_limit_has_passed() {
        let limit = Duration::from_secs(60);
        let meeting = |expected| Meeting { expected, arrived: Mutex::new(0), changed: Condvar::new() };
        let both = meeting(2);
        let started = Instant::now();
        thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(|| both.join(limit)))));
        assert!(started.elapsed() < limit);

        let alone = meeting(2);
        let started = Instant::now();
        alone.join(Duration::from_millis(1));
        assert!(started.elapsed() >= Duration::from_millis(1));
    }
}
