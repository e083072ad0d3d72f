//! A receive buffer smaller than the datagram.
//!
//! The datagram is taken out of the queue whole. What does not fit the buffer is thrown away; it does not wait for the
//! next receive. On Linux and macOS the plain receive says nothing about it, on Windows it returns error 10040.

use clap::Args;

use super::claims::receive_returns;
use super::{Lesson, Parameters, Scene, Scenes};
use crate::arguments::{self, Message};
use crate::lab::ReceiveResult;
use crate::vocabulary::{
    Fact, Guess, Need, Os, PEEK, Receive, SocketError, TRUNC, bytes, literal, right, sources, specified, typical, wrong,
};

/// The lesson.
pub static LESSON: Lesson = Lesson {
    name: "truncation",
    title: "What does not fit the buffer is lost",
    question: "A datagram is longer than the buffer it is received into. Where is the rest?",
    why: "A receive takes the whole datagram out of the queue, and \"the excess bytes shall be discarded\" (POSIX \
          recvfrom). On Linux and macOS recvfrom says nothing of it, and recvmsg sets a flag; Windows fills the buffer \
          and returns error 10040. TCP keeps the rest for the next read. To notice a datagram that is too long, offer \
          one byte more than you accept (Stevens, UNP, 3rd ed., section 22.3).",
    keys: &["receive-1", "receive-2", "flag", "tcp-second-read"],
    guess: Guess {
        answers: &[
            wrong("In the queue: the next receive returns it.", "receive-2"),
            right("Nowhere: it is thrown away, and the next receive returns the next datagram.", "receive-2"),
            wrong("On its way: the system asks the sender to send it again.", "one-more-receive"),
        ],
        because: "a receive takes the whole datagram out of the queue, and what does not fit the buffer is discarded.",
    },
    example: "--buffer 3 hello world",
    parameters: Parameters::of::<Truncation>(),
    page: include_str!("../../demos/truncation.md"),
    python: include_str!("../../demos/truncation.py"),
};

#[derive(Args)]
struct Truncation {
    /// The messages to send: at most 100, each of at most 65507 bytes of UTF-8
    #[arg(value_name = "MESSAGE", default_values = ["hello", "world"])]
    messages: Vec<Message>,

    /// Bytes that each receive offers room for, 0 to 65535
    #[arg(long, value_name = "BYTES", default_value = "1", value_parser = arguments::buffer)]
    buffer: usize,
}

impl Scenes for Truncation {
    fn scenes(self) -> Result<Vec<Scene>, String> {
        arguments::check_messages(&self.messages)?;
        let first = self.messages[0].clone();
        Ok(vec![
            the_rest_is_gone(self.messages, self.buffer),
            the_flag_tells(first.clone(), self.buffer),
            the_real_length(first, self.buffer),
            the_same_length(),
            no_buffer_at_all(),
            half_a_character(),
            tcp_keeps_the_rest(),
        ])
    }
}

fn the_rest_is_gone(messages: Vec<Message>, buffer: usize) -> Scene {
    let count = messages.len();
    let first = messages[0].cut_to(buffer);
    let mut claims: Vec<_> = messages
        .iter()
        .zip(1..)
        .map(|(message, n)| {
            let property = format!("receive {n}: {} into {}", message.short(), bytes(buffer));
            let claim = receive_returns(format!("receive-{n}"), property, message, buffer);
            // That a later one comes next, and not before, is loopback's order.
            if n == 1 { claim } else { claim.typically() }
        })
        .collect();
    claims.insert(
        1,
        specified("buffer-1", "after receive 1 the buffer holds", first, &sources::POSIX_RECVFROM)
            .cites_on(Os::Windows, &sources::MS_RECVFROM),
    );
    claims.push(typical("one-more-receive", "the next receive returns", Fact::Nothing, &sources::POSIX_RECVFROM));

    let answer = match count {
        1 => "Receive 1 put {buffer-1} into the buffer.",
        _ => "Receive 1 put {buffer-1} into the buffer. Receive 2 returned {receive-2}, of the next datagram.",
    };
    let answer = match messages.iter().any(|message| message.length() > buffer) {
        true => format!("{answer} And the rest? The next receive returned {{one-more-receive}}."),
        false => format!("{answer} No message is longer than the buffer."),
    };
    Scene::builder("rest", "the rest is gone", claims).answer(answer).run(move |lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        server.grow_receive_buffer(messages.iter().map(Message::length))?;
        for message in &messages {
            client.send_to(&message.0, &server)?;
        }
        let received = server.receive_until_marker(buffer)?;
        for n in 1..=count {
            lab.observe(format!("receive-{n}"), received.nth(n - 1));
        }
        lab.observe("buffer-1", received.nth(0).buffer());
        lab.observe_or_skip("one-more-receive", received.after(count));
        Ok(())
    })
}

