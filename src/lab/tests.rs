//! What the lab proves, and whom it believes.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::kernel::option::{PACKET_INFO, RECEIVE_BUFFER, REUSE_PORT};
use crate::vocabulary::{Os, Receive, SocketError, promised, sources};

/// A lab where nothing is claimed, and the log of its notes.
pub(super) fn empty() -> (Lab, Arc<Log>) {
    with_claims(Vec::new())
}

fn with_claims(claims: Vec<Claim>) -> (Lab, Arc<Log>) {
    let log = Arc::new(Log::default());
    (Lab::new(claims.into(), Arc::new(Session::new(None)), Arc::clone(&log)), log)
}

fn notes(log: &Log) -> Vec<String> {
    log.take().1
}

// Observations.

fn close(observed: &[&str], ended: Option<&SceneError>) -> Result<Vec<Observation>, SceneError> {
    let (lab, _) = with_claims(vec![promised("a", "a", 1, &sources::RFC768), promised("b", "b", 2, &sources::RFC768)]);
    for id in observed {
        lab.observe(*id, 1);
    }
    lab.record().close(ended)
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
    assert_eq!(seen, [Observation::Seen(1.into()), Observation::Skipped("the request was not received".to_owned())]);
}

#[test]
fn a_call_that_fails_can_be_a_rows_answer() {
    let (lab, _) = with_claims(vec![promised("a", "a", 1, &sources::RFC768)]);
    let error =
        CallError::new("sendto", &std::io::Error::from_raw_os_error(SocketError::InvalidArgument.on(HERE).number));
    let ended = lab.attempt::<()>("a", Err(error.clone())).unwrap_err();
    assert_eq!(ended, SceneError::Skip(format!("sendto: {}", error.error)));
    assert_eq!(lab.record().close(Some(&ended)).unwrap(), [Observation::Seen(error.error.into())]);
}

#[test]
fn a_call_that_does_not_return_is_the_answer_to_the_row_it_was_made_for() {
    let (lab, _) = with_claims(vec![promised("a", "a", 1, &sources::RFC768), promised("b", "b", 1, &sources::RFC768)]);
    *lab.in_progress.lock().unwrap() = Some("a".to_owned());
    let hung = SceneError::Hung("a call has not returned".to_owned());
    let seen = lab.record().close(Some(&hung)).unwrap();
    assert_eq!(seen[0], Observation::Seen("a call that does not return".into()));
    assert_eq!(seen[1], Observation::Skipped("a call has not returned".to_owned()));
    lab.while_it_may_hang("b", || ());
    assert_eq!(*lab.in_progress.lock().unwrap(), None);
}

#[test]
fn a_claim_applies_where_the_system_has_such_a_thing() {
    let absent = promised("absent", "absent", 1, &sources::RFC768).absent_on(HERE, "no such thing");
    let (lab, _) = with_claims(vec![absent, promised("there", "there", 1, &sources::RFC768)]);
    assert_eq!((lab.applies("absent"), lab.applies("there"), lab.applies("unclaimed")), (false, true, true));
}

#[test]
fn every_call_is_progress() {
    let session = Arc::new(Session::new(None));
    let log = session.begin(3, "scene");
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
fn what_a_socket_that_is_closed_has_sent_is_waited_for() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.endpoint("client").unwrap());
    sends(&client, &[b"bye"], &server);
    client.close();
    assert_eq!(received(&server), [b"bye"]);
    assert!(received(&server).is_empty());
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

#[cfg(target_os = "linux")]
#[test]
fn a_socket_on_every_address_can_prove_it_at_each() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind_everywhere("server").unwrap(), lab.bind("client").unwrap());
    let second = server.at(Ipv4Addr::new(127, 0, 0, 2));
    sends(&client, &[b"one"], &server);
    sends(&client, &[b"two"], &second);
    let mut both = received(&server);
    both.sort();
    assert_eq!(both, [b"one", b"two"]);
    assert!(received(&server).is_empty() && received(&client).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_connected_socket_does_not_take_is_proved_by_its_refusal() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind_everywhere("server").unwrap(), lab.endpoint("client").unwrap());
    client.connect(&server.at(Ipv4Addr::new(127, 0, 0, 2))).unwrap();
    client.send(b"hello").unwrap();
    let request = server.receive(100).required("the request").unwrap();
    server.send_to(b"Thanks", &request.from.unwrap()).unwrap();
    let started = Instant::now();
    assert_eq!(client.before_marker(100).unwrap(), ReceiveResult::Nothing);
    assert!(started.elapsed() < socket::LIMIT / 2);
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_sent_to_nobody_has_been_answered() {
    let (lab, log) = empty();
    let (nobody, client) = (lab.closed_port("nobody").unwrap(), lab.bind("client").unwrap());
    sends(&client, &[b"hello"], &nobody);
    client.await_refusals().unwrap();
    assert_eq!(client.before_marker(100).unwrap(), ReceiveResult::Nothing);
    let server = lab.bind_at("server", &nobody).unwrap();
    sends(&client, &[b"later"], &nobody);
    assert_eq!(received(&server), [b"later"]);
    assert!(notes(&log).is_empty());
}

