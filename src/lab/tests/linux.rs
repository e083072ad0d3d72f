//! What only Linux has, or shows.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::super::time_limits::LIMIT;
use super::super::*;
use super::{comes_from, empty, notes, received, sends};
use crate::kernel::option::{PACKET_INFO, RECEIVE_BUFFER, REUSE_ADDRESS, REUSE_PORT};
use crate::vocabulary::{Os, Peer, Receive, SocketError, Trigger};

/// Joins a multicast group on the loopback interface.
fn join(member: &Endpoint, group: Ipv4Addr) {
    member.socket.socket.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
    member.context().directory.joined(member.socket.id().unwrap(), group.into());
}

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
    assert!(started.elapsed() < LIMIT / 2);
}

#[test]
fn what_is_queued_already_is_not_what_a_send_has_brought() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    server.socket.context.session.time_limits.shorten_after_timeout();
    for _ in 0..2 {
        assert!(matches!(server.queue_and_wake(|| Ok(0)), Err(SceneError::Skip(_))));
        server.queue_and_wake(|| client.send_to(b"hello", &server)).unwrap();
    }
}

#[test]
fn a_second_descriptor_is_of_the_same_socket() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    server.set(&PACKET_INFO, true).unwrap();
    let second = server.duplicate("second").unwrap();
    sends(&client, &[b"hello"], &server);
    let received = second.receive(Receive::message(&[100])).required("the datagram").unwrap();
    assert_eq!(received.ancillary.destination, Some(Ipv4Addr::LOCALHOST.into()));
}

#[test]
fn nobody_who_watches_is_woken_later_by_what_was_queued() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    let [edge, level] = [Trigger::Edge, Trigger::Level].map(|trigger| server.watch(trigger).unwrap());
    assert!(!edge.reports().unwrap() && !level.reports().unwrap());
    for _ in 0..2 {
        server.queue_and_wake(|| client.send_to(b"hello", &server)).unwrap();
        assert_eq!([(); 3].map(|()| edge.reports().unwrap()), [true, false, false]);
        assert_eq!([(); 3].map(|()| level.reports().unwrap()), [true, true, true]);
    }
}

#[test]
fn a_receive_is_seen_to_wait_and_an_end_marker_ends_it() {
    let (lab, _) = empty();
    let server = lab.bind_without_limit("server").unwrap();
    let mut waits = None;
    let look = |receive: &waiting::WaitingReceive<'_>| {
        waits = Some(receive.still_waits()?);
        receive.required()
    };
    assert_eq!(server.receive_meanwhile(10, look).unwrap(), ReceiveResult::Nothing);
    assert_eq!(waits, Some(true));
}

#[test]
fn a_receive_that_has_returned_does_not_wait() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind_without_limit("server").unwrap(), lab.bind("client").unwrap());
    sends(&client, &[b"hello"], &server);
    let look = |receive: &waiting::WaitingReceive<'_>| {
        assert_eq!(receive.still_waits(), Ok(false));
        receive.required()
    };
    assert!(matches!(server.receive_meanwhile(10, look), Err(SceneError::Skip(_))));
}

#[test]
fn a_descriptor_that_is_closed_while_a_receive_waits_is_closed_once() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind_without_limit("server").unwrap(), lab.bind("client").unwrap());
    let result = server.receive_meanwhile(10, |receive| {
        receive.required()?;
        receive.close();
        // It may get the number that is free now.
        let other = lab.bind("other")?;
        client.send_to(b"late", &server)?;
        client.send_to(b"hello", &other)?;
        assert_eq!(other.receive(10).bytes(), b"hello");
        Ok(())
    });
    assert_eq!(result.unwrap().bytes(), b"late");
    let other = lab.bind("another").unwrap();
    drop(server);
    sends(&client, &[b"hello"], &other);
    assert_eq!(received(&other), [b"hello"]);
}

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
#[test]
fn each_member_of_a_group_that_shares_a_port_proves_absence_at_once() {
    let mut times = Vec::new();
    for _ in 0..40 {
        let (lab, _) = empty();
        let members = lab.endpoints("server", 2).unwrap();
        members.iter().for_each(|member| member.set(&REUSE_PORT, true).unwrap());
        members[0].bind(sockets::ANY_PORT).unwrap();
        members[1].bind(members[0].address()).unwrap();
        let clients = lab.endpoints("client", 4).unwrap();
        clients.iter().for_each(|client| sends(client, &[b"hello"], &members[0]));
        let mut prove = |member: &Endpoint| {
            let started = Instant::now();
            let all = received(member);
            times.push(started.elapsed());
            all.len()
        };
        assert_eq!(members.iter().map(&mut prove).sum::<usize>(), 4);
        assert_eq!(members.iter().map(&mut prove).sum::<usize>(), 0);
    }
    // Among many others a thread may have to wait for a processor, but none waits until the limit.
    times.sort_unstable();
    let (usual, longest) = (times[times.len() / 2], times[times.len() - 1]);
    assert!(usual < Duration::from_millis(100) && longest < LIMIT / 2, "{usual:?}, {longest:?}");
}

