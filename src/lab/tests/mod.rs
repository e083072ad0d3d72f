//! What the lab proves, and whom it believes.

use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::time_limits::LIMIT;
use super::*;
use crate::vocabulary::{Fact, Observation, PEEK, Receive, Role, SendForm, SocketError, Syscall, sources, specified};

#[cfg(target_os = "linux")]
mod linux;

/// A lab where nothing is claimed, and the log of its notes.
pub(super) fn empty() -> (Lab, Arc<Log>) {
    with_claims(Vec::new())
}

fn with_claims(claims: Vec<Claim>) -> (Lab, Arc<Log>) {
    let log = Arc::new(Log::default());
    (Lab::new(claims.into(), Arc::new(Session::new(None)), Arc::clone(&log)), log)
}

/// A datagram that another program sends, and that has come.
fn comes_from(unrelated: &UdpSocket, payload: &[u8], server: &Endpoint) {
    server.queue(|| Ok(unrelated.send_to(payload, server.address()).unwrap())).unwrap();
}

fn notes(log: &Log) -> Vec<String> {
    log.take().1
}

// Observations.

fn close(observed: &[&str], ended: Option<&SceneError>) -> Result<Vec<Observation>, SceneError> {
    let (lab, _) =
        with_claims(vec![specified("a", "a", 1, &sources::RFC768), specified("b", "b", 2, &sources::RFC768)]);
    for id in observed {
        lab.observe(*id, 1);
    }
    lab.evidence().close(ended)
}

#[test]
fn each_claim_is_observed_exactly_once() {
    let defect = |text: &str| Err(SceneError::Defect(text.to_owned()));
    assert!(close(&["b", "a"], None).is_ok());
    assert_eq!(close(&["a"], None), defect("`b` was never observed"));
    assert_eq!(close(&["a", "b", "a"], None), defect("`a` was observed twice"));
    assert_eq!(close(&["a", "b", "c"], None), defect("`c` was observed and never claimed"));
}

#[test]
fn a_scene_that_ended_early_keeps_what_it_saw_and_skips_the_rest() {
    let ended = SceneError::Skip("the request was not received".to_owned());
    let seen = close(&["a"], Some(&ended)).unwrap();
    assert_eq!(seen, [Observation::Seen(1.into()), Observation::Skipped("the request was not received".into())]);
}

#[test]
fn a_call_that_fails_can_be_a_rows_answer() {
    let (lab, _) = with_claims(vec![specified("a", "a", 1, &sources::RFC768)]);
    let error =
        CallError::new("sendto", &std::io::Error::from_raw_os_error(SocketError::InvalidArgument.on(HERE).number));
    let ended = lab.attempt::<()>("a", Err(error.clone())).unwrap_err();
    assert_eq!(ended, SceneError::Skip(format!("sendto: {}", error.error)));
    assert_eq!(lab.evidence().close(Some(&ended)).unwrap(), [Observation::Seen(error.error.into())]);
}

#[test]
fn a_call_that_does_not_return_is_the_answer_to_the_row_it_was_made_for() {
    let (lab, _) =
        with_claims(vec![specified("a", "a", 1, &sources::RFC768), specified("b", "b", 1, &sources::RFC768)]);
    *lab.in_progress.lock().unwrap() = Some("a".to_owned());
    let hung = SceneError::Hung("a call has not returned".to_owned());
    let seen = lab.evidence().close(Some(&hung)).unwrap();
    assert_eq!(seen[0], Observation::Seen("a call that does not return".into()));
    assert_eq!(seen[1], Observation::Skipped("a call has not returned".into()));
    lab.while_it_may_hang("b", || ());
    assert_eq!(*lab.in_progress.lock().unwrap(), None);
}

#[test]
fn a_scene_that_makes_call_after_call_is_ended() {
    let mut session = Session::new(None);
    session.most_calls = 1000;
    let session = Arc::new(session);
    let log = session.begin(1, "endless", "endless");
    let lab = Lab::new(Vec::new().into(), Arc::clone(&session), Arc::clone(&log));
    let endless = move || -> Result<(), SceneError> {
        let server = lab.bind("server")?;
        loop {
            let _ = server.receive(Receive::into(0).without_waiting());
        }
    };
    let ended = watchdog::Watchdog::default().run(&session, endless).unwrap_err();
    let said =
        "1000 calls, and no end: no scene needs so many; the last one that did was `recvfrom` of server, in scene 1.";
    assert_eq!(ended, SceneError::Endless(said.to_owned()));
    assert_eq!(log.len(), 1000);
}