/// Of sockets that share a port, the system gives all datagrams of one sender to the same one.
#[cfg(target_os = "linux")]
#[test]
fn each_member_of_a_group_that_shares_a_port_proves_absence_at_once() {
    for _ in 0..40 {
        let (lab, _) = empty();
        let members = lab.endpoints("server", 2).unwrap();
        members.iter().for_each(|member| member.set(&REUSE_PORT, true).unwrap());
        members[0].bind(socket::ANY_PORT).unwrap();
        members[1].bind(members[0].address()).unwrap();
        let clients = lab.endpoints("client", 4).unwrap();
        clients.iter().for_each(|client| sends(client, &[b"hello"], &members[0]));
        let prove = |member: &Endpoint| {
            let started = Instant::now();
            let all = received(member);
            assert!(started.elapsed() < Duration::from_millis(100), "{:?}", started.elapsed());
            all.len()
        };
        assert_eq!(members.iter().map(prove).sum::<usize>(), 4);
        assert_eq!(members.iter().map(prove).sum::<usize>(), 0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn members_of_a_multicast_group_prove_absence() {
    let (lab, _) = empty();
    let group = Ipv4Addr::new(239, 255, 7, 7);
    let member = lab.bind_everywhere("member").unwrap();
    member.join(group).unwrap();
    let sender = lab.bind("sender").unwrap();
    sender.socket.socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let everybody = Peer { name: "group".to_owned(), address: SocketAddr::from((group, member.address().port())) };
    sends(&sender, &[b"one", b"two"], &everybody);
    assert_eq!(received(&member), [b"one", b"two"]);
    assert!(received(&member).is_empty());
}

/// Whoever is root of a user namespace may make network namespaces in it.
#[cfg(target_os = "linux")]
#[test]
fn hosts_with_a_cable_between_them_prove_absence() {
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["--map-root-user", "--net"]);
    let inner = ["--exact", "lab::tests::two_hosts_prove_absence_to_each_other", "--ignored", "--nocapture"];
    match unshare.arg(std::env::current_exe().unwrap()).args(inner).output() {
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("running 1 test") => {
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success() && out.contains("1 passed"), "{out}{err}");
        }
        _ => {
            let everything = std::env::var_os("UDP_LAB_TESTS").is_some_and(|wanted| wanted == "all");
            assert!(!everything, "not here: a network namespace");
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                b"NOT TESTED: this is not here: a network namespace, for two hosts\n",
            );
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "makes network namespaces: only in a user namespace of its own"]
fn two_hosts_prove_absence_to_each_other() {
    let (lab, log) = empty();
    let [here, there] = lab.hosts("a", "b").unwrap();
    let (client, server) = (here.bind("client").unwrap(), there.bind("server").unwrap());
    assert_eq!((client.address().ip(), server.address().ip()), ([192, 0, 2, 1].into(), [192, 0, 2, 2].into()));
    sends(&client, &[b"one", b"two"], &server);
    assert_eq!(received(&server), [b"one", b"two"]);
    assert!(received(&server).is_empty() && received(&client).is_empty());
    let (events, notes) = log.take();
    assert!(notes.is_empty() && events.iter().any(|event| event.who == "server on b"));
}

#[cfg(target_os = "linux")]
#[test]
fn ancillary_data_tells_which_address_was_asked() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind_everywhere("server").unwrap(), lab.endpoint("client").unwrap());
    server.set(&PACKET_INFO, true).unwrap();
    let second = Ipv4Addr::new(127, 0, 0, 2);
    sends(&client, &[b"hello"], &server.at(second));
    let received = server.receive(Receive::message(&[2, 10])).required("the request").unwrap();
    assert_eq!((received.ancillary.destination, received.ancillary.interface), (Some(second.into()), Some(1)));
    assert_eq!((received.bytes.as_slice(), received.truncated), (&b"hello"[..], false));
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
    unrelated.expect("some port is free").send_to(b"hello", server.address()).unwrap();
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
        unrelated.send_to(b"hello", server.address()).unwrap();
        assert_eq!(server.before_marker(100).unwrap(), ReceiveResult::Nothing);
        assert_eq!(notes(&log).len(), 1);
    }
}

