//! A server loop, run by one thread or several on one socket, and what it did: which thread handled what, and when.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::arrival::Arrival;
use super::lock::lock;
use super::log::Timestamp;
use super::marker::Proof;
use super::received::ReceiveResult;
use super::watchdog::no_thread;
use super::{Endpoint, SceneError};
use crate::vocabulary::{Moment, Peer, Receive};

/// Longest request that the loop takes whole, in bytes.
const BUFFER: usize = 1024;

/// A thread that has handled the requests of one client so often serves no more: the queue does not get shorter.
const MOST_COPIES: usize = 20;

/// Who serves, and how long each request takes.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    /// Threads that receive on the same socket; 1 is the plain loop.
    pub threads: usize,
    /// Time spent on a request between receiving it and answering it.
    pub work: Duration,
}

/// One request from its receive to its answer, by one thread.
#[derive(Clone, Debug)]
pub struct RequestSpan {
    /// The endpoint that asked.
    pub client: String,
    /// The request was received.
    pub began: Timestamp,
    /// The answer was sent.
    pub ended: Timestamp,
}

/// What the workers did from the start until nothing more could come.
#[derive(Clone, Debug)]
pub struct ServerRun {
    /// When the loop started.
    pub started: Timestamp,
    /// Every request, in the order in which they were received.
    pub requests: Vec<RequestSpan>,
}

impl ServerRun {
    /// The most requests that were being processed at one moment.
    pub fn most_at_once(&self) -> usize {
        let mut moments: Vec<(usize, bool)> = Vec::new();
        for request in &self.requests {
            moments.push((request.began.order, true));
            moments.push((request.ended.order, false));
        }
        moments.sort_unstable();
        let mut in_progress = 0_usize;
        let mut most = 0;
        for (_, began) in moments {
            in_progress = if began { in_progress + 1 } else { in_progress - 1 };
            most = most.max(in_progress);
        }
        most
    }

    /// How many answers were sent before `work` had passed for them and for all requests received before them.
    pub fn early_answers(&self, work: Duration) -> usize {
        let early = |(index, request): &(usize, &RequestSpan)| {
            let steps = u32::try_from(index + 1).unwrap_or(u32::MAX);
            request.ended.at.saturating_sub(self.started.at) < work.saturating_mul(steps)
        };
        self.requests.iter().enumerate().filter(early).count()
    }

    /// The clients in the order in which they were answered.
    pub fn order_of_answers(&self) -> Vec<&str> {
        let mut by_end: Vec<&RequestSpan> = self.requests.iter().collect();
        by_end.sort_unstable_by_key(|request| request.ended.order);
        by_end.iter().map(|request| request.client.as_str()).collect()
    }

    /// How many requests were handled by more than one thread, or twice by one.
    pub fn handled_again(&self) -> usize {
        let mut times: HashMap<&str, usize> = HashMap::new();
        for request in &self.requests {
            *times.entry(&request.client).or_default() += 1;
        }
        times.values().filter(|&&times| times > 1).count()
    }

    /// From the start of the loop to the first answer.
    pub fn first_answer(&self) -> Duration {
        let ends = self.requests.iter().map(|request| request.ended.at);
        ends.min().unwrap_or_default().saturating_sub(self.started.at)
    }

    /// From the start of the loop to the last answer.
    pub fn last_answer(&self) -> Duration {
        let ends = self.requests.iter().map(|request| request.ended.at);
        ends.max().unwrap_or_default().saturating_sub(self.started.at)
    }
}

/// Where the threads wait for each other with their first request: only threads that really work at the same time get
/// through. Where one does not come, the others wait for some checks of the number that have, and no longer: checks are
/// counted, not time, so that a program that is stopped for a while loses nothing.
struct Rendezvous {
    expected: usize,
    arrived: Mutex<usize>,
    changed: Condvar,
}

impl Rendezvous {
    const CHECK_INTERVAL: Duration = Duration::from_millis(20);

    fn join(&self, limit: Duration) {
        let mut arrived = lock(&self.arrived);
        *arrived += 1;
        self.changed.notify_all();
        let checks = limit.as_millis() / Self::CHECK_INTERVAL.as_millis();
        for _ in 0..=checks {
            if *arrived >= self.expected {
                return;
            }
            let waited =
                self.changed.wait_timeout(arrived, Self::CHECK_INTERVAL).unwrap_or_else(PoisonError::into_inner);
            arrived = waited.0;
        }
    }
}

/// What servers do between a request and its answer.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// How many requests are being worked on.
    requests: AtomicUsize,
}

impl Work {
    /// Spends `time` as a server does that works on a request.
    pub(super) fn last_for(&self, time: Duration) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        thread::sleep(time);
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether a server works on a request: then no call need return.
    pub(super) fn is_going_on(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }
}

/// What one worker receives next.
enum Next {
    Request(Vec<u8>, Peer),
    /// Another worker may have more to do; this one receives again.
    Again,
    /// Nothing comes any more.
    End,
}

impl Endpoint {
    /// Serves everything that is queued: receive, work, answer with `answer(request)`, until nothing more can come.
    /// Each of the threads receives on this same socket.
    ///
    /// # Errors
    /// What the system says of a send.
    pub fn serve(&self, workers: Workers, answer: impl Fn(&[u8]) -> Vec<u8> + Sync) -> Result<ServerRun, SceneError> {
        self.context().at_once(|| self.serve_with(workers, answer))
    }