#[test]
fn a_claim_applies_where_the_system_has_such_a_thing() {
    let absent = specified("absent", "absent", 1, &sources::RFC768).absent_on(HERE, "no such thing");
    let (lab, _) = with_claims(vec![absent, specified("there", "there", 1, &sources::RFC768)]);
    assert_eq!((lab.applies("absent"), lab.applies("there"), lab.applies("unclaimed")), (false, true, true));
}

#[test]
fn every_call_is_progress() {
    let session = Arc::new(Session::new(None));
    let log = session.begin(3, "scene", "scene");
    assert_eq!(session.last_call(), "no call of this scene has returned");
    let lab = Lab::new(Arc::new([]), Arc::clone(&session), log);
    let (server, client) = (lab.bind("server").unwrap(), lab.endpoint("client").unwrap());
    assert_eq!(session.progress(), 1);
    client.send_to(b"hello", &server).unwrap();
    assert_eq!(session.progress(), 2);
    assert_eq!(session.last_call(), "the last one that did was `sendto` of client, in scene 3");
}

// Proofs that nothing more comes.

fn sends(client: &Endpoint, payloads: &[&[u8]], target: &impl Target) {
    for payload in payloads {
        assert_eq!(client.send_to(payload, target), Ok(payload.len()));
    }
}

fn received(endpoint: &Endpoint) -> Vec<Vec<u8>> {
    let all = endpoint.receive_until_marker(100).unwrap();
    assert_eq!(all.end, ReceiveResult::Nothing);
    all.iter().map(|result| result.bytes().to_vec()).collect()
}

#[test]
fn everything_is_received_from_every_sender_and_then_nothing() {
    let (lab, _) = empty();
    let server = lab.bind("server").unwrap();
    let clients = lab.endpoints("client", 5).unwrap();
    // Bytes that look like end markers.
    let payloads: [&[u8]; 4] = [b"\xff", b"", b"\xfe", b"\xc0"];
    clients.iter().for_each(|client| sends(client, &payloads, &server));
    assert_eq!(received(&server).len(), 20);
    assert!(received(&server).is_empty());
    assert!(clients.iter().all(|client| received(client).is_empty()));
}

#[test]
fn into_a_buffer_of_no_bytes_a_marker_is_told_from_a_datagram() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.endpoint("client").unwrap());
    sends(&client, &[b"", b"\xff\xff", b"x"], &server);
    let all = server.receive_until_marker(0).unwrap();
    assert_eq!((all.count(), &all.end), (3, &ReceiveResult::Nothing));
}

#[test]
fn a_peek_leaves_the_datagram_whichever_call_makes_it() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.endpoint("client").unwrap());
    sends(&client, &[b"hello"], &server);
    for peek in [Receive::into(100), Receive::message(&[2, 98]), Receive::recv(100)] {
        assert_eq!(server.receive(peek.flags(PEEK)).bytes(), b"hello");
    }
    assert_eq!(received(&server), [b"hello"]);
}

#[test]
fn what_a_socket_that_is_closed_has_sent_is_waited_for() {
    let (lab, log) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.endpoint("client").unwrap());
    sends(&client, &[b"bye"], &server);
    client.close();
    assert_eq!(received(&server), [b"bye"]);
    assert!(received(&server).is_empty());
    // Linux may deliver what a connected socket sends on another CPU, before what was sent unconnected.
    let markers: Vec<_> = log.since(0).into_iter().filter(|event| event.role == Role::EndMarker).collect();
    let forms = markers.iter().filter_map(|event| match event.call() {
        Some((Syscall::Send { form, .. }, _)) => Some(form),
        _ => None,
    });
    let unconnected: Vec<_> = forms.map(|form| matches!(form, SendForm::To(_))).collect();
    assert_eq!(unconnected, [true, true]);
}

#[test]
fn an_endpoint_of_ipv6_can_prove_it_too() {
    let (lab, _) = empty();
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let Ok(server) = lab.bind_to("server", address) else {
        assert!(std::net::UdpSocket::bind(address).is_err(), "there is IPv6 here");
        return;
    };
    let client = lab.bind_to("client", address).unwrap();
    sends(&client, &[b"six"], &server);
    assert_eq!(received(&server), [b"six"]);
    assert!(received(&server).is_empty() && received(&client).is_empty());
}

// Unrelated senders.

#[test]
fn an_unrelated_sender_at_the_port_number_of_a_tcp_stream_is_unrelated() {
    let (lab, log) = empty();
    let server = lab.bind("server").unwrap();
    let listener = lab.tcp_listener("server").unwrap();
    // Where another program has the port of UDP, a second stream has another number.
    let streams: Vec<Stream> = (0..100)
        .map(|_| {
            let stream = lab.tcp_socket("client").unwrap();
            stream.connect(&listener).unwrap();
            stream
        })
        .collect();
    let unrelated = streams.iter().find_map(|stream| UdpSocket::bind(stream.local()?).ok());
    comes_from(&unrelated.expect("some port is free"), b"hello", &server);
    assert_eq!(server.before_marker(100).unwrap(), ReceiveResult::Nothing);
    assert_eq!(notes(&log), ["a datagram from another program on this machine was set aside"]);
}

