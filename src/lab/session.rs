//! What the scenes of one run of a lesson share: its clock, its observer, and how long it waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::lock::lock;
use super::log::Log;
use super::observer::{Announcer, Observer};
use super::recheck::recheck;
use super::time_limits::TimeLimits;
use super::workers::Work;

/// Most calls of one scene, so that it ends, and in bounded memory, whatever a system says of its buffers. A lesson's
/// most demanding parameters take two thirds of them.
const MOST_CALLS: usize = 300_000;

/// One run of a lesson.
#[derive(Debug)]
pub struct Session {
    started: Instant,
    began: SystemTime,
    /// Most calls of one scene.
    pub(super) most_calls: usize,
    pub(super) announcer: Announcer,
    pub(super) time_limits: TimeLimits,
    /// The servers' work on requests.
    pub(super) work: Work,
    returned: AtomicUsize,
    /// The calls that have begun and not returned: who makes it, and its name; and what prepares something, which is no
    /// call.
    in_progress: Mutex<Vec<(String, Option<&'static str>)>>,
    endless: AtomicBool,
    /// The number and the log of the scene that runs.
    scene: Mutex<Option<(usize, Arc<Log>)>>,
}

impl Session {
    /// Begins a run; an `observer` is told of each call before it is made.
    pub(crate) fn new(observer: Option<Arc<dyn Observer>>) -> Self {
        Session {
            started: Instant::now(),
            began: SystemTime::now(),
            most_calls: MOST_CALLS,
            announcer: Announcer::new(observer),
            time_limits: TimeLimits::default(),
            work: Work::default(),
            returned: AtomicUsize::new(0),
            in_progress: Mutex::default(),
            endless: AtomicBool::new(false),
            scene: Mutex::default(),
        }
    }

    /// When the run began.
    pub(crate) fn began(&self) -> SystemTime {
        self.began
    }

    /// Begins the scene with this number, id and title: its log.
    pub(crate) fn begin(&self, number: usize, id: &str, title: &str) -> Arc<Log> {
        let log = Arc::new(Log::default());
        self.endless.store(false, Ordering::Relaxed);
        // Those of a scene that was given up are not this one's.
        lock(&self.in_progress).clear();
        *lock(&self.scene) = Some((number, Arc::clone(&log)));
        self.announcer.scene(id, title);
        log
    }

    /// The scene with this log is over.
    pub(crate) fn over(&self, log: &Log) {
        self.announcer.over(log);
    }

    /// The time since the run began, without that which the observer took.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed().saturating_sub(self.announcer.paused())
    }

    /// Makes a call of `who`, which is known as long as it has not returned.
    pub(super) fn while_in_progress<T>(&self, who: &str, call: &'static str, make: impl FnOnce() -> T) -> T {
        self.while_it_lasts(who, Some(call), make)
    }

    fn while_it_lasts<T>(&self, what: &str, call: Option<&'static str>, make: impl FnOnce() -> T) -> T {
        self.register(what, call);
        let made = make();
        self.unregister(what, call);
        made
    }

    fn register(&self, what: &str, call: Option<&'static str>) {
        lock(&self.in_progress).push((what.to_owned(), call));
    }

    fn unregister(&self, what: &str, call: Option<&'static str>) {
        let mut in_progress = lock(&self.in_progress);
        if let Some(place) = in_progress.iter().position(|(other, made)| other == what && *made == call) {
            in_progress.swap_remove(place);
        }
    }

    /// A call has returned.
    pub(super) fn count_call(&self) {
        self.returned.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for what no call waits for; `None` where it did not come within the limit. That is no call that hangs.
    pub(super) fn wait<T>(&self, check: impl FnMut() -> Option<T>) -> Option<T> {
        let found = self.time_limits.within(|limit| recheck(limit, check));
        self.count_call();
        found
    }

    /// Takes a step that prepares something: `what` does, in words. It may take its time where much else runs: it
    /// counts as a call that returns, and shows how slow the machine is.
    pub(super) fn prepare<T>(&self, what: &str, step: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let prepared = self.while_it_lasts(what, None, step);
        self.prepared(began);
        prepared
    }

    fn prepared(&self, began: Instant) {
        self.time_limits.arrived_after(began.elapsed());
        self.count_call();
    }

    /// The scene that runs has made all calls that it may make, and goes no further.
    pub(super) fn calls_do_not_end(&self) {
        self.endless.store(true, Ordering::Relaxed);
    }

    /// Whether the scene that runs has made all calls that it may make.
    pub(super) fn is_endless(&self) -> bool {
        self.endless.load(Ordering::Relaxed)
    }

    /// Grows with every call that returns.
    pub(super) fn progress(&self) -> usize {
        self.returned.load(Ordering::Relaxed)
    }

    /// What has not returned, in words: `` `connect` of client ``, where one call is in progress.
    pub(super) fn standing_still(&self) -> String {
        match lock(&self.in_progress).as_slice() {
            [(who, Some(call))] => format!("`{call}` of {who}"),
            [(what, None)] => what.clone(),
            _ => "a call".to_owned(),
        }
    }

    /// The last call that returned, in words.
    pub(super) fn last_call(&self) -> String {
        let scene = lock(&self.scene);
        let last = scene.as_ref().and_then(|(number, log)| Some((number, log.last()?)));
        match last.as_ref().and_then(|(number, event)| Some((number, event, event.call()?.0))) {
            Some((number, event, call)) => {
                format!("the last one that did was `{}` of {}, in scene {number}", call.name(), event.who)
            }
            None => "no call of this scene has returned".to_owned(),
        }
    }
}