/// What a client sends goes to the socket that is connected to it: the other one of the port proves absence by that.
#[test]
fn beside_a_socket_that_is_connected_to_the_client_absence_is_proved_at_once() {
    let (lab, _) = empty();
    let server = lab.bind_shared("server", &REUSE_ADDRESS, Ipv4Addr::LOCALHOST).unwrap();
    let client = lab.bind("client").unwrap();
    let own = lab.bind_beside("own", &REUSE_ADDRESS, server.address()).unwrap();
    own.connect(&client).unwrap();
    sends(&client, &[b"hello"], &server);
    let started = Instant::now();
    assert!(received(&server).is_empty());
    assert!(started.elapsed() < LIMIT / 2, "{:?}", started.elapsed());
    assert_eq!(received(&own), [b"hello"]);
}

#[test]
fn members_of_a_multicast_group_prove_absence() {
    let (lab, _) = empty();
    let group = Ipv4Addr::new(239, 255, 7, 7);
    let member = lab.bind_everywhere("member").unwrap();
    join(&member, group);
    let sender = lab.bind("sender").unwrap();
    sender.socket.socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let everybody = Peer { name: "group".to_owned(), address: SocketAddr::from((group, member.address().port())) };
    sends(&sender, &[b"one", b"two"], &everybody);
    assert_eq!(received(&member), [b"one", b"two"]);
    assert!(received(&member).is_empty());
}

/// Whoever is root of a user namespace may make network namespaces in it.
#[test]
fn hosts_with_a_cable_between_them_prove_absence() {
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["--map-root-user", "--net"]);
    let inner = ["--exact", "lab::tests::linux::two_hosts_prove_absence_to_each_other", "--ignored", "--nocapture"];
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

#[test]
fn a_queue_that_unrelated_senders_have_filled_is_no_evidence() {
    let inconclusive = |datagrams: usize| {
        let (lab, _) = empty();
        let server = lab.bind("server").unwrap();
        let unrelated = UdpSocket::bind(sockets::ANY_PORT).unwrap();
        for _ in 0..datagrams {
            comes_from(&unrelated, b"hello", &server);
        }
        assert_eq!(server.receive(Receive::into(100).without_waiting()), ReceiveResult::Nothing);
        drop(server);
        lab.evidence().inconclusive()
    };
    let unrelated = "datagrams came that no socket of this scene had sent, and a queue here ran full";
    assert_eq!(inconclusive(1), None);
    assert_eq!(inconclusive(5000).as_deref(), Some(unrelated));
}

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
        let _ = server.drain(100, datagrams).unwrap();
        drop(server);
        lab.evidence().inconclusive()
    };
    let small = "the queue of server ran full: net.core.rmem_max limits the receive buffer here";
    assert_eq!(inconclusive(1, false), None);
    assert_eq!(inconclusive(5000, false).as_deref(), Some(small));
    assert_eq!(inconclusive(5000, true), None);
}

#[test]
fn a_marker_that_finds_no_room_is_sent_again() {
    let (lab, _) = empty();
    let (server, client) = (lab.bind("server").unwrap(), lab.bind("client").unwrap());
    server.set(&RECEIVE_BUFFER, 1).unwrap();
    sends(&client, &[b"hello".as_slice(); 10], &server);
    assert!(server.drops().unwrap() > 0);
    let all = server.receive_until_marker(100).unwrap();
    assert_eq!(all.end, ReceiveResult::Nothing);
    assert!((1..10).contains(&all.results.len()), "{all:?}");
}

// Elsewhere two sockets share a port in other ways, or the system does not tell who has it.
#[test]
fn a_port_that_another_holds_as_well_is_not_bound_again() {
    let (lab, _) = empty();
    let server = lab.bind("server").unwrap();
    server.socket.socket.set_reuse_address(true).unwrap();
    let other = sockets::udp(server.address()).unwrap();
    other.set_reuse_address(true).unwrap();
    sockets::bind(&other, server.address()).unwrap();
    let in_use = SocketError::AddressInUse.on(Os::Linux);
    let reason = format!("bind {}: {in_use}; another socket has the port by now", server.address());
    assert_eq!(server.close_and_bind_again(), Err(SceneError::Skip(reason)));
}

#[test]
fn a_closed_port_cannot_be_taken_but_by_the_lesson() {
    let (lab, _) = empty();
    let port = lab.closed_port("server").unwrap();
    let other = sockets::udp(port.address()).unwrap();
    other.set_reuse_address(true).unwrap();
    assert!(sockets::bind(&other, port.address()).is_err());
    let server = lab.bind_at("server", &port).unwrap();
    assert!(sockets::bind(&other, port.address()).is_err());
    drop(server);
    assert!(lab.bind_at("server", &port).is_ok());
}