    fn serve_with(&self, workers: Workers, answer: impl Fn(&[u8]) -> Vec<u8> + Sync) -> Result<ServerRun, SceneError> {
        let mut proof = Proof::begin(&self.socket)?;
        proof.advance(&self.socket)?;
        let proof = Mutex::new(proof);
        let rendezvous = Rendezvous { expected: workers.threads, arrived: Mutex::new(0), changed: Condvar::new() };
        let started = self.socket.mark(Moment::LoopStarts, None);
        let work = || -> Result<Vec<RequestSpan>, SceneError> {
            let mut spans: Vec<RequestSpan> = Vec::new();
            let mut handled: HashMap<String, usize> = HashMap::new();
            loop {
                let (request, client) = match self.next_request(&proof, workers.threads)? {
                    Next::Request(request, client) => (request, client),
                    Next::Again => continue,
                    Next::End => return Ok(spans),
                };
                let copies = handled.entry(client.name.clone()).or_default();
                if *copies == MOST_COPIES {
                    return Ok(spans);
                }
                *copies += 1;
                let began = self.socket.mark(Moment::RequestBegins, Some(&client));
                if spans.is_empty() {
                    rendezvous.join(self.limit());
                }
                self.context().session.work.last_for(workers.work);
                // A client without an answer reports it.
                if let Err(error) = self.send_to(&answer(&request), &client)
                    && error.is_of_the_environment()
                {
                    return Err(error.into());
                }
                let ended = self.socket.mark(Moment::RequestEnds, Some(&client));
                spans.push(RequestSpan { client: client.name, began, ended });
            }
        };
        let spans: Result<Vec<Vec<RequestSpan>>, SceneError> = thread::scope(|scope| {
            let start = |_| thread::Builder::new().spawn_scoped(scope, work);
            let threads: Vec<_> = (0..workers.threads).map(start).collect();
            let join = |thread: io::Result<thread::ScopedJoinHandle<'_, _>>| {
                let thread = thread.map_err(|error| no_thread(&error))?;
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).collect()
        });
        let mut requests = spans?.concat();
        requests.sort_unstable_by_key(|span| span.began.order);
        Ok(ServerRun { started, requests })
    }

    fn next_request(&self, proof: &Mutex<Proof>, threads: usize) -> Result<Next, SceneError> {
        match self.arrival(&Receive::into(BUFFER), None) {
            Arrival::Result(ReceiveResult::Datagram(received)) => match received.from {
                Some(client) => Ok(Next::Request(received.bytes, client)),
                None => Ok(Next::Again),
            },
            Arrival::Result(_) => Ok(Next::End),
            Arrival::Marker { from, byte } => {
                let mut proof = lock(proof);
                let was_complete = proof.is_complete();
                proof.arrived(&self.socket, from, byte);
                proof.advance(&self.socket)?;
                match (proof.is_complete(), was_complete) {
                    (false, _) => Ok(Next::Again),
                    (true, true) => Ok(Next::End),
                    (true, false) => {
                        // The others wait for something to come.
                        (1..threads).try_for_each(|_| proof.wake(&self.socket, from))?;
                        Ok(Next::End)
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Ten milliseconds lie between one and the next.
    fn at(order: usize) -> Timestamp {
        Timestamp { order, at: Duration::from_millis(10 * order as u64) }
    }

    fn server_run(requests: &[(&str, usize, usize)]) -> ServerRun {
        let request = |&(client, began, ended): &(&str, usize, usize)| RequestSpan {
            client: client.to_owned(),
            began: at(began),
            ended: at(ended),
        };
        ServerRun { started: at(1), requests: requests.iter().map(request).collect() }
    }

    #[test]
    fn one_after_another_is_one_in_progress() {
        let run = server_run(&[("a", 2, 3), ("b", 4, 5), ("c", 6, 7)]);
        assert_eq!((run.most_at_once(), run.handled_again()), (1, 0));
        assert_eq!(run.order_of_answers(), ["a", "b", "c"]);
        assert_eq!(run.first_answer(), Duration::from_millis(20));
        assert_eq!(run.last_answer(), Duration::from_millis(60));
    }

    #[test]
    fn requests_at_the_same_time_are_in_progress_together() {
        let run = server_run(&[("a", 2, 7), ("b", 3, 5), ("a", 4, 8), ("c", 6, 9)]);
        assert_eq!((run.most_at_once(), run.handled_again()), (3, 1));
        assert_eq!(run.order_of_answers(), ["b", "a", "a", "c"]);
    }

    #[test]
    fn nothing_handled_is_nothing_in_progress() {
        let run = server_run(&[]);
        assert_eq!((run.most_at_once(), run.handled_again()), (0, 0));
        assert_eq!((run.first_answer(), run.last_answer()), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn an_answer_is_early_before_the_work_for_all_up_to_it() {
        let run = server_run(&[("a", 2, 3), ("b", 4, 5), ("c", 5, 6)]);
        let early = |milliseconds| run.early_answers(Duration::from_millis(milliseconds));
        assert_eq!((early(16), early(17), early(20), early(21)), (0, 1, 1, 3));
    }

    #[test]
    fn a_rendezvous_ends_when_all_have_come_or_the_limit_has_passed() {
        let limit = Duration::from_secs(60);
        let rendezvous = |expected| Rendezvous { expected, arrived: Mutex::new(0), changed: Condvar::new() };
        let both = rendezvous(2);
        let started = Instant::now();
        thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(|| both.join(limit)))));
        assert!(started.elapsed() < limit);

        let alone = rendezvous(2);
        let started = Instant::now();
        alone.join(Duration::from_millis(1));
        assert!(started.elapsed() >= Duration::from_millis(1));
    }

    #[test]
    fn work_is_known_while_it_lasts() {
        let work = Work::default();
        assert!(!work.is_going_on());
        work.requests.store(2, Ordering::Relaxed);
        let (time, started) = (Duration::from_millis(2), Instant::now());
        work.last_for(time);
        assert!(started.elapsed() >= time && work.is_going_on());
    }
}