#[test]
fn who_takes_over_a_port_that_was_closed_is_unrelated() {
    let (lab, log) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    let address = client.address();
    client.close();
    // Where another program was given the port in between, that one is unrelated, and there is nothing to show.
    if let Ok(unrelated) = UdpSocket::bind(address) {
        comes_from(&unrelated, b"hello", &server);
        assert_eq!(server.before_marker(100).unwrap(), ReceiveResult::Nothing);
        assert_eq!(notes(&log).len(), 1);
    }
}

#[test]
fn what_came_before_a_socket_was_connected_is_not_its_peers() {
    let (lab, log) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    let unrelated = UdpSocket::bind(sockets::ANY_PORT).unwrap();
    // The last one guesses what the first end marker will be.
    for payload in [&b"hello"[..], b"", &[0xff]] {
        comes_from(&unrelated, payload, &server);
    }
    server.connect(&client).unwrap();
    // Refused: the server takes only what its peer sends.
    let _ = unrelated.send_to(b"hello", server.address());
    client.send_to(b"mine", &server).unwrap();
    assert_eq!(received(&server), [b"mine"]);
    assert_eq!(notes(&log).len(), 1);

    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    comes_from(&unrelated, b"hello", &server);
    server.connect(&client).unwrap();
    client.send_to(b"mine", &server).unwrap();
    assert_eq!(server.receive(Receive::recv(100)).bytes(), b"mine");
}

#[test]
fn an_unrelated_program_that_connects_first_is_not_taken_for_the_client() {
    let (lab, log) = empty();
    let listener = lab.tcp_listener("server").unwrap();
    let _unrelated = std::net::TcpStream::connect(listener.address()).unwrap();
    let client = lab.tcp_socket("client").unwrap();
    client.connect(&listener).unwrap();
    client.write(b"hello").unwrap();
    let server = listener.accept().unwrap();
    server.wait_for(5);
    assert_eq!(server.read(100), Fact::from(&b"hello"[..]));
    assert_eq!(notes(&log), ["a connection from another program on this machine was set aside"]);
}

// On Windows `accept` knows no time limit (SO_RCVTIMEO), and waits for ever: the watchdog ends it.
#[cfg(unix)]
#[test]
fn a_connection_that_does_not_come_is_no_answer_of_accept() {
    let (lab, _) = empty();
    lab.context.session.time_limits.shorten_after_timeout();
    let listener = lab.tcp_listener("server").unwrap();
    let missing = SceneError::Skip("accept: no connection came within 2.5s".to_owned());
    assert_eq!(listener.accept().map(drop), Err(missing));
}

// Receive buffers.

#[test]
fn a_receive_buffer_holds_payloads_twice_and_the_marker() {
    assert_eq!(receive_buffer_for([]), 1026);
    assert_eq!(receive_buffer_for([100, 0]), 3 * 1024 + 200 + 2);
}

// Streams.

#[test]
fn a_stream_is_waited_for_until_all_has_come_or_its_end() {
    let (lab, _) = empty();
    let (client, server) = lab.tcp_pair("client", "server").unwrap();
    client.write(b"one").unwrap();
    let (done, read) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            server.wait_for(6);
            done.send(server.read(100)).unwrap();
        });
        assert!(read.recv_timeout(Duration::from_millis(20)).is_err(), "it waits for the rest");
        client.write(b"two").unwrap();
        assert_eq!(read.recv().unwrap(), Fact::from(&b"onetwo"[..]));
    });
    client.finish().unwrap();
    let started = Instant::now();
    server.wait_for(1);
    assert!(started.elapsed() < LIMIT);
    assert_eq!(server.read(1), Fact::from(tcp::END_OF_FILE));
}

#[test]
fn a_stream_that_stays_silent_is_waited_for_up_to_the_limit() {
    let (lab, _) = empty();
    let (client, server) = lab.tcp_pair("client", "server").unwrap();
    client.write(b"o").unwrap();
    let started = Instant::now();
    server.wait_for(2);
    assert!(has_lasted(started.elapsed(), LIMIT));
    assert_eq!((server.peek(9), server.read(9)), (Fact::from(&b"o"[..]), Fact::from(&b"o"[..])));
    let nothing = "read the TCP stream of server: neither bytes nor its end nor an error in 2.5 s";
    assert_eq!(server.read(9), Fact::Nothing.unproved(nothing));
    assert_eq!(lab.tcp_socket("client").unwrap().read(9), SocketError::NotConnected.on(HERE).into());
}

// Ports.
