//! Somebody who is told of each call before it is made, and lets it wait.

use std::fmt;
use std::net::SocketAddr;

use super::Event;

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
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

// Not every system has every call.
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::{Call, Lab, Log, Trouble};
    use super::*;

    /// Writes down what it is told.
    #[derive(Default)]
    struct Recorder {
        told: Mutex<Vec<String>>,
        calls: Mutex<Vec<String>>,
    }

    impl Recorder {
        fn told(&self, line: String) {
            self.told.lock().unwrap().push(line);
        }
    }

    impl Watcher for Recorder {
        fn scene(&self, title: &str) {
            self.told(format!("scene {title}"));
        }

        fn opened(&self, name: &str) {
            self.told(format!("{name} opened"));
        }

        fn ahead(&self, call: &Ahead<'_>, _: &[Event]) {
            self.calls.lock().unwrap().push(format!("{call:?}"));
        }

        fn unstoppable(&self, made: &[Event]) {
            self.told(format!("unstoppable after {}", made.len()));
        }

        fn over(&self, made: &[Event]) {
            self.told(format!("over after {}", made.len()));
        }
    }

    /// Every call that an endpoint or a stream can make; the last two are not announced.
    fn call_everything(lab: &Lab<'_>) -> Result<(), Trouble> {
        let (server, client) = (lab.bind("server")?, lab.endpoint("client")?);
        let nobody_home = lab.reserve("nobody home")?;
        assert!(client.send(b"lost").is_err());
        client.send_to(b"unheard", &nobody_home)?;
        client.send_to(b"one", &server)?;
        client.send_gathered(&[b"t", b"wo"], &server)?;
        client.connect(&server)?;
        for payload in [&b"three"[..], b"four", b"five", b"six", b"seven"] {
            client.send(payload)?;
        }
        server.peek(3);
        server.receive(3);
        server.receive_scattered(&[1, 9]);
        server.recv(5);
        server.receive_now(4)?;
        server.receive_waiting_for_all(4);
        server.peek_real_length(1);
        server.real_length(1);
        server.receive_until_fence(9)?;
        assert!(server.listen().is_err() && server.accept().is_err());
        client.close();
        tcp(lab)?;
        Ok(())
    }

    fn tcp(lab: &Lab<'_>) -> Call<()> {
        let listener = lab.tcp_listener("listener")?;
        let client = lab.tcp_connect("visitor", &listener)?;
        let server = listener.accept()?;
        client.write(b"hello")?;
        client.finish()?;
        server.wait_for(5);
        server.peek(9);
        server.read(9);
        client.close();
        // Refused or not: the system may still know the connection.
        let _ = listener.close_and_bind_again();
        Ok(())
    }

    #[test]
    fn what_is_announced_is_what_is_logged() {
        let recorder = Arc::new(Recorder::default());
        let log = Arc::new(Log::new(Some(Arc::clone(&recorder) as Arc<dyn Watcher>)));
        log.scene("everything");
        call_everything(&Lab::new(1, &[], Arc::clone(&log))).unwrap();
        log.scene_is_over();

        let (events, _) = log.close();
        let logged: Vec<String> = events.iter().map(|event| format!("{:?}", Ahead::before(event))).collect();
        let announced = logged.len() - 2;
        assert_eq!(*recorder.calls.lock().unwrap(), logged[..announced]);

        let flow = |event: &Event| match &event.with {
            Some(other) => format!("{} {} {other}", event.who, event.call),
            None => format!("{} {}", event.who, event.call),
        };
        assert_eq!(
            events.iter().map(flow).collect::<Vec<_>>(),
            [
                "server bind",
                "client send nobody",
                "client send_to nobody home",
                "client send_to server",
                "client sendmsg server",
                "client connect server",
                "client send server",
                "client send server",
                "client send server",
                "client send server",
                "client send server",
                "server peek_from client",
                "server recv_from client",
                "server recvmsg client",
                "server peek_from client",
                "server recv client",
                "server recv_from client",
                "server recv_from WAITALL client",
                "server peek_from TRUNC client",
                "server recv_from TRUNC client",
                "fence send_to server",
                "server recv_from client",
                "server recv_from fence",
                "server listen",
                "server accept",
                "client close",
                "listener listen",
                "visitor connect listener",
                "listener accept visitor",
                "visitor write listener",
                "visitor shutdown listener",
                "listener peek visitor",
                "listener read visitor",
                "visitor close listener",
                "listener close",
                "listener bind",
            ]
        );
        let opened = ["server", "client", "listener", "visitor"].map(|name| format!("{name} opened"));
        let ends = [format!("unstoppable after {announced}"), format!("over after {}", events.len())];
        let told = ["scene everything".to_owned()].into_iter().chain(opened).chain(ends);
        assert_eq!(*recorder.told.lock().unwrap(), told.collect::<Vec<_>>());

        let (sent, received) = (&events[4], &events[13]);
        assert_eq!((&sent.details.parts[..], &received.details.parts[..]), (&[1, 2][..], &[1, 9][..]));
        assert!(events.iter().all(|event| event.tcp == ["listener", "visitor"].contains(&event.who.as_str())));
        let backlogs = events.iter().filter_map(|event| event.details.backlog);
        assert_eq!(backlogs.collect::<Vec<_>>(), [1, 128]);
        assert_eq!(events[0].details.asked, Some(super::super::socket::ANY_PORT));
        let (closed, again) = (&events[announced], &events[announced + 1]);
        assert_eq!((again.details.asked, again.local), (closed.local, closed.local));
        let (raised, heard) = (&events[20], &events[22]);
        assert!(raised.local.is_some() && raised.local == heard.remote, "{raised:?} {heard:?}");
    }
}