fn the_flag_tells(message: Message, buffer: usize) -> Scene {
    let too_long = if message.length() > buffer { "truncated" } else { "complete" };
    let (sent, length) = (message.short(), message.length());
    let claims = [
        specified("flag", format!("recvmsg flag: {sent} into {}", bytes(buffer)), too_long, &sources::POSIX_RECVMSG)
            .cites_on(Os::Windows, &sources::MS_RECVMSG),
        specified(
            "flag-exact",
            format!("recvmsg flag: {sent} into {}", bytes(length)),
            "complete",
            &sources::POSIX_RECVMSG,
        ),
    ];
    let answer = format!("The flag MSG_TRUNC of recvmsg says of {}: {{flag}}.", literal(&sent));
    Scene::builder("flag", "the truncation flag of recvmsg", claims).answer(answer).run(move |lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        server.grow_receive_buffer([length])?;
        client.send_to(&message.0, &server)?;
        lab.observe("flag", server.receive(Receive::message(&[buffer])).truncation());
        client.send_to(&message.0, &server)?;
        lab.observe("flag-exact", server.receive(Receive::message(&[length])).truncation());
        Ok(())
    })
}

fn the_real_length(message: Message, buffer: usize) -> Scene {
    let sent = message.short();
    let claims = [
        specified(
            "length-ahead",
            format!("{sent}: recv, MSG_PEEK | MSG_TRUNC, returns"),
            message.length(),
            &sources::RECV_2,
        ),
        specified("length", "recv with MSG_TRUNC returns", message.length(), &sources::RECV_2),
    ];
    let answer = "Asked with MSG_TRUNC, the receive returned the length of the datagram: {length byte}.";
    let claims = claims.map(|claim| {
        claim
            .absent_on(Os::Macos, "macOS does not tell the real length in a receive")
            .absent_on(Os::Windows, "Windows has no such flag")
    });
    Scene::builder("real-length", "Linux can return the real length", claims).answer(answer).run(move |lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        server.grow_receive_buffer([message.length()])?;
        client.send_to(&message.0, &server)?;
        lab.observe("length-ahead", server.receive(Receive::into(buffer).flags(PEEK | TRUNC)).returned());
        lab.observe("length", server.receive(Receive::into(buffer).flags(TRUNC)).returned());
        Ok(())
    })
}

fn the_same_length() -> Scene {
    let claims = [
        specified("ten-into-ten", "10 bytes into a buffer of 10: returns", 10, &sources::POSIX_RECVFROM),
        specified("eleven-into-ten", "11 bytes into a buffer of 10: returns", 10, &sources::POSIX_RECVFROM).on(
            Os::Windows,
            SocketError::MessageTooLong,
            &sources::MS_RECVFROM,
        ),
        specified("ten-into-eleven", "10 bytes into a buffer of 11: returns", 10, &sources::UNP_TRUNCATION),
        specified("eleven-into-eleven", "11 bytes into a buffer of 11: returns", 11, &sources::UNP_TRUNCATION),
    ];
    let answer = "Into 10 bytes the datagrams of 10 and 11 bytes returned {ten-into-ten} and {eleven-into-ten}. Into \
                  11 bytes they returned {ten-into-eleven} and {eleven-into-eleven}.";
    Scene::builder("one-more", "one byte more shows the difference", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        server.grow_receive_buffer([10, 11, 10, 11])?;
        for length in [10, 11, 10, 11] {
            client.send_to(&[b'x'; 11][..length], &server)?;
        }
        lab.observe("ten-into-ten", server.receive(10).returned());
        lab.observe("eleven-into-ten", server.receive(10).returned());
        lab.observe("ten-into-eleven", server.receive(11).returned());
        lab.observe("eleven-into-eleven", server.receive(11).returned());
        Ok(())
    })
}

