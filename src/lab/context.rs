//! What the sockets of one scene share.

use std::sync::{Arc, OnceLock};

use super::directory::Directory;
use super::log::Log;
use super::marker::Markers;
use super::session::Session;
use crate::vocabulary::Protocol;

/// One scene's log, its directory of addresses, its end markers.
#[derive(Debug)]
pub(super) struct SceneContext {
    pub(super) session: Arc<Session>,
    pub(super) log: Arc<Log>,
    pub(super) directory: Directory,
    pub(super) markers: Markers,
    /// Why a difference would be no evidence.
    pub(super) inconclusive: OnceLock<String>,
}

impl SceneContext {
    pub(super) fn new(session: Arc<Session>, log: Arc<Log>) -> Self {
        let (directory, markers) = (Directory::default(), Markers::default());
        SceneContext { session, log, directory, markers, inconclusive: OnceLock::new() }
    }

    /// Goes no further once the scene has made all the calls that it may make: the watchdog gives it up. The caller has
    /// no error to return for it, since no call has failed.
    pub(super) fn stop_where_calls_do_not_end(&self) {
        while self.log.len() >= self.session.most_calls {
            self.session.calls_do_not_end();
            std::thread::park();
        }
    }

    /// Makes `calls` without announcing them, whoever observes: to wait between them would change what is shown.
    pub(super) fn at_once<T>(&self, calls: impl FnOnce() -> T) -> T {
        self.session.announcer.silence(&self.log);
        let result = calls();
        self.session.announcer.resume();
        result
    }

    pub(super) fn note_unrelated_sender(&self, protocol: Protocol) {
        let what = match protocol {
            Protocol::Udp => "datagram",
            Protocol::Tcp => "connection",
        };
        self.log.note(format!("a {what} from another program on this machine was set aside"));
    }
}
