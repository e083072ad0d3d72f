//! Somebody who is told of each call before it is made, and lets it wait.

use std::fmt;
use std::net::SocketAddr;

use super::Event;

/// A call that is about to be made.
#[derive(Clone, Copy)]
pub struct Ahead<'a> {
    /// The endpoint that makes it.
    pub who: &'a str,
    /// The call.
    pub call: &'static str,
    /// Whether the socket is one of TCP.
    pub tcp: bool,
    /// The endpoint that it is for, where it names one.
    pub with: Option<&'a str>,
    /// What it sends.
    pub payload: Option<&'a [u8]>,
    /// How many buffers that is gathered from, where it is gathered.
    pub parts: usize,
    /// The bytes that it offers room for.
    pub buffer: Option<usize>,
    /// The address that it asks for.
    pub asked: Option<SocketAddr>,
}

impl<'a> Ahead<'a> {
    pub(super) fn of(who: &'a str, call: &'static str) -> Self {
        Ahead { who, call, tcp: false, with: None, payload: None, parts: 0, buffer: None, asked: None }
    }

    pub(super) fn to(self, name: &'a str) -> Self {
        Ahead { with: Some(name), ..self }
    }

    pub(super) fn payload(self, bytes: &'a [u8]) -> Self {
        Ahead { payload: Some(bytes), ..self }
    }

    pub(super) fn buffer(self, bytes: usize) -> Self {
        Ahead { buffer: Some(bytes), ..self }
    }

    /// The call of `event` as it was before it was made: whom a receive would hear was not known.
    pub fn before(event: &'a Event) -> Self {
        let sends = event.call.starts_with("send") || event.call == "write";
        Ahead {
            who: &event.who,
            call: event.call,
            tcp: event.tcp,
            with: event.with.as_deref().filter(|_| sends || event.call == "connect"),
            payload: event.payload.as_deref().filter(|_| sends),
            parts: if sends { event.details.parts.len() } else { 0 },
            buffer: event.buffer,
            asked: event.details.asked,
        }
    }
}

/// Watches a lesson while it runs. Its clock stands still as long as one of these takes.
pub trait Watcher: Send + Sync {
    /// A scene begins.
    fn scene(&self, title: &str);
    /// The scene has an endpoint of this name.
    fn opened(&self, name: &str);
    /// This call is made as soon as this returns; `made` are the scene's calls so far.
    fn ahead(&self, call: &Ahead<'_>, made: &[Event]);
    /// The calls that follow are made without being announced, for a while: to wait before one of them would change
    /// what the scene shows.
    fn unstoppable(&self, made: &[Event]);
    /// The scene is over.
    fn over(&self, made: &[Event]);
}

impl fmt::Debug for dyn Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