#[test]
fn what_came_before_a_socket_was_connected_is_not_its_peers() {
    let (lab, log) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    let unrelated = UdpSocket::bind(socket::ANY_PORT).unwrap();
    // The last one guesses what the first end marker will be.
    for payload in [&b"hello"[..], b"", &[0xff]] {
        unrelated.send_to(payload, server.address()).unwrap();
    }
    server.connect(&client).unwrap();
    // Refused: the server takes only what its peer sends.
    let _ = unrelated.send_to(b"hello", server.address());
    client.send_to(b"mine", &server).unwrap();
    assert_eq!(received(&server), [b"mine"]);
    assert_eq!(notes(&log).len(), 1);

    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    unrelated.send_to(b"hello", server.address()).unwrap();
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

#[test]
fn a_connection_that_does_not_come_is_no_answer_of_accept() {
    let (lab, _) = empty();
    lab.context.session.patience.wait_was_in_vain();
    let listener = lab.tcp_listener("server").unwrap();
    let missing = SceneError::Skip("accept: no connection came within 2 s".to_owned());
    assert_eq!(listener.accept().map(drop), Err(missing));
}

// Receive buffers.

#[test]
fn a_buffer_has_room_for_payloads_twice_and_for_the_marker() {
    assert_eq!(room_for([]), 1026);
    assert_eq!(room_for([100, 0]), 3 * 1024 + 200 + 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_queue_that_unrelated_senders_have_filled_is_no_evidence() {
    let inconclusive = |datagrams: usize| {
        let (lab, _) = empty();
        let server = lab.bind("server").unwrap();
        let unrelated = UdpSocket::bind(socket::ANY_PORT).unwrap();
        for _ in 0..datagrams {
            unrelated.send_to(b"hello", server.address()).unwrap();
        }
        assert_eq!(server.receive(Receive::into(100).without_waiting()), ReceiveResult::Nothing);
        drop(server);
        lab.record().inconclusive()
    };
    let unrelated = "another program's datagrams filled a queue here, so the lesson's own may be lost";
    assert_eq!(inconclusive(1), None);
    assert_eq!(inconclusive(5000).as_deref(), Some(unrelated));
}

#[cfg(target_os = "linux")]
#[test]
fn a_queue_that_was_too_small_is_no_evidence_unless_the_lesson_made_it_so() {
    let inconclusive = |datagrams: usize, meant: bool| {
        let (lab, _) = empty();
        let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
        if meant {
            server.set(&RECEIVE_BUFFER, 4096).unwrap();
            assert!(server.get(&RECEIVE_BUFFER).unwrap() >= 4096);
        }
        for _ in 0..datagrams {
            client.send_to(b"hello", &server).unwrap();
        }
        server.drain(100, datagrams).unwrap();
        drop(server);
        lab.record().inconclusive()
    };
    let small = "the queue of server ran full: net.core.rmem_max limits the receive buffer here";
    assert_eq!(inconclusive(1, false), None);
    assert_eq!(inconclusive(5000, false).as_deref(), Some(small));
    assert_eq!(inconclusive(5000, true), None);
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
    assert!(started.elapsed() < socket::LIMIT);
    assert_eq!(server.read(1), Fact::from(tcp::END_OF_FILE));
}

#[test]
fn a_stream_that_stays_silent_is_waited_for_up_to_the_limit() {
    let (lab, _) = empty();
    let (client, server) = lab.tcp_pair("client", "server").unwrap();
    client.write(b"o").unwrap();
    let started = Instant::now();
    server.wait_for(2);
    assert!(started.elapsed() >= socket::LIMIT);
    assert_eq!((server.peek(9), server.read(9)), (Fact::from(&b"o"[..]), Fact::from(&b"o"[..])));
    assert_eq!(server.read(9), Fact::Nothing);
    assert_eq!(lab.tcp_socket("client").unwrap().read(9), SocketError::NotConnected.on(HERE).into());
}

// Ports.

// Elsewhere two sockets share a port in other ways, or the system does not tell who has it.
#[cfg(target_os = "linux")]
#[test]
fn a_port_that_another_holds_as_well_is_not_bound_again() {
    let (lab, _) = empty();
    let server = lab.bind("server").unwrap();
    server.socket.socket.set_reuse_address(true).unwrap();
    let other = socket::udp(server.address()).unwrap();
    other.set_reuse_address(true).unwrap();
    socket::bind(&other, server.address()).unwrap();
    let in_use = SocketError::AddressInUse.on(Os::Linux);
    let reason = format!("bind {}: {in_use}; another socket has the port by now", server.address());
    assert_eq!(server.close_and_bind_again(), Err(SceneError::Skip(reason)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_port_cannot_be_taken_but_by_the_lesson() {
    let (lab, _) = empty();
    let port = lab.closed_port("server").unwrap();
    let other = socket::udp(port.address()).unwrap();
    other.set_reuse_address(true).unwrap();
    assert!(socket::bind(&other, port.address()).is_err());
    let server = lab.bind_at("server", &port).unwrap();
    assert!(socket::bind(&other, port.address()).is_err());
    drop(server);
    assert!(lab.bind_at("server", &port).is_ok());
}