fn no_buffer_at_all() -> Scene {
    let claims = [
        specified("into-nothing", "hello into a buffer of 0: returns", &b""[..], &sources::POSIX_RECVFROM)
            .cites_on(Os::Macos, &sources::XNU_RECEIVE)
            .on(Os::Windows, SocketError::MessageTooLong, &sources::MS_RECVFROM),
        specified("after-nothing", "the next receive returns", Fact::Nothing, &sources::POSIX_RECVFROM)
            .cites_on(Os::Macos, &sources::XNU_RECEIVE)
            .cites_on(Os::Windows, &sources::MS_RECVFROM),
        specified("after-read", "after read() of 0 bytes, recvfrom", &b"hello"[..], &sources::POSIX_READ)
            .on(Os::Macos, Fact::Nothing, &sources::XNU_RECEIVE)
            .unconfirmed_on(Os::Macos)
            .absent_on(Os::Windows, "Windows has no read() for sockets"),
    ];
    let answer = "recvfrom into 0 bytes returned {into-nothing}; the next receive returned {after-nothing}.";
    Scene::builder("no-buffer", "a buffer of 0 bytes", claims).answer(answer).run(|lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        client.send_to(b"hello", &server)?;
        let received = server.receive(0);
        lab.observe("into-nothing", &received);
        match received {
            ReceiveResult::Datagram(_) | ReceiveResult::Failed { .. } => {
                lab.observe("after-nothing", server.before_marker(1024)?);
            }
            ReceiveResult::Nothing | ReceiveResult::MarkerLost => {
                lab.skip("after-nothing", "the receive before it brought nothing");
            }
        }
        if lab.applies("after-read") {
            client.send_to(b"hello", &server)?;
            match server.receive(Receive::read(0)) {
                ReceiveResult::Datagram(_) => lab.observe("after-read", server.before_marker(1024)?),
                other => lab.observe("after-read", other),
            }
        }
        Ok(())
    })
}

fn half_a_character() -> Scene {
    let word = "café".as_bytes();
    let (all, cut) = (word.len(), word.len() - 1);
    let claims = [
        specified("half", format!("\"café\" into {}", bytes(cut)), &word[..cut], &sources::POSIX_RECVFROM).on(
            Os::Windows,
            SocketError::MessageTooLong,
            &sources::MS_RECVFROM,
        ),
        specified("whole", format!("\"café\" into {}", bytes(all)), word, &sources::POSIX_RECVFROM),
    ];
    let answer = format!("Into {} \"café\" was received as {{half}}, into {all} as {{whole}}.", bytes(cut));
    Scene::builder("characters", "half a character", claims).answer(answer).run(move |lab| {
        let server = lab.bind("server")?;
        let client = lab.endpoint("client")?;
        server.grow_receive_buffer([all; 2])?;
        for (row, buffer) in [("half", cut), ("whole", all)] {
            client.send_to(word, &server)?;
            lab.observe(row, server.receive(buffer));
        }
        Ok(())
    })
}

fn tcp_keeps_the_rest() -> Scene {
    let claims = [
        specified("tcp-first-read", "TCP: hello, a read of 1 byte returns", &b"h"[..], &sources::POSIX_RECV),
        specified("tcp-second-read", "TCP: the next read returns", &b"ello"[..], &sources::POSIX_RECV),
    ];
    let answer =
        "Over TCP, of \"hello\", a read of 1 byte returned {tcp-first-read}, and the next read {tcp-second-read}.";
    Scene::builder("tcp", "TCP keeps the rest", claims).answer(answer).needs(Need::Tcp).run(|lab| {
        let (client, server) = lab.tcp_pair("client", "server")?;
        client.write(b"hello")?;
        server.wait_for(5);
        lab.observe("tcp-first-read", server.read(1));
        lab.observe("tcp-second-read", server.read(100));
        Ok(())
    })
}
